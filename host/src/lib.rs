//! Moves container images in bulk between registries.
//!
//! A workflow file names sources, mappers and targets; sandboxed WebAssembly components answer *which* images and *where to*; this
//! crate does the rest. Data goes one way:
//!
//! ```text
//! workflow.yaml -> Plan -> source.next() => select => mapper.map() => Job => Engine => Event => report
//!                       (=> is a bounded channel, so a slow target slows the listing, and memory stays flat)
//! ```
//!
//! The layers; a module imports only from lower ones, and siblings never meet (`tests/layers.rs` holds them to it):
//!
//! | layer | modules |
//! |---|---|
//! | 5 | [`cli`]: arguments, subcommands, exit codes, the classic flags |
//! | 4 | [`run`]: the only place that knows everything |
//! | 3 | [`report`]: events folded into progress, log lines, a summary, reports (a page, JSON, JUnit), a rule file of failures, metrics |
//! | 2 | [`transfer`]: one image, bottom up, the tag last; [`convert`]: other tools' configurations as workflow files |
//! | 1 | [`workflow`], [`plugin`], [`endpoint`], [`journal`]: what was asked, who decides, where images are, what was done |
//! | 0 | [`oci`], [`select`], [`http`], [`limit`], [`secret`], [`shutdown`] |
//!
//! What holds, and what is absent so that it does:
//!
//! - Every request leaves through [`http::Gateway::send`] and takes a rate token there, plugins' requests too.
//! - Whose idea a host is decides how far it may be ([`http::Reach`]): what a stranger names is public, or nothing is sent.
//! - [`plugin`] cannot reach [`endpoint`]: a plugin lists registries through the host and never sees a credential.
//! - [`transfer`] knows no plugin and no file: jobs in, outcomes out.
//! - A manifest is forwarded as the bytes that came ([`oci::Manifest`]); a tag is written when all below it is there.
//! - [`journal`] knows no job and no plugin: it keeps texts, in their order, and gives them back.
//! - Only [`cli`] and [`report`] print.

pub mod cli;
pub mod convert;
pub mod endpoint;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod journal;
pub mod limit;
pub mod oci;
pub mod plugin;
pub mod report;
pub mod run;
pub mod secret;
pub mod select;
pub mod shutdown;
pub mod transfer;
pub mod workflow;
