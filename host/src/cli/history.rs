//! `history`: what earlier runs did.

use std::fmt::Write as _;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::HistoryArgs;
use crate::cli::journal;
use crate::cli::runs::say;
use crate::journal::History;
use crate::journal::RunRecord;
use crate::journal::RunState;
use crate::journal::StateDir;
use crate::report::FailedFile;
use crate::report::Size;
use crate::run;
use crate::run::Failed;

/// Failures that are shown of one run; a file holds all of them.
const SHOWN: usize = 100;

/// Lists runs, or shows one.
pub(super) fn run(args: &HistoryArgs) -> Result<Exit, CommandError> {
    let state = journal::state(args.state.as_deref())?;
    let history = History::read(&state);
    for problem in &history.problems {
        tracing::warn!("{}", super::chain(problem));
    }
    let Some(name) = &args.run else {
        say(list(&history, args.json).trim_end());
        return Ok(Exit::Done);
    };
    let run = history.find(name)?;
    let left = Left::read(&state, run)?;
    if let Some(file) = &args.failed {
        left.file().write(file).map_err(|source| CommandError::File { path: file.clone(), source })?;
    }
    say(if args.json { left.json(run).to_string() } else { left.text(run) }.trim_end());
    Ok(Exit::Done)
}

/// What a run did not bring to its targets.
struct Left {
    failed: Vec<Failed>,
    rejected: Vec<(String, String)>,
}

impl Left {
    fn read(state: &StateDir, run: &RunRecord) -> Result<Self, CommandError> {
        let left = History::left(state, run)?;
        Ok(Self { failed: left.jobs.iter().flat_map(run::failed).collect(), rejected: left.rejected })
    }

    fn file(&self) -> FailedFile {
        let mut file = FailedFile::default();
        for failed in self.failed.iter().cloned() {
            file.note(failed.source, failed.target, failed.message, failed.hint);
        }
        for (image, reason) in &self.rejected {
            file.note_rejected(image, reason);
        }
        file
    }

    fn text(&self, run: &RunRecord) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:<10} {value}");
        };
        line("run", run.name.clone());
        line("workflow", run.path.display().to_string());
        line("state", describe(run).to_owned());
        line("began", date(run.started));
        if let Some(ended) = run.ended {
            line("ended", date(ended));
        }
        line("processes", run.legs.to_string());
        line("program", run.program.clone());
        line("targets", targets(run));
        line("moved", format!("{} in {} blobs", Size(run.tally.bytes), run.tally.blobs));
        for class in &run.failed {
            line("failed", format!("{} {}", class.jobs, class.class));
        }
        for failed in self.failed.iter().take(SHOWN) {
            let _ = writeln!(text, "  {} -> {}\n    {}", failed.source, failed.target, failed.message);
            if let Some(hint) = &failed.hint {
                let _ = writeln!(text, "    hint: {hint}");
            }
        }
        for (image, reason) in self.rejected.iter().take(SHOWN) {
            let _ = writeln!(text, "  {image}: {reason}");
        }
        let more = self.failed.len().saturating_sub(SHOWN) + self.rejected.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(text, "  and {more} more: --failed FILE writes them all, as does --json");
        }
        text
    }

    fn json(&self, run: &RunRecord) -> Value {
        let mut value = record(run);
        value["failures"] = json!(self.failed);
        value["rejections"] =
            self.rejected.iter().map(|(image, reason)| json!({"image": image, "reason": reason})).collect();
        value
    }
}

fn list(history: &History, as_json: bool) -> String {
    if as_json {
        return history.runs.iter().map(record).collect::<Value>().to_string();
    }
    if history.runs.is_empty() {
        return "no runs yet".to_owned();
    }
    let width = history.runs.iter().map(|run| run.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for run in &history.runs {
        let moved = Size(run.tally.bytes);
        let _ = writeln!(
            text,
            "{:<width$}  {}  {:<8}  {}; {moved}",
            run.name,
            date(run.started),
            run.state.word(),
            targets(run)
        );
    }
    text
}

fn targets(run: &RunRecord) -> String {
    let failed: u64 = run.failed.iter().map(|class| class.jobs).sum();
    let counts = [
        (run.tally.copied, "copied"),
        (run.tally.unchanged, "unchanged"),
        (run.tally.skipped, "skipped"),
        (failed, "failed"),
        (run.open, "not done"),
        (run.rejected, "rejected"),
    ];
    let counts: Vec<_> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if counts.is_empty() { "no images".to_owned() } else { counts.join(", ") }
}

fn describe(run: &RunRecord) -> &'static str {
    match run.state {
        RunState::Running => "running",
        RunState::Whole => "done: all images are at their targets",
        RunState::Failed => "failed in part; --resume tries what is left",
        RunState::Interrupted => "stopped; --resume goes on with it",
        RunState::Killed => "killed: its process ended without a word; --resume goes on with it",
    }
}

fn record(run: &RunRecord) -> Value {
    json!({
        "run": run.name,
        "workflow": run.workflow,
        "file": run.path,
        "state": run.state.word(),
        "started-at": run.started,
        "ended-at": run.ended,
        "processes": run.legs,
        "program": run.program,
        "copied": run.tally.copied,
        "unchanged": run.tally.unchanged,
        "skipped": run.tally.skipped,
        "blobs": run.tally.blobs,
        "bytes": run.tally.bytes,
        "failed": run.failed.iter().map(|class| (class.class.clone(), json!(class.jobs))).collect::<serde_json::Map<_, _>>(),
        "not-done": run.open,
        "rejected": run.rejected,
    })
}

/// Seconds since the epoch as a date of RFC 9110, which sorts badly and reads well: the list is in order already.
fn date(seconds: i64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}
