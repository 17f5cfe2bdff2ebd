//! The lists of Docker Hub: repositories of a namespace, and tags, each by the `next` of the page before.

use std::time::Duration;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::number;
use image_transfer_sdk::clock;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::reference::check_digest;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use serde_json::Value;

use crate::PER_SECOND;
use crate::answer;
use crate::answer::Advice;
use crate::config::Scope;

/// A Docker Hub that is listed.
#[derive(Debug)]
pub struct Hub {
    endpoint: String,
    registry: String,
    namespaces: Vec<String>,
    known: bool,
    clock: fn() -> Duration,
}

/// A repository, as its list tells.
#[derive(Debug, Clone)]
pub struct Repository {
    /// With the namespace.
    name: String,
    public: bool,
}

impl Hub {
    /// Of these namespaces; `known`: whether requests are a user's.
    pub(crate) fn new(scope: Scope, known: bool) -> Self {
        let Scope { endpoint, registry, namespaces, .. } = scope;
        Self { endpoint, registry, namespaces, known, clock: clock::now }
    }

    fn ask(&self, path: &str, place: &Place) -> Request {
        let first = || format!("{}/v2/namespaces/{path}?page=1&page_size=100", self.endpoint);
        Request::get(place.token.clone().unwrap_or_else(first)).rate("api", PER_SECOND)
    }

    /// The entries of a page, and the rest of it.
    fn read(
        &self,
        action: &str,
        place: &Place,
        response: &Response,
        advice: Advice<'_>,
    ) -> Result<(Vec<Value>, Page<()>)> {
        // A page that `next` led to, and that is gone: the list became shorter meanwhile.
        if response.status() == 404 && place.token.is_some() {
            return Ok((Vec::new(), Page { items: Vec::new(), total: None, next: Next::Last }));
        }
        let mut body = answer::read(action, response, self.clock, advice)?;
        let Value::Array(entries) = body["results"].take() else {
            return Err(Error::Fatal(format!("Docker Hub answered {action} without `results`")));
        };
        let next = match body["next"].as_str().filter(|next| !next.is_empty()) {
            Some(next) => Next::Token(self.own(action, next)?),
            None => Next::Last,
        };
        Ok((entries, Page { items: Vec::new(), total: number(&body["count"]), next }))
    }

    /// A URL that leads on, where it is on the API's own host: the token goes nowhere else.
    fn own(&self, action: &str, next: &str) -> Result<String> {
        let rest = next.strip_prefix(&self.endpoint).filter(|rest| rest.starts_with('/'));
        match rest {
            Some(_) => Ok(next.to_owned()),
            None => Err(Error::Fatal(format!(
                "{action} of Docker Hub leads on to another place, {}, which is not followed; check that the endpoint {} is the one \
                 that the API gives as its own",
                next.split('?').next().unwrap_or(next),
                self.endpoint,
            ))),
        }
    }

