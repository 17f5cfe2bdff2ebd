//! The cap on bytes a second.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// Bytes a second over all downloads together. Frames are of any size, so this keeps the moment at which all bytes taken so far
/// would have passed at the given rate, where a token bucket would need a capacity of at least the largest frame.
#[derive(Debug)]
pub(super) struct Bandwidth {
    rate: u64,
    free_at: Mutex<Option<Instant>>,
}

impl Bandwidth {
    /// What may pass at once after a lull.
    const BURST: Duration = Duration::from_millis(100);

    /// `rate` bytes a second.
    pub(super) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), free_at: Mutex::default() }
    }

    /// Takes `bytes`, and gives how long to wait before the next are read.
    pub(super) fn reserve(&self, bytes: usize, now: Instant) -> Option<Duration> {
        let nanoseconds =
            u128::try_from(bytes).unwrap_or(u128::MAX).saturating_mul(1_000_000_000) / u128::from(self.rate);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(Self::BURST).unwrap_or(now);
        let next = free_at.map_or(earliest, |at| at.max(earliest)).checked_add(cost)?;
        *free_at = Some(next);
        Some(next.saturating_duration_since(now)).filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_megabyte_at_a_megabyte_a_second_takes_a_second() {
        let (bandwidth, start) = (Bandwidth::new(1_000_000), Instant::now());
        let mut now = start;
        for _ in 0..10 {
            now += bandwidth.reserve(100_000, now).unwrap_or_default();
        }
        let took = now - start;
        assert_eq!(took, Duration::from_millis(900), "the first 100 ms are the burst");
    }

    #[test]
    fn downloads_share_the_rate() {
        let (bandwidth, now) = (Bandwidth::new(1000), Instant::now());
        assert_eq!(bandwidth.reserve(600, now), Some(Duration::from_millis(500)));
        assert_eq!(bandwidth.reserve(500, now), Some(Duration::from_secs(1)));
    }
}
