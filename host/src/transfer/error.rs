//! Why an image did not reach a target.

use std::sync::Arc;

use crate::endpoint::EndpointError;
use crate::http::Class;
use crate::oci::Digest;
use crate::oci::ManifestError;
use crate::oci::Platform;
use crate::oci::Reference;

/// Why an image did not reach a target.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransferError {
    /// The source could not be read.
    #[error("cannot read {reference}")]
    Read {
        /// What was read.
        reference: Reference,
        /// Why not.
        source: Arc<EndpointError>,
    },
    /// The target could not be written, or asked what it has.
    #[error("cannot write {reference}")]
    Write {
        /// What was written.
        reference: Reference,
        /// Why not.
        source: Arc<EndpointError>,
    },
    /// The source has no such image.
    #[error("{reference} does not exist")]
    Missing {
        /// What was asked for.
        reference: Reference,
    },
    /// `existing: fail`, and there is other content under the tag.
    #[error("{reference} exists with digest {found}, and the workflow says `existing: fail`")]
    Exists {
        /// The target.
        reference: Reference,
        /// What is there.
        found: Digest,
    },
    /// A manifest of Docker's first schema.
    #[error("{reference} is a Docker schema 1 image, which is not supported")]
    Schema1 {
        /// The image.
        reference: Reference,
    },
    /// No entry of the index has a platform that was asked for.
    #[error("{reference} has no image for {}", platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NoPlatform {
        /// The image.
        reference: Reference,
        /// What was asked for.
        platforms: Vec<Platform>,
    },
    /// Indexes within indexes beyond reason.
    #[error("{reference} nests indexes deeper than {limit} levels")]
    TooDeep {
        /// The image.
        reference: Reference,
        /// How many levels are followed.
        limit: usize,
    },
    /// A manifest that was made or merged here cannot be read back.
    #[error("manifest of {reference} cannot be used")]
    Manifest {
        /// The image.
        reference: Reference,
        /// Why not.
        source: Arc<ManifestError>,
    },
    /// A blob broke off or was not what its digest says.
    #[error("blob {digest} of {reference} cannot be read: {reason}")]
    Blob {
        /// The image.
        reference: Reference,
        /// The blob.
        digest: Digest,
        /// What the stream said.
        reason: String,
        /// Whether the bytes were wrong, rather than missing.
        corrupt: bool,
    },
    /// The target's repository could not be prepared.
    #[error("{reference} cannot be prepared: {reason}")]
    Prepare {
        /// The target.
        reference: Reference,
        /// What the provisioner said.
        reason: String,
        /// Whether another try may pass.
        again: bool,
    },
    /// Another image of the run goes to the same place.
    #[error("{reference} is written by {other} as well")]
    Duplicate {
        /// The target.
        reference: Reference,
        /// Who was first.
        other: String,
    },
    /// Source and target are the same.
    #[error("{reference} is its own source")]
    Itself {
        /// Both.
        reference: Reference,
    },
    /// A verification found nothing at the target.
    #[error("{reference} is not there")]
    Absent {
        /// The target.
        reference: Reference,
    },
    /// A verification found something else at the target.
    #[error("{reference} has digest {found}, and its source has {wanted}")]
    Differs {
        /// The target.
        reference: Reference,
        /// What is there.
        found: Digest,
        /// What should be.
        wanted: Digest,
    },
    /// A verification found that something below the target's manifest, or that refers to it, is missing.
    #[error("{reference} is not whole: {digest} is not there")]
    Gone {
        /// The target.
        reference: Reference,
        /// What is missing.
        digest: Digest,
    },
    /// A verification found that something below the target's manifest is damaged or cannot be read.
    #[error("{reference} is not whole: {digest} cannot be read")]
    NotWhole {
        /// The target.
        reference: Reference,
        /// What cannot be read.
        digest: Digest,
        /// Why not.
        source: Arc<EndpointError>,
    },
    /// The run was stopped.
    #[error("stopped before it was finished")]
    Stopped,
    /// A mistake in this program.
    #[error("internal error: {reason}")]
    Internal {
        /// What it said.
        reason: String,
    },
}

impl TransferError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => source.class(),
            Self::Missing { .. } => Class::NotFound,
            Self::Blob { corrupt: false, .. } | Self::Prepare { again: true, .. } | Self::Stopped => Class::Retry,
            Self::Exists { .. }
            | Self::Schema1 { .. }
            | Self::NoPlatform { .. }
            | Self::TooDeep { .. }
            | Self::Manifest { .. }
            | Self::Blob { corrupt: true, .. }
            | Self::Prepare { again: false, .. }
            | Self::Duplicate { .. }
            | Self::Absent { .. }
            | Self::Differs { .. }
            | Self::Gone { .. }
            | Self::NotWhole { .. }
            | Self::Itself { .. }
            | Self::Internal { .. } => Class::Permanent,
        }
    }

    /// Whether another round may end otherwise.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self.class() {
            Class::Retry | Class::Wait(_) | Class::RestartBlob | Class::Repair => !matches!(self, Self::Stopped),
            Class::Reauthenticate | Class::NotFound | Class::Permanent => false,
        }
    }

    /// One word for reports and scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "exists",
            Self::Schema1 { .. } => "unsupported",
            Self::Blob { corrupt: true, .. } => "corrupt",
            Self::Read { source, .. } | Self::Write { source, .. }
                if matches!(**source, EndpointError::Mismatch { .. }) =>
            {
                "corrupt"
            }
            Self::Duplicate { .. } => "duplicate",
            Self::Absent { .. } => "missing",
            Self::Differs { .. } => "different",
            Self::Gone { .. } | Self::NotWhole { .. } => "incomplete",
            Self::Stopped => "stopped",
            _ => match self.class() {
                Class::Retry => "retry",
                Class::Wait(_) => "wait",
                Class::Reauthenticate => "unauthorized",
                Class::RestartBlob => "upload",
                Class::Repair => "repair",
                Class::NotFound => "not-found",
                Class::Permanent => "permanent",
            },
        }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { source, .. } | Self::Write { source, .. } => return source.hint(),
            Self::Missing { .. } => {
                "check the repository and the tag; a registry also says so where a right is missing"
            }
            Self::Exists { .. } => "use `existing: overwrite` to replace it, or `existing: skip` to leave it",
            Self::Schema1 { .. } => "push it again with a current Docker or skopeo, which makes it schema 2",
            Self::NoPlatform { .. } => "change `select.platforms`, or leave it out to copy all",
            Self::Blob { corrupt: true, .. } => "the source registry holds a damaged blob: push the image there again",
            Self::Duplicate { .. } => "let a mapper give the two images different names",
            Self::Internal { .. } => "please report it, with the log of this image",
            Self::Absent { .. } | Self::Differs { .. } => {
                "run the workflow again; if the source's tag has moved since, that is why"
            }
            Self::Gone { .. } | Self::NotWhole { .. } => "delete the image at the target and run the workflow again",
            Self::Itself { .. } => "name another registry, repository or tag as the target",
            Self::TooDeep { .. } | Self::Manifest { .. } | Self::Blob { .. } | Self::Prepare { .. } | Self::Stopped => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}
