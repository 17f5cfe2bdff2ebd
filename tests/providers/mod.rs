//! The providers' plugins, against fakes that their vendors' SDKs have been driven against first.

mod acr;
mod air_gap;
mod dockerhub;
mod ecr;
mod gitlab;
mod harbor;
mod live;
mod quay;
mod report;
mod tencent;