    fn image(&self, repository: &Repository, tag: &Value) -> Listed {
        let text = |name: &str| tag[name].as_str().unwrap_or_default();
        let name = text("name").to_owned();
        // Those below `images` are of one platform each and no digests of the tag.
        let digest = Some(text("digest")).filter(|digest| check_digest(digest).is_ok());
        let pushed = ["tag_last_pushed", "last_updated"].into_iter().find_map(|name| date::rfc3339(text(name), 0));
        let attributes = [
            ("digest", digest.map(str::to_owned)),
            ("pushed-at", pushed),
            ("size", number(&tag["full_size"]).map(|size| size.to_string())),
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

impl Provider for Hub {
    /// A namespace.
    type List = String;
    type Repository = Repository;

    fn lists(&mut self, _: &dyn Client) -> Result<Vec<String>> {
        Ok(self.namespaces.clone())
    }

    fn ask_repositories(&self, namespace: &String, place: &Place) -> Result<Request> {
        Ok(self.ask(&format!("{namespace}/repositories"), place))
    }

    fn read_repositories(&self, namespace: &String, place: &Place, response: &Response) -> Result<Page<Repository>> {
        let action = format!("the list of repositories of `{namespace}`");
        let advice: Advice<'_> = &|kind| match (kind, self.known) {
            (Kind::Missing, true) => Some(format!(
                "there is no user or organization `{namespace}`, or this user sees nothing of it: check `namespaces`"
            )),
            (Kind::Missing, false) => Some(format!(
                "there is no user or organization `{namespace}`, or it has nothing public: check `namespaces`, or set `username` \
                 and `token`"
            )),
            (Kind::Rights, _) => {
                Some("give the token the right to read, and the user a place in the organization".to_owned())
            }
            _ => None,
        };
        let (entries, page) = self.read(&action, place, response, advice)?;
        let items = entries.iter().map(|it| Repository {
            name: format!("{namespace}/{}", it["name"].as_str().unwrap_or_default()),
            public: it["is_private"].as_bool() == Some(false),
        });
        Ok(Page { items: items.collect(), total: page.total, next: page.next })
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.name
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        let (namespace, name) = repository.name.split_once('/').unwrap_or_default();
        Ok(self.ask(&format!("{namespace}/repositories/{name}/tags"), place))
    }

    fn read_tags(&self, repository: &Repository, place: &Place, response: &Response) -> Result<Page<Listed>> {
        let action = format!("the list of tags of `{}`", repository.name);
        let advice: Advice<'_> = &|kind| {
            (kind == Kind::Rights).then(|| "give the token the right to read, and the user access to it".to_owned())
        };
        let (entries, page) = self.read(&action, place, response, advice)?;
        let items = entries.iter().map(|tag| self.image(repository, tag));
        Ok(Page { items: items.collect(), total: page.total, next: page.next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> Hub {
        let (endpoint, registry) = ("https://hub.docker.com".to_owned(), "docker.io".to_owned());
        Hub { endpoint, registry, namespaces: vec![], known: true, clock: || Duration::ZERO }
    }

    #[test]
    fn a_digest_of_one_platform_is_no_digest_of_the_tag() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let repository = Repository { name: "ns/app".to_owned(), public: true };
        let mut tag = serde_json::json!({
            "name": "1", "full_size": 7, "tag_last_pushed": "2025-01-20T10:30:00.5Z", "images": [{"digest": digest}],
        });
        let listed = hub().image(&repository, &tag);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let rest = vec![pair("pushed-at", "2025-01-20T10:30:00Z"), pair("size", "7"), pair("public", "true")];
        assert_eq!(listed.images[0].attributes, rest);
        tag["digest"] = digest.as_str().into();
        let listed = hub().image(&repository, &tag);
        assert_eq!(listed.images[0].attributes, [vec![pair("digest", &digest)], rest].concat());
    }

    #[test]
    fn a_list_leads_on_only_to_where_it_is() {
        let hub = hub();
        assert!(hub.own("it", "https://hub.docker.com/v2/namespaces/a/repositories?page=2").is_ok());
        for next in
            ["https://hub.docker.com.evil.example/v2", "http://hub.docker.com/v2", "/v2", "https://other.example/"]
        {
            assert!(matches!(hub.own("it", next), Err(Error::Fatal(_))), "{next}");
        }
    }

    #[test]
    fn a_page_beyond_the_last_is_the_end_and_a_first_one_that_is_missing_an_error() {
        let gone = Response::new(404, &[], r#"{"message": "object not found"}"#);
        let repository = Repository { name: "ns/app".to_owned(), public: false };
        let beyond = Place { token: Some("https://hub.docker.com/v2/x?page=2".to_owned()), ..Place::default() };
        assert_eq!(hub().read_tags(&repository, &beyond, &gone).expect("a page").next, Next::Last);
        assert!(matches!(hub().read_tags(&repository, &Place::default(), &gone), Err(Error::NotFound(_))));
    }
}
