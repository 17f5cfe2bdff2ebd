//! The editions, what they have in common, and which one is meant.

use std::fmt::Debug;
use std::rc::Rc;

use image_transfer_sdk::Credential;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;

use crate::api::Api;
use crate::config::Registry;
use crate::enterprise::Enterprise;
use crate::personal::Personal;

/// What an edition offers. The methods that take no client build requests or read answers.
pub trait Edition: Debug {
    /// What it is called in errors.
    fn label(&self) -> String;

    /// The host of the registry; none where each repository tells its own.
    fn registry(&self, client: &dyn Client) -> Result<Option<String>>;

    /// All namespaces.
    fn namespaces(&self, client: &dyn Client) -> Result<Vec<Namespace>>;

    /// One namespace, if it is there.
    fn namespace(&self, name: &str, client: &dyn Client) -> Result<Option<Namespace>>;

    /// Makes a namespace in which a push makes repositories, public ones or private ones.
    fn create_namespace(&self, name: &str, public: bool, client: &dyn Client) -> Result<()>;

    /// Whether a repository is there.
    fn has_repository(&self, namespace: &str, name: &str, client: &dyn Client) -> Result<bool>;

    /// Makes a repository.
    fn create_repository(&self, namespace: &str, name: &str, public: bool, client: &dyn Client) -> Result<()>;

    /// Asks for a page of a namespace's repositories, or of all.
    fn ask_repositories(&self, namespace: Option<&str>, place: &Place) -> Request;

    /// Reads it.
    fn read_repositories(&self, response: &Response) -> Result<Page<Repository>>;

    /// Asks for a page of a repository's tags.
    fn ask_tags(&self, repository: &Repository, place: &Place) -> Request;

    /// Reads it.
    fn read_tags(&self, response: &Response) -> Result<Page<Tag>>;

    /// A login to the registry.
    fn login(&self, client: &dyn Client) -> Result<Credential>;
}

/// What repositories lie in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name, the first segment of its repositories'.
    pub name: String,
    /// Whether a push makes repositories in it.
    pub auto_create: bool,
    /// Whether those are public, where the API tells.
    pub public: Option<bool>,
}

/// A repository, as its list tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `namespace/name`.
    pub full: String,
    /// The namespace.
    pub namespace: String,
    /// Without the namespace.
    pub name: String,
    /// `crr-…` in the enterprise edition; empty in the other, which asks by name.
    pub id: String,
    /// Whether it is public, where the API tells.
    pub public: Option<bool>,
    /// The host that it is pulled from, where the API tells.
    pub registry: Option<String>,
}

/// A tag, as its list tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tag.
    pub name: String,
    /// The manifest's, as the API writes it.
    pub digest: String,
    /// Bytes.
    pub size: Option<u64>,
    /// When it was pushed, milliseconds since 1970.
    pub pushed: Option<u64>,
}

/// What the options say of the edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The personal edition.
    Personal,
    /// This instance of the enterprise edition, by name or id.
    Instance(String),
    /// The instance that this registry belongs to.
    InstanceOf(Registry),
    /// Whatever this registry belongs to.
    WhatItIs(Registry),
}

/// Finds the edition once.
#[derive(Debug)]
pub struct Finder {
    api: Api,
    pub(crate) wish: Wish,
    found: Option<Rc<dyn Edition>>,
    /// Why there is none: what was refused for good is not asked again for each image.
    refused: Option<Error>,
}

impl Finder {
    pub(crate) fn new(api: Api, wish: Wish) -> Self {
        Self { api, wish, found: None, refused: None }
    }

    /// The edition, asked for at the first call.
    pub fn find(&mut self, client: &dyn Client) -> Result<Rc<dyn Edition>> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if let Some(found) = &self.found {
            return Ok(Rc::clone(found));
        }
        match self.look(client) {
            Ok(found) => Ok(Rc::clone(self.found.insert(found))),
            Err(error) => {
                let passes = matches!(error, Error::RateLimited(_) | Error::Unavailable(_));
                self.refused = (!passes).then(|| error.clone());
                Err(error)
            }
        }
    }

    /// What was found before.
    pub(crate) fn found(&self) -> Result<&dyn Edition> {
        self.found
            .as_deref()
            .ok_or_else(|| Error::Fatal("a list was asked for before its edition was known".to_owned()))
    }

    fn look(&self, client: &dyn Client) -> Result<Rc<dyn Edition>> {
        let api = self.api.clone();
        let registry = match &self.wish {
            Wish::Personal => return Ok(Rc::new(Personal { api })),
            Wish::Instance(wanted) => return Ok(Rc::new(Enterprise::find(api, wanted, client)?)),
            Wish::InstanceOf(registry) | Wish::WhatItIs(registry) => registry,
        };
        let (region, instance) = ask(registry, client)?;
        if region != api.region {
            return Err(Error::NotFound(format!(
                "{} is in the region `{region}` and not in `{}`: set `region` to it",
                registry.host, api.region
            )));
        }
        match (instance, &self.wish) {
            // A registry that is there has a name for its instance that needs no check.
            (Some(id), _) => Ok(Rc::new(Enterprise { api, name: id.clone(), id })),
            (None, Wish::InstanceOf(_)) => Err(Error::NotFound(format!(
                "{} belongs to the personal edition and not to an instance: leave out `edition`, or set `instance`",
                registry.host
            ))),
            (None, _) => Ok(Rc::new(Personal { api })),
        }
    }
}

