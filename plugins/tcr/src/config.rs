//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::sign::Key;
use image_transfer_sdk::tencent::Api;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

use crate::instance::Finder;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    secret_id: String,
    secret_key: String,
    token: Option<String>,
    instance: String,
    #[serde(default = "guangzhou")]
    region: String,
    endpoint: Option<String>,
    pub(crate) registry: Option<String>,
    pub(crate) namespaces: Option<Vec<String>>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    pub(crate) public: Option<bool>,
}

fn guangzhou() -> String {
    "ap-guangzhou".to_owned()
}

impl Config {
    /// What finds the instance, where nothing is wrong with the options.
    pub fn finder(&self) -> Result<Finder> {
        self.checked().map(|(finder, _)| finder)
    }

    /// The same and the patterns, or all that is wrong.
    pub(crate) fn checked(&self) -> Result<(Finder, Filter)> {
        let mut problems = Problems::default();
        let key = Key { id: self.secret_id.clone(), secret: self.secret_key.clone(), token: self.token.clone() };
        let api = Api::read(&mut problems, key, self.endpoint.as_deref(), &self.region);
        if let Some(registry) = &self.registry {
            problems.check("/registry", check_registry(registry));
        }
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        Ok((Finder::new(api, self.instance.clone()), filter))
    }
}
