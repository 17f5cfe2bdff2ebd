//! How a run is asked to end: first by finishing what is in flight, then at once.

use tokio_util::sync::CancellationToken;

/// Two levels of stopping. The first signal stops the intake of new work and lets transfers finish; the second cancels them.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    cancel: CancellationToken,
}

impl Shutdown {
    /// A run that nobody has asked to stop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks once more: the first call drains, every later one cancels.
    pub fn escalate(&self) {
        if self.drain.is_cancelled() {
            self.cancel.cancel();
        } else {
            self.drain.cancel();
        }
    }

    /// Whether no new work may be started.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Whether work in flight is being given up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Ends when no new work may be started.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Ends when work in flight is to be given up.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_drains_and_the_second_cancels() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_draining());
        shutdown.escalate();
        assert!(shutdown.is_draining() && !shutdown.is_cancelled());
        shutdown.escalate();
        assert!(shutdown.is_cancelled());
    }
}
