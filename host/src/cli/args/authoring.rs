//! Commands that help to write workflow files.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use clap_complete::Shell;

use crate::convert::Format;

/// `convert`.
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The files of the other tool: its configuration, or its rules and its logins.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Whose files they are [default: it shows in them].
    #[arg(long, value_name = "TOOL")]
    pub(crate) from: Option<FormatName>,
    /// Where images go that the files name no target for (image-transfer, image-syncer), or all (skopeo).
    #[arg(long, value_name = "HOST[:PORT][/NAMESPACE]")]
    pub(crate) to: Option<String>,
    /// Begin names at the target with the source's registry, as `skopeo sync --scoped` does.
    #[arg(long, requires = "to")]
    pub(crate) scoped: bool,
    /// Where the workflow is written.
    #[command(flatten)]
    pub(crate) written: WrittenArgs,
}

/// `init`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct InitArgs {
    /// The file to write.
    #[arg(default_value = "workflow.yaml")]
    pub(crate) file: PathBuf,
    /// Where images come from; asked for if it is not given. A path behind the registry is a pattern of repositories.
    #[arg(long, value_name = "HOST[:PORT][/PATTERN]|oci:DIR")]
    pub(crate) from: Option<String>,
    /// Where they go; asked for if it is not given.
    #[arg(long, value_name = "HOST[:PORT][/NAMESPACE]|oci:DIR")]
    pub(crate) to: Option<String>,
    /// Only tags like this: a glob, or an expression between slashes. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) tags: Vec<String>,
    /// Only so many of the newest tags of each repository, by their versions.
    #[arg(long, value_name = "N")]
    pub(crate) newest: Option<NonZeroUsize>,
    /// Speak http, not https, with this host. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) plain_http: Vec<String>,
    /// Replace the file if it is there.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// A workflow whose own plugins are part of the schema as well.
    pub(crate) file: Option<PathBuf>,
    /// Print the schema of JSON reports (--report of other commands) instead.
    #[arg(long, conflicts_with = "file")]
    pub(crate) report: bool,
    /// Where the schema is written.
    #[command(flatten)]
    pub(crate) written: WrittenArgs,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this directory, which must be there.
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// Where a file is written.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WrittenArgs {
    /// Write to FILE [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace FILE if it is there.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// `--from` of `convert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// tkestack/image-transfer: a rule file and a security file.
    ImageTransfer,
    /// AliyunContainerService/image-syncer: images and auth.
    ImageSyncer,
    /// regclient's regsync.
    Regsync,
    /// `skopeo sync --src yaml`.
    Skopeo,
    /// xelalexv/dregsy.
    Dregsy,
    /// clowdhaus/ocync.
    Ocync,
}

impl FormatName {
    /// What it means.
    #[must_use]
    pub(crate) fn format(self) -> Format {
        match self {
            Self::ImageTransfer => Format::ImageTransfer,
            Self::ImageSyncer => Format::ImageSyncer,
            Self::Regsync => Format::Regsync,
            Self::Skopeo => Format::Skopeo,
            Self::Dregsy => Format::Dregsy,
            Self::Ocync => Format::Ocync,
        }
    }
}
