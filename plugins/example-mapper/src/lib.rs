//! Puts each image under a namespace of its team: `app` of team `web` lands at `web/app`.

use image_transfer_sdk::{Destination, Error, Image, Info, Mapper, Plugin, Result, export_mapper, export_plugin};

/// The plugin, opened with a configuration.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    team: String,
}

impl Plugin for Teams {
    const INFO: Info = Info {
        name: "example-mapper",
        version: env!("CARGO_PKG_VERSION"),
        summary: "puts every image under the namespace of a team",
        config_schema: include_str!("../config.schema.json"),
        hosts: &[],
    };
}

impl Mapper for Teams {
    type Config = Self;

    fn open(config: Self) -> Result<Self> {
        if config.team.is_empty() { Err(Error::InvalidConfig("team is empty".to_owned())) } else { Ok(config) }
    }

    fn map(&self, image: &Image) -> Result<Vec<Destination>> {
        let repository = Some(format!("{}/{}", self.team, image.source.repository));
        Ok(vec![Destination { registry: None, repository, tag: None }])
    }
}

export_plugin!(Teams);
export_mapper!(Teams);
