//! Which images are on their way at the moment, for whoever looks on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::oci::Reference;
use crate::oci::RegistryName;
use crate::transfer::Job;

/// A count for each image on its way. Cheap to clone. One that nobody looks at, the default, keeps nothing: an image then costs a
/// comparison for each frame of a blob.
#[derive(Clone, Debug, Default)]
pub struct Board(Option<Arc<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    /// By the order in which they began.
    active: Mutex<BTreeMap<u64, Arc<Active>>>,
    begun: AtomicU64,
    /// Jobs that were listed so far.
    known: AtomicU64,
    /// Transfers whose source has not come to its end.
    listing: AtomicUsize,
    /// Bytes that came for images which ended.
    moved: AtomicU64,
}

/// One image on its way.
#[derive(Debug)]
pub struct Active {
    /// Tells it from all others.
    pub number: u64,
    /// The image.
    pub source: Reference,
    /// The registries that it needs.
    pub registries: Vec<RegistryName>,
    began: Instant,
    moved: AtomicU64,
    expected: AtomicU64,
    /// Blobs in each [`Phase`].
    phases: [AtomicUsize; 3],
    /// When the next try of a blob begins, in milliseconds after `began`; 0 if none is waited for.
    again: AtomicU64,
}

/// What a blob does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// It waits until fewer are on their way.
    Turn,
    /// Another image brings it.
    Landing,
    /// Its bytes move.
    Moving,
}

/// What an image waits for, apart from its registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Another try, which begins after this time.
    Again(Duration),
    /// That another image has brought a blob that both need.
    Landing,
    /// That fewer blobs are on their way.
    Turn,
}

impl Board {
    /// One that is looked at.
    #[must_use]
    pub fn watched() -> Self {
        Self(Some(Arc::default()))
    }

    /// So many sources will be listed.
    pub fn lists(&self, sources: usize) {
        if let Some(shared) = &self.0 {
            shared.listing.fetch_add(sources, Ordering::Relaxed);
        }
    }

    /// One source has come to its end, well or not.
    pub fn listed(&self) {
        if let Some(shared) = &self.0 {
            shared.listing.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// So many more jobs are known.
    pub fn knows(&self, jobs: usize) {
        if let Some(shared) = &self.0 {
            shared.known.fetch_add(jobs as u64, Ordering::Relaxed);
        }
    }

    /// Jobs that are known so far, and whether these are all.
    #[must_use]
    pub fn known(&self) -> (u64, bool) {
        self.0.as_ref().map_or((0, false), |shared| {
            (shared.known.load(Ordering::Relaxed), shared.listing.load(Ordering::Relaxed) == 0)
        })
    }

    /// Bytes that came so far.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.0.as_ref().map_or(0, |shared| {
            let active = shared.active();
            shared.moved.load(Ordering::Relaxed) + active.values().map(|it| it.moved()).sum::<u64>()
        })
    }

    /// How many images those on their way come to, each by the part of its bytes that came.
    #[must_use]
    pub fn parts(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |shared| shared.active().values().map(|it| it.part()).sum())
    }

    /// The `most` images that began first of those on their way, and how many there are.
    #[must_use]
    pub fn active(&self, most: usize) -> (Vec<Arc<Active>>, usize) {
        self.0.as_ref().map_or_else(Default::default, |shared| {
            let active = shared.active();
            (active.values().take(most).cloned().collect(), active.len())
        })
    }

    /// A place for `job`, as long as it is on its way.
    pub(super) fn seat(&self, job: &Job) -> Seat {
        Seat(self.0.as_ref().map(|shared| {
            let targets = job.targets.iter().map(|target| target.reference.registry.clone());
            let active = Arc::new(Active {
                number: shared.begun.fetch_add(1, Ordering::Relaxed),
                source: job.source.clone(),
                registries: std::iter::once(job.source.registry.clone()).chain(targets).collect(),
                began: Instant::now(),
                moved: AtomicU64::new(0),
                expected: AtomicU64::new(0),
                phases: Default::default(),
                again: AtomicU64::new(0),
            });
            shared.active().insert(active.number, Arc::clone(&active));
            (Arc::clone(shared), active)
        }))
    }
}

