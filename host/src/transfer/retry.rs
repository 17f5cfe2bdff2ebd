//! How long to wait before another try.

use std::time::Duration;

use crate::http::Class;

/// Tries of one blob or manifest within one job, the first included.
pub(super) const TRIES: u32 = 5;

const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_mins(1);

/// The pause before try number `next` (2, 3, …): full jitter over an exponentially growing window, or what the host asked for. None
/// if `class` is not worth another try.
pub(super) fn pause(class: Class, next: u32) -> Option<Duration> {
    if next > TRIES {
        return None;
    }
    let window = BASE.saturating_mul(1 << next.saturating_sub(2).min(16)).min(CAP);
    match class {
        Class::Wait(Some(asked)) => Some(asked.min(CAP)),
        Class::Retry | Class::Wait(None) => Some(window.mul_f64(fastrand::f64())),
        Class::RestartBlob | Class::Reauthenticate => Some(Duration::ZERO),
        Class::Repair | Class::NotFound | Class::Permanent => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permanent_error_is_never_tried_again() {
        assert_eq!(pause(Class::Permanent, 2), None);
        assert_eq!(pause(Class::NotFound, 2), None);
    }

    #[test]
    fn tries_are_counted_and_the_host_is_heard() {
        assert_eq!(pause(Class::Wait(Some(Duration::from_secs(3))), 2), Some(Duration::from_secs(3)));
        assert!(pause(Class::Retry, 2).unwrap() <= BASE);
        assert_eq!(pause(Class::Retry, TRIES + 1), None);
    }
}
