//! What went between us and one host, counted where it is cheap: two or three additions a request, one a frame.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Methods that are counted by name; all others are the last.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"];

/// Answers by the first digit of their status; the first is none at all.
const ANSWERS: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of one host. Nobody waits for another to count.
#[derive(Debug, Default)]
pub struct Traffic {
    answers: [[AtomicU64; ANSWERS.len()]; METHODS.len()],
    throttled: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    retries: AtomicU64,
    /// Nanoseconds that requests stood at the gate, added up.
    waited: AtomicU64,
}

/// What was counted of one host, and how it is limited now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostNumbers {
    /// `host` or `host:port`.
    pub host: String,
    /// Requests that left.
    pub requests: u64,
    /// How many of them ended in which way; those that have not ended yet are not among them.
    pub answers: Vec<Answers>,
    /// Answers that asked for a pause: 429, `Retry-After`, an allowance that is used up.
    pub throttled: u64,
    /// Bytes of bodies that came.
    pub received: u64,
    /// Bytes of bodies that went.
    pub sent: u64,
    /// Requests, blobs and logins that were tried once more.
    pub retries: u64,
    /// How long requests stood at its gate, added up over all of them.
    pub waited: Duration,
    /// How often its gate closed.
    pub pauses: u64,
    /// How long it was closed in all.
    pub paused: Duration,
    /// How long it stays closed; zero if it is open.
    pub opens_in: Duration,
    /// Requests that may be on their way at a time.
    pub flows: Vec<FlowNumbers>,
}

/// Requests of one method that ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// `GET`, or `other`.
    pub method: &'static str,
    /// `2xx`, or `none` where no answer came.
    pub status: &'static str,
    /// How many.
    pub count: u64,
}

/// Requests of one kind to one host that are on their way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowNumbers {
    /// `small` or `blob`.
    pub load: &'static str,
    /// `read` or `write`.
    pub direction: &'static str,
    /// How many may be.
    pub limit: usize,
    /// How many are.
    pub used: usize,
}

impl Traffic {
    /// A request ended; no status: without an answer.
    pub fn answered(&self, method: &str, status: Option<u16>) {
        let method = METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1);
        let answer = status.map_or(0, |status| usize::from(status / 100)).min(ANSWERS.len() - 1);
        self.answers[method][answer].fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes of a body came.
    pub fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes of a body went.
    pub fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Something is tried once more.
    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The host asked for a pause.
    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// A request stood at the gate.
    pub(super) fn waited(&self, pause: Duration) {
        self.waited.fetch_add(u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Bytes that came and that went.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }

    /// What was counted so far.
    pub(super) fn numbers(&self) -> HostNumbers {
        let counted = |method: usize, answer: usize| Answers {
            method: METHODS[method],
            status: ANSWERS[answer],
            count: self.answers[method][answer].load(Ordering::Relaxed),
        };
        let all = (0..METHODS.len()).flat_map(|method| (0..ANSWERS.len()).map(move |answer| (method, answer)));
        let answers = all.map(|(method, answer)| counted(method, answer)).filter(|it| it.count > 0).collect();
        let (received, sent) = self.bytes();
        HostNumbers {
            answers,
            throttled: self.throttled.load(Ordering::Relaxed),
            received,
            sent,
            retries: self.retries.load(Ordering::Relaxed),
            waited: Duration::from_nanos(self.waited.load(Ordering::Relaxed)),
            ..HostNumbers::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_method_and_class() {
        let traffic = Traffic::default();
        for (method, status) in
            [("GET", Some(200)), ("GET", Some(206)), ("GET", None), ("PUT", Some(503)), ("BREW", Some(999))]
        {
            traffic.answered(method, status);
        }
        let counted: Vec<_> =
            traffic.numbers().answers.into_iter().map(|it| (it.method, it.status, it.count)).collect();
        assert_eq!(counted, [("GET", "none", 1), ("GET", "2xx", 2), ("PUT", "5xx", 1), ("other", "5xx", 1)]);
    }
}
