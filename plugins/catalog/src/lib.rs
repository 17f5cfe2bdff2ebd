//! The source of whole registries: every repository of the catalog that is included and not excluded, with every tag.
//!
//! The lists are read page by page, one page a call at most ([`walk`]). A repository that was deleted since its name was
//! read is left out with a warning; anything else that cannot be read is an error.

mod walk;

use image_transfer_sdk::Image;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Result;
use image_transfer_sdk::Source;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_source;
use image_transfer_sdk::registry::Host;
use serde::Deserialize;

pub use walk::Walk;

/// The `with:` of a workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `host[:port]` or `oci:PATH`.
    pub registry: String,
    /// Patterns of repositories.
    #[serde(default = "everything")]
    pub repositories: Vec<String>,
    /// Patterns of repositories to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
}

fn everything() -> Vec<String> {
    vec!["**".to_owned()]
}

/// The source `catalog`.
#[derive(Debug)]
pub struct Catalog(Walk<Host>);

impl Plugin for Catalog {
    const INFO: Info = Info {
        name: "catalog",
        version: env!("CARGO_PKG_VERSION"),
        summary: "all tags of the repositories of a registry or of a directory of OCI image layouts",
        config_schema: include_str!("../config.schema.json"),
        hosts: &[],
    };
}

impl Source for Catalog {
    type Config = Config;

    fn open(config: Config, position: Option<String>) -> Result<Self> {
        Walk::open(&config, position, Host).map(Self)
    }

    fn next(&mut self) -> Result<Option<Vec<Image>>> {
        self.0.next_batch()
    }

    fn position(&self) -> Option<String> {
        self.0.position()
    }
}

export_plugin!(Catalog);
export_source!(Catalog);
