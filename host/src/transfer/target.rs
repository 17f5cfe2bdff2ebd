//! One target of a job while it is being worked on.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::endpoint::Endpoint;
use crate::endpoint::EndpointError;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Reference;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::transfer::Bytes;
use crate::transfer::Failure;
use crate::transfer::JobTarget;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::board::Seat;

/// An image at a place that was opened: what is read from.
pub(super) struct Source {
    pub(super) endpoint: Endpoint,
    pub(super) reference: Reference,
    /// Where is told how far it is.
    pub(super) seat: Seat,
}

impl Source {
    pub(super) fn repository(&self) -> &Repository {
        &self.reference.repository
    }

    pub(super) fn error(&self, source: EndpointError) -> TransferError {
        TransferError::Read { reference: self.reference.clone(), source: Arc::new(source) }
    }
}

/// A target of a job, the tally of what came to it, and the first error, after which it is left alone.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) job: JobTarget,
    /// What the tag or digest held before.
    pub(super) found: Option<Digest>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: Bytes,
    notes: Vec<String>,
    end: Option<Status>,
    digest: Option<Digest>,
}

/// How a blob came to a target.
#[derive(Clone, Copy)]
pub(super) enum Arrival {
    Copied,
    Mounted,
    Present,
}

impl Target {
    pub(super) fn new(endpoint: Endpoint, job: JobTarget, found: Option<Digest>) -> Self {
        Self { endpoint, job, found, state: Mutex::default() }
    }

    pub(super) fn registry(&self) -> &RegistryName {
        &self.job.reference.registry
    }

    pub(super) fn repository(&self) -> &Repository {
        &self.job.reference.repository
    }

    /// Whether it is still worked on.
    pub(super) fn alive(&self) -> bool {
        self.state().end.is_none()
    }

    /// Whether it had the image already.
    pub(super) fn unchanged(&self) -> bool {
        matches!(self.state().end, Some(Status::Unchanged))
    }

    /// Ends it well.
    pub(super) fn end(&self, status: Status, digest: Digest) {
        let mut state = self.state();
        if state.end.is_none() {
            state.end = Some(status);
            state.digest = Some(digest);
        }
    }

    /// Ends it with an error; the first one stays.
    pub(super) fn fail(&self, error: &TransferError) {
        self.state().end.get_or_insert_with(|| Status::Failed(Failure::of(error)));
    }

    /// Turns a good end into a bad one: what follows the image, such as its referrers, did not arrive.
    pub(super) fn spoil(&self, error: &TransferError) {
        let mut state = self.state();
        if !matches!(state.end, Some(Status::Failed(_))) {
            state.end = Some(Status::Failed(Failure::of(error)));
        }
    }

    pub(super) fn error(&self, source: EndpointError) -> TransferError {
        TransferError::Write { reference: self.job.reference.clone(), source: Arc::new(source) }
    }

    /// The same place with a tally of its own, for what follows an image that has arrived already.
    pub(super) fn stand_in(&self) -> Self {
        Self::new(self.endpoint.clone(), self.job.clone(), self.found.clone())
    }

    /// Takes over what came to a stand-in, and its failure.
    pub(super) fn absorb(&self, standing: &Self) {
        let (bytes, notes, end) = {
            let state = standing.state();
            (state.bytes, state.notes.clone(), state.end.clone())
        };
        let mut state = self.state();
        state.bytes += bytes;
        for note in notes {
            if !state.notes.contains(&note) {
                state.notes.push(note);
            }
        }
        if matches!(end, Some(Status::Failed(_))) && !matches!(state.end, Some(Status::Failed(_))) {
            state.end = end;
        }
    }

    pub(super) fn note(&self, note: String) {
        let mut state = self.state();
        if !state.notes.contains(&note) {
            state.notes.push(note);
        }
    }

    pub(super) fn count(&self, blob: &Descriptor, arrival: Arrival) {
        let bytes = &mut self.state().bytes;
        let (blobs, size) = match arrival {
            Arrival::Copied => (&mut bytes.copied_blobs, &mut bytes.copied),
            Arrival::Mounted => (&mut bytes.mounted_blobs, &mut bytes.mounted),
            Arrival::Present => (&mut bytes.present_blobs, &mut bytes.present),
        };
        *blobs += 1;
        *size += blob.size;
    }

    pub(super) fn outcome(self) -> TargetOutcome {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        TargetOutcome {
            reference: self.job.reference,
            status: state.end.unwrap_or_else(|| Status::Failed(Failure::of(&TransferError::Stopped))),
            digest: state.digest,
            found: self.found,
            bytes: state.bytes,
            notes: state.notes,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that are still worked on.
pub(super) fn alive<'a>(targets: &[&'a Target]) -> Vec<&'a Target> {
    targets.iter().copied().filter(|target| target.alive()).collect()
}
