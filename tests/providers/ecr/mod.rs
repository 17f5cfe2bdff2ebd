//! Amazon ECR.

mod listing;
mod making;
mod moto;
mod plugin;
mod sdk;
mod signature;
mod stage;
mod workflow;
