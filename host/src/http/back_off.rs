//! When what failed is tried again.

use std::time::Duration;

use tokio::time::Instant;

use crate::http::Class;
use crate::limit::LONGEST_PAUSE;
use crate::limit::PATIENCE;

/// Pauses between tries: full jitter under a bound that doubles, so that a thousand failed requests do not return as one.
#[derive(Clone, Copy, Debug)]
pub struct BackOff {
    /// The first bound.
    pub base: Duration,
    /// The largest bound.
    pub cap: Duration,
    /// Tries in all for what failed.
    pub tries: u32,
    /// How long in all, where the other side asks for pauses or is down: a busy host is no broken one.
    pub patience: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), cap: Duration::from_mins(1), tries: Self::TRIES, patience: PATIENCE }
    }
}

impl BackOff {
    /// Tries in all, if nobody says otherwise.
    pub const TRIES: u32 = 5;

    /// The usual pauses, and others waited for as long as `patience` (the user's `retry.patience`).
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { patience, ..Self::default() }
    }

    /// A pause after `failed` failures in a row.
    fn growing(&self, failed: u32) -> Duration {
        let bound = self.base.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1))).min(self.cap);
        bound.mul_f64(fastrand::f64())
    }
}

/// The tries of one thing: a request, a blob, a call of a plugin.
#[derive(Clone, Debug)]
pub struct Tries {
    back_off: BackOff,
    /// Failures that count.
    failed: u32,
    /// Failures that only ask for time.
    waits: u32,
    /// When it failed first.
    since: Option<Instant>,
}

impl Tries {
    /// None yet.
    #[must_use]
    pub fn new(back_off: BackOff) -> Self {
        Self { back_off, failed: 0, waits: 0, since: None }
    }

    /// Counts a failure of `class`. The pause before the next try; none: give up. The pause that a host asks for is kept by its gate
    /// ([`crate::limit::Limiter::acquire`]), which is closed already.
    pub fn again(&mut self, class: Class) -> Option<Duration> {
        self.count(class);
        let BackOff { base, tries, patience, .. } = self.back_off;
        match class {
            Class::Retry if self.failed < tries => Some(self.back_off.growing(self.failed)),
            Class::Wait(_) if self.since.is_none_or(|since| since.elapsed() < patience) => {
                Some(base.mul_f64(fastrand::f64()))
            }
            Class::Retry
            | Class::Wait(_)
            | Class::Reauthenticate
            | Class::RestartBlob
            | Class::Repair
            | Class::NotFound
            | Class::Permanent => None,
        }
    }

    /// The same where no gate need know of it, such as an API that says in the body of an answer that it is busy: the pause is the one
    /// that was asked for, or grows.
    pub fn again_ungated(&mut self, class: Class) -> Option<Duration> {
        let pause = self.again(class)?;
        Some(match class {
            Class::Wait(Some(asked)) if !asked.is_zero() => asked.min(LONGEST_PAUSE),
            Class::Wait(_) => self.back_off.growing(self.waits),
            _ => pause,
        })
    }

    /// Before another thing is asked of the same side, which has served nothing yet: failures are counted anew, the time is not.
    pub fn anew(&mut self) {
        self.failed = 0;
    }

    /// Counts a failure of `class`.
    pub fn count(&mut self, class: Class) {
        self.since.get_or_insert_with(Instant::now);
        if matches!(class, Class::Wait(_)) {
            self.waits += 1;
        } else {
            self.failed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_what_may_pass_is_tried_again_and_five_times_in_all() {
        let mut tries = Tries::new(BackOff::default());
        for (failed, bound) in [(1, 500), (2, 1000), (3, 2000), (4, 4000)] {
            let pause = tries.again(Class::Retry).expect("another try");
            assert!(pause <= Duration::from_millis(bound), "{failed}: {pause:?}");
        }
        assert_eq!(tries.again(Class::Retry), None);
        for class in [Class::Permanent, Class::NotFound, Class::Repair, Class::RestartBlob, Class::Reauthenticate] {
            assert_eq!(Tries::new(BackOff::default()).again(class), None);
        }
    }

    #[test]
    fn waits_are_no_failures_and_end_with_the_patience() {
        let mut tries = Tries::new(BackOff::new(Duration::MAX));
        for _ in 0..100 {
            assert!(tries.again(Class::Wait(Some(SECOND))).is_some_and(|pause| pause <= SECOND / 2), "the gate waits");
        }
        assert!(tries.again(Class::Retry).is_some());
        let mut tries = Tries::new(BackOff { tries: 2, ..BackOff::new(Duration::ZERO) });
        assert!(tries.again(Class::Retry).is_some() && tries.again(Class::Retry).is_none());
        tries.anew();
        assert!(tries.again(Class::Retry).is_some() && tries.again(Class::Wait(None)).is_none());
        assert_eq!(Tries::new(BackOff::new(Duration::ZERO)).again_ungated(Class::Wait(Some(SECOND))), None);
    }

    #[test]
    fn where_no_gate_waits_the_pause_is_what_was_asked_for_or_grows() {
        let mut tries = Tries::new(BackOff::default());
        assert_eq!(tries.again_ungated(Class::Wait(Some(30 * SECOND))), Some(30 * SECOND));
        assert_eq!(tries.again_ungated(Class::Wait(Some(Duration::MAX))), Some(LONGEST_PAUSE), "no pause ends a run");
        let mut tries = Tries::new(BackOff::default());
        for bound in [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
            let pause = tries.again_ungated(Class::Wait(None)).expect("another try");
            assert!(pause <= Duration::from_millis(bound), "{bound}: {pause:?}");
        }
        let at_once = Class::Wait(Some(Duration::ZERO));
        let longest = (0..100).filter_map(|_| tries.again_ungated(at_once)).max();
        assert!(longest.is_some_and(|pause| pause > 30 * SECOND), "{longest:?} of a minute");
        assert!(tries.again_ungated(Class::Retry).is_some_and(|pause| pause <= SECOND / 2));
    }
}
