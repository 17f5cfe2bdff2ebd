//! The plugin `@NAME@` of image-transfer: who it is, and its options.

@MODULES@

use exports::image_transfer::plugin::plugin_info;
use image_transfer::plugin::types::Error;

wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });

/// What exports everything.
struct Component;

export!(Component);

impl plugin_info::Guest for Component {
    fn describe() -> plugin_info::Info {
        plugin_info::Info {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "@SUMMARY@".to_owned(),
            config_schema: include_str!("../options.schema.json").to_owned(),
            hosts: Vec::new(),
        }
    }
}

/// The `with:` of a workflow, which `options.schema.json` describes. A kind of this plugin may be used without the options of another.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Options {
@FIELDS@
}

impl Options {
    fn read(config: &str) -> Result<Self, Error> {
        serde_json::from_str(config).map_err(|error| Error::InvalidConfig(error.to_string()))
    }
}
