//! The flags of tkestack/image-transfer, drop-in: their names, values and defaults. Each does what its documentation promised.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ArgAction;
use clap::CommandFactory;
use clap::Parser;
use clap::ValueEnum;

use crate::cli::args::Cli;
use crate::cli::args::FormatArg;
use crate::cli::args::JournalArgs;
use crate::cli::args::LevelArg;
use crate::cli::args::StopArgs;

/// Moves images by a rule file: the flags of tkestack/image-transfer.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[derive(Debug, Parser)]
#[command(name = "image-transfer", version, disable_version_flag = true, args_override_self = true)]
pub(crate) struct ClassicArgs {
    /// Registries with their user names and passwords, YAML or JSON. Without it docker's and podman's logins are used.
    #[arg(long = "securityFile", visible_alias = "registry-secret-file", value_name = "FILE")]
    pub(crate) security_file: Option<PathBuf>,
    /// Rules `source: target`, YAML or JSON.
    #[arg(long = "ruleFile", visible_alias = "transfer-rule-file", value_name = "FILE")]
    pub(crate) rule_file: Option<PathBuf>,
    /// The registry of targets that name none [env: `DEFAULT_REGISTRY`]. With --ccrToTcr: TCR's host, where it is a domain of your own.
    #[arg(long, value_name = "REGISTRY")]
    pub(crate) registry: Option<String>,
    /// The namespace of targets that have none [env: `DEFAULT_NAMESPACE`].
    #[arg(long = "ns", visible_alias = "namespace", value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Images on their way at once, 1 to 50.
    #[arg(long, visible_alias = "proc", value_name = "N", default_value_t = 5)]
    pub(crate) routines: usize,
    /// Rounds over what failed, after the first.
    #[arg(long, visible_alias = "retries", value_name = "N", default_value_t = 2)]
    pub(crate) retry: u32,
    /// Requests a second over all registries, at most 30000; 0: no limit.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) qps: u32,
    /// Whether a tag that exists at the target is replaced if its digest differs.
    #[arg(long = "tag-exist-overridden", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true",
          default_missing_value = "true", action = ArgAction::Set, value_parser = truth)]
    pub(crate) tag_exist_overridden: bool,
    /// Print the workflow that does the same, and end.
    #[arg(long = "print-workflow")]
    pub(crate) print_workflow: bool,
    /// Show what would move; nothing is written.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write a report to FILE: a page for people (.html), JUnit for CI systems (.xml), else JSON with every image. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Write what failed to FILE, as a rule file for --ruleFile.
    #[arg(long, value_name = "FILE")]
    pub(crate) failed: Option<PathBuf>,
    /// Serve metrics for Prometheus at this address, below /metrics, while the command is at work.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) metrics: Option<SocketAddr>,
    /// The journal.
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    /// When to stop.
    #[command(flatten)]
    pub(crate) stop: StopArgs,
    /// Draw no progress on a terminal; a line says now and then how far the run is, as it does where there is no terminal.
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// Log failures only, and draw no progress.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// The least important lines to log.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = level)]
    pub(crate) log_level: LevelArg,
    /// The form of log lines.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) log_format: FormatArg,
    /// Colour log lines.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", action = ArgAction::Set, value_parser = truth)]
    pub(crate) log_enable_color: bool,
    /// Accepted: log lines name no line of source code here.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", action = ArgAction::Set, value_parser = truth)]
    pub(crate) log_ignore_caller: bool,
    /// Accepted: no log line is left out here.
    #[arg(long, value_name = "DURATION")]
    pub(crate) log_sampling_frequency: Option<String>,
    /// Files to log to, `stdout` or `stderr`.
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    pub(crate) log_output_paths: Vec<PathBuf>,
    /// Move all of Tencent CCR (the personal registry) to TCR (the enterprise registry), by their API. No --ruleFile then.
    #[arg(long = "ccrToTcr", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
          default_missing_value = "true", action = ArgAction::Set, value_parser = truth)]
    pub(crate) ccr_to_tcr: bool,
    /// Region of CCR.
    #[arg(long = "ccrRegion", value_name = "REGION", default_value = "ap-guangzhou")]
    pub(crate) ccr_region: String,
    /// Region of TCR.
    #[arg(long = "tcrRegion", value_name = "REGION", default_value = "ap-guangzhou")]
    pub(crate) tcr_region: String,
    /// The newest tags of each repository of CCR, by the time of their push; 0: all.
    #[arg(long = "ccrTagNums", value_name = "N", default_value_t = 100)]
    pub(crate) ccr_tag_nums: usize,
    /// The instance of TCR: its name.
    #[arg(long = "tcrName", value_name = "NAME")]
    pub(crate) tcr_name: Option<String>,
    /// Keys of Tencent Cloud's API, YAML or JSON.
    #[arg(long = "secretFile", visible_alias = "tencentcloud-secret-file", value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The API's URL, where it is not that of the domestic site: `https://tcr.intl.tencentcloudapi.com`.
    #[arg(long = "tencentcloud-endpoint", value_name = "URL")]
    pub(crate) endpoint: Option<String>,
}

