//! The command line: subcommands, the classic flags, exit codes.

mod args;
mod artifact;
mod classic;
mod convert;
mod copy;
mod history;
mod init;
mod journal;
mod logging;
mod new;
mod plugins;
mod runs;
mod schema;
mod shell;
mod signals;
mod telemetry;
mod trial;
mod write;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::ClassicArgs;
use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::args::FormatArg;
use crate::cli::args::LogArgs;
use crate::cli::args::OutputArgs;
use crate::cli::args::PluginCommand;
use crate::cli::logging::Level;
use crate::cli::logging::Logging;
use crate::cli::telemetry::Telemetry;
use crate::journal::JournalError;
use crate::plugin::PluginError;
use crate::report::Metrics;
use crate::report::Outputs;
use crate::report::PlanForm;
use crate::report::Summary;
use crate::run::ArtifactError;
use crate::run::RunError;
use crate::workflow::Report;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// All images are at their targets.
    Done,
    /// The run finished and some failed.
    Failed,
    /// The command line or a file is wrong; nothing was started.
    Usage,
    /// A source could not be listed whole.
    Incomplete,
    /// There is something to do, and that was the question.
    Pending,
    /// Stopped by a signal or at its deadline.
    Interrupted,
}

impl Exit {
    fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Pending => 4,
            Self::Interrupted => 130,
        }
    }

    fn of(summary: &Summary) -> Self {
        if summary.interrupted {
            Self::Interrupted
        } else if summary.incomplete > 0 {
            Self::Incomplete
        } else if summary.failed_jobs > 0 || summary.failed_generations > 0 || summary.unverified > 0 {
            Self::Failed
        } else {
            Self::Done
        }
    }

    /// How a plan ends whose user asks whether there is anything to do. What failed outranks the answer.
    fn asked(self, summary: &Summary) -> Self {
        if self == Self::Done && summary.planned > 0 { Self::Pending } else { self }
    }
}

/// Why a command did not get as far as a summary.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// A file is wrong, or the plan that it makes.
    #[error(transparent)]
    Plan(#[from] Report),
    /// The run could not begin or be reported.
    #[error(transparent)]
    Run(RunError),
    /// A plugin cannot be used.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// No plugin has that name, and one has nearly.
    #[error("no plugin is called `{name}`")]
    NoPlugin {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        near: &'static str,
    },
    /// A plugin does not come from a registry, or not go there.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The address for metrics cannot be taken.
    #[error("cannot serve metrics at {address}")]
    Metrics {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The command line asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// The terminal, a log file, the runtime.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Plan(report) => Self::Plan(report),
            other => Self::Run(other),
        }
    }
}

/// Reads `arguments`, does what they say, and tells how the process is to end.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let exit = match dispatch(&arguments) {
        Ok(exit) => exit,
        Err(error) => {
            tell(&error);
            Exit::Usage
        }
    };
    ExitCode::from(u8::try_from(exit.code()).unwrap_or(u8::MAX))
}

fn dispatch(arguments: &[OsString]) -> Result<Exit, CommandError> {
    let rest = arguments.get(1..).unwrap_or_default();
    if rest.first().is_some_and(|first| first == "--help-classic") {
        return Ok(clap_says(&classic::help()));
    }
    if ClassicArgs::are(rest) {
        return match ClassicArgs::try_parse_from(arguments) {
            Ok(args) => {
                let logging = args.logging();
                block_on(&logging, classic::run(args))
            }
            Err(error) => Ok(clap_says(&error)),
        };
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => {
            let logging = cli.log.logging();
            block_on(&logging, command(cli.command))
        }
        Err(error) => Ok(clap_says(&error)),
    }
}

async fn command(command: Command) -> Result<Exit, CommandError> {
    match command {
        Command::Run(args) => runs::file(*args).await,
        Command::Plan(args) => runs::preview(args).await,
        Command::Verify(args) => runs::verify(args).await,
        Command::History(args) => history::run(&args),
        Command::Check(args) => runs::check(&args).await,
        Command::Copy(args) => copy::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Convert(args) => convert::run(args).await,
        Command::Schema(args) => schema::run(args).await,
        Command::Completions(args) => Ok(shell::completions(&args)),
        Command::Man(args) => shell::man(&args),
        Command::Plugin(PluginCommand::List { file }) => plugins::list(file.as_deref()).await,
        Command::Plugin(PluginCommand::Inspect(args)) => plugins::inspect(&args).await,
        Command::Plugin(PluginCommand::Push(args)) => Box::pin(artifact::push(&args)).await,
        Command::Plugin(PluginCommand::Pull(args)) => artifact::pull(&args).await,
        Command::Plugin(PluginCommand::New(args)) => new::run(&args),
        Command::Plugin(PluginCommand::Test(args)) => trial::run(*args).await,
    }
}

