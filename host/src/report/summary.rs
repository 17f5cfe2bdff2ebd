//! The numbers of a run.

use std::fmt;

use serde::Serialize;

use crate::report::Event;
use crate::report::Size;
use crate::transfer::Bytes;
use crate::transfer::Status;

/// The numbers of a run. Targets are counted one by one: an image with two targets, one of them failed, is one copied and one failed
/// target, and one failed job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Jobs that ended, well or not.
    pub jobs: u64,
    /// Jobs with at least one failed target.
    pub failed_jobs: u64,
    /// Images that no job could be made of, and sources that broke off.
    pub failed_generations: u64,
    /// Targets written.
    pub copied: u64,
    /// Targets that had the same digest already.
    pub unchanged: u64,
    /// Targets left alone by `existing: skip`.
    pub skipped: u64,
    /// Targets that a dry run would write.
    pub planned: u64,
    /// Targets that a plan of names told, without a look at them.
    pub named: u64,
    /// Targets that failed.
    pub failed: u64,
    /// Images that a filter or a mapper dropped.
    pub unwanted: u64,
    /// Sources whose list is not whole.
    pub incomplete: u64,
    /// Targets that an earlier process of this run had done.
    pub before: u64,
    /// Targets that were read again and have what their sources have.
    pub verified: u64,
    /// Targets that were read again and have not.
    pub unverified: u64,
    /// Whether the run was stopped.
    pub interrupted: bool,
    /// What was moved.
    pub bytes: Bytes,
}

impl Summary {
    /// Counts one event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Started { .. } | Event::Retrying(_) => {}
            Event::Resumed { done, .. } => self.before += *done as u64,
            Event::Verified(outcome) => {
                for target in &outcome.targets {
                    match target.status {
                        Status::Failed(_) => self.unverified += 1,
                        Status::Skipped => self.skipped += 1,
                        Status::Verified | Status::Copied | Status::Unchanged | Status::Planned | Status::Named => {
                            self.verified += 1;
                        }
                    }
                }
            }
            Event::Unwanted => self.unwanted += 1,
            Event::Interrupted => self.interrupted = true,
            Event::Rejected { .. } => self.failed_generations += 1,
            Event::Incomplete { .. } => {
                self.incomplete += 1;
                self.failed_generations += 1;
            }
            Event::Finished(outcome) => {
                self.jobs += 1;
                self.failed_jobs += u64::from(!outcome.succeeded());
                for target in &outcome.targets {
                    self.bytes += target.bytes;
                    *match target.status {
                        Status::Copied => &mut self.copied,
                        Status::Unchanged => &mut self.unchanged,
                        Status::Skipped => &mut self.skipped,
                        Status::Planned => &mut self.planned,
                        Status::Named => &mut self.named,
                        Status::Verified => &mut self.verified,
                        Status::Failed(_) => &mut self.failed,
                    } += 1;
                }
            }
        }
    }

    /// The line that scripts look for; its form is the classic tool's.
    #[must_use]
    pub fn last_line(&self) -> String {
        format!(
            "################# Finished, {} transfer jobs failed, {} jobs generate failed #################",
            self.failed_jobs.max(self.unverified),
            self.failed_generations
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (count, word) in [
            (self.copied, "copied"),
            (self.planned, "to copy"),
            (self.named, "named"),
            (self.unchanged, "unchanged"),
            (self.skipped, "skipped"),
            (self.failed, "failed"),
            (self.before, "done before"),
            (self.verified, "verified"),
            (self.unverified, "missing or different"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        if parts.is_empty() {
            parts.push("no images".to_owned());
        }
        f.write_str(&parts.join(", "))?;
        let Bytes { copied_blobs, copied, mounted_blobs, mounted, .. } = self.bytes;
        if self.jobs == 0 && self.verified + self.unverified > 0 {
            // A verification moves nothing.
            return if self.interrupted { write!(f, "; stopped before the end") } else { Ok(()) };
        }
        if self.named > 0 {
            // Nobody looked how large they are.
            return if self.interrupted { write!(f, "; stopped before the end") } else { Ok(()) };
        }
        write!(f, "; moved {copied_blobs} blobs, {}", Size(copied))?;
        if mounted_blobs > 0 {
            write!(f, "; mounted {mounted_blobs} blobs, {}", Size(mounted))?;
        }
        if self.interrupted {
            write!(f, "; stopped before the end")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_classic_one() {
        let summary = Summary { failed_jobs: 2, failed_generations: 1, ..Summary::default() };
        assert_eq!(
            summary.last_line(),
            "################# Finished, 2 transfer jobs failed, 1 jobs generate failed #################"
        );
    }

    #[test]
    fn a_source_that_breaks_off_counts_as_a_failed_generation() {
        let mut summary = Summary::default();
        summary.take(&Event::Incomplete { transfer: "t".to_owned(), reason: "r".to_owned(), hint: None });
        assert_eq!((summary.incomplete, summary.failed_generations), (1, 1));
    }
}
