//! `run`, `plan`, `verify` and `check`.

use std::io;
use std::path::Path;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::FileArgs;
use crate::cli::args::JournalArgs;
use crate::cli::args::PlanArgs;
use crate::cli::args::RunArgs;
use crate::cli::args::StopArgs;
use crate::cli::args::VerifyArgs;
use crate::cli::journal;
use crate::cli::outputs;
use crate::cli::signals;
use crate::journal::Past;
use crate::report::Outputs;
use crate::report::PlanForm;
use crate::report::Summary;
use crate::run;
use crate::run::Afterwards;
use crate::run::Mode;
use crate::run::Workbench;
use crate::shutdown::Shutdown;
use crate::transfer::Depth;
use crate::workflow;
use crate::workflow::Plan;

/// How a plan is run.
pub(super) struct Way<'a> {
    /// What is done with each image.
    pub(super) mode: Mode,
    /// Whether the targets are read again afterwards.
    pub(super) verify: bool,
    /// Where results go.
    pub(super) outputs: Outputs,
    /// The journal, and the file whose journal it is.
    pub(super) journal: Option<(&'a JournalArgs, &'a Path)>,
    /// When to stop.
    pub(super) stop: StopArgs,
}

/// Runs a workflow file.
pub(super) async fn file(args: RunArgs) -> Result<Exit, CommandError> {
    let (plan, texts) = load(&args.file).await?;
    let way = Way {
        mode: if args.dry_run { Mode::Preview } else { Mode::Move },
        verify: args.verify,
        outputs: outputs(args.output, args.dry_run)?,
        journal: (!args.dry_run).then_some((&args.journal, &args.file.file)),
        stop: args.stop,
    };
    self::plan(plan, &texts, way).await
}

/// Shows what a workflow file would move.
pub(super) async fn preview(args: PlanArgs) -> Result<Exit, CommandError> {
    let (plan, texts) = load(&args.file).await?;
    let mode = if args.names { Mode::Names } else { Mode::Preview };
    let mut outputs = outputs(args.output, true)?;
    outputs.form = match (args.json, args.names) {
        (true, _) => PlanForm::Json,
        (false, true) => PlanForm::Lines,
        (false, false) => PlanForm::Table,
    };
    // Names come too fast to be looked at.
    outputs.screen = outputs.screen.filter(|_| !args.names);
    let way = Way { mode, verify: false, outputs, journal: None, stop: StopArgs::default() };
    let summary = summary(plan, &texts, way).await?;
    let exit = Exit::of(&summary);
    Ok(if args.exit_code { exit.asked(&summary) } else { exit })
}

/// Reads the targets of a workflow file again.
pub(super) async fn verify(args: VerifyArgs) -> Result<Exit, CommandError> {
    let (plan, texts) = load(&args.file).await?;
    let mode = Mode::Verify(if args.deep { Depth::Blobs } else { Depth::Digests });
    let way = Way { mode, verify: false, outputs: outputs(args.output, false)?, journal: None, stop: args.stop };
    self::plan(plan, &texts, way).await
}

/// Runs a plan, wherever it came from.
pub(super) async fn plan(plan: Plan, texts: &workflow::Source, way: Way<'_>) -> Result<Exit, CommandError> {
    Ok(Exit::of(&summary(plan, texts, way).await?))
}

/// Runs a plan, and gives its numbers.
async fn summary(plan: Plan, texts: &workflow::Source, way: Way<'_>) -> Result<Summary, CommandError> {
    let opened = match way.journal {
        Some((args, file)) => journal::open(args, &plan, file)?,
        None => None,
    };
    let (opened, past) = opened.map_or_else(Default::default, |(opened, past)| (Some(opened), past));
    let afterwards = way.verify.then(|| Afterwards { plan: plan.clone(), texts, depth: Depth::Digests });
    let mut bench = Workbench::prepare(plan, texts, past).await?;
    if let Some(opened) = opened {
        bench = bench.with_journal(opened.start()?);
    }
    let shutdown = Shutdown::new();
    let signals = signals::listen(shutdown.clone(), way.stop)?;
    let summary = run::run(bench, way.mode, afterwards, way.outputs, io::stdout(), &shutdown).await;
    signals.abort();
    Ok(summary?)
}

/// Checks a workflow file: everything that `run` checks before it sends anything.
pub(super) async fn check(args: &FileArgs) -> Result<Exit, CommandError> {
    let (plan, texts) = load(args).await?;
    let transfers = plan.transfers.len();
    Workbench::prepare(plan, &texts, Past::default()).await?;
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
