//! Harbor.

mod contract;
mod plugin;
mod stage;
mod workflow;
