//! The mapper of renamings.
//!
//! [`Config`] is what was written, [`rewriting::Rewriting`] what it means: a fixed order of steps, from the target that
//! the source or an earlier mapper gave, or else from the source's own name, to a target that is checked against the
//! grammar of references.

mod config;
mod rewriting;

use image_transfer_sdk::Destination;
use image_transfer_sdk::Image;
use image_transfer_sdk::Info;
use image_transfer_sdk::Mapper;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Result;
use image_transfer_sdk::export_mapper;
use image_transfer_sdk::export_plugin;

pub use config::Config;
use rewriting::Rewriting;

/// The mapper `rewrite`.
#[derive(Debug)]
pub struct Rewrite(Rewriting);

impl Plugin for Rewrite {
    const INFO: Info = Info {
        name: "rewrite",
        version: env!("CARGO_PKG_VERSION"),
        summary: "renames images: prefix, namespace, flatten, regular expressions, template, tag prefix and suffix",
        config_schema: include_str!("../config.schema.json"),
        hosts: &[],
    };
}

impl Mapper for Rewrite {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        config.rewriting().map(Self)
    }

    fn map(&self, image: &Image) -> Result<Vec<Destination>> {
        self.0.destinations(image)
    }
}

export_plugin!(Rewrite);
export_mapper!(Rewrite);
