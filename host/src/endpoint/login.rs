//! Who logs in: from the workflow, a plugin, or docker's and podman's files.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::endpoint::Credential;
use crate::endpoint::Login;
use crate::endpoint::docker_config::AuthFiles;
use crate::endpoint::docker_config::Entry;
use crate::endpoint::docker_config::Places;
use crate::http::Class;
use crate::http::HttpError;

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The token server refused the user.
    #[error("{registry}: login of {} refused: {status}{said}", user.as_deref().unwrap_or("nobody"))]
    Refused {
        /// As the user names it.
        registry: String,
        /// User name; none: anonymous.
        user: Option<String>,
        /// The token server's status.
        status: StatusCode,
        /// The token server's words, after a colon.
        said: String,
        /// What another try is worth.
        class: Class,
    },
    /// The registry sends credentials where they must not go.
    #[error("{registry} wants to be logged in to at {realm}, which {problem}")]
    Realm {
        /// As the user names it.
        registry: String,
        /// The token server, without query.
        realm: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token server did not answer.
    #[error("{registry}: no token from {realm}: {source}")]
    Transport {
        /// As the user names it.
        registry: String,
        /// The token server's host.
        realm: String,
        /// What went wrong on the way.
        source: HttpError,
    },
    /// The token server's answer holds no token.
    #[error("{registry}: no token from {realm}: {problem}")]
    Answer {
        /// As the user names it.
        registry: String,
        /// The token server's host.
        realm: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A credential helper failed.
    #[error("{registry}: credential helper {helper} {problem}")]
    Helper {
        /// As the user names it.
        registry: String,
        /// Its command.
        helper: String,
        /// What went wrong. Never what it printed.
        problem: String,
    },
    /// A credentials file cannot be read.
    #[error("credentials file {}: {problem}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it. Never what it holds.
        problem: String,
    },
    /// The plugin that gives credentials failed.
    #[error("{registry}: no credentials: {problem}")]
    Issuer {
        /// As the user names it.
        registry: String,
        /// What it said.
        problem: String,
    },
}

impl LoginError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Refused { class, .. } => *class,
            Self::Transport { source, .. } => source.class(),
            Self::Realm { .. }
            | Self::Answer { .. }
            | Self::Helper { .. }
            | Self::File { .. }
            | Self::Issuer { .. } => Class::Permanent,
        }
    }

    /// What the user can do about it, where something is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { registry, user: None, .. } => {
                Some(format!("no credentials for {registry}: add it to `registries:` or run `docker login {registry}`"))
            }
            Self::Refused { registry, user: Some(user), .. } => Some(format!(
                "check the password of {user} for {registry} in `registries:`, or run `docker login {registry}` again"
            )),
            Self::Helper { helper, .. } => Some(format!("run `{helper} list` to see whether it works")),
            Self::File { path, .. } => Some(format!("correct or remove {}", path.display())),
            Self::Transport { source, .. } => source.hint(),
            Self::Realm { .. } | Self::Answer { .. } | Self::Issuer { .. } => None,
        }
    }
}

/// The credentials of one registry, looked up when first needed, each source once.
pub(super) struct Logins {
    registry: String,
    login: Login,
    places: Places,
    files: OnceCell<Result<AuthFiles, Arc<LoginError>>>,
    helpers: Mutex<HashMap<(String, String), Arc<Helped>>>,
    issued: tokio::sync::Mutex<Option<Issued>>,
}

type Helped = OnceCell<Result<Option<Credential>, Arc<LoginError>>>;

struct Issued {
    credential: Credential,
    renew_at: Option<Instant>,
}

impl Logins {
    /// The credentials of `registry` by `login`; `places` are where the files may be.
    pub(super) fn new(registry: &str, login: Login, places: Places) -> Self {
        Self {
            registry: registry.to_owned(),
            login,
            places,
            files: OnceCell::new(),
            helpers: Mutex::default(),
            issued: tokio::sync::Mutex::default(),
        }
    }

    /// The credential for `repository` (files can hold one for a namespace); none: anonymous.
    pub(super) async fn credential(&self, repository: Option<&str>) -> Result<Option<Credential>, Arc<LoginError>> {
        match &self.login {
            Login::Anonymous => Ok(None),
            Login::Given(credential) => Ok(Some(credential.clone())),
            Login::FromFiles => self.look_up(repository).await,
            Login::Issued(source) => {
                // Held while the issuer works, so that everyone who needs the credential waits for one call.
                let mut held = self.issued.lock().await;
                if let Some(known) = &*held
                    && known.renew_at.is_none_or(|at| Instant::now() < at)
                {
                    return Ok(Some(known.credential.clone()));
                }
                let (credential, life) = source
                    .issue(&self.registry)
                    .await
                    .map_err(|problem| Arc::new(LoginError::Issuer { registry: self.registry.clone(), problem }))?;
                let renew_at = life.and_then(|life| Instant::now().checked_add(renew_after(life)));
                *held = Some(Issued { credential: credential.clone(), renew_at });
                Ok(Some(credential))
            }
        }
    }

    /// Drops `refused` if an issuer gave it, so that the next look-up asks anew. Tells whether that can help.
    pub(super) async fn forget(&self, refused: &Credential) -> bool {
        if !matches!(self.login, Login::Issued(_)) {
            return false;
        }
        let mut issued = self.issued.lock().await;
        if issued.as_ref().is_some_and(|issued| issued.credential == *refused) {
            *issued = None;
        }
        true
    }

    async fn look_up(&self, repository: Option<&str>) -> Result<Option<Credential>, Arc<LoginError>> {
        let read = || async { AuthFiles::read(&self.places).map_err(Arc::new) };
        let files = self.files.get_or_init(read).await.as_ref().map_err(Arc::clone)?;
        for entry in files.find(&self.registry, repository) {
            if let Some(credential) = self.resolve(entry).await? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    async fn resolve(&self, entry: Entry) -> Result<Option<Credential>, Arc<LoginError>> {
        let (helper, server) = match entry {
            Entry::Stored(credential) => return Ok(Some(credential)),
            Entry::Helper { helper, server } => (helper, server),
        };
        let once = {
            let mut helpers = self.helpers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(helpers.entry((helper.clone(), server.clone())).or_default())
        };
        let ask = || async { self.places.ask_helper(&self.registry, &helper, &server).await.map_err(Arc::new) };
        once.get_or_init(ask).await.clone()
    }
}

impl Credential {
    /// Who logs in, for messages.
    pub(super) fn user(&self) -> String {
        match self {
            Self::Basic { username, .. } => super::answer::clean(username, 80),
            Self::IdentityToken(_) | Self::RegistryToken(_) => "a token's owner".to_owned(),
        }
    }
}

/// How long before its end a life of `life` is renewed: at nine tenths, or five seconds before, whichever is earlier.
pub(super) fn renew_after(life: Duration) -> Duration {
    life.mul_f64(0.9).min(life.saturating_sub(Duration::from_secs(5)))
}
