//! How many retries a host gets.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// Retries that can be saved up.
const MOST: f64 = 50.0;

/// What a request earns: one retry for five.
const EARNED: f64 = 0.2;

/// What time earns, a second: a run of few requests retries too.
const BY_TIME: f64 = 1.0;

/// Retries are a fifth of the requests, so that a host that is failing is not asked several times as often just then. One that
/// finds the budget spent waits until it has grown.
#[derive(Debug)]
pub(super) struct Budget {
    state: Mutex<(f64, Instant)>,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self { state: Mutex::new((MOST, now)) }
    }

    /// A request left.
    pub(super) fn earn(&self) {
        let mut state = self.lock();
        state.0 = (state.0 + EARNED).min(MOST);
    }

    /// Takes one retry; gives how long it has to wait for it.
    pub(super) fn spend(&self, now: Instant) -> Duration {
        let mut state = self.lock();
        let (left, at) = *state;
        let grown = (left + now.saturating_duration_since(at).as_secs_f64() * BY_TIME).min(MOST);
        *state = (grown - 1.0, now);
        Duration::from_secs_f64(((1.0 - grown) / BY_TIME).max(0.0))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (f64, Instant)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_fifth_of_the_requests_once_the_savings_are_spent() {
        let now = Instant::now();
        let budget = Budget::new(now);
        let free = (0..100).take_while(|_| budget.spend(now).is_zero()).count();
        assert_eq!(free, 50);
        let first = budget.spend(now);
        assert!(first > Duration::from_secs(1), "{first:?}: each waits behind the one before");
        for _ in 0..20 {
            budget.earn();
        }
        assert!(budget.spend(now).is_zero());
        assert!(budget.spend(now + Duration::from_secs(5)).is_zero(), "time brings some as well");
    }
}
