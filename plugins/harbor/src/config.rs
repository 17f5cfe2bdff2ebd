//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

use crate::Api;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    url: String,
    username: Option<String>,
    password: Option<String>,
    pub(crate) registry: Option<String>,
    pub(crate) projects: Option<Vec<String>>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    pub(crate) public: Option<bool>,
}

impl Config {
    /// The API as a user sees it, where nothing is wrong with the options: nobody in particular makes projects.
    pub fn login(&self) -> Result<Api> {
        let mut problems = Problems::default();
        if self.username.is_none() && self.password.is_none() {
            problems.push("/username: is needed to make projects, and `password` with it");
        }
        self.read(problems).map(|(api, _)| api)
    }

    /// The API and the patterns, or all that is wrong.
    pub(crate) fn checked(&self) -> Result<(Api, Filter)> {
        self.read(Problems::default())
    }

    fn read(&self, mut problems: Problems) -> Result<(Api, Filter)> {
        let login = match (&self.username, &self.password) {
            (Some(username), Some(password)) => Some((username.as_str(), password.as_str())),
            (None, None) => None,
            (given, _) => {
                let [given, missing] =
                    if given.is_some() { ["username", "password"] } else { ["password", "username"] };
                problems.push(format!("/{given}: goes with a `{missing}`, which is not there"));
                None
            }
        };
        let api = Api::read(&mut problems, &self.url, login);
        for (index, project) in self.projects.iter().flatten().enumerate() {
            // Names go into the API's query language; this is all that names have.
            if !project.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
                problems.push(format!(
                    "/projects/{index}: `{project}` is not the name of a project; patterns go into `repositories`"
                ));
            }
        }
        if let Some(registry) = &self.registry {
            problems.check("/registry", check_registry(registry));
        }
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        Ok((api, filter))
    }
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::Error;
    use serde_json::Value;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Config {
        serde_json::from_value(value.clone()).expect("options")
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let config = read(&json!({
            "url": "harbor.corp",
            "username": "robot$ci",
            "registry": "no registry",
            "projects": ["team", "team-*"],
            "repositories": ["["],
        }));
        let Err(Error::InvalidConfig(problems)) = config.checked().map(|_| ()) else { panic!("it is wrong") };
        let places: Vec<&str> = problems.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(places, ["/username", "/url", "/projects/1", "/registry", "/repositories"]);
    }

    #[test]
    fn nobody_in_particular_lists_and_makes_nothing() {
        let config = read(&json!({"url": "https://harbor.corp"}));
        assert!(config.checked().is_ok());
        let Err(Error::InvalidConfig(problems)) = config.login().map(|_| ()) else { panic!("it is wrong") };
        assert_eq!(problems, "/username: is needed to make projects, and `password` with it");
    }
}