/// The region of a registry, and its instance if it belongs to one: a registry sends whoever is not logged in to
/// `registry.aliyuncs.com:REGION:…`, with `china:cri-…` or a number at the end.
fn ask(registry: &Registry, client: &dyn Client) -> Result<(String, Option<String>)> {
    let response = client.send(Request::get(format!("{}/v2/", registry.url)))?;
    if matches!(response.status(), 408 | 429 | 500..=599) {
        response.successful()?;
        return Err(Error::Unavailable(format!("{} does not answer", registry.host)));
    }
    let challenge = response.header("www-authenticate").unwrap_or_default();
    let service = challenge.split_once("service=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    let mut fields = service.split(':');
    match (fields.next(), fields.next(), fields.next_back()) {
        (Some("registry.aliyuncs.com"), Some(region), Some(last)) => {
            Ok((region.to_owned(), last.starts_with("cri-").then(|| last.to_owned())))
        }
        _ => Err(Error::Fatal(format!(
            "{} does not say which edition of ACR it belongs to (status {}, {}): check `registry`, or set `instance`, or \
             `edition: personal`",
            registry.host,
            response.status(),
            if service.is_empty() { "no service".to_owned() } else { format!("service `{service}`") },
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::api;

    fn look(wish: fn(Registry) -> Wish, challenge: &str) -> Result<String> {
        let registry = Registry { host: "images.example".to_owned(), url: "https://images.example".to_owned() };
        let header = challenge.to_owned();
        let client = move |request: Request| {
            assert_eq!(request.url(), "https://images.example/v2/");
            Ok(Response::new(401, &[("WWW-Authenticate", &header)], ""))
        };
        Finder::new(api(None), wish(registry)).find(&client).map(|edition| edition.label())
    }

    fn bearer(service: &str) -> String {
        format!("Bearer realm=\"https://dockerauth.cn-hangzhou.aliyuncs.com/auth\",service=\"{service}\"")
    }

    #[test]
    fn a_registry_says_which_edition_it_is() {
        let instance = bearer("registry.aliyuncs.com:cn-hangzhou:china:cri-0123");
        let personal = bearer("registry.aliyuncs.com:cn-hangzhou:26842");
        assert_eq!(look(Wish::WhatItIs, &instance), Ok("the ACR instance `cri-0123`".to_owned()));
        assert_eq!(look(Wish::WhatItIs, &personal), Ok("the personal edition of ACR in cn-hangzhou".to_owned()));
        assert_eq!(look(Wish::InstanceOf, &instance), Ok("the ACR instance `cri-0123`".to_owned()));
        let text = "images.example belongs to the personal edition and not to an instance: leave out `edition`, or set `instance`";
        assert_eq!(look(Wish::InstanceOf, &personal), Err(Error::NotFound(text.to_owned())));
        let text = "images.example is in the region `cn-beijing` and not in `cn-hangzhou`: set `region` to it";
        let elsewhere = bearer("registry.aliyuncs.com:cn-beijing:china:cri-0123");
        assert_eq!(look(Wish::WhatItIs, &elsewhere), Err(Error::NotFound(text.to_owned())));
        for other in ["Basic realm=\"registry\"", &bearer("registry.docker.io"), ""] {
            assert!(matches!(look(Wish::WhatItIs, other), Err(Error::Fatal(text)) if text.contains("does not say")));
        }
    }

    #[test]
    fn what_was_refused_for_good_is_not_asked_again() {
        let asked = std::cell::Cell::new(0);
        let client = |_: Request| {
            asked.set(asked.get() + 1);
            let body = r#"{"Code": "InvalidAccessKeyId.NotFound", "Message": "no"}"#;
            Ok(Response::new(404, &[], body))
        };
        let mut finder = Finder::new(api(None), Wish::Instance("team".to_owned()));
        assert!(matches!(finder.find(&client), Err(Error::Unauthorized(_))));
        assert!(matches!(finder.find(&client), Err(Error::Unauthorized(_))));
        assert_eq!(asked.get(), 1);
    }
}
