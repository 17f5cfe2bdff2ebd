//! The `with:` of a workflow.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::sign::Key;
use image_transfer_sdk::walk::Filter;
use serde::Deserialize;

use crate::api::Api;
use crate::api::Edition;

/// The options; `config.schema.json` explains each.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    #[serde(default)]
    edition: Edition,
    region: Option<String>,
    registry_id: Option<String>,
    pub(crate) alias: Option<String>,
    endpoint: Option<String>,
    pub(crate) registry: Option<String>,
    pub(crate) namespaces: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) repositories: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

impl Config {
    /// The API, where nothing is wrong with the options.
    pub fn api(&self) -> Result<Api> {
        self.checked().map(|(api, _)| api)
    }

    /// The API and the patterns, or all that is wrong.
    pub(crate) fn checked(&self) -> Result<(Api, Filter)> {
        let mut problems = Problems::default();
        for (name, value) in [("access-key-id", &self.access_key_id), ("secret-access-key", &self.secret_access_key)] {
            if value.trim().is_empty() {
                problems.push(format!("/{name}: is empty"));
            }
        }
        let key = Key {
            id: self.access_key_id.clone(),
            secret: self.secret_access_key.clone(),
            token: self.session_token.clone().filter(|token| !token.trim().is_empty()),
        };
        let region = problems.check("/region", self.region());
        let endpoint = problems.check("/endpoint", self.endpoint(region.unwrap_or_default()));
        if let Some(registry) = &self.registry {
            problems.check("/registry", check_registry(registry));
        }
        if self.edition == Edition::Public && self.registry_id.is_some() {
            problems.push("/registry-id: is for the private edition: the public one lists what is the key's own");
        }
        if let Some(alias) = &self.alias {
            match self.edition {
                Edition::Public => drop(problems.check("/alias", check_repository(alias))),
                Edition::Private => problems.push("/alias: is for `edition: public`"),
            }
        }
        for (index, name) in self.namespaces.iter().flatten().enumerate() {
            if let Err(problem) = check_repository(name) {
                problems.push(format!("/namespaces/{index}: {problem}"));
            }
        }
        let filter = Filter::read(&mut problems, &self.repositories, &self.exclude);
        problems.finish()?;
        let api = Api::new(
            self.edition,
            key,
            region.unwrap_or_default(),
            &endpoint.unwrap_or_default(),
            self.registry_id.clone(),
        );
        Ok((api, filter))
    }

    fn region(&self) -> std::result::Result<&str, String> {
        let region = match (self.edition, self.region.as_deref()) {
            (Edition::Private, None) => return Err("is missing: name the region of the registry".to_owned()),
            (Edition::Private, Some(region)) => region,
            (Edition::Public, None | Some("us-east-1")) => "us-east-1",
            (Edition::Public, Some(_)) => return Err("ECR Public has its API in us-east-1 alone".to_owned()),
        };
        let good = !region.is_empty() && region.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if good { Ok(region) } else { Err(format!("`{region}` is not a region, such as eu-central-1")) }
    }

    /// Scheme, host and port, written as a request's `Host` header has them, for that is signed.
    fn endpoint(&self, region: &str) -> std::result::Result<String, String> {
        let Some(given) = self.endpoint.as_deref() else {
            let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            let name = if self.edition == Edition::Public { "ecr-public" } else { "ecr" };
            return Ok(format!("https://api.{name}.{region}.{domain}"));
        };
        let url = given.trim_end_matches('/').to_ascii_lowercase();
        let usual = if url.starts_with("http://") { ":80" } else { ":443" };
        let url = url.strip_suffix(usual).unwrap_or(&url);
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err("must be a URL without a path, such as https://api.ecr.eu-central-1.amazonaws.com".to_owned());
        }
        Ok(url.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use image_transfer_sdk::Error;
    use image_transfer_sdk::config::parse;

    use super::*;

    fn endpoint(options: &str) -> Result<String> {
        let key = r#""access-key-id": "id", "secret-access-key": "not-a-real-key""#;
        let (api, _) = parse::<Config>(&format!("{{{key}, {options}}}"))?.checked()?;
        let api = api.with_clock(|| std::time::Duration::from_secs(1_700_000_000));
        Ok(api.ask(crate::login::TOKEN, &serde_json::json!({})).url().to_owned())
    }

    #[test]
    fn an_edition_and_a_region_have_their_endpoint() {
        for (options, expected) in [
            (r#""region": "eu-central-1""#, "https://api.ecr.eu-central-1.amazonaws.com/"),
            (r#""region": "cn-north-1""#, "https://api.ecr.cn-north-1.amazonaws.com.cn/"),
            (r#""edition": "public""#, "https://api.ecr-public.us-east-1.amazonaws.com/"),
            (r#""region": "r", "endpoint": "https://API.example:443/""#, "https://api.example/"),
            (r#""region": "r", "endpoint": "http://127.0.0.1:5000""#, "http://127.0.0.1:5000/"),
        ] {
            assert_eq!(endpoint(options).as_deref(), Ok(expected), "{options}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let options = r#""edition": "public", "region": "eu-west-1", "registry-id": "123456789012", "endpoint": "https://a/b",
            "registry": "a/b", "namespaces": ["Team"], "repositories": ["{a"]"#;
        let Err(Error::InvalidConfig(text)) = endpoint(options) else { panic!("taken") };
        let places: Vec<&str> = text.lines().filter_map(|line| line.split(": ").next()).collect();
        let expected = ["/region", "/endpoint", "/registry", "/registry-id", "/namespaces/0", "/repositories"];
        assert_eq!(places, expected, "{text}");
        let private =
            [(r#""alias": "a""#, "/region: is missing"), (r#""region": "a.b", "alias": "a""#, "/alias: is for")];
        for (options, expected) in private {
            assert!(
                matches!(endpoint(options), Err(Error::InvalidConfig(text)) if text.contains(expected)),
                "{options}"
            );
        }
    }
}
