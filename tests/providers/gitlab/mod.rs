//! GitLab.

mod fake;
