//! A remote registry (OCI distribution specification).

pub(crate) mod client;
