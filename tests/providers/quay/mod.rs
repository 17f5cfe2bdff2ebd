//! Quay.

mod fake;
mod plugin;
mod stage;
