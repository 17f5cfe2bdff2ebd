//! Asking again what a plugin could not do at the moment.

use std::fmt::Display;
use std::time::Duration;

use crate::http::Class;

/// Tries of what fails.
const TRIES: u32 = 5;

/// Tries of what comes too often: the other side works, and asks for time.
const PATIENT_TRIES: u32 = 10;

/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The tries of one call.
#[derive(Default)]
pub(super) struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits as long as `error` is worth, and tells whether to ask again.
    pub(super) async fn again(&mut self, class: Class, error: impl Display) -> bool {
        self.tries += 1;
        let growing = || Duration::from_millis(500).saturating_mul(1 << self.tries).mul_f64(fastrand::f64());
        let (pause, tries) = match class {
            Class::Wait(Some(pause)) => (pause, PATIENT_TRIES),
            Class::Wait(None) => (growing(), PATIENT_TRIES),
            Class::Retry => (growing(), TRIES),
            Class::Reauthenticate | Class::RestartBlob | Class::Repair | Class::NotFound | Class::Permanent => {
                return false;
            }
        };
        if self.tries >= tries {
            return false;
        }
        tracing::info!("{error}; asking again");
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        true
    }
}
