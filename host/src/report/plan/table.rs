//! A plan as a table, grouped by the repositories that are written to, without holding all of it.

use std::fmt::Write;

use crate::oci::Reference;
use crate::report::Event;
use crate::report::Size;
use crate::report::lines::hinted;
use crate::report::plan::Moves;
use crate::report::plan::action;
use crate::report::plan::why;
use crate::transfer::Bytes;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;

/// Rows that are held until their group is printed. A longer group is printed in parts.
const MOST_ROWS: usize = 2048;

/// Groups that are held. Sources list a repository at a time, and images end in about the order in which they were listed.
const MOST_GROUPS: usize = 64;

/// The widest column of sources; longer names push the reason to the right.
const WIDEST: usize = 72;

const HEAD: &str = "ACTION        TO MOVE       THERE  TARGET, SOURCE AND WHY\n";

/// Groups that are not printed yet, the one that was added to last at the end.
#[derive(Default)]
pub(in crate::report) struct Table {
    groups: Vec<Group>,
    rows: usize,
    begun: bool,
}

struct Group {
    /// Registry and repository.
    name: String,
    rows: Vec<Row>,
    bytes: Bytes,
}

struct Row {
    action: &'static str,
    /// What is written, and what is in the registry; none where nothing is.
    sizes: Option<[Size; 2]>,
    /// The tag or digest.
    version: String,
    source: String,
    why: String,
    notes: Vec<String>,
}

impl Table {
    /// Takes in what `event` tells; gives what is to be printed now.
    pub(super) fn take(&mut self, event: &Event) -> String {
        match event {
            Event::Finished(outcome) | Event::Verified(outcome) => {
                for target in &outcome.targets {
                    self.add(outcome, target);
                }
            }
            Event::Rejected { image, reason, .. } => return format!("rejected   {image}: {reason}\n"),
            Event::Incomplete { transfer, reason, hint } => {
                return format!("broken     the source of {transfer} broke off: {reason}{}\n", hinted(hint.as_ref()));
            }
            Event::Resumed { .. }
            | Event::Started { .. }
            | Event::Retrying(_)
            | Event::Unwanted
            | Event::Interrupted => {}
        }
        let mut text = String::new();
        while self.rows > MOST_ROWS || self.groups.len() > MOST_GROUPS {
            let group = self.groups.remove(0);
            self.print(group, &mut text);
        }
        text
    }

    /// What is left, in the order of names.
    pub(super) fn end(mut self) -> String {
        let mut text = String::new();
        let mut groups = std::mem::take(&mut self.groups);
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        for group in groups {
            self.print(group, &mut text);
        }
        text
    }

    fn add(&mut self, outcome: &Outcome, target: &TargetOutcome) {
        let name = place(&target.reference);
        let mut group = match self.groups.iter().position(|group| group.name == name) {
            Some(at) => self.groups.remove(at),
            None => Group { name, rows: Vec::new(), bytes: Bytes::default() },
        };
        group.bytes += target.bytes;
        group.rows.push(Row::of(outcome, target));
        self.rows += 1;
        self.groups.push(group);
    }

    fn print(&mut self, mut group: Group, text: &mut String) {
        self.rows -= group.rows.len();
        if !std::mem::replace(&mut self.begun, true) {
            text.push_str(HEAD);
        }
        group.rows.sort_by(|one, other| (&one.version, &one.source).cmp(&(&other.version, &other.source)));
        group.print(text);
    }
}

