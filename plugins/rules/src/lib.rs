//! The source of rule files.
//!
//! A rule says where images are and where they land: `reg.example/team/app:1.0: other.example/app`. [`Config`] is read
//! into rules, all problems at once ([`rule`], [`side`]); the enumerator then walks the rules in their order, one page of a
//! registry's listing a call at most ([`walk`], [`cursor`]).

mod config;
mod cursor;
mod rule;
mod side;
mod walk;

use image_transfer_sdk::Image;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Result;
use image_transfer_sdk::Source;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_source;
use image_transfer_sdk::registry::Host;

pub use config::Config;
pub use walk::Walk;

/// The source `rules`.
#[derive(Debug)]
pub struct Rules(Walk<Host>);

impl Plugin for Rules {
    const INFO: Info = Info {
        name: "rules",
        version: env!("CARGO_PKG_VERSION"),
        summary: "images as a rule file lists them: source on the left, target on the right",
        config_schema: include_str!("../config.schema.json"),
        hosts: &[],
    };
}

impl Source for Rules {
    type Config = Config;

    fn open(config: Config, position: Option<String>) -> Result<Self> {
        Walk::open(&config, position.as_deref(), Host).map(Self)
    }

    fn next(&mut self) -> Result<Option<Vec<Image>>> {
        self.0.next_batch()
    }

    fn position(&self) -> Option<String> {
        Some(self.0.position())
    }
}

export_plugin!(Rules);
export_source!(Rules);
