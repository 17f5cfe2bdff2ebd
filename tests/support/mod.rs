//! A registry that does as it is scripted: faithful by default, hostile where a test says so.
//!
//! It runs inside the test, keeps everything in memory, speaks plain http or TLS, and remembers each request with its headers. The
//! [`stage`] puts two of them around the command under test; [`invariant`] is what must hold after any fault.

pub mod fault;
pub mod invariant;
pub mod lock;
pub mod protocol;
pub mod registry;
pub mod stage;
pub mod storage;
pub mod uploads;
pub mod weather;
pub mod wire;
