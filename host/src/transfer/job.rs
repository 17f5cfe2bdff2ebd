//! What is to be done with one image.

use serde::Deserialize;
use serde::Serialize;

use crate::oci::Digest;
use crate::oci::Platform;
use crate::oci::Reference;
use crate::workflow::Existing;

/// One image and where it goes. Plain data: it travels through channels now, and can be written down or sent elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The transfer of the workflow that asked for it.
    pub transfer: String,
    /// What to read.
    pub source: Reference,
    /// Where to write; at least one. All are fed from one pull.
    pub targets: Vec<JobTarget>,
    /// How.
    pub options: JobOptions,
    /// What the source told of it besides its name.
    pub attributes: Vec<(String, String)>,
}

impl Job {
    /// The digest that the source told, for what it is worth: it may be older than the tag. None where what is written differs from
    /// what is read, or more is to be done than to compare.
    pub(super) fn told_digest(&self) -> Option<Digest> {
        let plain = self.options.platforms.is_empty() && !self.options.referrers;
        let told = self.attributes.iter().find(|(name, _)| plain && name == "digest")?;
        told.1.parse().ok()
    }
}

/// One place where an image goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTarget {
    /// Where. By digest, where the source is by digest and nobody gave a tag.
    pub reference: Reference,
    /// What to do if the tag is taken by other content.
    pub existing: Existing,
    /// Which of the run's provisioners prepares the repository, if any.
    pub prepare: Option<usize>,
}

/// What of an image is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOptions {
    /// Keep only these entries of an index; empty: all.
    pub platforms: Vec<Platform>,
    /// Copy referrers and cosign's tags as well.
    pub referrers: bool,
}
