//! Places for images: how many are looked at and copied at a time.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::run::Mode;
use crate::run::aside;
use crate::shutdown::Shutdown;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::Outcome;

/// How many times the ceiling of images may be in flight, while those that wait for a registry have lent their place to others.
const LENT: usize = 4;

/// Places, shared by all transfers of a run.
///
/// While as many images are copied as may be, nearly as many more are looked at if their registries are far away, and wait with what they saw
/// until a copy ends; what is at its target already needs no such place. From afar the look is all that an unchanged image takes. Nearby, it is the
/// registry's processor that a look takes, so it is put off. Where one image at a time is wanted, it is one.
#[derive(Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    copies: Option<Arc<Semaphore>>,
    ceiling: usize,
}

/// A place for an image, until this is dropped.
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    copy: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Whether the image may be copied in it, and not only looked at.
    pub(super) fn is_for_copying(&self) -> bool {
        self.copy.is_some()
    }
}

impl Places {
    /// Places for `ceiling` images; more are looked at only where they are moved.
    pub(super) fn new(ceiling: usize, mode: Mode) -> Self {
        let ceiling = ceiling.max(1);
        let semaphore = |places: usize| Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        match mode {
            Mode::Move => {
                Self { all: semaphore(ceiling.saturating_mul(2) - 1), copies: Some(semaphore(ceiling)), ceiling }
            }
            Mode::Preview | Mode::Names | Mode::Verify(_) => Self { all: semaphore(ceiling), copies: None, ceiling },
        }
    }

    /// Waits for the place that an image needs from its beginning, which one that is `far` away begins without one to be copied in.
    pub(super) async fn begin(&self, far: bool) -> Option<Place> {
        // The semaphores are never closed.
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        let copy = if far { None } else { self.copy().await };
        Some(Place { _all: all, copy })
    }

    async fn copy(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(self.copies.as_ref()?).acquire_owned().await.ok()
    }

    /// Images that may be in flight, with those that have lent their place to others.
    pub(super) fn most(&self) -> usize {
        self.ceiling.saturating_mul(LENT)
    }

    /// Moves `job`: looks at it and, if anything is to be copied, waits for a place for that unless it `has_place`. None if the run is
    /// drained before it has one: the image was not begun then.
    pub(super) async fn moved(
        &self,
        engine: &Engine,
        job: Job,
        has_place: bool,
        shutdown: &Shutdown,
    ) -> Option<Outcome> {
        let paused = aside::until_paused(engine, job.clone());
        let looked = engine.look(job).await;
        if has_place || looked.is_over() {
            return Some(engine.run(looked).await);
        }
        let place = tokio::select! {
            biased;
            () = shutdown.draining() => return None,
            place = self.copy() => place,
        };
        Some(aside::lending(engine.run(looked), place, paused).await)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::transfer::Depth;

    /// How many images can begin beside one another.
    fn begun(places: &Places, far: bool) -> usize {
        std::iter::from_fn(|| places.begin(far).now_or_never().flatten()).collect::<Vec<_>>().len()
    }

    #[test]
    fn more_begin_from_afar_than_are_copied() {
        let places = Places::new(4, Mode::Move);
        assert_eq!((begun(&places, false), begun(&places, true)), (4, 7));
        let near: Vec<_> = (0..3).map(|_| places.begin(false).now_or_never().flatten()).collect();
        assert!(near.iter().flatten().all(Place::is_for_copying));
        assert_eq!((begun(&places, false), begun(&places, true)), (1, 4));
    }

    #[test]
    fn one_at_a_time_is_one() {
        assert_eq!(begun(&Places::new(1, Mode::Move), true), 1);
    }

    #[test]
    fn what_is_only_read_has_no_more_from_afar() {
        for mode in [Mode::Preview, Mode::Verify(Depth::Blobs)] {
            let places = Places::new(4, mode);
            assert_eq!((begun(&places, false), begun(&places, true)), (4, 4));
        }
    }
}
