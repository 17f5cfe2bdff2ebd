//! Events as lines: of the log in a run, of standard output in a dry run.

use std::fmt;
use std::io;
use std::io::Write;
use std::time::Duration;

use crate::report::Event;
use crate::report::Size;
use crate::report::Summary;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;

/// Writes the event to the log.
pub(super) fn log(event: &Event) {
    match event {
        Event::Resumed { run, done, left } => {
            tracing::info!("going on with run {run}: {done} targets are done, {left} jobs are left of what was listed");
        }
        Event::Started { transfer } => tracing::info!(transfer, "transfer started"),
        Event::Unwanted => {}
        Event::Interrupted => tracing::warn!("stopping: finishing what is in flight"),
        Event::Rejected { transfer, image, reason } => tracing::error!(transfer, "{image}: {reason}"),
        Event::Incomplete { transfer, reason, hint } => {
            tracing::error!(transfer, "the source broke off, its list is not whole: {reason}{}", hinted(hint.as_ref()));
        }
        Event::Retrying(outcome) => {
            for target in &outcome.targets {
                if let Status::Failed(failure) = &target.status
                    && failure.again
                {
                    tracing::warn!(
                        "{} -> {} will be tried again: {}",
                        outcome.job.source,
                        target.reference,
                        failure.message
                    );
                }
            }
        }
        Event::Finished(outcome) | Event::Verified(outcome) => {
            outcome.targets.iter().for_each(|target| log_target(outcome, target));
        }
    }
}

/// Says how far the run is, and which hosts it waits for.
pub(super) fn progress(summary: &Summary, waits: &[(String, Duration)]) {
    tracing::info!("so far: {summary}{}", waiting(waits));
}

/// The hosts that are waited for, as the end of a sentence.
pub(super) fn waiting(waits: &[(String, Duration)]) -> String {
    let hosts: Vec<_> =
        waits.iter().map(|(host, pause)| format!("{host} ({} s more)", pause.as_secs_f64().ceil())).collect();
    if hosts.is_empty() { String::new() } else { format!("; waiting for {}", hosts.join(", ")) }
}

fn log_target(outcome: &Outcome, target: &TargetOutcome) {
    let line = Line(outcome, target);
    match &target.status {
        Status::Failed(_) => tracing::error!("{line}"),
        Status::Copied | Status::Planned | Status::Named | Status::Skipped => tracing::info!("{line}"),
        Status::Unchanged | Status::Verified => tracing::debug!("{line}"),
    }
    for note in &target.notes {
        tracing::warn!("{}: {note}", target.reference);
    }
}

/// Writes the lines of a dry run.
pub(super) fn plan(out: &mut impl Write, event: &Event) -> io::Result<()> {
    match event {
        Event::Finished(outcome) | Event::Verified(outcome) => {
            for target in &outcome.targets {
                writeln!(out, "{}", Line(outcome, target))?;
                for note in &target.notes {
                    writeln!(out, "          {note}")?;
                }
            }
            Ok(())
        }
        Event::Rejected { image, reason, .. } => writeln!(out, "rejected  {image}: {reason}"),
        Event::Incomplete { transfer, reason, hint } => {
            writeln!(out, "broken    the source of {transfer} broke off: {reason}{}", hinted(hint.as_ref()))
        }
        Event::Resumed { .. } | Event::Started { .. } | Event::Retrying(_) | Event::Unwanted | Event::Interrupted => {
            Ok(())
        }
    }
}

/// What became of one target.
struct Line<'a>(&'a Outcome, &'a TargetOutcome);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(outcome, target) = self;
        let way = format_args!("{} -> {}", outcome.job.source, target.reference);
        let bytes = &target.bytes;
        match &target.status {
            Status::Copied => {
                write!(f, "copied    {way} ({} in {} blobs", Size(bytes.copied), bytes.copied_blobs)?;
                if bytes.mounted_blobs > 0 {
                    write!(f, ", {} mounted", bytes.mounted_blobs)?;
                }
                write!(f, ", {:.1?})", outcome.elapsed)
            }
            Status::Planned => {
                write!(f, "copy      {way} ({} in {} blobs)", Size(bytes.copied), bytes.copied_blobs)
            }
            Status::Named => write!(f, "image     {way}"),
            Status::Unchanged => write!(f, "unchanged {way}"),
            Status::Verified => write!(f, "verified  {way}"),
            Status::Skipped => write!(f, "skipped   {way} (the tag exists)"),
            Status::Failed(failure) => {
                write!(f, "failed    {way}: {}{}", failure.message, hinted(failure.hint.as_ref()))
            }
        }
    }
}

/// Advice, apart from the message.
pub(super) fn hinted(hint: Option<&String>) -> String {
    hint.map_or_else(String::new, |hint| format!(" (hint: {hint})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_line_says_what_it_waits_for() {
        let wait = |host: &str, pause| (host.to_owned(), Duration::from_millis(pause));
        assert_eq!(waiting(&[]), "");
        assert_eq!(
            waiting(&[wait("a.io", 1_200), wait("b.io:5000", 60_000)]),
            "; waiting for a.io (2 s more), b.io:5000 (60 s more)"
        );
    }
}
