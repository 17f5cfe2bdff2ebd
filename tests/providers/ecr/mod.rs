//! Amazon ECR.

mod moto;
mod sdk;