impl ClassicArgs {
    /// Whether `arguments` (without the program's name) are the classic flags: the first one is a flag that only they have.
    #[must_use]
    pub(crate) fn are(arguments: &[std::ffi::OsString]) -> bool {
        const OURS: [&str; 3] = ["--help", "--version", "--verbose"];
        const BOTH: [&str; 4] = ["--quiet", "--no-progress", "--log-level", "--log-format"];
        let subcommand = || {
            let commands = Cli::command();
            arguments
                .iter()
                .filter_map(|it| it.to_str())
                .any(|it| it == "help" || commands.find_subcommand(it).is_some())
        };
        let first = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default();
        let name = first.split('=').next().unwrap_or_default();
        name.starts_with("--") && !OURS.contains(&name) && !(BOTH.contains(&name) && subcommand())
    }
}

/// A truth value in any of the spellings that Go's flags take.
fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A level; what the classic tool did not know was `info` to it.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a clap value parser")]
fn level(text: &str) -> Result<LevelArg, std::convert::Infallible> {
    Ok(LevelArg::from_str(text, true).unwrap_or(LevelArg::Info))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> ClassicArgs {
        ClassicArgs::try_parse_from([&["image-transfer"], arguments].concat()).unwrap()
    }

    #[test]
    fn flags_read_with_equals_sign_or_space_and_bare() {
        let args = read(&["--ruleFile=r.yaml", "--securityFile", "s.yaml", "--tag-exist-overridden=false", "--proc=7"]);
        assert_eq!(args.rule_file, Some("r.yaml".into()));
        assert_eq!(args.security_file, Some("s.yaml".into()));
        assert!(!args.tag_exist_overridden);
        assert_eq!(args.routines, 7);
        assert!(read(&["--tag-exist-overridden", "--ruleFile=r"]).tag_exist_overridden);
    }

    #[test]
    fn defaults_are_the_classic_ones() {
        let args = read(&[]);
        assert_eq!((args.routines, args.retry, args.qps, args.tag_exist_overridden), (5, 2, 100, true));
    }

    #[test]
    fn values_read_as_go_reads_them() {
        let args = read(&["--retry=1", "--retry=3", "--tag-exist-overridden=F", "--log-level=loud"]);
        assert_eq!((args.retry, args.tag_exist_overridden, args.log_level), (3, false, LevelArg::Info));
        assert_eq!(read(&["--log-level=ERR"]).log_level, LevelArg::Error);
    }

    #[test]
    fn old_aliases_are_known() {
        let args = read(&["--registry-secret-file=s.yaml", "--transfer-rule-file=r.yaml"]);
        assert_eq!((args.security_file, args.rule_file), (Some("s.yaml".into()), Some("r.yaml".into())));
    }

    #[test]
    fn the_first_flag_tells_the_two_command_lines_apart() {
        let are = |arguments: &[&str]| ClassicArgs::are(&arguments.iter().map(Into::into).collect::<Vec<_>>());
        assert!(are(&["--ruleFile=r.yaml"]));
        assert!(are(&["--log-level=debug", "--ruleFile=r.yaml"]));
        assert!(!are(&["--log-level=debug", "run", "w.yaml"]));
        assert!(!are(&["--log-level=debug", "init", "w.yaml"]));
        assert!(!are(&["--no-progress", "run", "w.yaml"]));
        assert!(are(&["--quiet", "--ruleFile=r.yaml"]));
        assert!(!are(&["--help"]));
        assert!(!are(&["run", "w.yaml"]));
    }
}
