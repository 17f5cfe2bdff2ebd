//! What a run says: events folded into log lines, a summary, and files for machines.
//!
//! Events arrive over one bounded channel and are written as they come, so that the report of a million images takes no more
//! memory than that of one; only failures are kept, for the end. Nothing here decides anything.

mod event;
mod failed;
mod json;
mod lines;
mod plan;
mod progress;
mod screen;
mod size;
mod summary;

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;

use crate::limit::Limiter;
use crate::report::plan::Plan;
use crate::report::progress::Progress;
use crate::transfer::Board;

pub use event::Event;
pub use failed::FailedFile;
pub use json::JsonReport;
pub use plan::PlanForm;
pub use screen::Screen;
pub use size::Size;
pub use summary::Summary;

/// How often a line says how far the run is.
const TICK: Duration = Duration::from_secs(30);

/// How often the terminal says how far the run is.
const FRAME: Duration = Duration::from_millis(250);

/// Events that are taken at a time before anybody sees what was printed.
const BATCH: usize = 256;

/// Where a report goes besides the log.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// Each image as JSON.
    pub report: Option<PathBuf>,
    /// The failures as a rule file.
    pub failed: Option<PathBuf>,
    /// A dry run: each image is on standard output rather than in the log.
    pub dry_run: bool,
    /// And how.
    pub form: PlanForm,
    /// The terminal that says how far the run is; without one, a line of the log does now and then.
    pub screen: Option<Screen>,
}

/// Folds events until the channel ends. An output that cannot be written is an error at once, before much work is done for it.
pub struct Reporter<W: Write> {
    out: BufWriter<W>,
    outputs: Outputs,
    /// Of a dry run.
    plan: Option<Plan>,
    json: Option<JsonReport>,
    failed: FailedFile,
    summary: Summary,
}

impl<W: Write> Reporter<W> {
    /// A reporter for the run called `name`, which prints to `out`.
    pub fn new(name: &str, outputs: Outputs, out: W) -> io::Result<Self> {
        let json = outputs.report.as_deref().map(|path| JsonReport::create(path, name, outputs.dry_run)).transpose()?;
        let failed = FailedFile::default();
        let out = BufWriter::new(out);
        let plan = outputs.dry_run.then(|| Plan::new(outputs.form));
        Ok(Self { out, outputs, plan, json, failed, summary: Summary::default() })
    }

    /// Takes events until the last sender is gone, then writes the end. Between them the terminal says how far the run is, what is on
    /// its way, as `board` knows, and which hosts it waits for, as `limiter` knows; or a line does, now and then.
    pub async fn fold(
        mut self,
        mut events: mpsc::Receiver<Event>,
        limiter: &Limiter,
        board: &Board,
    ) -> io::Result<Summary> {
        let mut progress = self.outputs.screen.clone().map(Progress::new);
        let mut frame = tokio::time::interval(FRAME);
        frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        let mut tick = tokio::time::interval_at(Instant::now() + TICK, TICK);
        loop {
            tokio::select! {
                count = events.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    for event in batch.drain(..) {
                        self.take(&event)?;
                    }
                    if events.is_empty() {
                        // Whoever looks on sees all that there is.
                        self.out.flush()?;
                    }
                },
                _ = frame.tick(), if progress.is_some() => {
                    if let Some(progress) = &mut progress {
                        progress.paint(&self.summary, board, limiter);
                    }
                }
                _ = tick.tick(), if progress.is_none() && !self.outputs.dry_run => {
                    lines::progress(&self.summary, &limiter.waits());
                }
            }
        }
        if let Some(progress) = progress {
            progress.end();
        }
        self.finish(&limiter.counts())
    }

    fn take(&mut self, event: &Event) -> io::Result<()> {
        self.summary.take(event);
        self.failed.take(event);
        if let Some(json) = &mut self.json {
            json.take(event)?;
        }
        let Some(plan) = &mut self.plan else {
            lines::log(event);
            return Ok(());
        };
        let Some(screen) = &self.outputs.screen else {
            return plan.take(&mut self.out, event);
        };
        let mut text = Vec::new();
        plan.take(&mut text, event)?;
        if text.is_empty() { Ok(()) } else { screen.write(&mut self.out, &text) }
    }

    fn finish(mut self, requests: &[(String, u64)]) -> io::Result<Summary> {
        if let Some(path) = &self.outputs.failed {
            self.failed.write(path)?;
        }
        if let Some(json) = self.json.take() {
            json.finish(&self.summary, requests)?;
        }
        if let Some(plan) = self.plan.take() {
            plan.end(&mut self.out, &self.summary, &self.failed)?;
        } else {
            self.failed.list(&mut self.out)?;
            writeln!(self.out, "{}\n{}", self.summary, self.summary.last_line())?;
        }
        self.out.flush()?;
        Ok(self.summary)
    }
}
