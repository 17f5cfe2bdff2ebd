//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    #[serde(default = "gitlab_com")]
    url: String,
    token: String,
    groups: Option<Vec<String>>,
    projects: Option<Vec<String>>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    /// Whether projects that are made are public; none: as at the source.
    pub(crate) public: Option<bool>,
}

fn gitlab_com() -> String {
    "https://gitlab.com".to_owned()
}

/// Where the API is and who asks.
#[derive(Clone)]
pub(crate) struct Access {
    /// The URL of the API with its version, without a slash at its end.
    pub(crate) api: String,
    pub(crate) token: String,
}

/// What a listing is of; nothing: all projects of which the user is a member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) groups: Vec<String>,
    pub(crate) projects: Vec<String>,
}

impl Config {
    fn access(&self, problems: &mut Problems) -> Access {
        let url = self.url.trim_end_matches('/');
        if !url.starts_with("https://") && !url.starts_with("http://") {
            problems.push("/url: must be a URL, such as https://gitlab.com");
        }
        if self.token.trim().is_empty() {
            problems.push("/token: is empty");
        }
        let url = url.strip_suffix("/api/v4").unwrap_or(url);
        Access { api: format!("{url}/api/v4"), token: self.token.clone() }
    }

    /// What to list and how, or all that is wrong.
    pub(crate) fn listing(&self) -> Result<(Access, Scope, Filter)> {
        let mut problems = Problems::default();
        let access = self.access(&mut problems);
        let mut paths = |name: &str, paths: &Option<Vec<String>>| {
            let paths = paths.clone().unwrap_or_default();
            for (index, path) in paths.iter().enumerate() {
                if path.is_empty() || path.starts_with('/') || path.ends_with('/') || path.contains("//") {
                    problems.push(format!("/{name}/{index}: `{path}` is not a full path, such as group/subgroup"));
                }
            }
            paths
        };
        let scope = Scope { groups: paths("groups", &self.groups), projects: paths("projects", &self.projects) };
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        Ok((access, scope, filter))
    }

    /// Where projects are made, or all that is wrong.
    pub(crate) fn preparation(&self) -> Result<Access> {
        let mut problems = Problems::default();
        let access = self.access(&mut problems);
        problems.finish()?;
        Ok(access)
    }
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::Error;
    use image_transfer_sdk::config::parse;

    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once_each_at_its_option() {
        let json = r#"{"url": "gitlab.com", "token": " ", "groups": ["a", "/b"], "projects": ["a//b"]}"#;
        let config: Config = parse(json).expect("options");
        let Err(Error::InvalidConfig(text)) = config.listing() else { panic!("it is wrong") };
        let pointers: Vec<&str> = text.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(pointers, ["/url", "/token", "/groups/1", "/projects/0"], "{text}");
    }

    #[test]
    fn the_url_is_that_of_the_site_or_of_its_api() {
        for url in ["https://a.example/gitlab", "https://a.example/gitlab/", "https://a.example/gitlab/api/v4/"] {
            let config: Config = parse(&format!(r#"{{"url": "{url}", "token": "x"}}"#)).expect("options");
            assert_eq!(config.preparation().map(|it| it.api).ok(), Some("https://a.example/gitlab/api/v4".to_owned()));
        }
    }
}
