//! Asking again what a plugin could not do at the moment.

use std::fmt::Display;
use std::time::Duration;
use std::time::Instant;

use crate::http::Class;
use crate::limit::PATIENCE;

/// Tries of what fails.
const TRIES: u32 = 5;

/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The tries of one call.
pub(super) struct Patience {
    tries: u32,
    waits: u32,
    begun: Instant,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 0, waits: 0, begun: Instant::now() }
    }
}

impl Patience {
    /// Waits as long as `error` is worth, and tells whether to ask again.
    pub(super) async fn again(&mut self, class: Class, error: impl Display) -> bool {
        let growing =
            |tries: u32| Duration::from_millis(500).saturating_mul(1 << tries.min(10)).mul_f64(fastrand::f64());
        let pause = match class {
            // The other side works, and asks for time.
            Class::Wait(asked) if self.begun.elapsed() < PATIENCE => {
                self.waits += 1;
                asked.unwrap_or_else(|| growing(self.waits))
            }
            Class::Retry if self.tries + 1 < TRIES => {
                self.tries += 1;
                growing(self.tries)
            }
            Class::Retry
            | Class::Wait(_)
            | Class::Reauthenticate
            | Class::RestartBlob
            | Class::Repair
            | Class::NotFound
            | Class::Permanent => return false,
        };
        tracing::info!("{error}; asking again");
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        true
    }
}
