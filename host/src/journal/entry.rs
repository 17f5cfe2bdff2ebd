//! What is noted.

use std::sync::Arc;

use crate::journal::Key;

/// One thing that is noted.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Jobs that are to be done, in the order in which their source told them.
    Planned {
        /// Their transfer.
        transfer: Arc<str>,
        /// The jobs.
        jobs: Vec<Planned>,
        /// From where the source can list on after them, if it can.
        position: Option<String>,
    },
    /// A job that ended, well or not.
    Ended(Ended),
    /// An image that no job could be made of. A transfer with one is listed again from its beginning.
    Rejected {
        /// Its transfer.
        transfer: Arc<str>,
        /// The image.
        image: String,
        /// Why not.
        reason: String,
    },
    /// The list of a transfer's source is whole.
    Listed {
        /// The transfer.
        transfer: Arc<str>,
    },
    /// An upload session that may outlive this process.
    Uploading {
        /// What is uploaded, and where to.
        key: Key,
        /// The session's URL.
        location: String,
    },
    /// That session is over.
    Uploaded {
        /// What was uploaded, and where to.
        key: Key,
    },
}

/// A job that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its name: the key of its first target, since no two jobs of a run have the same target.
    pub key: Key,
    /// The job.
    pub text: String,
}

/// A job that ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The key under which it was planned.
    pub key: Key,
    /// Targets that have their image now, each with its source.
    pub done: Vec<(Key, Key)>,
    /// What is left of the job; none if all is done.
    pub left: Option<Left>,
    /// What it brought.
    pub tally: Tally,
}

/// What is left of a job that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its transfer.
    pub transfer: Arc<str>,
    /// The job, with the targets that are left.
    pub job: Planned,
    /// The kind of the first failure, a word such as `unauthorized`; none if the job was only broken off.
    pub class: Option<String>,
    /// What happened at each target, for later reports.
    pub failures: String,
}

/// Targets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Targets written.
    pub copied: u64,
    /// Targets that had the image already.
    pub unchanged: u64,
    /// Targets that were left alone.
    pub skipped: u64,
    /// Blobs uploaded.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.copied += other.copied;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.blobs += other.blobs;
        self.bytes += other.bytes;
    }
}
