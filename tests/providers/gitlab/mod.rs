//! GitLab.

mod fake;
mod plugin;
mod stage;
