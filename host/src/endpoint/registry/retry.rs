//! When what is small is tried again.

use std::time::Duration;

use crate::http::Class;
use crate::limit::PATIENCE;

/// Pauses between tries: full jitter under a bound that doubles, so that a thousand failed requests do not return as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    /// The first bound.
    pub(super) base: Duration,
    /// The largest bound.
    pub(super) cap: Duration,
    /// Tries in all for what failed.
    pub(super) tries: u32,
    /// How long in all, where the host asks for pauses or is down: those are kept by its gate, and a busy host is no broken one.
    pub(super) patience: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_mins(1), tries: 5, patience: PATIENCE }
    }
}

impl BackOff {
    /// The pause before the next try after `failed` ones that count and `waited` in all, the last of `class`; none: give up.
    pub(super) fn pause(&self, class: Class, failed: u32, waited: Duration) -> Option<Duration> {
        match class {
            Class::Retry if failed < self.tries => {
                let bound = self.base.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1))).min(self.cap);
                Some(bound.mul_f64(fastrand::f64()))
            }
            // The gate of the host is closed already, for as long as the host asked.
            Class::Wait(_) if waited < self.patience => Some(self.base.mul_f64(fastrand::f64())),
            Class::Retry
            | Class::Wait(_)
            | Class::Reauthenticate
            | Class::RestartBlob
            | Class::Repair
            | Class::NotFound
            | Class::Permanent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again_and_five_times_in_all() {
        let back_off = BackOff::default();
        let none = Duration::ZERO;
        for (failed, bound) in [(1, 500), (2, 1000), (3, 2000), (4, 4000)] {
            let pause = back_off.pause(Class::Retry, failed, none).expect("another try");
            assert!(pause <= Duration::from_millis(bound), "{failed}: {pause:?}");
        }
        assert_eq!(back_off.pause(Class::Retry, 5, none), None);
        assert!(back_off.pause(Class::Wait(None), 100, PATIENCE / 2).is_some());
        assert_eq!(back_off.pause(Class::Wait(None), 1, PATIENCE), None);
        for class in [Class::Permanent, Class::NotFound, Class::Repair, Class::RestartBlob, Class::Reauthenticate] {
            assert_eq!(back_off.pause(class, 1, none), None);
        }
    }
}
