//! How much of the source a first look brought.

use crate::oci::Digest;
use crate::oci::Manifest;

/// What a look at the source told.
pub(super) enum Seen {
    /// Its digest.
    Digest(Digest),
    /// All of its manifest.
    Manifest(Box<Manifest>),
}

impl Seen {
    /// The digest.
    pub(super) fn digest(&self) -> &Digest {
        match self {
            Self::Digest(digest) => digest,
            Self::Manifest(manifest) => manifest.digest(),
        }
    }

    /// The manifest, if it was read.
    pub(super) fn manifest(self) -> Option<Manifest> {
        match self {
            Self::Digest(_) => None,
            Self::Manifest(manifest) => Some(*manifest),
        }
    }
}
