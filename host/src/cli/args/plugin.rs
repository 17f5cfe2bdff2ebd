//! `plugin` and what is below it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::args::pair;
use crate::workflow::duration;
use crate::workflow::size;

/// `plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the embedded plugins, and those of a workflow.
    List {
        /// A workflow whose plugins are listed as well.
        file: Option<PathBuf>,
    },
    /// Show what a plugin is, can do, wants to reach and may be told.
    Inspect(InspectArgs),
    /// Write a small project for a plugin of one's own.
    New(NewArgs),
    /// Run a plugin by itself, offline, and show what it gave, called and used.
    Test(Box<TestArgs>),
    /// Push a plugin to a registry, and print the digest that pins it.
    Push(PushArgs),
    /// Pull a plugin from a registry into a file, and print the digest that pins it.
    Pull(PullArgs),
}

/// How a registry is reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReachArgs {
    /// Speak http, not https, with this registry. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) plain_http: Vec<String>,
    /// Accept any certificate of this registry, or http. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) insecure: Vec<String>,
}

/// `plugin push`.
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Where to: host/repository:tag.
    pub(crate) reference: String,
    /// The component.
    pub(crate) file: PathBuf,
    /// How the registry is reached.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `plugin pull`.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Where from: host/repository:tag, or host/repository@sha256:…
    pub(crate) reference: String,
    /// The file to write; by default it is called like the repository's last part.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace FILE if it is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// How the registry is reached.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `plugin inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The name of an embedded plugin, the path of a component, or `oci://host/repository:tag`.
    pub(crate) plugin: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// How the registry is reached.
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `plugin new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Its name: lowercase letters, digits and -.
    pub(crate) name: String,
    /// The language.
    #[arg(long)]
    pub(crate) lang: LanguageArg,
    /// What it does. May be repeated.
    #[arg(long, value_enum, default_value = "mapper", value_delimiter = ',')]
    pub(crate) kind: Vec<RoleArg>,
    /// Where the project is written [default: a directory of its name].
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// What a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageArg {
    /// cargo and wit-bindgen.
    Rust,
    /// npm and componentize-js.
    #[value(alias = "javascript")]
    Js,
    /// pip and componentize-py.
    Python,
    /// Not yet: says why.
    Go,
}

/// `plugin test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The component, or the name of an embedded plugin.
    pub(crate) plugin: String,
    /// What it is to do, where it can do several things.
    #[arg(long = "as", value_name = "ROLE")]
    pub(crate) role: Option<RoleArg>,
    /// An option of the plugin, its value as YAML. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) with: Vec<(String, String)>,
    /// A YAML or JSON file of options; `--with` goes before it.
    #[arg(long, value_name = "FILE")]
    pub(crate) options: Option<PathBuf>,
    /// What it is asked about, a JSON list: images for a mapper, repositories for a provisioner, registries for credentials.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Where a source goes on: the position that an earlier test gave.
    #[arg(long, value_name = "TEXT")]
    pub(crate) position: Option<String>,
    /// Answer its requests and listings from this recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) http: Option<PathBuf>,
    /// Let it reach what it is granted, and write what it asked and was answered to FILE.
    #[arg(long, value_name = "FILE", conflicts_with = "http")]
    pub(crate) record: Option<PathBuf>,
    /// Grant a host, as `hosts` of a workflow does. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]|*.DOMAIN")]
    pub(crate) host: Vec<String>,
    /// With --record: speak http, not https, with this registry. May be repeated.
    #[arg(long, value_name = "HOST[:PORT]", requires = "record")]
    pub(crate) plain_http: Vec<String>,
    /// Fail unless this is what it gives: the `outcome` of --json, as a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Option<PathBuf>,
    /// Its memory [default: 64MiB].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// What it may compute in each call [default: 5s].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) cpu: Option<Duration>,
    /// How long each call may take, waits included [default: 5m].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Which images.
    Source,
    /// Where to.
    Mapper,
    /// What must exist.
    Provisioner,
    /// How to log in.
    Credentials,
}

impl RoleArg {
    /// As the contract calls it.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Mapper => "mapper",
            Self::Provisioner => "provisioner",
            Self::Credentials => "credentials",
        }
    }
}
