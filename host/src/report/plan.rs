//! What a dry run found: a table for people, lines for programs, or names alone.

mod records;
mod table;

use std::fmt;
use std::io;
use std::io::Write;

use crate::report::Event;
use crate::report::FailedFile;
use crate::report::Size;
use crate::report::Summary;
use crate::report::lines;
use crate::report::plan::table::Table;
use crate::transfer::Bytes;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanForm {
    /// A table, grouped by the repositories that are written to.
    #[default]
    Table,
    /// A line for each target, as it is found.
    Lines,
    /// A JSON object for each target, as it is found, and one for all.
    Json,
}

/// A plan that is being printed.
pub(super) enum Plan {
    Table(Table),
    Lines,
    Json,
}

impl Plan {
    pub(super) fn new(form: PlanForm) -> Self {
        match form {
            PlanForm::Table => Self::Table(Table::default()),
            PlanForm::Lines => Self::Lines,
            PlanForm::Json => Self::Json,
        }
    }

    /// Prints what is to be printed after `event`, whole lines.
    pub(super) fn take(&mut self, out: &mut impl Write, event: &Event) -> io::Result<()> {
        match self {
            Self::Table(table) => out.write_all(table.take(event).as_bytes()),
            Self::Lines => lines::plan(out, event),
            Self::Json => records::write(out, event),
        }
    }

    /// Prints the end. Programs get no failures for people among their lines: each was told in its place.
    pub(super) fn end(self, out: &mut impl Write, summary: &Summary, failures: &FailedFile) -> io::Result<()> {
        match self {
            Self::Table(table) => {
                out.write_all(table.end().as_bytes())?;
                failures.list(out)?;
                writeln!(out, "{}", Totals(summary))
            }
            Self::Lines => {
                failures.list(out)?;
                writeln!(out, "{summary}")
            }
            Self::Json => records::total(out, summary),
        }
    }
}

/// What a run would do with a target, in a word.
fn action(target: &TargetOutcome) -> &'static str {
    match &target.status {
        Status::Planned if replaces(target) => "replace",
        Status::Planned => "copy",
        Status::Named => "name",
        Status::Unchanged => "unchanged",
        Status::Skipped => "skip",
        Status::Failed(_) => "fail",
        // A dry run has none of these.
        Status::Copied | Status::Verified => "done",
    }
}

/// Whether the tag holds another image.
fn replaces(target: &TargetOutcome) -> bool {
    target.found.is_some() && target.found != target.digest
}

/// Why, in a few words.
fn why(target: &TargetOutcome) -> String {
    match &target.status {
        Status::Planned if replaces(target) => "the tag holds another digest".to_owned(),
        Status::Planned if target.found.is_some() => "what refers to it is not there".to_owned(),
        Status::Planned => "not there".to_owned(),
        Status::Named => "not looked at".to_owned(),
        Status::Unchanged => "same digest".to_owned(),
        Status::Skipped => "the tag exists (existing: skip)".to_owned(),
        Status::Failed(failure) => failure.message.clone(),
        Status::Copied | Status::Verified => String::new(),
    }
}

/// The last line of a plan: what there is to do, and with how many bytes.
struct Totals<'a>(&'a Summary);

impl fmt::Display for Totals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(summary) = self;
        let counts: Vec<String> = [
            (summary.planned, "to copy"),
            (summary.unchanged, "unchanged"),
            (summary.skipped, "to skip"),
            (summary.failed, "failed"),
            (summary.failed_generations - summary.incomplete, "rejected"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        let counts = if counts.is_empty() { "no images".to_owned() } else { counts.join(", ") };
        if summary.planned > 0 {
            write!(f, "{counts}; {}", Moves(&summary.bytes))?;
        } else if summary.failed + summary.failed_generations > 0 {
            f.write_str(&counts)?;
        } else {
            write!(f, "nothing to do: {counts}")?;
        }
        if summary.incomplete > 0 {
            write!(f, "; the list is not whole")?;
        }
        if summary.interrupted { write!(f, "; stopped before the end") } else { Ok(()) }
    }
}

/// Bytes to move, and those that need not be.
struct Moves<'a>(&'a Bytes);

impl fmt::Display for Moves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bytes { copied_blobs, copied, mounted_blobs, mounted, present_blobs, present } = *self.0;
        write!(f, "{copied_blobs} blobs to move, {}", Size(copied))?;
        if mounted_blobs > 0 {
            write!(f, "; {mounted_blobs} to mount, {}", Size(mounted))?;
        }
        if present_blobs > 0 {
            write!(f, "; {present_blobs} there already, {}", Size(present))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_tells_whether_there_is_anything_to_do() {
        let mut summary = Summary { unchanged: 3, skipped: 1, ..Summary::default() };
        assert_eq!(Totals(&summary).to_string(), "nothing to do: 3 unchanged, 1 to skip");
        assert_eq!(Totals(&Summary::default()).to_string(), "nothing to do: no images");
        summary.planned = 2;
        summary.bytes =
            Bytes { copied_blobs: 4, copied: 2048, mounted_blobs: 1, mounted: 10, present_blobs: 2, present: 5 };
        assert_eq!(
            Totals(&summary).to_string(),
            "2 to copy, 3 unchanged, 1 to skip; 4 blobs to move, 2.0 KiB; 1 to mount, 10 B; 2 there already, 5 B"
        );
        let broken = Summary { failed: 1, failed_generations: 1, incomplete: 1, ..Summary::default() };
        assert_eq!(Totals(&broken).to_string(), "1 failed; the list is not whole");
    }
}
