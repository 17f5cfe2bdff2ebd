//! A plan for programs: JSON objects, each on a line of its own.

use std::io;
use std::io::Write;

use serde_json::Value;
use serde_json::json;

use crate::report::Event;
use crate::report::Summary;
use crate::report::plan::action;
use crate::report::plan::why;
use crate::transfer::Bytes;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;

/// Writes what `event` tells. The shapes are in docs/operations.md.
pub(super) fn write(out: &mut impl Write, event: &Event) -> io::Result<()> {
    match event {
        Event::Finished(outcome) | Event::Verified(outcome) => {
            outcome.targets.iter().try_for_each(|target| writeln!(out, "{}", record(outcome, target)))
        }
        Event::Rejected { transfer, image, reason } => {
            writeln!(out, "{}", json!({"kind": "rejected", "transfer": transfer, "image": image, "reason": reason}))
        }
        Event::Incomplete { transfer, reason, hint } => {
            writeln!(out, "{}", json!({"kind": "incomplete", "transfer": transfer, "reason": reason, "hint": hint}))
        }
        Event::Resumed { .. } | Event::Started { .. } | Event::Retrying(_) | Event::Unwanted | Event::Interrupted => {
            Ok(())
        }
    }
}

/// The last line: the numbers of all.
pub(super) fn total(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let value = json!({
        "kind": "total",
        "copy": summary.planned,
        "unchanged": summary.unchanged,
        "skip": summary.skipped,
        "name": summary.named,
        "fail": summary.failed,
        "rejected": summary.failed_generations - summary.incomplete,
        "incomplete": summary.incomplete,
        "bytes": bytes(&summary.bytes),
        "stopped": summary.interrupted,
    });
    writeln!(out, "{value}")
}

fn record(outcome: &Outcome, target: &TargetOutcome) -> Value {
    let planned = matches!(target.status, Status::Planned);
    let hint = match &target.status {
        Status::Failed(failure) => failure.hint.as_ref(),
        _ => None,
    };
    json!({
        "kind": "target",
        "action": action(target),
        "transfer": outcome.job.transfer,
        "source": outcome.job.source,
        "target": target.reference,
        "why": why(target),
        "hint": hint,
        "digest": target.digest,
        "found": target.found,
        "bytes": planned.then(|| bytes(&target.bytes)),
        "notes": target.notes,
    })
}

fn bytes(bytes: &Bytes) -> Value {
    json!({"move": bytes.copied, "mount": bytes.mounted, "there": bytes.present})
}
