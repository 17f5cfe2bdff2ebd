//! How far away a host is, by the soonest that it ever answered.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A host that never answered sooner is far away: more requests at a time then cost it nothing that it notices, and save the time that each
/// of them is under way. Hosts of one site answer in 1 to 5 ms, those of another continent not below 50.
const FAR: Duration = Duration::from_millis(10);

/// The soonest that a host ever answered a small request, in nanoseconds. What the first request takes to connect is in it, until a later
/// one is quicker.
#[derive(Debug)]
pub(super) struct Distance(AtomicU64);

impl Default for Distance {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Distance {
    /// A request was answered after `time`.
    pub(super) fn answered_in(&self, time: Duration) {
        self.0.fetch_min(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether the host is far away. Not before it has answered.
    pub(super) fn is_far(&self) -> bool {
        let soonest = self.0.load(Ordering::Relaxed);
        soonest != u64::MAX && Duration::from_nanos(soonest) >= FAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_far_until_it_answers_soon() {
        let distance = Distance::default();
        assert!(!distance.is_far());
        distance.answered_in(Duration::from_millis(150));
        distance.answered_in(FAR);
        assert!(distance.is_far());
        distance.answered_in(Duration::from_millis(9));
        distance.answered_in(Duration::from_millis(150));
        assert!(!distance.is_far());
    }
}
