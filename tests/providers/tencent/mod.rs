//! Tencent Cloud.

mod listing;
mod migration;
mod sdk;
mod signature;
mod stage;
mod workflow;
