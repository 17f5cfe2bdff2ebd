//! Docker Hub.

mod fake;
mod plugin;
mod stage;
mod workflow;
