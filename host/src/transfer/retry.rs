//! How long to wait before another try.

use std::time::Duration;
use std::time::Instant;

use crate::http::Class;

/// Tries of one blob or manifest within one job, the first included.
pub(super) const TRIES: u32 = 5;

const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_mins(1);

/// The tries of one blob.
pub(super) struct Tries {
    failed: u32,
    begun: Instant,
    patience: Duration,
}

impl Tries {
    /// None yet. A host that asks for pauses, or is down, is waited for as long as `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self { failed: 0, begun: Instant::now(), patience }
    }

    /// The pause before another try after one that failed with `class`: full jitter over an exponentially growing window, or what the
    /// host asked for. None if it is not worth another try.
    pub(super) fn pause(&self, class: Class) -> Option<Duration> {
        let window = BASE.saturating_mul(1 << self.failed.min(16)).min(CAP);
        match class {
            // The gate of the host keeps the pause.
            Class::Wait(_) => (self.begun.elapsed() < self.patience).then(|| BASE.mul_f64(fastrand::f64())),
            _ if self.failed + 1 >= TRIES => None,
            Class::Retry => Some(window.mul_f64(fastrand::f64())),
            Class::RestartBlob | Class::Reauthenticate => Some(Duration::ZERO),
            Class::Repair | Class::NotFound | Class::Permanent => None,
        }
    }

    /// Counts a failure of `class`.
    pub(super) fn count(&mut self, class: Class) {
        self.failed += u32::from(!matches!(class, Class::Wait(_)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permanent_error_is_never_tried_again() {
        let tries = Tries::new(Duration::MAX);
        assert_eq!(tries.pause(Class::Permanent), None);
        assert_eq!(tries.pause(Class::NotFound), None);
    }

    #[test]
    fn failures_are_counted_and_waits_are_not() {
        let mut tries = Tries::new(Duration::MAX);
        for _ in 0..100 {
            assert!(tries.pause(Class::Wait(None)).is_some());
            tries.count(Class::Wait(None));
        }
        for _ in 1..TRIES {
            assert!(tries.pause(Class::Retry).is_some());
            tries.count(Class::Retry);
        }
        assert_eq!(tries.pause(Class::Retry), None);
        assert_eq!(Tries::new(Duration::ZERO).pause(Class::Wait(None)), None);
    }
}
