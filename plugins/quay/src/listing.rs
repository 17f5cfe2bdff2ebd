//! The lists of Quay: repositories of a namespace by token, and tags by page number.

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::number;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::reference::check_digest;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use serde_json::Value;

use crate::api;
use crate::api::Advice;
use crate::api::USUAL;
use crate::config::Scope;
use crate::mark::Mark;
use crate::organizations::Organizations;

/// A Quay that is listed.
#[derive(Debug)]
pub struct Quay {
    api: String,
    registry: String,
    namespaces: Vec<String>,
    /// Whether requests are a user's.
    known: bool,
}

/// A repository, as its list tells.
#[derive(Debug, Clone)]
pub struct Repository {
    /// With the namespace.
    name: String,
    public: bool,
}

impl Quay {
    pub(crate) fn new(scope: Scope, known: bool) -> Self {
        let Scope { api, registry, namespaces, .. } = scope;
        Self { api, registry, namespaces, known }
    }

    fn image(&self, repository: &Repository, tag: &Value) -> Listed {
        let text = |name: &str| tag[name].as_str().unwrap_or_default();
        let name = text("name").to_owned();
        let digest = Some(text("manifest_digest")).filter(|digest| check_digest(digest).is_ok());
        let attributes = [
            ("digest", digest.map(str::to_owned)),
            ("pushed-at", number(&tag["start_ts"]).map(date::of_epoch)),
            ("size", number(&tag["size"]).map(|size| size.to_string())),
            ("public", Some(repository.public.to_string())),
        ];
        let attributes = attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        let source = Reference {
            registry: self.registry.clone(),
            repository: repository.name.clone(),
            tag: Some(name.clone()),
            digest: None,
        };
        Listed { name, images: vec![Image { source, targets: Vec::new(), attributes }] }
    }
}

impl Provider for Quay {
    /// A namespace.
    type List = String;
    type Repository = Repository;

    /// The list of a namespace that is not there is empty, so that is asked first. Only who is known may ask.
    fn lists(&mut self, client: &dyn Client) -> Result<Vec<String>> {
        if self.known {
            for name in &self.namespaces {
                if !Organizations::new(client, &self.api).has(name)? {
                    return Err(Error::NotFound(format!(
                        "Quay has no organization or user `{name}`: check `namespaces` and `url`"
                    )));
                }
            }
        }
        Ok(self.namespaces.clone())
    }

    fn ask_repositories(&self, namespace: &String, place: &Place) -> Result<Request> {
        let page = Mark::of(place).page;
        let next = if page.is_empty() { String::new() } else { format!("&next_page={}", encoded(&page)) };
        Ok(Request::get(format!("{}/repository?namespace={namespace}&public=true{next}", self.api)))
    }

    fn read_repositories(&self, namespace: &String, place: &Place, response: &Response) -> Result<Page<Repository>> {
        let action = format!("the list of repositories of `{namespace}`");
        let advice: Advice<'_> = &|kind| {
            (kind == Kind::Missing)
                .then(|| format!("there is no organization or user `{namespace}`: check `namespaces`"))
        };
        let body = api::read(&action, response, advice)?;
        let Some(entries) = body["repositories"].as_array() else {
            return Err(Error::Fatal(format!("Quay answered {action} without `repositories`")));
        };
        let items = entries.iter().map(|it| Repository {
            name: format!("{namespace}/{}", it["name"].as_str().unwrap_or_default()),
            public: it["is_public"].as_bool() == Some(true),
        });
        let next = body["next_page"].as_str().filter(|next| !next.is_empty()).map(str::to_owned);
        let what = format!("repositories of `{namespace}`");
        let page = Mark::of(place).page(items.collect(), next, |it: &Repository| it.name.as_str(), &what)?;
        if !self.known && entries.is_empty() && place.token.is_some() && place.rows == 0 {
            return Err(Error::NotFound(format!(
                "Quay shows nobody without a token a repository of `{namespace}`: check `namespaces`, or set `token`"
            )));
        }
        Ok(page)
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.name
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        let page = Mark::of(place).page;
        let page = if page.is_empty() { "1" } else { &page };
        let path = format!("repository/{}/tag/?onlyActiveTags=true&limit=100&page={page}", repository.name);
        Ok(Request::get(format!("{}/{path}", self.api)))
    }

    fn read_tags(&self, repository: &Repository, place: &Place, response: &Response) -> Result<Page<Listed>> {
        let action = format!("the list of tags of `{}`", repository.name);
        let body = api::read(&action, response, USUAL)?;
        let Some(entries) = body["tags"].as_array() else {
            return Err(Error::Fatal(format!("Quay answered {action} without `tags`")));
        };
        let mark = Mark::of(place);
        let number: u64 = mark.page.parse().unwrap_or(1);
        let next = (body["has_additional"].as_bool() == Some(true)).then(|| (number + 1).to_string());
        let items = entries.iter().map(|tag| self.image(repository, tag)).collect();
        mark.page(items, next, |listed| listed.name.as_str(), &format!("tags of `{}`", repository.name))
    }
}

/// A value of a query.
fn encoded(value: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    value.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_has_digest_date_and_size() {
        let quay = Quay { api: String::new(), registry: "quay.io".to_owned(), namespaces: vec![], known: true };
        let digest = format!("sha256:{}", "a".repeat(64));
        let tag = json!({
            "name": "1", "manifest_digest": digest, "start_ts": 1_700_000_000, "size": 7,
            "last_modified": "Tue, 14 Nov 2023 22:13:20 -0000",
        });
        let listed = quay.image(&Repository { name: "ns/a/b".to_owned(), public: false }, &tag);
        let told: Vec<(&str, &str)> =
            listed.images[0].attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let date = ("pushed-at", "2023-11-14T22:13:20Z");
        assert_eq!(told, [("digest", digest.as_str()), date, ("size", "7"), ("public", "false")]);
    }

    #[test]
    fn a_token_is_kept_whole_in_a_query() {
        assert_eq!(encoded("gAAAA-x_1=+/"), "gAAAA-x_1%3D%2B%2F");
    }
}
