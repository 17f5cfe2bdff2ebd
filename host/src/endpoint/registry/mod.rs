//! A remote registry (OCI distribution specification).

mod authorization;
mod challenge;
pub(crate) mod client;
mod origin;
mod retry;
mod scope;
mod token;
mod token_server;
