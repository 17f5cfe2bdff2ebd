//! Jobs that wait for a registry, out of the way of those that need not.

use std::collections::VecDeque;
use std::time::Duration;

use crate::run::transfers::Work;
use crate::transfer::Engine;
use crate::transfer::Job;

/// Jobs that are set aside at most, some kilobytes each. Beyond, jobs wait in their turn.
const MOST: usize = 4096;

/// A pause below this is not worth setting a job aside.
const SHORT: Duration = Duration::from_secs(1);

/// Jobs whose registries ask for a pause or are down.
#[derive(Default)]
pub(super) struct Aside {
    works: VecDeque<Work>,
}

/// Whether `job` would have to wait.
pub(super) fn pauses(engine: &Engine, job: &Job) -> bool {
    engine.paused(job).is_some_and(|pause| pause >= SHORT)
}

/// Ends when `job`, which is in flight, has to wait.
pub(super) async fn until_paused(engine: &Engine, job: Job) {
    loop {
        tokio::time::sleep(SHORT).await;
        if pauses(engine, &job) {
            return;
        }
    }
}

/// Does `work` in `place`; once `paused` ends the place is another's, and the work goes on without.
pub(super) async fn lending<T, P>(work: impl Future<Output = T>, place: P, paused: impl Future<Output = ()>) -> T {
    tokio::pin!(work, paused);
    let mut place = Some(place);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = &mut paused, if place.is_some() => place = None,
        }
    }
}

impl Aside {
    pub(super) fn is_empty(&self) -> bool {
        self.works.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.works.len() < MOST
    }

    pub(super) fn push(&mut self, work: Work) {
        self.works.push_back(work);
    }

    /// The first that need not wait any more. Never ends while there is none.
    pub(super) async fn next(&mut self, engine: &Engine) -> Work {
        loop {
            let ready = self.works.iter().position(|work| !pauses(engine, &work.job));
            if let Some(work) = ready.and_then(|at| self.works.remove(at)) {
                return work;
            }
            tokio::time::sleep(SHORT / 2).await;
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Work> {
        self.works.into_iter()
    }
}
