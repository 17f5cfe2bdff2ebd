//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

use crate::session::Login;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    username: Option<String>,
    token: Option<String>,
    namespaces: Option<Vec<String>>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default = "hub")]
    endpoint: String,
    #[serde(default = "docker_io")]
    registry: String,
    /// Whether repositories that are made are private; none: as at the source.
    pub(crate) private: Option<bool>,
}

fn hub() -> String {
    "https://hub.docker.com".to_owned()
}

fn docker_io() -> String {
    "docker.io".to_owned()
}

/// What a listing is of.
pub(crate) struct Scope {
    pub(crate) endpoint: String,
    pub(crate) registry: String,
    pub(crate) namespaces: Vec<String>,
    pub(crate) filter: Filter,
}

impl Config {
    /// The URL of the API, without a slash at its end, and who asks; none: nobody in particular.
    pub(crate) fn login(&self, problems: &mut Problems) -> (String, Option<Login>) {
        let endpoint = self.endpoint.trim_end_matches('/').to_owned();
        if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            problems.push("/endpoint: must be a URL, such as https://hub.docker.com");
        }
        let login = match (&self.username, &self.token) {
            (Some(username), Some(token)) => {
                for (name, value) in [("username", username), ("token", token)] {
                    if value.trim().is_empty() {
                        problems.push(format!("/{name}: is empty"));
                    }
                }
                Some(Login { username: username.clone(), token: token.clone() })
            }
            (None, None) => None,
            (Some(_), None) => {
                problems.push("/username: needs `token` besides");
                None
            }
            (None, Some(_)) => {
                problems.push("/token: needs `username` besides");
                None
            }
        };
        (endpoint, login)
    }

    /// What to list and as whom, or all that is wrong.
    pub(crate) fn listing(&self) -> Result<(Scope, Option<Login>)> {
        let mut problems = Problems::default();
        let (endpoint, login) = self.login(&mut problems);
        problems.check("/registry", check_registry(&self.registry));
        let namespaces = self.namespaces.clone().unwrap_or_default();
        if namespaces.is_empty() {
            problems.push(
                "/namespaces: name the users or organizations whose repositories are listed, for Docker Hub has no list of them",
            );
        }
        for (index, name) in namespaces.iter().enumerate() {
            problems.check(&format!("/namespaces/{index}"), check_namespace(name));
        }
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        Ok((Scope { endpoint, registry: self.registry.clone(), namespaces, filter }, login))
    }

    /// Where repositories are made and as whom, or all that is wrong.
    pub(crate) fn preparation(&self) -> Result<(String, Login)> {
        let mut problems = Problems::default();
        let (endpoint, login) = self.login(&mut problems);
        if self.username.is_none() && self.token.is_none() {
            problems.push("/username: repositories are made by a user: set `username` and `token`");
        }
        problems.finish()?;
        Ok((endpoint, login.unwrap_or_default()))
    }
}

/// Names stand in paths, so nothing may be in them that means something there.
fn check_namespace(name: &str) -> std::result::Result<(), String> {
    let good = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    if good && !name.is_empty() {
        Ok(())
    } else {
        Err(format!("`{name}` is not a namespace: expected a-z, 0-9, `_` and `-`"))
    }
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::Error;
    use image_transfer_sdk::config::parse;

    use super::*;

    fn problems(json: &str) -> String {
        let config: Config = parse(json).expect("options");
        match config.listing() {
            Ok(_) => String::new(),
            Err(Error::InvalidConfig(text)) => text,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_each_at_its_option() {
        let text = problems(
            r#"{"username": "me", "endpoint": "hub", "registry": "a b", "namespaces": ["ok", "a/b"], "exclude": ["/(/"]}"#,
        );
        let pointers: Vec<&str> = text.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(pointers, ["/endpoint", "/username", "/registry", "/namespaces/1", "/exclude"], "{text}");
        assert_eq!(problems(r#"{"namespaces": ["library"]}"#), "");
        assert!(problems("{}").starts_with("/namespaces: "));
    }
}
