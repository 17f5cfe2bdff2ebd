//! Moves container images in bulk between registries.
pub mod endpoint;
pub mod http;
pub mod limit;
pub mod oci;
pub mod report;
pub mod secret;
pub mod select;
pub mod shutdown;
pub mod transfer;
pub mod workflow;
