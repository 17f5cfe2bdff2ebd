//! What became of a job, for the report.

use std::time::Duration;

use serde::Serialize;

use crate::oci::Digest;
use crate::oci::Reference;
use crate::transfer::Job;
use crate::transfer::JobTarget;
use crate::transfer::TransferError;

/// What became of one job.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The job.
    pub job: Job,
    /// One entry for each of the job's targets, in their order.
    pub targets: Vec<TargetOutcome>,
    /// How long it took.
    pub elapsed: Duration,
    /// How many times it was tried, retry rounds included.
    pub attempts: u32,
}

/// What became of one target.
#[derive(Clone, Debug)]
pub struct TargetOutcome {
    /// Where.
    pub reference: Reference,
    /// How it ended.
    pub status: Status,
    /// The digest that is now at the target, where known.
    pub digest: Option<Digest>,
    /// The digest that was there before, where it was looked for and found.
    pub found: Option<Digest>,
    /// What was moved.
    pub bytes: Bytes,
    /// What a reader should know, such as layers that were left out.
    pub notes: Vec<String>,
}

/// How a target ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Written.
    Copied,
    /// The same digest was there already.
    Unchanged,
    /// Another digest was there and the workflow says `existing: skip`.
    Skipped,
    /// A dry run: would be written.
    Planned,
    /// A plan of names: the image would land here, as far as its name tells; nobody was asked.
    Named,
    /// Read again: it has what the source has.
    Verified,
    /// Not there.
    Failed(Failure),
}

/// Why a target was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of error it was, a word for scripts: `retry`, `wait`, `unauthorized`, `not-found`, `permanent`, …
    pub class: &'static str,
    /// What happened, whole chain.
    pub message: String,
    /// What to do about it, where known.
    pub hint: Option<String>,
    /// Whether another round may end otherwise.
    pub again: bool,
}

/// Blobs and bytes, by how they came to the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// Blobs streamed.
    pub copied_blobs: u64,
    /// Bytes of them.
    pub copied: u64,
    /// Blobs that the registry linked from another repository.
    pub mounted_blobs: u64,
    /// Bytes of them.
    pub mounted: u64,
    /// Blobs that were there already.
    pub present_blobs: u64,
    /// Bytes of them.
    pub present: u64,
}

impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.copied_blobs += other.copied_blobs;
        self.copied += other.copied;
        self.mounted_blobs += other.mounted_blobs;
        self.mounted += other.mounted;
        self.present_blobs += other.present_blobs;
        self.present += other.present;
    }
}

impl Outcome {
    /// A job that was not done: `why` tells the error of each target.
    #[must_use]
    pub fn undone(job: Job, why: impl Fn(&Reference) -> TransferError) -> Self {
        let targets =
            job.targets.iter().map(|target| TargetOutcome::failed(&target.reference, &why(&target.reference)));
        Self { targets: targets.collect(), job, elapsed: Duration::ZERO, attempts: 0 }
    }

    /// A job of which only the names are wanted.
    #[must_use]
    pub fn named(job: Job) -> Self {
        let named = |target: &JobTarget| TargetOutcome {
            reference: target.reference.clone(),
            status: Status::Named,
            digest: None,
            found: None,
            bytes: Bytes::default(),
            notes: Vec::new(),
        };
        Self { targets: job.targets.iter().map(named).collect(), job, elapsed: Duration::ZERO, attempts: 0 }
    }

    /// Whether every target has what it should.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        !self.targets.iter().any(|target| matches!(target.status, Status::Failed(_)))
    }

    /// The job again with the targets for which another round may end otherwise; none if there are none.
    #[must_use]
    pub fn again(&self) -> Option<Job> {
        let targets: Vec<_> = self
            .job
            .targets
            .iter()
            .zip(&self.targets)
            .filter(|(_, outcome)| matches!(&outcome.status, Status::Failed(failure) if failure.again))
            .map(|(target, _)| target.clone())
            .collect();
        (!targets.is_empty()).then(|| Job { targets, ..self.job.clone() })
    }

    /// Takes the results of a later round over those of this one.
    pub fn supersede(&mut self, later: Outcome) {
        self.attempts += later.attempts;
        self.elapsed += later.elapsed;
        for target in later.targets {
            if let Some(mine) = self.targets.iter_mut().find(|mine| mine.reference == target.reference) {
                *mine = target;
            }
        }
    }
}

impl Status {
    /// One word for reports and scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Planned => "planned",
            Self::Named => "named",
            Self::Verified => "verified",
            Self::Failed(_) => "failed",
        }
    }
}

impl TargetOutcome {
    /// A target to which nothing came.
    #[must_use]
    pub fn failed(reference: &Reference, error: &TransferError) -> Self {
        Self {
            reference: reference.clone(),
            status: Status::Failed(Failure::of(error)),
            digest: None,
            found: None,
            bytes: Bytes::default(),
            notes: Vec::new(),
        }
    }
}

impl Failure {
    /// What `error` says.
    #[must_use]
    pub fn of(error: &TransferError) -> Self {
        Self { class: error.word(), message: chain(error), hint: error.hint(), again: error.may_pass() }
    }
}

/// An error and its causes on one line. A cause that is told already is not told again.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::JobOptions;
    use crate::workflow::Existing;

    fn outcome(statuses: [Status; 2]) -> Outcome {
        let targets = ["b.io/n/app:1", "c.io/n/app:1"].map(|text| JobTarget {
            reference: text.parse().unwrap(),
            existing: Existing::Overwrite,
            prepare: None,
        });
        let outcomes = targets.iter().zip(statuses).map(|(target, status)| TargetOutcome {
            reference: target.reference.clone(),
            status,
            digest: None,
            found: None,
            bytes: Bytes::default(),
            notes: vec![],
        });
        Outcome {
            targets: outcomes.collect(),
            job: Job {
                transfer: "t".to_owned(),
                source: "a.io/n/app:1".parse().unwrap(),
                targets: targets.to_vec(),
                options: JobOptions::default(),
                attributes: vec![],
            },
            elapsed: Duration::ZERO,
            attempts: 1,
        }
    }

    fn failed(again: bool) -> Status {
        Status::Failed(Failure { class: "retry", message: "m".to_owned(), hint: None, again })
    }

    #[test]
    fn only_targets_that_may_pass_are_tried_again() {
        let first = outcome([failed(false), failed(true)]);
        let again = first.again().unwrap();
        assert_eq!(again.targets.len(), 1);
        assert_eq!(again.targets[0].reference.to_string(), "c.io/n/app:1");
        assert_eq!(outcome([Status::Copied, failed(false)]).again(), None);
    }

    #[test]
    fn a_later_round_takes_the_place_of_the_failure() {
        let mut first = outcome([Status::Copied, failed(true)]);
        let mut second = outcome([Status::Copied, Status::Copied]);
        second.targets.remove(0);
        first.supersede(second);
        assert!(first.succeeded());
        assert_eq!(first.attempts, 2);
    }
}
