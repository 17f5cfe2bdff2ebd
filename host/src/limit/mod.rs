//! Rate tokens and host gates.

use std::collections::HashMap;
use std::num::NonZeroU32;

/// How fast requests may leave.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// Requests a second over all hosts.
    pub overall: Option<NonZeroU32>,
    /// Requests a second by host (`host` or `host:port` as in a URL's authority).
    pub hosts: HashMap<String, NonZeroU32>,
}

/// Rate tokens, overall and per host, and the gates that a 429 closes.
#[derive(Debug)]
pub struct Limiter {}

impl Limiter {
    /// Limits by `rates`.
    #[must_use]
    pub fn new(rates: &Rates) -> Self {
        let _ = rates;
        Self {}
    }
}
