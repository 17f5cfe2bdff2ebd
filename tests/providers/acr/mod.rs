//! Aliyun.

mod sdk;
