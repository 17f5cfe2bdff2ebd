//! Registries, remote or in a directory, behind one interface: what the transfer reads from and writes to.

mod docker_config;
mod error;
mod login;
pub(crate) mod registry;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::http::ByteStream;
use crate::http::Gateway;
use crate::http::Profile;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::oci::TagOrDigest;
use crate::secret::Secret;

pub use error::Answer;
pub use error::EndpointError;
pub use login::LoginError;

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

/// All endpoints of a run, opened when first used, with one token cache each. Cheap to clone.
#[derive(Clone)]
pub struct Endpoints {}

impl Endpoints {
    /// `settings`: by `host[:port]` or `host[:port]/namespace`; the longest match wins. Hosts without an entry get the default.
    #[must_use]
    pub fn new(gateway: Gateway, settings: Vec<(String, Settings)>) -> Self {
        let _ = (gateway, settings);
        todo!()
    }

    /// The endpoint that serves `repository` of `registry`.
    pub fn open(&self, registry: &RegistryName, repository: Option<&Repository>) -> Result<Endpoint, EndpointError> {
        let _ = (registry, repository);
        todo!()
    }
}

/// A registry as the transfer sees it. Cheap to clone.
#[derive(Clone)]
pub enum Endpoint {
    // Registry(Arc<registry::Registry>),
    // Layout(Arc<layout::Layout>),
}

/// How a blob came to be at the target.
pub enum Mount {
    /// The registry linked it.
    Mounted,
    /// It did not, and opened an upload session instead, to be used rather than opening another.
    Refused(Option<Session>),
}

/// An open upload session. It is either finished by `push_blob` or given to `abort`.
pub struct Session {
    // pub(super) location: Url,
}

/// What a registry said to a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// It lists the manifest among its subject's referrers by itself (`OCI-Subject`), so that no fallback tag is needed.
    pub subject_listed: bool,
}

#[allow(unused_variables, clippy::unused_async)]
impl Endpoint {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &RegistryName {
        todo!()
    }

    /// The digest behind `version`, by HEAD (GET where the registry gives no digest or refuses HEAD); none if it is not there.
    pub async fn resolve(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Option<Digest>, EndpointError> {
        todo!()
    }

    /// The manifest behind `version`, its bytes verified.
    pub async fn manifest(&self, repository: &Repository, version: &TagOrDigest) -> Result<Manifest, EndpointError> {
        todo!()
    }

    /// Writes the manifest. All it points at must be there.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
        manifest: &Manifest,
    ) -> Result<Put, EndpointError> {
        todo!()
    }

    /// Whether the blob is in the repository.
    pub async fn has_blob(&self, repository: &Repository, blob: &Descriptor) -> Result<bool, EndpointError> {
        todo!()
    }

    /// The blob's bytes, hashed as they pass: the last frame is held back until length and digest match, so a corrupt source
    /// never completes an upload. A broken connection is resumed by Range inside the stream.
    pub async fn open_blob(&self, repository: &Repository, blob: &Descriptor) -> Result<ByteStream, EndpointError> {
        todo!()
    }

    /// Asks the registry to link the blob from another of its repositories.
    pub async fn mount_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        from: &Repository,
    ) -> Result<Mount, EndpointError> {
        todo!()
    }

    /// Uploads the blob: one POST (unless `session` is given) and one PUT. The session is aborted on failure.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: Option<Session>,
        stream: ByteStream,
    ) -> Result<(), EndpointError> {
        todo!()
    }

    /// What refers to `subject`: the referrers API, else the fallback tag. Empty if there is none.
    pub async fn referrers(&self, repository: &Repository, subject: &Digest) -> Result<Vec<Descriptor>, EndpointError> {
        todo!()
    }

    /// The repositories of the registry (its catalog), page by page.
    #[must_use]
    pub fn repositories(&self) -> Pages {
        todo!()
    }

    /// The tags of `repository`, page by page.
    #[must_use]
    pub fn tags(&self, repository: &Repository) -> Pages {
        todo!()
    }
}

/// A listing that is read page by page, owned and `Send`.
pub struct Pages {}

#[allow(unused_variables, clippy::unused_async, clippy::should_implement_trait)]
impl Pages {
    /// The next page, never empty; none when all is told.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, EndpointError> {
        todo!()
    }
}
