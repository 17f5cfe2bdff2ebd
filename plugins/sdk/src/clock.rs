//! Time and chance, as WASI gives them. `std::time` and the usual crates do not work on wasm32-unknown-unknown.

use std::time::Duration;

use crate::bindings::host::wasi::clocks::wall_clock;
use crate::bindings::host::wasi::random::random;

/// Time since 1970-01-01T00:00:00Z.
#[must_use]
pub fn now() -> Duration {
    let now = wall_clock::now();
    Duration::new(now.seconds, now.nanoseconds)
}

/// Unpredictable bytes, fit for a nonce or a key.
#[must_use]
pub fn random_bytes(length: u64) -> Vec<u8> {
    random::get_random_bytes(length)
}
