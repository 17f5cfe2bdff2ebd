//! How many requests to one host are on their way at a time, found out by how it takes them.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Requests at a time, at first: more come with each success. As many as there are images looked at from afar, if nobody says otherwise:
/// what is asked about each of them leaves together, which far away is worth round trips.
const FIRST: usize = 64;

/// Concurrency by additive increase and multiplicative decrease, as TCP has it: from [`FIRST`], one more with each success until the
/// first sign of overload (slow start), then one more with each window of successes; half at each sign, at most once for the requests
/// that were on their way together; never below one, never above the ceiling. Waiters are served in the order they came.
#[derive(Debug)]
pub(super) struct Flow {
    slots: Arc<Semaphore>,
    ceiling: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Slots that are still in use and will not be given out again.
    debt: usize,
    /// Successes since the limit rose last.
    successes: usize,
    /// No sign of overload yet.
    starting: bool,
    cut_at: Option<Instant>,
}

/// Leave to have one request on its way.
#[derive(Debug)]
pub struct Slot {
    flow: Arc<Flow>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Flow {
    /// At most `ceiling` at a time.
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        let limit = FIRST.min(ceiling);
        let state = State { limit, debt: 0, successes: 0, starting: true, cut_at: None };
        Self { slots: Arc::new(Semaphore::new(limit)), ceiling, state: Mutex::new(state) }
    }

    /// Waits for a slot.
    pub(super) async fn take(self: &Arc<Self>) -> Slot {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok();
        Slot { flow: Arc::clone(self), permit }
    }

    /// A request was served.
    pub(super) fn served(&self) {
        let mut state = self.lock();
        state.successes += 1;
        if state.limit < self.ceiling && (state.starting || state.successes >= state.limit) {
            state.successes = 0;
            state.limit += 1;
            if state.debt > 0 {
                state.debt -= 1;
            } else {
                self.slots.add_permits(1);
            }
        }
    }

    /// A request that left at `sent` found the host overloaded or gone.
    pub(super) fn overloaded(&self, sent: Instant, now: Instant) {
        let mut state = self.lock();
        if state.cut_at.is_some_and(|cut| sent <= cut) {
            return;
        }
        let limit = (state.limit / 2).max(1);
        let fewer = state.limit - limit;
        state.debt += fewer - self.slots.forget_permits(fewer);
        (state.limit, state.successes, state.starting, state.cut_at) = (limit, 0, false, Some(now));
    }

    /// How many requests may be on their way.
    pub(super) fn limit(&self) -> usize {
        self.lock().limit
    }

    /// How many may be on their way, and how many are.
    pub(super) fn numbers(&self) -> (usize, usize) {
        let state = self.lock();
        (state.limit, (state.limit + state.debt).saturating_sub(self.slots.available_permits()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.flow.lock();
        if state.debt > 0
            && let Some(permit) = self.permit.take()
        {
            state.debt -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    fn taken(flow: &Arc<Flow>) -> Vec<Slot> {
        std::iter::from_fn(|| flow.take().now_or_never()).collect()
    }

    #[test]
    fn it_starts_slowly_and_stops_at_the_ceiling() {
        let flow = Arc::new(Flow::new(80));
        assert_eq!(taken(&flow).len(), 64);
        for _ in 0..50 {
            flow.served();
        }
        assert_eq!((flow.limit(), taken(&flow).len()), (80, 80));
    }

    #[test]
    fn it_halves_once_for_requests_that_were_on_their_way_together() {
        let (flow, now) = (Arc::new(Flow::new(16)), Instant::now());
        for _ in 0..20 {
            flow.served();
        }
        for _ in 0..16 {
            flow.overloaded(now, now + Duration::from_millis(1));
        }
        assert_eq!(flow.limit(), 8);
        flow.overloaded(now + Duration::from_millis(2), now + Duration::from_millis(3));
        assert_eq!(flow.limit(), 4);
    }

    #[test]
    fn it_never_stops_and_grows_again_by_windows() {
        let (flow, mut now) = (Arc::new(Flow::new(16)), Instant::now());
        for _ in 0..10 {
            flow.overloaded(now, now);
            now += Duration::from_millis(1);
        }
        assert_eq!((flow.limit(), taken(&flow).len()), (1, 1));
        for _ in 0..(1 + 2 + 3) {
            flow.served();
        }
        assert_eq!(flow.limit(), 4);
    }

    #[test]
    fn slots_in_use_at_a_cut_are_not_given_out_again() {
        let (flow, now) = (Arc::new(Flow::new(4)), Instant::now());
        let mut in_use = taken(&flow);
        flow.overloaded(now, now);
        assert_eq!(flow.numbers(), (2, 4));
        in_use.truncate(2);
        assert_eq!(taken(&flow).len(), 0, "two are still on their way, and two are allowed");
        drop(in_use);
        assert_eq!(taken(&flow).len(), 2);
    }
}
