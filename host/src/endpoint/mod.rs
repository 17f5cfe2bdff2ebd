//! Registries, remote or in a directory, behind one interface: what the transfer reads from and writes to.

mod answer;
mod docker_config;
mod endpoints;
mod error;
mod layout;
mod login;
pub(crate) mod registry;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::future::BoxFuture;

use crate::http::ByteStream;
use crate::http::Profile;
use crate::http::Reach;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::oci::TagOrDigest;
use crate::secret::Redactor;
use crate::secret::Secret;

use layout::Layout;
use registry::Registry;

pub use answer::Answer;
pub use endpoints::Endpoints;
pub use error::EndpointError;
pub use login::LoginError;
pub(crate) use registry::api_host;
// For host/benches alone.
#[doc(hidden)]
pub use verify::verified;

/// The laws of what is read from directories and files here.
#[cfg(any(test, fuzzing))]
pub(crate) mod properties {
    pub(crate) use super::docker_config::properties::login_file;
    pub(crate) use super::layout::properties::index;
}

/// What logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// User name and password, or robot name and key.
    Basic {
        /// User.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A refresh token (`identitytoken` of docker's config.json).
    IdentityToken(Secret),
    /// A registry token sent as Bearer as it is (`registrytoken`).
    RegistryToken(Secret),
}

impl Credential {
    /// What of it must not be shown, as it is and as it goes over the wire.
    fn secrets(&self) -> Redactor {
        Redactor::new(match self {
            Self::Basic { username, password } => {
                let pair =
                    base64::engine::general_purpose::STANDARD.encode(format!("{username}:{}", password.reveal()));
                vec![password.clone(), Secret::new(pair)]
            }
            Self::IdentityToken(token) | Self::RegistryToken(token) => vec![token.clone()],
        })
    }
}

/// Gives credentials that run out, such as a cloud API's (a plugin does).
pub trait Issuer: Send + Sync {
    /// A credential for `registry` and for how long it may be used, where that is known.
    fn issue(&self, registry: &str) -> BoxFuture<'_, Result<(Credential, Option<Duration>), String>>;
}

/// Where a registry's credentials come from.
#[derive(Clone, Default)]
pub enum Login {
    /// Docker's and podman's files and their helpers, else anonymous.
    #[default]
    FromFiles,
    /// Anonymous whatever the files say.
    Anonymous,
    /// As configured.
    Given(Credential),
    /// Asked for when needed, again before it runs out.
    Issued(Arc<dyn Issuer>),
}

/// How one registry, or one namespace of it, is reached.
#[derive(Clone, Default)]
pub struct Settings {
    /// Certificates, proxy.
    pub profile: Profile,
    /// Speak http, not https.
    pub plain_http: bool,
    /// The classic `insecure`: https without verification, then http.
    pub insecure: bool,
    /// Credentials.
    pub login: Login,
}

impl Settings {
    /// Those of a registry that the user did not name.
    fn of_a_stranger() -> Self {
        let profile = Profile { reach: Reach::Public, ..Profile::default() };
        Self { profile, login: Login::Anonymous, ..Self::default() }
    }
}

/// A registry as the transfer sees it. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Registry(Arc<Registry>),
    Layout(Layout),
}

/// How a blob came to be at the target.
pub enum Mount {
    /// The registry linked it.
    Mounted,
    /// It did not, and opened an upload session instead, to be used rather than opening another.
    Refused(Option<Session>),
}

/// An open upload session. It is either finished by [`Endpoint::push_blob`] or given to [`Endpoint::abort`].
pub struct Session(registry::Upload);

impl Session {
    /// Its URL, by which another process can [`Endpoint::reopen`] it.
    #[must_use]
    pub fn location(&self) -> &str {
        self.0.location.as_str()
    }
}

/// An upload that did not come to its end.
pub struct Unfinished {
    /// Why not.
    pub error: EndpointError,
    /// The session, where the registry may know it still: the next try goes on from where it came to.
    pub session: Option<Session>,
}

impl From<registry::Broken> for Unfinished {
    fn from(broken: registry::Broken) -> Self {
        Self { error: broken.error, session: broken.session.map(Session) }
    }
}

/// What a registry said to a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// It lists the manifest among its subject's referrers by itself (`OCI-Subject`), so that no fallback tag is needed.
    pub subject_listed: bool,
}

impl Endpoint {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &RegistryName {
        match &self.kind {
            Kind::Registry(registry) => registry.name(),
            Kind::Layout(layout) => layout.name(),
        }
    }

