//! What happened when, in a bounded number of spans of equal length.

use std::time::Duration;

use serde::Serialize;

/// Spans that are kept. When there is no room for another, two become one, and all are twice as long.
const MOST: usize = 120;

/// Bytes and images over time. A run of a second and one of a month take the same room.
#[derive(Clone, Debug)]
pub(super) struct Series {
    width: Duration,
    spans: Vec<Span>,
    /// The bytes that were counted already.
    counted: (u64, u64),
}

/// What happened in one span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Span {
    /// Bytes of bodies that came.
    pub(super) received: u64,
    /// Bytes of bodies that went.
    pub(super) sent: u64,
    /// Images that were done with.
    pub(super) images: u64,
}

impl Series {
    pub(super) fn new() -> Self {
        Self { width: Duration::from_secs(1), spans: Vec::new(), counted: (0, 0) }
    }

    /// An image was done with at `age`, the time since the beginning.
    pub(super) fn image(&mut self, age: Duration) {
        self.span(age).images += 1;
    }

    /// All bytes that came and that went until `age`.
    pub(super) fn bytes(&mut self, age: Duration, (received, sent): (u64, u64)) {
        let (before, counted) = (self.counted, (received, sent));
        self.counted = counted;
        let span = self.span(age);
        span.received += counted.0.saturating_sub(before.0);
        span.sent += counted.1.saturating_sub(before.1);
    }

    /// How long each span is.
    pub(super) fn width(&self) -> Duration {
        self.width
    }

    /// The spans from the beginning on.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    fn span(&mut self, age: Duration) -> &mut Span {
        loop {
            let index = usize::try_from(age.as_millis() / self.width.as_millis().max(1)).unwrap_or(usize::MAX);
            if index < MOST {
                if self.spans.len() <= index {
                    self.spans.resize(index + 1, Span::default());
                }
                return &mut self.spans[index];
            }
            self.spans = self.spans.chunks(2).map(|pair| pair.iter().fold(Span::default(), Span::and)).collect();
            self.width *= 2;
        }
    }
}

impl Span {
    fn and(self, other: &Self) -> Self {
        Self {
            received: self.received + other.received,
            sent: self.sent + other.sent,
            images: self.images + other.images,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_has_fewer_and_longer_spans_and_loses_nothing() {
        let mut series = Series::new();
        for second in 0..100_000_u64 {
            let age = Duration::from_secs(second);
            series.image(age);
            series.bytes(age, (second * 10, second * 20));
        }
        assert!(series.spans().len() <= MOST && series.width() == Duration::from_secs(1024), "{:?}", series.width());
        let sum = series.spans().iter().fold(Span::default(), Span::and);
        assert_eq!(sum, Span { received: 999_990, sent: 1_999_980, images: 100_000 });
        assert_eq!(series.spans()[1], Span { received: 10_240, sent: 20_480, images: 1024 });
    }

    #[test]
    fn a_pause_is_there_as_spans_of_nothing() {
        let mut series = Series::new();
        series.bytes(Duration::ZERO, (5, 0));
        series.bytes(Duration::from_secs(3), (6, 0));
        let received: Vec<_> = series.spans().iter().map(|span| span.received).collect();
        assert_eq!(received, [5, 0, 0, 1]);
    }
}
