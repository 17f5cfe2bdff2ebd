//! Why an endpoint did not do what it was asked.

use std::path::PathBuf;

use http::StatusCode;

use crate::http::Class;
use crate::http::HttpError;

/// Why an endpoint did not do what it was asked. The message names the registry, what was asked, and the registry's own
/// words, stripped of control characters; it never holds a credential or the query of a signed URL.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The registry answered, and it was no success.
    #[error(transparent)]
    Answered(Box<Answer>),
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

/// A registry's answer that is no success.
#[derive(Debug, thiserror::Error)]
#[error("{registry}: {asked}: {status}{}", self.said())]
pub struct Answer {
    /// As the user names it.
    pub registry: String,
    /// Method and path.
    pub asked: String,
    /// Its status.
    pub status: StatusCode,
    /// Its OCI error codes with their messages (distribution specification, "Error Codes").
    pub errors: Vec<(String, String)>,
    /// The class that follows from code, status and headers.
    pub class: Class,
}

impl Answer {
    fn said(&self) -> String {
        String::new()
    }
}

impl EndpointError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        todo!()
    }

    /// What the user can do about it, where something is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        todo!()
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
        matches!(self, Self::Answered(answer) if answer.errors.iter().any(|(it, _)| it == code))
    }
}