    /// Finds out how the registry is reached, so that the first request to it need not wait for that.
    pub async fn greet(&self) -> Result<(), EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.greet().await,
            Kind::Layout(_) => Ok(()),
        }
    }

    /// The digest behind `version`, by HEAD (GET where the registry gives no digest or refuses HEAD); none if it is not there.
    pub async fn resolve(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Option<Digest>, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.resolve(repository, version).await,
            Kind::Layout(layout) => layout.resolve(repository, version).await,
        }
    }

    /// The manifest behind `version`, its bytes verified. Docker's schema 1 is given as such, for the caller to refuse.
    pub async fn manifest(&self, repository: &Repository, version: &TagOrDigest) -> Result<Manifest, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.manifest(repository, version).await,
            Kind::Layout(layout) => layout.manifest(repository, version).await,
        }
    }

    /// Writes the manifest. All it points at must be there.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
        manifest: &Manifest,
    ) -> Result<Put, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.put_manifest(repository, version, manifest).await,
            Kind::Layout(layout) => layout.put_manifest(repository, version, manifest).await,
        }
    }

    /// Whether the repository is known to have no tags: it does not exist, or nothing was tagged in it yet. False for a layout, where
    /// looking costs nothing.
    pub async fn is_empty(&self, repository: &Repository) -> Result<bool, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.is_empty(repository).await,
            Kind::Layout(_) => Ok(false),
        }
    }

    /// Whether the blob is in the repository.
    pub async fn has_blob(&self, repository: &Repository, blob: &Descriptor) -> Result<bool, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.has_blob(repository, blob).await,
            Kind::Layout(layout) => layout.has_blob(repository, blob).await,
        }
    }

    /// The blob's bytes, hashed as they pass: the last frame is held back until length and digest match, so a corrupt source
    /// never completes an upload. A broken connection is resumed by Range inside the stream. An error in the stream holds the
    /// [`EndpointError`], to be had by [`std::io::Error::downcast`].
    pub async fn open_blob(&self, repository: &Repository, blob: &Descriptor) -> Result<ByteStream, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.open_blob(repository, blob).await,
            Kind::Layout(layout) => layout.open_blob(repository, blob).await,
        }
    }

    /// Asks the registry to link the blob from another of its repositories.
    pub async fn mount_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        from: &Repository,
    ) -> Result<Mount, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.mount_blob(repository, blob, from).await,
            Kind::Layout(layout) => layout.mount_blob(repository, blob, from).await,
        }
    }

    /// Opens an upload session in `repository`; none where there are no sessions.
    pub async fn begin(&self, repository: &Repository) -> Result<Option<Session>, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => Ok(Some(Session(registry.begin(repository).await?))),
            Kind::Layout(_) => Ok(None),
        }
    }

    /// The session at `location`, which an earlier process left. Whether the registry still knows it is seen when it is used.
    pub async fn reopen(&self, location: &str) -> Result<Option<Session>, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => Ok(Some(Session(registry.reopen(location).await?))),
            Kind::Layout(_) => Ok(None),
        }
    }

    /// Uploads the blob: one POST (unless `session` is given) and one PUT, or `PATCH` requests where the registry was found to need
    /// them, or where a session goes on. `stream` begins at the blob's beginning whatever the session has, so that every byte is hashed.
    /// Where the connection broke, the session of a large blob comes back with the error; else it is aborted on failure. An error of the
    /// class [`crate::http::Class::RestartBlob`] is worth another call with a fresh stream: the registry may have taught how it wants
    /// the blob. If `stream` ends in an [`EndpointError`], that one is returned.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: Option<Session>,
        stream: ByteStream,
    ) -> Result<(), Unfinished> {
        match &self.kind {
            Kind::Registry(registry) => {
                Ok(registry.push_blob(repository, blob, session.map(|it| it.0), stream).await?)
            }
            Kind::Layout(layout) => {
                let pushed = layout.push_blob(repository, blob, stream).await;
                pushed.map_err(|error| Unfinished { error, session: None })
            }
        }
    }

    /// Gives up an upload session that will not be used, as far as the registry can be reached.
    pub async fn abort(&self, repository: &Repository, session: Session) {
        if let Kind::Registry(registry) = &self.kind {
            registry.abort(repository, session.0).await;
        }
    }

    /// What refers to `subject`: the referrers API, else the fallback tag. Empty if there is none.
    pub async fn referrers(&self, repository: &Repository, subject: &Digest) -> Result<Vec<Descriptor>, EndpointError> {
        match &self.kind {
            Kind::Registry(registry) => registry.referrers(repository, subject).await,
            Kind::Layout(layout) => layout.referrers(repository, subject).await,
        }
    }

    /// The repositories of the registry (its catalog), page by page.
    #[must_use]
    pub fn repositories(&self) -> Pages {
        Pages(match &self.kind {
            Kind::Registry(registry) => Source::Registry(Box::new(Arc::clone(registry).repositories())),
            Kind::Layout(layout) => Source::Layout(layout.repositories()),
        })
    }

    /// The tags of `repository`, page by page.
    #[must_use]
    pub fn tags(&self, repository: &Repository) -> Pages {
        Pages(match &self.kind {
            Kind::Registry(registry) => Source::Registry(Box::new(Arc::clone(registry).tags(repository))),
            Kind::Layout(layout) => Source::Layout(layout.tags(repository)),
        })
    }
}

/// A listing that is read page by page, owned and `Send`. Names that break the grammar are left out.
pub struct Pages(Source);

enum Source {
    Registry(Box<registry::Listing>),
    Layout(layout::Listing),
}

impl Pages {
    /// The next page, never empty; none when all is told. What the registry listed before an error is not the whole.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, EndpointError> {
        match &mut self.0 {
            Source::Registry(listing) => listing.next().await,
            Source::Layout(listing) => listing.next().await,
        }
    }
}
