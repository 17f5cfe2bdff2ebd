//! The only place that knows everything: a plan becomes plugins, endpoints, jobs and a report.
//!
//! ```text
//! Plan -> Workbench (plugins loaded, options checked; nothing sent) -> for each transfer: source => select => mappers => Job
//!      => Engine => Event => report            (=> is a bounded channel)
//! ```
//!
//! A source is asked for its next batch only when there is room for its images, so a catalog of a million images never sits in
//! memory. Transfers run side by side under one ceiling of images, in the order that `needs` asks for.

mod enumerate;
mod jobs;
mod named;
mod newest;
mod patience;
mod preparer;
mod registries;
mod seen;
mod settings;
mod shelf;
mod transfers;
mod workbench;

use std::io;
use std::io::Write;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::http::Gateway;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::plugin::HostOptions;
use crate::plugin::PluginError;
use crate::plugin::Transports;
use crate::report::Outputs;
use crate::report::Reporter;
use crate::report::Summary;
use crate::run::registries::Listings;
use crate::secret::Redactor;
use crate::shutdown::Shutdown;
use crate::workflow::Report;

pub use workbench::Workbench;

/// Events that wait for the report.
const EVENTS: usize = 256;

/// Why a run could not begin, or not be reported.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan asks for what is not there.
    #[error(transparent)]
    Plan(#[from] Report),
    /// The plugin host itself does not work here.
    #[error("cannot start the plugin host")]
    Plugins(#[source] PluginError),
    /// A report cannot be written.
    #[error("cannot write the report")]
    Output(#[source] io::Error),
}

/// A plugin host for looking at plugins: they are loaded and described, and reach nothing.
pub fn inspection_host(cache: CacheDir) -> Result<Host, PluginError> {
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    let registries = Arc::new(Listings::default());
    Host::new(HostOptions {
        gateway,
        registries,
        transports: Transports::default(),
        cache,
        redactor: Redactor::default(),
    })
}

/// Runs what `bench` has ready, until it is over or `shutdown` ends it. Returns the numbers.
pub async fn run<W: Write>(
    bench: Workbench,
    outputs: Outputs,
    out: W,
    shutdown: &Shutdown,
) -> Result<Summary, RunError> {
    let (events, received) = mpsc::channel(EVENTS);
    let reporter = Reporter::new(bench.name(), outputs.clone(), out).map_err(RunError::Output)?;
    let limiter = bench.limiter();
    let transfers = transfers::all(bench, outputs.dry_run, events, shutdown);
    let (summary, ()) = tokio::join!(reporter.fold(received, || limiter.counts()), transfers);
    summary.map_err(RunError::Output)
}
