//! What the tests stand on: real registries, images, an independent reader, and the command itself.
//!
//! Nothing here uses the crate under test. Everything blocks, nothing sleeps, and nothing leaves 127.0.0.1.

pub mod api;
pub mod browser;
pub mod certificates;
pub mod command;
pub mod graph;
pub mod http1;
pub mod layout;
pub mod prism;
pub mod proxy;
pub mod random;
pub mod registry;
pub mod skopeo;
pub mod store;
pub mod terminal;
pub mod tools;
pub mod vendor;
