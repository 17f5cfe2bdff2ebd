//! Jobs and outcomes, as the journal keeps them.

mod record;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::http::Named;
use crate::journal::Ended;
use crate::journal::Entry;
use crate::journal::Key;
use crate::journal::Left;
use crate::journal::Past;
use crate::journal::Planned;
use crate::journal::RunState;
use crate::journal::Tally;
use crate::journal::Writer;
use crate::oci::Reference;
use crate::report::Summary;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::Sessions;
use crate::transfer::Status;

pub use record::Failed;
pub use record::failed;

use record::JobRecord;

/// Notes what happens to jobs, if anybody wants it noted. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    writer: Option<Writer>,
    /// Upload sessions that an earlier process left.
    uploads: Arc<Mutex<HashMap<Key, String>>>,
    named: Named,
}

impl Ledger {
    /// Notes with `writer`, after what `past` left, and with each job which of its registries are `named`.
    pub(super) fn new(writer: Option<Writer>, past: &Past, named: Named) -> Self {
        let uploads = past.uploads.iter().map(|upload| (upload.key, upload.location.clone())).collect();
        Self { writer, uploads: Arc::new(Mutex::new(uploads)), named }
    }

    /// Notes `jobs`, which begin only when this is over, and from where their source lists on after them.
    pub(super) async fn planned(&self, transfer: &str, jobs: &[Job], position: Option<String>) {
        let Some(writer) = &self.writer else { return };
        if jobs.is_empty() && position.is_none() {
            return;
        }
        let jobs = jobs.iter().map(|job| planned(job, &self.named)).collect();
        writer.note_now(Entry::Planned { transfer: transfer.into(), jobs, position }).await;
    }

    /// Notes an image that no job could be made of.
    pub(super) async fn rejected(&self, transfer: &str, image: &str, reason: &str) {
        let Some(writer) = &self.writer else { return };
        let (image, reason) = (image.to_owned(), reason.to_owned());
        writer.note(Entry::Rejected { transfer: transfer.into(), image, reason }).await;
    }

    /// Notes that the list of a transfer's source is whole.
    pub(super) async fn listed(&self, transfer: &str) {
        if let Some(writer) = &self.writer {
            writer.note(Entry::Listed { transfer: transfer.into() }).await;
        }
    }

    /// Notes how a job ended.
    pub(super) async fn ended(&self, outcome: &Outcome) {
        if let Some(writer) = &self.writer {
            writer.note(Entry::Ended(ended(outcome, &self.named))).await;
        }
    }

    /// Notes that the run is over.
    pub(super) async fn end(&self, summary: &Summary) {
        let Some(writer) = &self.writer else { return };
        let state = if summary.interrupted {
            RunState::Interrupted
        } else if summary.failed_jobs > 0 || summary.failed_generations > 0 {
            RunState::Failed
        } else {
            RunState::Whole
        };
        writer.end(state).await;
    }
}

impl Sessions for Ledger {
    fn left(&self, target: &str) -> Option<String> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(&Key::of(target))
    }

    fn opened(&self, target: &str, location: &str) {
        if let Some(writer) = &self.writer {
            writer.note_if_room(Entry::Uploading { key: Key::of(target), location: location.to_owned() });
        }
    }

    fn closed(&self, target: &str) {
        if let Some(writer) = &self.writer {
            writer.note_if_room(Entry::Uploaded { key: Key::of(target) });
        }
    }
}

/// The key of an image's place.
pub(super) fn key(reference: &Reference) -> Key {
    Key::of(&reference.to_string())
}

/// The jobs of `transfer` that `past` left. Registries that a plugin of this program had named then are `named` again, since that plugin may
/// not be asked any more. What cannot be read is left out.
pub(super) fn left(past: &Past, transfer: &str, named: &Named) -> Vec<Job> {
    let mine = past.jobs.iter().filter(|job| job.transfer == transfer);
    let read = mine.filter_map(|job| JobRecord::read(&job.text, transfer)).map(|(job, hosts)| {
        for host in &hosts {
            named.vouch(host);
        }
        job
    });
    read.collect()
}

fn planned(job: &Job, named: &Named) -> Planned {
    Planned { key: first_key(job), text: JobRecord::text(job, named) }
}

fn ended(outcome: &Outcome, named: &Named) -> Ended {
    let job = &outcome.job;
    let source = key(&job.source);
    let mut tally = Tally::default();
    let mut done = Vec::new();
    let mut left = Job { targets: Vec::new(), ..job.clone() };
    let mut class = None;
    for (target, result) in job.targets.iter().zip(&outcome.targets) {
        tally.blobs += result.bytes.copied_blobs;
        tally.bytes += result.bytes.copied;
        match &result.status {
            Status::Copied => tally.copied += 1,
            Status::Unchanged => tally.unchanged += 1,
            Status::Skipped => tally.skipped += 1,
            Status::Planned | Status::Named | Status::Verified => {}
            Status::Failed(failure) => {
                left.targets.push(target.clone());
                if failure.class != "stopped" {
                    class.get_or_insert_with(|| failure.class.to_owned());
                }
                continue;
            }
        }
        done.push((key(&target.reference), source));
    }
    let left = (!left.targets.is_empty()).then(|| Left {
        transfer: job.transfer.as_str().into(),
        job: planned(&left, named),
        class,
        failures: Failed::text(outcome),
    });
    Ended { key: first_key(job), done, left, tally }
}

/// The key of a job: no two jobs of a run have the same first target.
fn first_key(job: &Job) -> Key {
    job.targets.first().map_or(Key(0), |target| key(&target.reference))
}
