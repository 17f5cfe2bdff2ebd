//! How long to wait before another try.

use std::time::Duration;

use crate::http;
use crate::http::BackOff;
use crate::http::Class;

/// Tries of one blob or manifest within one job, the first included.
pub(super) const TRIES: u32 = BackOff::TRIES;

/// The tries of one blob, which may go to several targets at a time: what each pause is worth is asked before the try is counted.
pub(super) struct Tries(http::Tries);

impl Tries {
    /// None yet. A host that asks for pauses, or is down, is waited for as long as `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self(http::Tries::new(BackOff::new(patience)))
    }

    /// The pause before another try after one that failed with `class`; none if it is not worth one.
    pub(super) fn pause(&self, class: Class) -> Option<Duration> {
        let mut tries = self.0.clone();
        match class {
            // What was wrong is known by now.
            Class::RestartBlob | Class::Reauthenticate => tries.again(Class::Retry).map(|_| Duration::ZERO),
            class => tries.again(class),
        }
    }

    /// Counts a failure of `class`.
    pub(super) fn count(&mut self, class: Class) {
        self.0.count(class);
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
            assert_eq!(tries.pause(Class::RestartBlob), Some(Duration::ZERO));
            tries.count(Class::Retry);
        }
        assert_eq!((tries.pause(Class::Retry), tries.pause(Class::RestartBlob)), (None, None));
        assert_eq!(Tries::new(Duration::ZERO).pause(Class::Wait(None)), None);
    }
}
