//! A rate, given out one token at a time.

use std::num::NonZeroU32;

use governor::Quota;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::clock::DefaultClock;
use governor::middleware::NoOpMiddleware;
use governor::state::InMemoryState;
use governor::state::NotKeyed;

/// Tokens that come back at a steady rate. Waiters are served in the order they came: only the first in line sleeps on the
/// limiter, so a thousand waiters cost one timer and nobody starves.
#[derive(Debug)]
pub(super) struct Tokens<C: Clock = DefaultClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    line: tokio::sync::Mutex<()>,
}

impl Tokens {
    /// `rate` tokens a second.
    pub(super) fn new(rate: NonZeroU32) -> Self {
        Self::on(rate, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Tokens<C> {
    fn on(rate: NonZeroU32, clock: C) -> Self {
        // A tenth of a second's worth at once: a burst of a whole second would double the rate in the first one.
        let burst = NonZeroU32::new(rate.get() / 10).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate).allow_burst(burst);
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            line: tokio::sync::Mutex::default(),
        }
    }

    /// Waits for a token and takes it.
    pub(super) async fn take(&self) {
        let _first = self.line.lock().await;
        while let Err(early) = self.limiter.check() {
            tokio::time::sleep(early.wait_time_from(self.clock.now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    /// How many tokens `rate` gives within `span`, asked for every millisecond.
    fn given(rate: u32, span: Duration) -> u32 {
        let clock = FakeRelativeClock::default();
        let tokens = Tokens::on(NonZeroU32::new(rate).expect("positive"), clock.clone());
        let mut given = 0;
        for _ in 0..span.as_millis() {
            while tokens.limiter.check().is_ok() {
                given += 1;
            }
            clock.advance(Duration::from_millis(1));
        }
        given
    }

    #[test]
    fn a_rate_is_kept_with_a_burst_of_a_tenth() {
        assert!((100..=110).contains(&given(100, Duration::from_secs(1))));
        assert!((1000..=1010).contains(&given(100, Duration::from_secs(10))));
        assert_eq!(given(1, Duration::from_secs(10)), 10);
    }

    #[tokio::test]
    async fn a_token_is_waited_for() {
        let tokens = Tokens::new(NonZeroU32::new(200).expect("positive"));
        let start = std::time::Instant::now();
        for _ in 0..40 {
            tokens.take().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(90), "40 tokens at 200/s, 20 at once: {:?}", start.elapsed());
    }
}
