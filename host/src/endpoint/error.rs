//! Why an endpoint did not do what it was asked.

use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;

use crate::endpoint::Answer;
use crate::endpoint::login::LoginError;
use crate::http::Class;
use crate::http::HttpError;

/// Why an endpoint did not do what it was asked. The message names the registry, what was asked, and the registry's own
/// words, stripped of control characters; it never holds a credential or the query of a signed URL.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The registry answered, and it was no success.
    #[error(transparent)]
    Answered(Box<Answer>),
    /// No login.
    #[error(transparent)]
    Login(Arc<LoginError>),
    /// No answer came.
    #[error("{registry}: {asked}: {source}")]
    Transport {
        /// As the user names it.
        registry: String,
        /// Method and path.
        asked: String,
        /// What went wrong on the way.
        source: HttpError,
    },
    /// The answer breaks the protocol, such as an upload without `Location`.
    #[error("{registry}: {asked}: {problem}")]
    Protocol {
        /// As the user names it.
        registry: String,
        /// Method and path.
        asked: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What came is not what its digest, length or media type says.
    #[error("{registry}: {what}: expected {expected}, got {actual}")]
    Mismatch {
        /// As the user names it.
        registry: String,
        /// Which content.
        what: String,
        /// What was promised.
        expected: String,
        /// What came.
        actual: String,
    },
    /// A manifest that cannot be read.
    #[error("{registry}: {what}: {source}")]
    Manifest {
        /// As the user names it.
        registry: String,
        /// Which manifest.
        what: String,
        /// What is wrong with it.
        source: crate::oci::ManifestError,
    },
    /// A file or directory of a layout.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl EndpointError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Answered(answer) => answer.class,
            Self::Login(error) => error.class(),
            Self::Transport { source, .. } => source.class(),
            // The bytes may have been spoiled on the way.
            Self::Mismatch { .. } => Class::Retry,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Class::NotFound,
            Self::Protocol { .. } | Self::Manifest { .. } | Self::Io { .. } => Class::Permanent,
        }
    }

    /// What the user can do about it, where something is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Answered(answer) => answer.hint(),
            Self::Login(error) => error.hint(),
            Self::Transport { source, .. } => source.hint(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some space on the disk and run again with --resume".to_owned())
            }
            Self::Protocol { .. } | Self::Mismatch { .. } | Self::Manifest { .. } | Self::Io { .. } => None,
        }
    }

    /// The same error for another one who waited for the same.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Answered(answer) => Self::Answered(answer.clone()),
            Self::Login(error) => Self::Login(Arc::clone(error)),
            Self::Transport { registry, asked, source } => {
                Self::Transport { registry: registry.clone(), asked: asked.clone(), source: source.clone() }
            }
            Self::Protocol { registry, asked, problem } => {
                Self::Protocol { registry: registry.clone(), asked: asked.clone(), problem: problem.clone() }
            }
            Self::Mismatch { registry, what, expected, actual } => Self::Mismatch {
                registry: registry.clone(),
                what: what.clone(),
                expected: expected.clone(),
                actual: actual.clone(),
            },
            Self::Manifest { registry, what, source } => {
                Self::Protocol { registry: registry.clone(), asked: what.clone(), problem: source.to_string() }
            }
            Self::Io { path, source } => {
                Self::Io { path: path.clone(), source: std::io::Error::new(source.kind(), source.to_string()) }
            }
        }
    }

    /// The status, where the registry answered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answered(answer) => Some(answer.status),
            _ => None,
        }
    }

    /// Whether the registry's answer carries the OCI error code `code`, such as `MANIFEST_UNKNOWN`.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        matches!(self, Self::Answered(answer) if answer.has_code(code))
    }
}

impl From<LoginError> for EndpointError {
    fn from(error: LoginError) -> Self {
        Self::Login(Arc::new(error))
    }
}
