//! `run`, `plan` and `check`.

use std::io;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::FileArgs;
use crate::cli::signals;
use crate::report::Outputs;
use crate::run;
use crate::run::Workbench;
use crate::shutdown::Shutdown;
use crate::workflow;
use crate::workflow::Plan;

/// Runs a workflow file.
pub(super) async fn file(args: &FileArgs, outputs: Outputs) -> Result<Exit, CommandError> {
    let (plan, texts) = load(args).await?;
    self::plan(plan, &texts, outputs).await
}

/// Runs a plan, wherever it came from.
pub(super) async fn plan(plan: Plan, texts: &workflow::Source, outputs: Outputs) -> Result<Exit, CommandError> {
    let bench = Workbench::prepare(plan, texts).await?;
    let shutdown = Shutdown::new();
    let signals = signals::listen(shutdown.clone())?;
    let summary = run::run(bench, outputs, io::stdout(), &shutdown).await;
    signals.abort();
    Ok(Exit::of(&summary?))
}

/// Checks a workflow file: everything that `run` checks before it sends anything.
pub(super) async fn check(args: &FileArgs) -> Result<Exit, CommandError> {
    let (plan, texts) = load(args).await?;
    let transfers = plan.transfers.len();
    Workbench::prepare(plan, &texts).await?;
    say(&format!("{} is fine: {transfers} transfers", args.file.display()));
    Ok(Exit::Done)
}

/// Reads a workflow. What is wrong with it is told together with what its plugins have against their options.
async fn load(args: &FileArgs) -> Result<(Plan, workflow::Source), CommandError> {
    let report = match workflow::load(&args.file, &args.set, &environment) {
        Ok(loaded) => return Ok(loaded),
        Err(report) => report,
    };
    let mut problems = match &report.partial {
        Some(plan) => Workbench::problems(plan).await?,
        None => Vec::new(),
    };
    problems.extend(report.diagnostics);
    Err(CommandError::Plan(report.source.report(problems)))
}

/// A variable of the environment.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Prints a result.
#[expect(clippy::print_stdout, reason = "the result of a command belongs on standard output")]
pub(super) fn say(text: &str) {
    println!("{text}");
}
