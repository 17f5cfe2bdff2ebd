//! The report for machines, written image by image.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::report::Event;
use crate::report::Summary;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;

/// Writes `FILE` beside itself and renames it when it is whole, so that a reader never finds half a report.
///
/// The shape: `{version, name, dry-run, started-at, images: [{transfer, source, attempts, milliseconds, targets: [{reference,
/// status, digest, bytes: {…}, notes, error: {class, message, hint}}]}], rejected: [{transfer, image, reason}], incomplete:
/// [{transfer, reason, hint}], unverified: [as images], resumed-run, requests: {host: count}, summary: {…}}`. Times are seconds since
/// the epoch. `unverified` holds what was read again after the run and is not as it should be; `resumed-run` is the number of the run that
/// was gone on with, or null.
pub struct JsonReport {
    path: PathBuf,
    file: BufWriter<NamedTempFile<File>>,
    images: u64,
    rejected: Vec<Value>,
    incomplete: Vec<Value>,
    unverified: Vec<Value>,
    /// The run of the journal that was gone on with.
    run: Option<i64>,
}

impl JsonReport {
    /// Begins the report of the run called `name`.
    pub fn create(path: &Path, name: &str, dry_run: bool) -> io::Result<Self> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new().prefix(".report-").tempfile_in(directory)?;
        let mut file = BufWriter::new(file);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        write!(file, r#"{{"version":1,"name":{},"dry-run":{dry_run},"started-at":{started},"images":["#, json!(name))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            images: 0,
            rejected: Vec::new(),
            incomplete: Vec::new(),
            unverified: Vec::new(),
            run: None,
        })
    }

    /// Writes what `event` tells of an image.
    pub fn take(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Finished(outcome) => {
                let comma = if self.images == 0 { "" } else { "," };
                write!(self.file, "{comma}\n{}", image(outcome))?;
                self.images += 1;
            }
            Event::Rejected { transfer, image, reason } => {
                self.rejected.push(json!({"transfer": transfer, "image": image, "reason": reason}));
            }
            Event::Incomplete { transfer, reason, hint } => {
                self.incomplete.push(json!({"transfer": transfer, "reason": reason, "hint": hint}));
            }
            Event::Verified(outcome) if outcome.succeeded() => {}
            Event::Verified(outcome) => self.unverified.push(image(outcome)),
            Event::Resumed { run, .. } => self.run = Some(*run),
            Event::Started { .. } | Event::Retrying(_) | Event::Unwanted | Event::Interrupted => {}
        }
        Ok(())
    }

    /// Writes the end and gives the file its name.
    pub fn finish(mut self, summary: &Summary, requests: &[(String, u64)]) -> io::Result<()> {
        let requests: serde_json::Map<String, Value> =
            requests.iter().map(|(host, count)| (host.clone(), json!(count))).collect();
        writeln!(
            self.file,
            "\n],\"rejected\":{},\"incomplete\":{},\"unverified\":{},\"resumed-run\":{},\"requests\":{},\"summary\":{}}}",
            json!(self.rejected),
            json!(self.incomplete),
            json!(self.unverified),
            json!(self.run),
            json!(requests),
            json!(summary),
        )?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn image(outcome: &Outcome) -> Value {
    json!({
        "transfer": outcome.job.transfer,
        "source": outcome.job.source,
        "attempts": outcome.attempts,
        "milliseconds": u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
        "targets": outcome.targets.iter().map(target).collect::<Vec<_>>(),
    })
}

fn target(target: &TargetOutcome) -> Value {
    let (status, error) = match &target.status {
        Status::Copied => ("copied", Value::Null),
        Status::Unchanged => ("unchanged", Value::Null),
        Status::Skipped => ("skipped", Value::Null),
        Status::Planned => ("planned", Value::Null),
        Status::Named => ("named", Value::Null),
        Status::Verified => ("verified", Value::Null),
        Status::Failed(failure) => {
            ("failed", json!({"class": failure.class, "message": failure.message, "hint": failure.hint}))
        }
    };
    json!({
        "reference": target.reference,
        "status": status,
        "digest": target.digest,
        "bytes": target.bytes,
        "notes": target.notes,
        "error": error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_report_is_whole_json_with_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.json");
        let report = JsonReport::create(&path, "nightly", false).unwrap();
        assert!(!path.exists());
        report.finish(&Summary::default(), &[("a.io".to_owned(), 3)]).unwrap();
        let read: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read["name"], "nightly");
        assert_eq!(read["images"], json!([]));
        assert_eq!(read["requests"], json!({"a.io": 3}));
    }
}
