//! A remote registry (OCI distribution specification).

mod challenge;
pub(crate) mod client;
mod retry;
mod scope;
mod token;
