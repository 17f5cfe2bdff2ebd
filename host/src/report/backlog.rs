//! Images that are under way or wait for their turn.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Counts images on their way through a run. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Backlog(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    queued: AtomicUsize,
    in_flight: AtomicUsize,
}

/// An image under way, until this is dropped.
#[derive(Debug)]
pub struct UnderWay(Backlog);

impl Backlog {
    /// An image was listed and waits for a worker.
    pub fn queue(&self) {
        self.0.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker has it, or nobody will.
    pub fn unqueue(&self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }

    /// Work on an image begins.
    #[must_use]
    pub fn enter(&self) -> UnderWay {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Images that were listed and wait for a worker.
    pub(super) fn queued(&self) -> usize {
        self.0.queued.load(Ordering::Relaxed)
    }

    /// Images under way.
    pub(super) fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
