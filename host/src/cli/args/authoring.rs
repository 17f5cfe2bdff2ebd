//! Commands that help to write workflow files.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

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
