//! Leave to send one request, and what its end says of the host.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::limit::Direction;
use crate::limit::Load;
use crate::limit::Signal;
use crate::limit::flow::Slot;
use crate::limit::host::Host;
use crate::limit::lock;
use crate::limit::traffic::Traffic;

/// Leave to send one request, and the moment it was given.
#[derive(Debug)]
pub struct Permit {
    pub(super) host: Arc<Host>,
    pub(super) name: String,
    pub(super) given: Instant,
    pub(super) direction: Direction,
    pub(super) load: Load,
    /// Free again when the answer is read.
    pub(super) slot: Option<Slot>,
}

impl Permit {
    /// The counters of the host.
    #[must_use]
    pub fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.host.traffic)
    }

    /// Tells how the request ended. True if the host is down, so that another try is a matter of waiting.
    pub fn report(&self, signal: Signal) -> bool {
        let now = Instant::now();
        if matches!(signal, Signal::Pause(_)) {
            self.host.traffic.throttled();
        }
        let flows = match self.load {
            Load::Small => &self.host.small,
            Load::Blob => &self.host.blobs,
        };
        if self.load == Load::Small && matches!(signal, Signal::Served | Signal::Answered) {
            self.host.distance.answered_in(now - self.given);
        }
        let flow = &flows[self.direction as usize];
        match signal {
            Signal::Served => flow.served(),
            Signal::Pause(_) | Signal::Failed => flow.overloaded(self.given, now),
            Signal::Answered | Signal::Other => {}
        }
        let (pause, down) = {
            let mut gate = lock(&self.host.gate);
            (gate.report(signal, self.given, now), gate.is_down())
        };
        if let Some(pause) = pause {
            let at_a_time = flow.limit();
            tracing::debug!(host = %self.name, ?pause, at_a_time, "nothing leaves for this host for a while");
            if pause >= Duration::from_secs(5) {
                let why = if down { "cannot be reached" } else { "is limiting requests" };
                tracing::warn!("{} {why}: paused for {} s", self.name, pause.as_secs());
            }
        }
        down
    }

    /// The slot, to be held for as long as the answer is being read.
    pub fn take_slot(&mut self) -> Option<Slot> {
        self.slot.take()
    }
}
