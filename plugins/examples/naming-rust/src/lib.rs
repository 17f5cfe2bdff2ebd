//! Teams have other names at the target, and a version is written under its shorter forms as well.

mod rule;

use exports::image_transfer::plugin::mapper;
use exports::image_transfer::plugin::plugin_info;
use image_transfer::plugin::types::Destination;
use image_transfer::plugin::types::Error;
use image_transfer::plugin::types::Image;
use rule::Rule;

wit_bindgen::generate!({ path: "../../../wit", world: "mapper-plugin", generate_all });

struct Component;

export!(Component);

impl plugin_info::Guest for Component {
    fn describe() -> plugin_info::Info {
        plugin_info::Info {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "renames teams, and writes versions under their shorter forms as well".to_owned(),
            config_schema: include_str!("../options.schema.json").to_owned(),
            hosts: Vec::new(),
        }
    }
}

impl mapper::Guest for Component {
    type Mapping = Rule;
}

impl mapper::GuestMapping for Rule {
    fn open(config: String) -> Result<mapper::Mapping, Error> {
        let rule: Rule = serde_json::from_str(&config).map_err(|error| Error::InvalidConfig(error.to_string()))?;
        Ok(mapper::Mapping::new(rule))
    }

    fn map_images(&self, images: Vec<Image>) -> Vec<Result<Vec<Destination>, Error>> {
        images.iter().map(|image| Ok(self.destinations(image))).collect()
    }
}

impl Rule {
    fn destinations(&self, image: &Image) -> Vec<Destination> {
        let repository = self.repository(&image.source.repository);
        let tags = self.tags(image.source.tag.as_deref());
        let destination = |tag| Destination { registry: None, repository: Some(repository.clone()), tag };
        tags.into_iter().map(destination).collect()
    }
}
