//! Asking again what a plugin could not do at the moment.

use std::fmt::Display;
use std::time::Duration;

use crate::http::BackOff;
use crate::http::Class;
use crate::http::Tries;

/// The tries of the calls of one plugin. An API is waited for as long as a registry is, by the user's `retry.patience`; what is waited
/// is kept from call to call until one succeeds: of ten thousand images that need an API which serves nothing, the first waits.
#[derive(Clone)]
pub(super) struct Patience {
    back_off: BackOff,
    tries: Tries,
}

impl Patience {
    /// One that waits for `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        let back_off = BackOff::new(patience);
        Self { back_off, tries: Tries::new(back_off) }
    }

    /// A call succeeded: what came before does not count any more.
    pub(super) fn served(&mut self) {
        self.tries = Tries::new(self.back_off);
    }

    /// Waits as long as `error` is worth, and tells whether to ask again.
    pub(super) async fn again(&mut self, class: Class, error: impl Display) -> bool {
        let Some(pause) = self.tries.again_ungated(class) else {
            self.tries.anew();
            return false;
        };
        tracing::info!("{error}; asking again");
        tokio::time::sleep(pause).await;
        true
    }
}
