//! Repositories of ECR, each of which must be there before a push.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use serde_json::Value;
use serde_json::json;

use crate::Config;
use crate::api::Action;
use crate::api::Api;
use crate::api::Edition;
use crate::api::text;
use crate::listing::REPOSITORIES;

const CREATE: Action = Action::new("CreateRepository", 10);
const REGISTRIES: Action = Action::new("DescribeRegistries", 10);

/// The repositories of a registry.
#[derive(Debug)]
pub struct Repositories<C> {
    api: Api,
    client: C,
    /// First segments of names in the public edition, which the API does not count as a part of them; none: not asked yet.
    aliases: Option<Vec<String>>,
}

impl<C: Client> Repositories<C> {
    /// Checks the options and sends nothing.
    pub fn open(config: &Config, client: C) -> Result<Self> {
        Ok(Self { api: config.api()?, client, aliases: config.alias.clone().map(|alias| vec![alias]) })
    }

    /// What the API calls a repository.
    pub(crate) fn name_of(&mut self, path: &str) -> Result<String> {
        if self.api.edition == Edition::Private {
            return Ok(path.to_owned());
        }
        let aliases = match &self.aliases {
            Some(aliases) => aliases,
            None => &*self.aliases.insert(aliases(&self.api, &self.client)?),
        };
        match path.split_once('/') {
            Some((alias, name)) if aliases.iter().any(|other| other == alias) => Ok(name.to_owned()),
            _ => Err(Error::Fatal(format!(
                "`{path}` is not in this registry: names in ECR Public begin with an alias of it, which is {}; set `to.namespace` of \
                 the transfer",
                aliases.join(" or ")
            ))),
        }
    }
}

/// The names that a public registry has, of which there is always one.
fn aliases(api: &Api, client: &dyn Client) -> Result<Vec<String>> {
    let response = client.send(api.ask(REGISTRIES, &json!({})))?;
    let body = api.read(REGISTRIES, &response)?;
    let registries = api.list(REGISTRIES, &response, &body, "registries")?;
    let entries = registries.iter().filter_map(|it| it.get("aliases").and_then(Value::as_array)).flatten();
    let active = entries.filter(|it| text(it, "status") == "ACTIVE").map(|it| text(it, "name").to_owned());
    let aliases: Vec<String> = active.filter(|name| !name.is_empty()).collect();
    if aliases.is_empty() {
        return Err(Error::NotFound(
            "this account has no public registry with an active alias: open ECR Public in the console once".to_owned(),
        ));
    }
    Ok(aliases)
}

impl<C: Client> Place for Repositories<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        let mut parameters = self.api.parameters();
        parameters["repositoryNames"] = json!([name]);
        match self.api.call(&self.client, REPOSITORIES, &parameters) {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(about(name, error)),
        }
    }

    fn create(&mut self, name: &str, _public: bool) -> Result<()> {
        let mut parameters = self.api.parameters();
        parameters["repositoryName"] = name.into();
        self.api.call(&self.client, CREATE, &parameters).map(drop).map_err(|error| about(name, error))
    }
}

/// The error with the repository in it: what is read is the image's line of a report.
fn about(name: &str, error: Error) -> Error {
    let told = |text: String| format!("repository `{name}` cannot be made: {text}");
    match error {
        Error::Unauthorized(text) => Error::Unauthorized(told(text)),
        Error::NotFound(text) => Error::NotFound(told(text)),
        Error::Fatal(text) => Error::Fatal(told(text)),
        other => other,
    }
}
