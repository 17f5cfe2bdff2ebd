//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    #[serde(default = "quay_io")]
    url: String,
    token: Option<String>,
    namespaces: Option<Vec<String>>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    registry: Option<String>,
    /// Whether repositories that are made are public; none: as at the source.
    pub(crate) public: Option<bool>,
    #[serde(default)]
    create_organizations: bool,
    email: Option<String>,
}

fn quay_io() -> String {
    "https://quay.io".to_owned()
}

/// What a listing is of.
pub(crate) struct Scope {
    pub(crate) api: String,
    pub(crate) registry: String,
    pub(crate) namespaces: Vec<String>,
    pub(crate) filter: Filter,
}

/// How repositories are made.
pub(crate) struct Making {
    pub(crate) api: String,
    /// Whether organizations are made too, and with which address: `{namespace}` in it is their name.
    pub(crate) organizations: bool,
    pub(crate) email: Option<String>,
}

impl Config {
    /// The URL of the API with its version, without a slash at its end.
    fn api(&self, problems: &mut Problems) -> String {
        let url = self.url.trim_end_matches('/');
        if !url.starts_with("https://") && !url.starts_with("http://") {
            problems.push("/url: must be a URL, such as https://quay.io");
        }
        if self.token.as_ref().is_some_and(|token| token.trim().is_empty()) {
            problems.push("/token: is empty");
        }
        format!("{url}/api/v1")
    }

    /// What to list and with which token, or all that is wrong.
    pub(crate) fn listing(&self) -> Result<(Scope, Option<String>)> {
        let mut problems = Problems::default();
        let api = self.api(&mut problems);
        let host = || self.url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default().to_owned();
        let registry = self.registry.clone().unwrap_or_else(host);
        if self.registry.is_some() {
            problems.check("/registry", check_registry(&registry));
        }
        let namespaces = self.namespaces.clone().unwrap_or_default();
        if namespaces.is_empty() {
            problems.push("/namespaces: name the organizations and users whose repositories are listed");
        }
        for (index, name) in namespaces.iter().enumerate() {
            problems.check(&format!("/namespaces/{index}"), check_namespace(name));
        }
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        Ok((Scope { api, registry, namespaces, filter }, self.token.clone()))
    }

    /// How repositories are made and with which token, or all that is wrong.
    pub(crate) fn preparation(&self) -> Result<(Making, Option<String>)> {
        let mut problems = Problems::default();
        let api = self.api(&mut problems);
        if self.token.is_none() {
            problems.push("/token: is needed to make repositories");
        }
        problems.finish()?;
        let making = Making { api, organizations: self.create_organizations, email: self.email.clone() };
        Ok((making, self.token.clone()))
    }
}

fn check_namespace(name: &str) -> std::result::Result<(), String> {
    if name.contains('/') {
        return Err(format!("`{name}` is not a namespace: it has a slash"));
    }
    check_repository(name)
        .map_err(|_| format!("`{name}` is not a namespace: expected a-z, 0-9 and inner `.`, `_`, `-`"))
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::Error;
    use image_transfer_sdk::config::parse;

    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once_each_at_its_option() {
        let json = r#"{"url": "quay.io", "token": "", "namespaces": ["a", "b/c"], "registry": "x y"}"#;
        let config: Config = parse(json).expect("options");
        let Err(Error::InvalidConfig(text)) = config.listing() else { panic!("it is wrong") };
        let pointers: Vec<&str> = text.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(pointers, ["/url", "/token", "/registry", "/namespaces/1"], "{text}");
    }

    #[test]
    fn the_registry_is_where_the_api_is() {
        let config: Config = parse(r#"{"url": "https://quay.corp:8443/", "namespaces": ["a"]}"#).expect("options");
        let Ok((scope, _)) = config.listing() else { panic!("nothing is wrong") };
        assert_eq!((scope.api.as_str(), scope.registry.as_str()), ("https://quay.corp:8443/api/v1", "quay.corp:8443"));
    }
}
