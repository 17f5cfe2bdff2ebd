//! Aliyun.

mod plugin;
mod preparation;
mod sdk;
mod signature;
mod stage;
mod swap;
mod workflow;
