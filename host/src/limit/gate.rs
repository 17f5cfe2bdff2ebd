//! The gate of one host, closed while it asks for a pause.

use std::time::Duration;
use std::time::Instant;

use crate::limit::LONGEST_PAUSE;
use crate::limit::Signal;

/// One host's gate. A `Retry-After` closes it for that long. A 429 without one closes it for 0.1 s, doubled up to 30 s as long as all
/// that leaves after the pause is refused again: a pause after which something is served was long enough, and every few successes take one
/// doubling back. So a host that refuses one request in twenty is asked on, and one that serves a request every few seconds finds its
/// pace. A host that was reached before, and then fails several times in a row,
/// is down: the gate closes for a second, and longer with each further failure. Time is passed in: the gate has no clock of its own.
#[derive(Debug, Default)]
pub(super) struct Gate {
    opens: Option<Instant>,
    closed_at: Option<Instant>,
    doublings: u32,
    /// Nothing was served yet that left after the pause began.
    untried: bool,
    served: u32,
    /// It answered once.
    reached: bool,
    /// Failures in a row.
    failures: u32,
    /// Since when it has served nothing.
    refusing: Option<Instant>,
    /// Pauses, and how long they were and will be in all.
    pauses: u64,
    paused: Duration,
}

impl Gate {
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
    /// Successes that take one doubling back.
    const SERVED_PER_STEP: u32 = 6;
    /// Failures in a row that are no accident.
    const DOWN: u32 = 5;
    /// The first pause after that many, and the longest: what is back is seen soon.
    const DOWN_PAUSE: Duration = Duration::from_secs(1);
    const LONGEST_DOWN_PAUSE: Duration = Duration::from_secs(10);
    /// Doublings beyond which a pause grows no longer.
    const MOST_DOUBLINGS: u32 = 9;

    /// Whether the host is down, as far as can be told.
    pub(super) fn is_down(&self) -> bool {
        self.reached && self.failures >= Self::DOWN
    }

    /// For how long the host has served nothing.
    pub(super) fn refusing_for(&self, now: Instant) -> Option<Duration> {
        self.refusing.map(|since| now.saturating_duration_since(since))
    }

    /// How long the gate stays closed; none if it is open.
    pub(super) fn opens_in(&self, now: Instant) -> Option<Duration> {
        self.opens.map(|opens| opens.saturating_duration_since(now)).filter(|pause| !pause.is_zero())
    }

    /// Takes in how a request that left at `sent` ended. Gives the pause if this closed the gate.
    pub(super) fn report(&mut self, signal: Signal, sent: Instant, now: Instant) -> Option<Duration> {
        if matches!(signal, Signal::Served | Signal::Answered) {
            (self.reached, self.failures, self.refusing) = (true, 0, None);
            self.untried &= self.closed_at.is_some_and(|closed| sent <= closed);
        }
        match signal {
            Signal::Other | Signal::Answered => None,
            Signal::Failed => {
                self.failures = self.failures.saturating_add(1);
                if !self.is_down() {
                    return None;
                }
                self.refusing.get_or_insert(now);
                if self.closed_at.is_some_and(|closed| sent <= closed) {
                    return None;
                }
                let pause = 2_u32.checked_pow(self.failures - Self::DOWN).map_or(Self::LONGEST_DOWN_PAUSE, |factor| {
                    Self::DOWN_PAUSE.saturating_mul(factor).min(Self::LONGEST_DOWN_PAUSE)
                });
                self.close(pause, now);
                Some(pause)
            }
            Signal::Served => {
                self.served += 1;
                if self.served >= Self::SERVED_PER_STEP {
                    self.served = 0;
                    self.doublings = self.doublings.saturating_sub(1);
                }
                None
            }
            Signal::Pause(asked) => {
                self.reached = true;
                self.refusing.get_or_insert(now);
                let asked = asked.filter(|pause| !pause.is_zero()).map(|pause| pause.min(LONGEST_PAUSE));
                // Requests that left before the gate closed say nothing new: a hundred of them are one reason to back off.
                let known = self.closed_at.is_some_and(|closed| sent <= closed);
                if known && asked.is_none() {
                    return None;
                }
                let pause = asked.unwrap_or_else(|| {
                    self.doublings = (self.doublings + u32::from(self.untried)).min(Self::MOST_DOUBLINGS);
                    self.untried = true;
                    self.back_off()
                });
                self.close(pause, now);
                Some(pause)
            }
        }
    }

    fn close(&mut self, pause: Duration, now: Instant) {
        self.closed_at = Some(now);
        let already = self.opens.map_or(now, |opens| opens.max(now));
        let opens = already.max(now + pause);
        self.pauses += 1;
        self.paused += opens.saturating_duration_since(already);
        self.opens = Some(opens);
    }

    /// How often it closed, and how long it was closed up to `now`.
    pub(super) fn paused(&self, now: Instant) -> (u64, Duration) {
        (self.pauses, self.paused.saturating_sub(self.opens_in(now).unwrap_or_default()))
    }

