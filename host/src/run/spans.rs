//! The spans of a run, for traces: the run, its transfers, the listing of each, its images. Requests are in the `http` module.

use tracing::Span;
use tracing::field::Empty;

use crate::http::SPANS;
use crate::run::Mode;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::Status;

/// All of it.
pub(super) fn run(name: &str, mode: Mode) -> Span {
    let mode = match mode {
        Mode::Move => "move",
        Mode::Preview => "preview",
        Mode::Names => "names",
        Mode::Verify(_) => "verify",
    };
    tracing::info_span!(target: SPANS, "run", image_transfer.workflow = name, image_transfer.mode = mode)
}

/// A transfer of the workflow.
pub(super) fn transfer(name: &str) -> Span {
    tracing::info_span!(target: SPANS, "transfer", image_transfer.transfer = name)
}

/// What a source lists.
pub(super) fn list() -> Span {
    tracing::info_span!(target: SPANS, "list")
}

/// One try of an image.
pub(super) fn image(job: &Job) -> Span {
    tracing::info_span!(
        target: SPANS,
        "image",
        image_transfer.source = %job.source,
        image_transfer.targets = %targets(job),
        image_transfer.status = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
    )
}

/// Notes what became of the image. Messages of failures stay in the report: they hold what registries say.
pub(super) fn ended(span: &Span, outcome: &Outcome) {
    if span.is_disabled() {
        return;
    }
    let failure = outcome.targets.iter().find_map(|target| match &target.status {
        Status::Failed(failure) => Some(failure.class),
        _ => None,
    });
    if let Some(class) = failure {
        span.record("image_transfer.status", "failed");
        span.record("error.type", class);
        span.record("otel.status_code", "ERROR");
    } else if let Some(target) = outcome.targets.first() {
        span.record("image_transfer.status", target.status.word());
    }
}

fn targets(job: &Job) -> String {
    job.targets.iter().map(|target| target.reference.to_string()).collect::<Vec<_>>().join(", ")
}
