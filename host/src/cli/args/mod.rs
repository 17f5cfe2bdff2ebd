//! The command line, as clap reads it.

mod authoring;
mod classic;
mod plugin;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::logging::Level;
use crate::workflow::duration;

pub(crate) use authoring::CompletionsArgs;
pub(crate) use authoring::ConvertArgs;
pub(crate) use authoring::FormatName;
pub(crate) use authoring::InitArgs;
pub(crate) use authoring::ManArgs;
pub(crate) use authoring::SchemaArgs;
pub(crate) use authoring::WrittenArgs;
pub(crate) use classic::ClassicArgs;
pub(crate) use plugin::InspectArgs;
pub(crate) use plugin::LanguageArg;
pub(crate) use plugin::NewArgs;
pub(crate) use plugin::PluginCommand;
pub(crate) use plugin::PullArgs;
pub(crate) use plugin::PushArgs;
pub(crate) use plugin::RoleArg;
pub(crate) use plugin::TestArgs;

/// Moves container images in bulk between registries.
#[derive(Debug, Parser)]
#[command(name = "image-transfer", version, about, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How to log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

const AFTER_HELP: &str = "\
The flags of tkestack/image-transfer work as well, without a subcommand:
  image-transfer --securityFile=security.yaml --ruleFile=rules.yaml
  image-transfer --help-classic lists them.

Exit codes: 0 all images are at their targets; 1 some failed; 2 the command line or a file is wrong, nothing was started;
3 a source could not be listed whole; 4 plan --exit-code: there is something to do; 130 stopped by a signal or at its deadline.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow file.
    Run(Box<RunArgs>),
    /// Show what a workflow would move; nothing is written.
    Plan(PlanArgs),
    /// Report every error of a workflow, each at its line; nothing is sent.
    Check(FileArgs),
    /// Read the targets of a workflow again and compare them with the sources; nothing is written.
    Verify(VerifyArgs),
    /// Copy one image to one or more places.
    Copy(CopyArgs),
    /// Write a first workflow file, from a few answers or from flags.
    Init(InitArgs),
    /// Write the workflow that another tool's configuration stands for.
    Convert(ConvertArgs),
    /// Print the JSON Schema of workflow files, the options of plugins included, or of reports.
    Schema(SchemaArgs),
    /// Show what earlier runs did.
    History(HistoryArgs),
    /// Look at plugins, and make them.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Print the completions of a shell.
    Completions(CompletionsArgs),
    /// Print the man page, or write all of them.
    Man(ManArgs),
}

/// A workflow file and what varies in it.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The workflow file.
    pub(crate) file: PathBuf,
    /// Set a variable of the workflow's `vars`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The file.
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Where results go.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Show what would move; nothing is written. The same as `plan`.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// After the run, read the targets again and compare them with the sources.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) verify: bool,
    /// The journal.
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    /// When to stop.
    #[command(flatten)]
    pub(crate) stop: StopArgs,
}

/// `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The file.
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Read each manifest and each blob as well, and hash every byte.
    #[arg(long)]
    pub(crate) deep: bool,
    /// Where results go.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// When to stop.
    #[command(flatten)]
    pub(crate) stop: StopArgs,
}

/// `history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The run to show, as the list names it; without one, all are listed.
    pub(crate) run: Option<String>,
    /// The directory of the journals [default: $XDG_STATE_HOME/image-transfer or ~/.local/state/image-transfer].
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Write what failed in the run to FILE, as a rule file for --ruleFile.
    #[arg(long, value_name = "FILE", requires = "run")]
    pub(crate) failed: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a run is noted.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct JournalArgs {
    /// The directory of the journals [default: $XDG_STATE_HOME/image-transfer or ~/.local/state/image-transfer].
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Go on with the last run of this workflow, if it did not end whole: what is done costs no request.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Note nothing; the run cannot be gone on with.
    #[arg(long, conflicts_with_all = ["state", "resume"])]
    pub(crate) no_journal: bool,
}

