//! CPU time of a call, measured rather than guessed.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::time::ClockId;
use rustix::time::clock_gettime;

/// The CPU time of the call that is running, shared by the future that runs it and the epoch callback that asks.
///
/// An epoch deadline is wall clock: it would charge a guest for its waits and for a busy machine. A guest runs on the thread that
/// polls its call, so that thread's own clock, read around each poll, charges it for what it computes and for nothing else, whatever
/// import it waits in (`http`, `registry`, `wasi:io/poll`).
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Readings>);

/// Nanoseconds.
#[derive(Default)]
struct Readings {
    /// Used in polls that are over.
    used: AtomicU64,
    /// The thread's clock when the running poll began.
    began: AtomicU64,
}

impl Meter {
    /// A call begins.
    pub(super) fn reset(&self) {
        self.0.used.store(0, Ordering::Relaxed);
    }

    /// CPU time of the call so far. Only the thread that polls the call may ask, and only while it does: its clock is the measure.
    pub(super) fn used(&self) -> Duration {
        let running = thread_clock().saturating_sub(self.0.began.load(Ordering::Relaxed));
        Duration::from_nanos(self.0.used.load(Ordering::Relaxed).saturating_add(running))
    }

    /// CPU time of the polls that are over, which any thread may ask for.
    pub(super) fn told(&self) -> Duration {
        Duration::from_nanos(self.0.used.load(Ordering::Relaxed))
    }

    /// Runs `call` and measures it.
    pub(super) async fn measure<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            self.0.began.store(thread_clock(), Ordering::Relaxed);
            let polled = call.as_mut().poll(context);
            self.0.used.store(u64::try_from(self.used().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            polled
        })
        .await
    }
}

/// What this thread has computed, in nanoseconds.
fn thread_clock() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn computing_counts_and_waiting_does_not() {
        let meter = Meter::default();
        let wait = Duration::from_millis(300);
        meter.measure(tokio::time::timeout(wait, std::future::pending::<()>())).await.unwrap_err();
        let waited = Duration::from_nanos(meter.0.used.load(Ordering::Relaxed));
        assert!(waited < wait / 3, "{waited:?}");
        let goal = Duration::from_millis(20);
        meter.measure(async { while meter.used() < goal {} }).await;
        assert!(Duration::from_nanos(meter.0.used.load(Ordering::Relaxed)) >= goal);
        meter.reset();
        assert_eq!(meter.0.used.load(Ordering::Relaxed), 0);
    }
}
