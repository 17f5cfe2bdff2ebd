//! The only place that knows everything: a plan becomes plugins, endpoints, jobs and a report.
//!
//! ```text
//! Plan -> Workbench (plugins loaded, options checked; nothing sent) -> for each transfer: source => select => mappers => Job
//!      => Engine => Event => report            (=> is a bounded channel)
//! ```
//!
//! A source is asked for its next batch only when there is room for its images, so a catalog of a million images never sits in
//! memory. Transfers run side by side under one ceiling of images, in the order that `needs` asks for.

mod artifact;
mod aside;
mod enumerate;
mod jobs;
mod ledger;
mod named;
mod newest;
mod patience;
mod places;
mod preparer;
mod registries;
mod seen;
mod settings;
mod shelf;
mod spans;
mod standalone;
mod transfers;
mod workbench;

use std::io;
use std::io::Write;
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::http::Gateway;
use crate::journal::Past;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::plugin::CacheDir;
use crate::plugin::Calls;
use crate::plugin::Host;
use crate::plugin::HostOptions;
use crate::plugin::PluginError;
use crate::plugin::Transports;
use crate::report::Backlog;
use crate::report::Outputs;
use crate::report::Reporter;
use crate::report::Sources;
use crate::report::Summary;
use crate::run::registries::Listings;
use crate::run::transfers::Watched;
use crate::secret::Redactor;
use crate::shutdown::Shutdown;
use crate::transfer::Board;
use crate::transfer::Depth;
use crate::workflow;
use crate::workflow::Plan;
use crate::workflow::Report;

pub use artifact::ArtifactError;
pub use artifact::Pulled;
pub use artifact::pull;
pub use artifact::push;
pub use ledger::Failed;
pub use ledger::failed;
pub use standalone::component_of;
pub use standalone::endpoints;
pub use standalone::trial_host;
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
    /// Metrics cannot be served.
    #[error("cannot serve metrics")]
    Metrics(#[source] io::Error),
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
        calls: Calls::default(),
    })
}

/// What is done with each image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is moved.
    Move,
    /// It is looked at: what would be moved?
    Preview,
    /// It is listed and mapped: where would it land?
    Names,
    /// It is read again at its targets: is it there?
    Verify(Depth),
}

/// A verification that follows a run: the same plan, listed again.
pub struct Afterwards<'a> {
    /// The plan.
    pub plan: Plan,
    /// Its texts.
    pub texts: &'a workflow::Source,
    /// How thorough.
    pub depth: Depth,
}

/// Runs what `bench` has ready, until it is over or `shutdown` ends it, and then what is to be done afterwards. Returns the numbers.
pub async fn run<W: Write>(
    bench: Workbench,
    mode: Mode,
    afterwards: Option<Afterwards<'_>>,
    outputs: Outputs,
    out: W,
    shutdown: &Shutdown,
) -> Result<Summary, RunError> {
    let span = spans::run(bench.name(), mode);
    all(bench, mode, afterwards, outputs, out, shutdown).instrument(span).await
}

async fn all<W: Write>(
    bench: Workbench,
    mode: Mode,
    afterwards: Option<Afterwards<'_>>,
    outputs: Outputs,
    out: W,
    shutdown: &Shutdown,
) -> Result<Summary, RunError> {
    let (events, received) = mpsc::channel(EVENTS);
    // Only on a terminal anybody sees it.
    let board = if outputs.screen.is_some() { Board::watched() } else { Board::default() };
    let backlog = Backlog::default();
    let (limiter, calls, ledger) = (bench.limiter(), bench.calls(), bench.ledger());
    let sources = || Sources { limiter: Arc::clone(&limiter), calls: calls.clone(), backlog: backlog.clone() };
    // Given up when the run ends.
    let _served = outputs.metrics.as_ref().map(|it| it.serve(sources())).transpose().map_err(RunError::Metrics)?;
    let reporter = Reporter::new(bench.name(), outputs, out).map_err(RunError::Output)?;
    let watched = Watched { board: board.clone(), backlog };
    let work = async {
        transfers::all(bench, mode, events.clone(), &watched, shutdown).await;
        let Some(Afterwards { plan, texts, depth }) = afterwards.filter(|_| !shutdown.is_draining()) else {
            drop(events);
            return Ok(());
        };
        tracing::info!("reading the targets again");
        let bench = Workbench::counted(plan, texts, Past::default(), Arc::clone(&limiter), calls.clone()).await?;
        transfers::all(bench, Mode::Verify(depth), events, &watched, shutdown).await;
        Ok(())
    };
    let (summary, work) = tokio::join!(reporter.fold(received, &limiter, &board), work);
    let summary = summary.map_err(RunError::Output)?;
    ledger.end(&summary).await;
    work.map(|()| summary)
}