    fn back_off(&self) -> Duration {
        2_u32.checked_pow(self.doublings).map_or(Self::LONGEST_BACK_OFF, |factor| {
            Self::FIRST_PAUSE.saturating_mul(factor).min(Self::LONGEST_BACK_OFF)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn retry_after_closes_the_gate_for_that_long() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        assert_eq!(gate.opens_in(now), None);
        gate.report(Signal::Pause(Some(Duration::from_secs(7))), now, now);
        assert_eq!(gate.opens_in(now), Some(Duration::from_secs(7)));
        assert_eq!(gate.opens_in(now + Duration::from_secs(7)), None);
        assert_eq!(gate.paused(now + Duration::from_secs(3)), (1, Duration::from_secs(3)));
    }

    #[test]
    fn pauses_that_overlap_count_their_time_once() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        let second = Duration::from_secs(1);
        for seconds in [5, 3, 8] {
            gate.report(Signal::Pause(Some(second * seconds)), now, now);
        }
        assert_eq!(gate.paused(now + second * 100), (3, second * 8));
    }

    #[test]
    fn a_retry_after_of_years_is_cut_to_a_quarter_of_an_hour() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        gate.report(Signal::Pause(Some(Duration::from_secs(1_000_000_000))), now, now);
        assert_eq!(gate.opens_in(now), Some(LONGEST_PAUSE));
    }

    #[test]
    fn pauses_without_a_length_double_up_to_thirty_seconds() {
        let (mut gate, mut now) = (Gate::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..11 {
            let pause = gate.report(Signal::Pause(None), now, now + MILLISECOND).expect("closed");
            pauses.push(pause.as_millis());
            now += pause + 2 * MILLISECOND;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]);
    }

    /// Refuses once and then has so many requests served, over and over; the pauses in milliseconds.
    fn pauses(gate: &mut Gate, mut now: Instant, rounds: usize, served: usize) -> Vec<u128> {
        let mut pauses = Vec::new();
        for _ in 0..rounds {
            let pause = gate.report(Signal::Pause(None), now, now + MILLISECOND).expect("closed");
            pauses.push(pause.as_millis());
            now += pause + 2 * MILLISECOND;
            for _ in 0..served {
                gate.report(Signal::Answered, now, now);
                gate.report(Signal::Served, now, now);
            }
            now += MILLISECOND;
        }
        pauses
    }

    #[test]
    fn a_host_that_refuses_now_and_then_is_asked_on() {
        assert_eq!(pauses(&mut Gate::default(), Instant::now(), 50, 10), [100; 50]);
    }

    #[test]
    fn a_host_that_serves_one_request_after_each_pause_keeps_its_pace() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        assert_eq!(pauses(&mut gate, now, 5, 0), [100, 200, 400, 800, 1600]);
        let later = now + Duration::from_mins(1);
        // The last of the five was not enough; of six that were, one is tried at half.
        assert_eq!(pauses(&mut gate, later, 7, 1), [3200, 3200, 3200, 3200, 3200, 3200, 1600]);
    }

    #[test]
    fn what_left_before_the_pause_tells_nothing_of_its_length() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        let later = now + Duration::from_secs(1);
        gate.report(Signal::Pause(None), now, now + MILLISECOND);
        gate.report(Signal::Served, now, later);
        assert_eq!(gate.report(Signal::Pause(None), later, later), Some(Duration::from_millis(200)));
    }

    #[test]
    fn a_host_that_was_reached_and_fails_again_and_again_is_down_and_waited_for() {
        let (mut gate, mut now) = (Gate::default(), Instant::now());
        gate.report(Signal::Answered, now, now);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            now += MILLISECOND;
            let pause = gate.report(Signal::Failed, now, now + MILLISECOND);
            pauses.push(pause.map_or(0, |pause| pause.as_secs()));
            now += pause.unwrap_or_default() + MILLISECOND;
        }
        assert_eq!(pauses, [0, 0, 0, 0, 1, 2, 4, 8, 10, 10, 10, 10]);
        assert!(gate.is_down() && gate.refusing_for(now).is_some_and(|it| it.as_secs() > 50));
        gate.report(Signal::Served, now, now);
        assert!(!gate.is_down() && gate.refusing_for(now).is_none());
    }

    #[test]
    fn a_host_that_was_never_reached_is_not_waited_for() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(gate.report(Signal::Failed, now, now), None);
        }
        assert!(!gate.is_down());
    }

    #[test]
    fn answers_to_requests_that_left_before_the_pause_count_once() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        for _ in 0..100 {
            gate.report(Signal::Pause(None), now, now + MILLISECOND);
        }
        assert_eq!(gate.opens_in(now + MILLISECOND), Some(Duration::from_millis(100)));
    }

    #[test]
    fn successes_take_the_doublings_back() {
        let (mut gate, mut now) = (Gate::default(), Instant::now());
        for _ in 0..4 {
            now += gate.report(Signal::Pause(None), now, now + MILLISECOND).expect("closed") + 2 * MILLISECOND;
        }
        for _ in 0..12 {
            gate.report(Signal::Served, now, now);
        }
        assert_eq!(gate.report(Signal::Pause(None), now, now + MILLISECOND), Some(Duration::from_millis(200)));
    }
}
