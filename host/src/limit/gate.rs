//! The gate of one host, closed while it asks for a pause.

use std::time::Duration;
use std::time::Instant;

use crate::limit::LONGEST_PAUSE;
use crate::limit::Signal;

/// One host's gate. A `Retry-After` closes it for that long. A 429 without one closes it for 0.1 s, doubled with each further
/// one up to 30 s; every few successes take one doubling back. Time is passed in: the gate has no clock of its own.
#[derive(Debug, Default)]
pub(super) struct Gate {
    opens: Option<Instant>,
    closed_at: Option<Instant>,
    doublings: u32,
    served: u32,
}

impl Gate {
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
    /// Successes that take one doubling back.
    const SERVED_PER_STEP: u32 = 6;

    /// How long the gate stays closed; none if it is open.
    pub(super) fn opens_in(&self, now: Instant) -> Option<Duration> {
        self.opens.map(|opens| opens.saturating_duration_since(now)).filter(|pause| !pause.is_zero())
    }

    /// Takes in how a request that left at `sent` ended. Gives the pause if this closed the gate.
    pub(super) fn report(&mut self, signal: Signal, sent: Instant, now: Instant) -> Option<Duration> {
        match signal {
            Signal::Other => None,
            Signal::Served => {
                self.served += 1;
                if self.served >= Self::SERVED_PER_STEP {
                    self.served = 0;
                    self.doublings = self.doublings.saturating_sub(1);
                }
                None
            }
            Signal::Pause(asked) => {
                self.served = 0;
                let asked = asked.filter(|pause| !pause.is_zero()).map(|pause| pause.min(LONGEST_PAUSE));
                // Requests that left before the gate closed say nothing new: a hundred of them are one reason to back off.
                let known = self.closed_at.is_some_and(|closed| sent <= closed);
                if known && asked.is_none() {
                    return None;
                }
                let pause = asked.unwrap_or_else(|| self.back_off());
                if !known {
                    self.doublings += 1;
                }
                self.closed_at = Some(now);
                let opens = self.opens.map_or(now + pause, |opens| opens.max(now + pause));
                self.opens = Some(opens);
                Some(pause)
            }
        }
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
        for _ in 0..3 {
            now += gate.report(Signal::Pause(None), now, now + MILLISECOND).expect("closed") + 2 * MILLISECOND;
        }
        for _ in 0..12 {
            gate.report(Signal::Served, now, now);
        }
        assert_eq!(gate.report(Signal::Pause(None), now, now + MILLISECOND), Some(Duration::from_millis(200)));
    }
}