impl Shared {
    fn active(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Active>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// Bytes that came.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Bytes that are to come in all, as far as is known.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// The part of its bytes that came, as far as is known.
    fn part(&self) -> f64 {
        let (moved, expected) = (self.moved(), self.expected());
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        if expected == 0 { 0.0 } else { (moved as f64 / expected as f64).min(1.0) }
    }

    /// What it waits for, apart from its registries. An image of which anything moves does not wait.
    #[must_use]
    pub fn wait(&self) -> Option<Wait> {
        let [turn, landing, moving] = [Phase::Turn, Phase::Landing, Phase::Moving]
            .map(|phase| self.phases[phase as usize].load(Ordering::Relaxed));
        let again = Duration::from_millis(self.again.load(Ordering::Relaxed)).checked_sub(self.began.elapsed());
        match again {
            _ if moving > 0 => None,
            Some(pause) => Some(Wait::Again(pause)),
            None if landing > 0 => Some(Wait::Landing),
            None if turn > 0 => Some(Wait::Turn),
            None => None,
        }
    }
}

/// An image's place on the board, free again when this is dropped.
pub(super) struct Seat(Option<(Arc<Shared>, Arc<Active>)>);

impl Seat {
    /// So many bytes came.
    pub(super) fn counter(&self) -> impl Fn(usize) + Send + Sync + 'static {
        let active = self.0.as_ref().map(|(_, active)| Arc::clone(active));
        move |bytes| {
            if let Some(active) = &active {
                active.moved.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        }
    }

    /// A blob of so many bytes is to come.
    pub(super) fn expects(&self, bytes: u64) {
        if let Some((_, active)) = &self.0 {
            active.expected.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// A blob is in `phase` until the guard is dropped.
    pub(super) fn phase(&self, phase: Phase) -> InPhase {
        InPhase(self.0.as_ref().map(|(_, active)| {
            active.phases[phase as usize].fetch_add(1, Ordering::Relaxed);
            (Arc::clone(active), phase)
        }))
    }

    /// A blob is tried again after `pause`.
    pub(super) fn again(&self, pause: Duration) {
        if let Some((_, active)) = &self.0 {
            let at = (active.began.elapsed() + pause).as_millis();
            active.again.store(u64::try_from(at).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some((shared, active)) = &self.0 {
            let mut all = shared.active();
            all.remove(&active.number);
            shared.moved.fetch_add(active.moved(), Ordering::Relaxed);
        }
    }
}

/// A blob in a [`Phase`].
pub(super) struct InPhase(Option<(Arc<Active>, Phase)>);

impl Drop for InPhase {
    fn drop(&mut self) {
        if let Some((active, phase)) = &self.0 {
            active.phases[*phase as usize].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::JobOptions;

    fn job(source: &str) -> Job {
        let source = source.parse().expect("a reference");
        let (transfer, targets) = ("t".to_owned(), vec![]);
        Job { transfer, source, targets, options: JobOptions::default(), attributes: vec![] }
    }

    #[test]
    fn an_image_is_on_the_board_from_its_beginning_to_its_end() {
        let board = Board::watched();
        let (first, second) = (board.seat(&job("a.io/n/app:1")), board.seat(&job("a.io/n/app:2")));
        first.counter()(10);
        first.expects(20);
        second.counter()(5);
        let (active, count) = board.active(1);
        assert_eq!((active[0].source.to_string().as_str(), active[0].moved(), count), ("a.io/n/app:1", 10, 2));
        assert!((board.parts() - 0.5).abs() < f64::EPSILON);
        drop(first);
        let (active, count) = board.active(1);
        assert_eq!((active[0].source.to_string().as_str(), count), ("a.io/n/app:2", 1));
        assert_eq!(board.moved(), 15);
    }

    #[test]
    fn an_image_of_which_anything_moves_does_not_wait() {
        let board = Board::watched();
        let seat = board.seat(&job("a.io/n/app:1"));
        let _landing = seat.phase(Phase::Landing);
        seat.again(Duration::from_mins(1));
        let active = board.active(1).0.remove(0);
        assert!(matches!(active.wait(), Some(Wait::Again(pause)) if pause.as_secs() > 50));
        let moving = seat.phase(Phase::Moving);
        assert_eq!(active.wait(), None);
        drop(moving);
        seat.again(Duration::ZERO);
        assert_eq!(active.wait(), Some(Wait::Landing));
    }

    #[test]
    fn a_board_that_nobody_looks_at_keeps_nothing() {
        let board = Board::default();
        board.knows(3);
        let seat = board.seat(&job("a.io/n/app:1"));
        seat.counter()(10);
        assert_eq!((board.moved(), board.active(5).1, board.known()), (0, 0, (0, false)));
    }
}
