//! The report for machines, written image by image.

use std::io;
use std::io::Write;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::report::Event;
use crate::report::Summary;
use crate::report::beside::Beside;
use crate::report::beside::Spool;
use crate::report::figures::Figures;
use crate::report::row;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;

/// The shape of the report, as JSON Schema. It is part of the documentation as well.
pub const REPORT_SCHEMA: &str = include_str!("../../../docs/report.schema.json");

/// Writes the report as things happen, so that a million images take no more memory than one. [`REPORT_SCHEMA`] says what is where; `version`
/// changes when a key goes or means something else, not when one is added.
pub(super) struct JsonReport {
    file: Beside,
    images: u64,
    rejected: List,
    incomplete: List,
    unverified: List,
    /// The run of the journal that was gone on with.
    run: Option<i64>,
}

/// A list that comes behind another one of unknown length.
struct List(Spool);

impl List {
    fn push(&mut self, value: &Value) -> io::Result<()> {
        let comma = if self.0.is_empty() { "" } else { "," };
        write!(self.0, "{comma}{value}")
    }
}

impl JsonReport {
    /// Begins the report of the run that `figures` are of.
    pub(super) fn create(path: &Path, figures: &Figures) -> io::Result<Self> {
        let mut file = Beside::create(path)?;
        let Figures { name, dry_run, started, .. } = figures;
        let program = env!("CARGO_PKG_VERSION");
        write!(
            file,
            r#"{{"version":1,"program":"image-transfer {program}","name":{},"dry-run":{dry_run},"started-at":{started},"images":["#,
            json!(name)
        )?;
        let list = || List(Spool::beside(path));
        Ok(Self { file, images: 0, rejected: list(), incomplete: list(), unverified: list(), run: None })
    }

    /// Writes what `event` tells of an image.
    pub(super) fn take(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Finished(outcome) => {
                let comma = if self.images == 0 { "" } else { "," };
                write!(self.file, "{comma}\n{}", image(outcome))?;
                self.images += 1;
            }
            Event::Rejected { transfer, image, reason } => {
                self.rejected.push(&json!({"transfer": transfer, "image": image, "reason": reason}))?;
            }
            Event::Incomplete { transfer, reason, hint } => {
                self.incomplete.push(&json!({"transfer": transfer, "reason": reason, "hint": hint}))?;
            }
            Event::Verified(outcome) if outcome.succeeded() => {}
            Event::Verified(outcome) => self.unverified.push(&image(outcome))?,
            Event::Resumed { run, .. } => self.run = Some(*run),
            Event::Started { .. } | Event::Retrying(_) | Event::Unwanted | Event::Interrupted => {}
        }
        Ok(())
    }

    /// Writes the end and gives the file its name.
    pub(super) fn finish(self, summary: &Summary, figures: &Figures) -> io::Result<()> {
        let Self { mut file, rejected, incomplete, unverified, run, .. } = self;
        write!(file, "\n]")?;
        for (name, list) in [("rejected", rejected), ("incomplete", incomplete), ("unverified", unverified)] {
            write!(file, ",\"{name}\":[")?;
            list.0.pour(&mut file)?;
            write!(file, "]")?;
        }
        let requests = figures.hosts.iter().map(|host| (host.host.clone(), json!(host.requests)));
        let requests: serde_json::Map<String, Value> = requests.collect();
        write!(file, ",\"resumed-run\":{},\"requests\":{}", json!(run), json!(requests))?;
        for (name, value) in figures.json() {
            write!(file, ",\"{name}\":{value}")?;
        }
        writeln!(file, ",\"summary\":{}}}", json!(summary))?;
        file.finish()
    }
}

fn image(outcome: &Outcome) -> Value {
    json!({
        "transfer": outcome.job.transfer,
        "source": outcome.job.source,
        "attempts": outcome.attempts,
        "milliseconds": row::milliseconds(outcome),
        "targets": outcome.targets.iter().map(target).collect::<Vec<_>>(),
    })
}

fn target(target: &TargetOutcome) -> Value {
    let error = match &target.status {
        Status::Failed(failure) => json!({"class": failure.class, "message": failure.message, "hint": failure.hint}),
        _ => Value::Null,
    };
    json!({
        "reference": target.reference,
        "status": target.status.word(),
        "digest": target.digest,
        "bytes": target.bytes,
        "notes": target.notes,
        "error": error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(image: &str) -> Event {
        Event::Rejected { transfer: "t".to_owned(), image: image.to_owned(), reason: "no".to_owned() }
    }

    #[test]
    fn a_report_is_whole_json_with_its_name_and_not_there_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.json");
        let figures = Figures::new("nightly \"x\"", false);
        let mut report = JsonReport::create(&path, &figures).unwrap();
        for image in ["a", "b"] {
            report.take(&rejected(image)).unwrap();
        }
        assert!(!path.exists());
        report.finish(&Summary::default(), &figures).unwrap();
        let read: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read["name"], "nightly \"x\"");
        assert_eq!((&read["images"], &read["unverified"]), (&json!([]), &json!([])));
        assert_eq!(read["rejected"][1], json!({"transfer": "t", "image": "b", "reason": "no"}));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_kept_of_many_failures_is_bounded_and_all_are_counted() {
        let mut figures = Figures::new("", false);
        for number in 0..100_000 {
            figures.take(&rejected(&format!("image {number}")));
        }
        let failures = &figures.failures["rejected"];
        assert_eq!((failures.count, failures.examples.len()), (100_000, 100));
    }
}
