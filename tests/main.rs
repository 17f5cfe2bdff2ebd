//! End-to-end tests: the command as a user runs it, against real registries. See README.md in this directory.
//!
//! The list of modules is the table of contents: one for each promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage fails")]
#![expect(unreachable_pub, reason = "`pub` is what a module of the harness offers to tests")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "short texts, where what is read counts")]

mod fakes;
mod harness;
mod support;

// What is written.
mod faults;
mod fidelity;
mod interruption;
mod quickstart;
mod survival;

// How it is asked for.
mod bad_input;
mod classic;
mod cli;
mod convert;
mod init;
mod journey;
mod kit;
mod packages;
mod plan;
mod plugins;
mod providers;
mod schema;
mod shell;
mod terminal;
mod workflow;

// What it tells.
mod reports;

// What it costs.
mod distance;
mod memory;
mod requests;
mod transport;

// What it does not do.
mod security;

// How it is built.
mod documentation;
mod layers;