/// When a run stops.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct StopArgs {
    /// After this time, begin nothing new and finish what is in flight, as after Ctrl-C.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
    /// How long what is in flight may take after a signal or the deadline before it is given up [default: until it is done].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) grace: Option<Duration>,
}

/// `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The file.
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// List, select and map only: each image with where it would land. No registry is asked about a single image.
    #[arg(long)]
    pub(crate) names: bool,
    /// Print JSON: an object for each target, as it is found, and one with the numbers of all at the end, each on its own line.
    #[arg(long)]
    pub(crate) json: bool,
    /// End with exit code 4, not 0, if there is something to do.
    #[arg(long, conflicts_with = "names")]
    pub(crate) exit_code: bool,
    /// Where results go.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Where results go.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OutputArgs {
    /// Write a report to FILE: a page for people (.html), JUnit for CI systems (.xml), else JSON with every image. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Write what failed to FILE, as a rule file for --ruleFile.
    #[arg(long, value_name = "FILE")]
    pub(crate) failed: Option<PathBuf>,
    /// Serve metrics for Prometheus at this address, below /metrics, while the command is at work.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
}

/// `copy`.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The image: registry/repository:tag, registry/repository@digest, or oci:DIRECTORY//repository:tag.
    pub(crate) source: String,
    /// Where to; a name without tag or digest keeps the source's.
    #[arg(required = true)]
    pub(crate) targets: Vec<String>,
    /// Keep only these platforms of an index, such as linux/amd64.
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    pub(crate) platform: Vec<String>,
    /// Copy signatures, SBOMs and other referrers as well.
    #[arg(long)]
    pub(crate) referrers: bool,
    /// What to do if the target's tag holds other content.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) existing: ExistingArg,
    /// Speak http, not https, with this host. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) plain_http: Vec<String>,
    /// Accept any certificate of this host, or http. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) insecure: Vec<String>,
    /// Show what would move; nothing is written.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where results go.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `existing` of a workflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExistingArg {
    /// Replace it.
    #[default]
    Overwrite,
    /// Leave it.
    Skip,
    /// Fail.
    Fail,
}

/// How to log.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LogArgs {
    /// The least important lines to log [default: info].
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<LevelArg>,
    /// The form of log lines [default: plain].
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<FormatArg>,
    /// Log each decision.
    #[arg(long, short, global = true, conflicts_with = "log_level")]
    pub(crate) verbose: bool,
    /// Log failures only, and draw no progress.
    #[arg(long, short, global = true, conflicts_with_all = ["log_level", "verbose"])]
    pub(crate) quiet: bool,
    /// Draw no progress on a terminal; a line says now and then how far the run is, as it does where there is no terminal.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// `--log-level`, with the classic tool's spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum LevelArg {
    /// Everything.
    Trace,
    /// Each decision.
    #[value(alias = "dbg")]
    Debug,
    /// Each image.
    Info,
    /// What may need a look.
    #[value(alias = "warning")]
    Warn,
    /// Failures only.
    #[value(alias = "err", alias = "fatal", alias = "panic")]
    Error,
}

/// `--log-format`, with the classic tool's spellings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Lines for people.
    #[default]
    #[value(alias = "console")]
    Plain,
    /// One JSON object a line.
    Json,
}

impl LevelArg {
    /// What it means.
    #[must_use]
    pub(crate) fn level(self) -> Level {
        match self {
            Self::Trace => Level::Trace,
            Self::Debug => Level::Debug,
            Self::Info => Level::Info,
            Self::Warn => Level::Warn,
            Self::Error => Level::Error,
        }
    }
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
        ClassicArgs::command().debug_assert();
    }

    #[test]
    fn a_variable_needs_a_name() {
        assert_eq!(pair("region=x=y"), Ok(("region".to_owned(), "x=y".to_owned())));
        assert!(pair("=x").is_err() && pair("x").is_err());
    }
}