/// Where results go. The address of metrics is taken now, before anything else is done.
fn outputs(args: OutputArgs, dry_run: bool) -> Result<Outputs, CommandError> {
    let bind = |address| Metrics::bind(address).map_err(|source| CommandError::Metrics { address, source });
    let metrics = args.metrics.map(bind).transpose()?;
    let form = PlanForm::default();
    Ok(Outputs { reports: args.report, failed: args.failed, metrics, dry_run, form, screen: logging::screen() })
}

/// Does `work`, with a log, and with traces where the environment asks for them.
fn block_on(logging: &Logging, work: impl Future<Output = Result<Exit, CommandError>>) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = Telemetry::start(runs::environment, runtime.handle());
    logging::install(logging, telemetry.as_ref().ok().and_then(Option::as_ref))?;
    if let Err(error) = &telemetry {
        tracing::warn!("no traces: {}", chain(error));
    }
    let done = runtime.block_on(work);
    if let Ok(Some(telemetry)) = telemetry {
        telemetry.finish();
    }
    done
}

/// Prints what clap has to say: help to standard output, an error to standard error.
fn clap_says(error: &clap::Error) -> Exit {
    // A closed terminal is no reason to fail differently.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

#[expect(clippy::print_stderr, reason = "the one place that tells an error to the terminal")]
fn tell(error: &CommandError) {
    match error {
        CommandError::Plan(report) => eprintln!("{}", report.render(logging::coloured())),
        CommandError::Plugin(plugin) => {
            eprintln!("error: {plugin}");
            if let Some(hint) = plugin.hint() {
                eprintln!("hint: {hint}");
            }
        }
        CommandError::NoPlugin { near, .. } => {
            eprintln!("error: {error}");
            eprintln!("hint: did you mean `{near}`?");
        }
        CommandError::Journal(journal) => {
            eprintln!("error: {}", chain(journal));
            if let Some(hint) = journal.hint() {
                eprintln!("hint: {hint}");
            }
        }
        CommandError::Artifact(ArtifactError::Endpoint(endpoint)) => {
            eprintln!("error: {}", chain(endpoint));
            if let Some(hint) = endpoint.hint() {
                eprintln!("hint: {hint}");
            }
        }
        CommandError::Run(_)
        | CommandError::Artifact(_)
        | CommandError::File { .. }
        | CommandError::Metrics { .. }
        | CommandError::Usage(_)
        | CommandError::Io(_) => {
            eprintln!("error: {}", chain(error));
        }
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl LogArgs {
    fn logging(&self) -> Logging {
        let level = match (self.log_level, self.verbose, self.quiet) {
            (Some(level), _, _) => level.level(),
            (None, true, _) => Level::Debug,
            (None, false, true) => Level::Error,
            (None, false, false) => Level::Info,
        };
        Logging {
            level,
            json: self.log_format == Some(FormatArg::Json),
            colour: None,
            paths: Vec::new(),
            progress: !(self.no_progress || self.quiet),
        }
    }
}

impl ClassicArgs {
    fn logging(&self) -> Logging {
        Logging {
            level: if self.quiet { Level::Error } else { self.log_level.level() },
            json: self.log_format == FormatArg::Json,
            colour: self.log_enable_color.then_some(true),
            paths: self.log_output_paths.clone(),
            progress: !(self.no_progress || self.quiet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_source_outranks_failures_and_a_signal_outranks_both() {
        let mut summary = Summary::default();
        assert_eq!(Exit::of(&summary), Exit::Done);
        summary.planned = 1;
        assert_eq!((Exit::of(&summary), Exit::of(&summary).asked(&summary).code()), (Exit::Done, 4));
        summary.failed_jobs = 1;
        assert_eq!(Exit::of(&summary).asked(&summary), Exit::Failed);
        summary.incomplete = 1;
        assert_eq!(Exit::of(&summary), Exit::Incomplete);
        summary.interrupted = true;
        assert_eq!(Exit::of(&summary).code(), 130);
    }
}
