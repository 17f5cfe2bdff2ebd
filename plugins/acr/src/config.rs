//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::sign::Key;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

use crate::api::Api;
use crate::edition::Finder;
use crate::edition::Wish;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    region: String,
    endpoint: Option<String>,
    instance: Option<String>,
    registry: Option<String>,
    edition: Option<Which>,
    pub(crate) namespaces: Option<Vec<String>>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    pub(crate) public: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Which {
    Enterprise,
    Personal,
}

/// A registry that was named in the options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry {
    /// As it stands in references.
    pub host: String,
    /// With its scheme, and without a slash at the end.
    pub url: String,
}

impl Registry {
    fn read(text: &str) -> std::result::Result<Self, String> {
        let (scheme, host) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), host)) => (scheme, host.trim_end_matches('/')),
            Some(_) => return Err(format!("`{text}` is not a registry: expected host[:port]")),
            None => ("https", text),
        };
        check_registry(host)?;
        if host.starts_with("oci:") {
            return Err("a directory is not ACR: expected host[:port]".to_owned());
        }
        Ok(Self { host: host.to_owned(), url: format!("{scheme}://{host}") })
    }

    /// Whether its name alone says that it is of the personal edition, as the names of instances since September 2024 do.
    fn is_personal(&self) -> bool {
        self.host.split(':').next().is_some_and(|host| host.ends_with(".personal.cr.aliyuncs.com"))
    }
}

impl Config {
    /// What finds the edition, where nothing is wrong with the options.
    pub fn finder(&self) -> Result<Finder> {
        self.checked().map(|(finder, ..)| finder)
    }

    /// The same, the registry that was named, and the patterns; or all that is wrong.
    pub(crate) fn checked(&self) -> Result<(Finder, Option<Registry>, Filter)> {
        let mut problems = Problems::default();
        let key = Key {
            id: self.access_key_id.clone(),
            secret: self.access_key_secret.clone(),
            token: self.security_token.clone(),
        };
        let api = Api::read(&mut problems, key, self.endpoint.as_deref(), &self.region);
        let registry =
            self.registry.as_deref().and_then(|registry| problems.check("/registry", Registry::read(registry)));
        let wish = match (self.edition, &self.instance, &registry) {
            (Some(Which::Personal), Some(_), _) => {
                problems.push("/edition: the personal edition has no instances; leave out `instance` or `edition`");
                Wish::Personal
            }
            (_, Some(instance), _) => Wish::Instance(instance.clone()),
            (Some(Which::Enterprise), None, Some(registry)) => Wish::InstanceOf(registry.clone()),
            (Some(Which::Enterprise), None, None) => {
                if self.registry.is_none() {
                    problems.push("/edition: the enterprise edition needs `instance`, or `registry` to tell it from");
                }
                Wish::Personal
            }
            (None, None, Some(registry)) if !registry.is_personal() => Wish::WhatItIs(registry.clone()),
            (Some(Which::Personal) | None, None, _) => Wish::Personal,
        };
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        Ok((Finder::new(api, wish), registry, filter))
    }
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::Error;
    use image_transfer_sdk::config::parse;

    use super::*;

    fn checked(more: &str) -> Result<Wish> {
        let text = format!(r#"{{"access-key-id": "id", "access-key-secret": "not-a-real-secret", {more}}}"#);
        parse::<Config>(&text)?.checked().map(|(finder, ..)| finder.wish)
    }

    #[test]
    fn the_edition_follows_from_the_options() {
        let with = |more: &str| checked(&format!(r#""region": "cn-hangzhou"{more}"#)).expect("good options");
        let registry = |host: &str, url: &str| Registry { host: host.to_owned(), url: url.to_owned() };
        assert_eq!(with(""), Wish::Personal);
        assert_eq!(with(r#", "instance": "team", "registry": "a.example""#), Wish::Instance("team".to_owned()));
        let asked = Wish::WhatItIs(registry("a.example", "https://a.example"));
        assert_eq!(with(r#", "registry": "a.example""#), asked);
        let plain = Wish::InstanceOf(registry("127.0.0.1:5000", "http://127.0.0.1:5000"));
        assert_eq!(with(r#", "registry": "http://127.0.0.1:5000/", "edition": "enterprise""#), plain);
        assert_eq!(with(r#", "registry": "a.example", "edition": "personal""#), Wish::Personal);
        let named = r#", "registry": "crpi-0123456789abcdef.cn-hangzhou.personal.cr.aliyuncs.com""#;
        assert_eq!(with(named), Wish::Personal);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong =
            r#""region": "cn hangzhou", "endpoint": "cr.aliyuncs.com", "registry": "ftp://a", "exclude": ["["]"#;
        let Err(Error::InvalidConfig(text)) = checked(wrong) else { panic!("no problem") };
        for pointer in ["/region: ", "/endpoint: ", "/registry: ", "/exclude: "] {
            assert!(text.lines().any(|line| line.starts_with(pointer)), "{pointer} is not in {text}");
        }
        for edition in [r#""edition": "personal", "instance": "team""#, r#""edition": "enterprise""#] {
            let Err(Error::InvalidConfig(text)) = checked(&format!(r#""region": "cn-hangzhou", {edition}"#)) else {
                panic!("no problem with {edition}")
            };
            assert!(text.starts_with("/edition: "), "{text}");
        }
    }
}
