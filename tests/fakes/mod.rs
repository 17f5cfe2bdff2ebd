//! One stateful fake for each provider: its API as its documentation says, with signatures verified, and faults as it is told. The vendor's
//! own SDK drives each before a plugin does, so that it is known to be faithful.

pub mod acr;
pub mod clock;
pub mod dockerhub;
pub mod ecr;
pub mod gitlab;
pub mod harbor;
pub mod quay;
pub mod signing;
pub mod tencent;
