//! What is kept of one host: its rate, its gate, its slots and its counters.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::limit::SMALL;
use crate::limit::budget::Budget;
use crate::limit::distance::Distance;
use crate::limit::flow::Flow;
use crate::limit::gate::Gate;
use crate::limit::lock;
use crate::limit::tokens::Tokens;
use crate::limit::traffic::FlowNumbers;
use crate::limit::traffic::HostNumbers;
use crate::limit::traffic::Traffic;

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) tokens: Option<Tokens>,
    pub(super) gate: Mutex<Gate>,
    pub(super) requests: AtomicU64,
    pub(super) traffic: Arc<Traffic>,
    pub(super) budget: Budget,
    pub(super) distance: Distance,
    /// Small requests and blobs, each read and written: blobs never take the room of the small ones.
    pub(super) small: [Arc<Flow>; 2],
    pub(super) blobs: [Arc<Flow>; 2],
}

impl Host {
    /// A host that takes `rate` requests a second and `blobs` blobs each way at a time.
    pub(super) fn new(rate: Option<NonZeroU32>, blobs: usize) -> Self {
        let flows = |ceiling| [Arc::new(Flow::new(ceiling)), Arc::new(Flow::new(ceiling))];
        Self {
            tokens: rate.map(Tokens::new),
            gate: Mutex::default(),
            requests: AtomicU64::new(0),
            traffic: Arc::default(),
            budget: Budget::new(Instant::now()),
            distance: Distance::default(),
            small: flows(SMALL),
            blobs: flows(blobs),
        }
    }

    /// What was counted of it, without its name, and how it is limited now.
    pub(super) fn numbers(&self, now: Instant) -> HostNumbers {
        let (pauses, paused, opens_in) = {
            let gate = lock(&self.gate);
            let (pauses, paused) = gate.paused(now);
            (pauses, paused, gate.opens_in(now).unwrap_or_default())
        };
        let ways = [("small", &self.small), ("blob", &self.blobs)];
        let ways =
            ways.iter().flat_map(|(load, flows)| ["read", "write"].into_iter().zip(*flows).map(move |it| (*load, it)));
        let flows = ways.map(|(load, (direction, flow))| {
            let (limit, used) = flow.numbers();
            FlowNumbers { load, direction, limit, used }
        });
        HostNumbers {
            requests: self.requests.load(Ordering::Relaxed),
            pauses,
            paused,
            opens_in,
            flows: flows.collect(),
            ..self.traffic.numbers()
        }
    }
}