impl Group {
    fn print(&self, text: &mut String) {
        let counts: Vec<String> = ["copy", "replace", "unchanged", "skip", "fail", "name"]
            .into_iter()
            .map(|action| (action, self.rows.iter().filter(|row| row.action == action).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(action, count)| format!("{count} {}", counted(action)))
            .collect();
        let moves = self.rows.iter().any(|row| row.sizes.is_some());
        let moves = if moves { format!("; {}", Moves(&self.bytes)) } else { String::new() };
        // Nothing fails: this is a text in memory.
        let _ = writeln!(text, "{}: {}{moves}", self.name, counts.join(", "));
        let widest = |width: fn(&Row) -> usize| self.rows.iter().map(width).max().unwrap_or_default().min(WIDEST);
        let version = widest(|row| row.version.chars().count());
        let source = widest(|row| row.source.chars().count());
        for row in &self.rows {
            let [moved, there] =
                row.sizes.map_or_else(|| ["-", "-"].map(str::to_owned), |sizes| sizes.map(|size| size.to_string()));
            let _ = writeln!(
                text,
                "  {:9} {moved:>10}  {there:>10}  {:version$}  {:source$}  {}",
                row.action, row.version, row.source, row.why
            );
            for note in &row.notes {
                let _ = writeln!(text, "            {note}");
            }
        }
    }
}

impl Row {
    fn of(outcome: &Outcome, target: &TargetOutcome) -> Self {
        let planned = matches!(target.status, Status::Planned);
        let hint = match &target.status {
            Status::Failed(failure) => hinted(failure.hint.as_ref()),
            _ => String::new(),
        };
        let bytes = target.bytes;
        Self {
            action: action(target),
            sizes: planned.then_some([Size(bytes.copied), Size(bytes.present + bytes.mounted)]),
            version: target.reference.version.to_string(),
            source: outcome.job.source.to_string(),
            why: why(target) + &hint,
            notes: target.notes.clone(),
        }
    }
}

/// How many there are of an action, in a sentence.
fn counted(action: &str) -> &str {
    match action {
        "copy" => "to copy",
        "replace" => "to replace",
        "skip" => "to skip",
        "fail" => "failed",
        "name" => "named",
        other => other,
    }
}

/// The repository of `target`, with its registry.
fn place(target: &Reference) -> String {
    let whole = target.to_string();
    let version = target.version.to_string().len() + 1;
    whole[..whole.len() - version].to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transfer::Job;
    use crate::transfer::JobOptions;

    fn finished(source: &str, target: &str, status: Status, bytes: Bytes) -> Event {
        let job = Job {
            transfer: "t".to_owned(),
            source: source.parse().unwrap(),
            targets: vec![],
            options: JobOptions::default(),
            attributes: vec![],
        };
        let target = TargetOutcome {
            reference: target.parse().unwrap(),
            status,
            digest: None,
            found: None,
            bytes,
            notes: vec![],
        };
        Event::Finished(Box::new(Outcome { job, targets: vec![target], elapsed: Duration::ZERO, attempts: 1 }))
    }

    #[test]
    fn rows_are_grouped_by_the_repositories_that_are_written_to() {
        let bytes = Bytes {
            copied_blobs: 2,
            copied: 3 << 20,
            mounted_blobs: 1,
            mounted: 1024,
            present_blobs: 1,
            present: 1024,
        };
        let mut table = Table::default();
        for (source, target, status) in [
            ("a.io/n/web:7", "b.io/m/web:7", Status::Unchanged),
            ("a.io/n/app:1.10", "b.io/m/app:1.10", Status::Planned),
            ("a.io/n/app:1.1", "b.io/m/app:1.1", Status::Skipped),
        ] {
            let bytes = if status == Status::Planned { bytes } else { Bytes::default() };
            assert_eq!(table.take(&finished(source, target, status, bytes)), "");
        }
        assert_eq!(
            table.end(),
            "\
ACTION        TO MOVE       THERE  TARGET, SOURCE AND WHY
b.io/m/app: 1 to copy, 1 to skip; 2 blobs to move, 3.0 MiB; 1 to mount, 1.0 KiB; 1 there already, 1.0 KiB
  skip               -           -  1.1   a.io/n/app:1.1   the tag exists (existing: skip)
  copy         3.0 MiB     2.0 KiB  1.10  a.io/n/app:1.10  not there
b.io/m/web: 1 unchanged
  unchanged          -           -  7  a.io/n/web:7  same digest
"
        );
    }

    #[test]
    fn a_digest_is_no_part_of_the_repository() {
        let digest = format!("a.io/n/app@sha256:{}", "0".repeat(64));
        assert_eq!(place(&digest.parse().unwrap()), "a.io/n/app");
        assert_eq!(place(&"a.io:5000/n/app:1".parse().unwrap()), "a.io:5000/n/app");
    }

    #[test]
    fn however_many_images_there_are_few_rows_are_held() {
        let mut table = Table::default();
        let (mut printed, mut most) = (0, 0);
        for image in 0..20_000 {
            // A repository of ten thousand tags, and ten thousand repositories of one.
            let target = if image % 2 == 0 { format!("b.io/n/app:{image}") } else { format!("b.io/n/app{image}:1") };
            let text = table.take(&finished("a.io/n/app:1", &target, Status::Unchanged, Bytes::default()));
            printed += text.lines().filter(|line| line.starts_with("  unchanged")).count();
            most = most.max(table.rows);
            assert!(table.groups.len() <= MOST_GROUPS);
        }
        assert!(most <= MOST_ROWS + 1, "{most}");
        printed += table.end().lines().filter(|line| line.starts_with("  unchanged")).count();
        assert_eq!(printed, 20_000);
    }
}
