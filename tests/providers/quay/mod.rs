//! Quay.

mod fake;
