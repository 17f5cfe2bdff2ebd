//! One image, as lists of a report have it.

use serde::Serialize;

use crate::transfer::Outcome;
use crate::transfer::Status;

/// One image of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Row {
    pub(super) transfer: String,
    pub(super) source: String,
    pub(super) targets: Vec<String>,
    /// The worst of its targets'.
    pub(super) status: &'static str,
    /// Of its blobs, however they came to the target that got most; 0 where nobody had to look.
    pub(super) bytes: u64,
    pub(super) milliseconds: u64,
    pub(super) attempts: u32,
}

impl Row {
    pub(super) fn of(outcome: &Outcome) -> Self {
        Self {
            transfer: outcome.job.transfer.clone(),
            source: outcome.job.source.to_string(),
            targets: outcome.targets.iter().map(|target| target.reference.to_string()).collect(),
            status: worst(outcome),
            bytes: size(outcome),
            milliseconds: milliseconds(outcome),
            attempts: outcome.attempts,
        }
    }
}

pub(super) fn size(outcome: &Outcome) -> u64 {
    let sizes = outcome.targets.iter().map(|it| it.bytes.copied + it.bytes.mounted + it.bytes.present);
    sizes.max().unwrap_or_default()
}

pub(super) fn milliseconds(outcome: &Outcome) -> u64 {
    u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// The status that says most: a failure, then what was or would be written, then what was left as it is.
fn worst(outcome: &Outcome) -> &'static str {
    let rank = |status: &Status| match status {
        Status::Failed(_) => 0,
        Status::Copied | Status::Planned | Status::Named => 1,
        Status::Skipped => 2,
        Status::Unchanged | Status::Verified => 3,
    };
    outcome
        .targets
        .iter()
        .map(|target| &target.status)
        .min_by_key(|status| rank(status))
        .map_or("unchanged", Status::word)
}
