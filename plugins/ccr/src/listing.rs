//! The lists of CCR: namespaces, repositories, tags, each by row offset.

use std::collections::HashMap;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Pager;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::reference::check_digest;
use image_transfer_sdk::tencent::Action;
use image_transfer_sdk::tencent::Api;
use image_transfer_sdk::tencent::list;
use image_transfer_sdk::tencent::text;
use image_transfer_sdk::walk::Configured;
use image_transfer_sdk::walk::Filter;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use image_transfer_sdk::warn;
use serde_json::json;

use crate::Config;

/// Entries of a page, the most that the API gives.
const PAGE: u64 = 100;

/// Dates without an offset are Beijing's.
const OFFSET: i8 = 8;

/// Namespaces that are asked about at a time.
const AT_ONCE: usize = 16;

pub(crate) const NAMESPACES: Action = Action::new("DescribeNamespacePersonal", 20);
const OWNED: Action = Action::new("DescribeRepositoryOwnerPersonal", 100);
const FILTERED: Action = Action::new("DescribeRepositoryFilterPersonal", 20);
const TAGS: Action = Action::new("DescribeImagePersonal", 100);

/// A CCR that is listed.
#[derive(Debug)]
pub struct Ccr {
    api: Api,
    region: String,
    registry: Option<String>,
    wanted: Option<Vec<String>>,
    /// Of each namespace, whether all of it is public.
    public: HashMap<String, bool>,
}

/// A repository, as its list tells.
#[derive(Debug, Clone)]
pub struct Repository {
    name: String,
    public: bool,
    server: Option<String>,
}

impl Ccr {
    /// The API tells of repositories, and not of namespaces, whether they are public. A namespace is taken for public if it has
    /// repositories and all of them are: nothing that is private anywhere becomes public by a move.
    fn ask_public(&mut self, names: &[String], client: &dyn Client) -> Result<()> {
        for some in names.chunks(AT_ONCE) {
            let ask = |name: &String, public: bool| {
                let mut parameters = json!({"Namespace": name, "Offset": 0, "Limit": 1});
                if public {
                    parameters["Public"] = 1.into();
                }
                self.api.ask(FILTERED, &parameters)
            };
            let requests = some.iter().flat_map(|name| [ask(name, false), ask(name, true)]).collect();
            let answers = client.send_all(requests);
            let counts = answers.into_iter().map(|answer| {
                let body = self.api.read_answer(FILTERED, &answer?)?;
                Ok(number(&body["Data"]["TotalCount"]).unwrap_or_default())
            });
            match counts.collect::<Result<Vec<u64>>>() {
                Ok(counts) => {
                    let public = counts.chunks(2).map(|pair| pair[0] > 0 && pair[0] == pair[1]);
                    self.public.extend(some.iter().cloned().zip(public));
                }
                Err(error @ (Error::RateLimited(_) | Error::Unavailable(_))) => return Err(error),
                Err(error) => {
                    warn!("whether namespaces are public cannot be told, so they count as private: {error:?}");
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The names of all namespaces that match `name`, which the API takes for a part of theirs; empty: all.
pub(crate) fn namespaces(api: &Api, name: &str, client: &dyn Client) -> Result<Vec<String>> {
    let (mut pager, mut names) = (Pager::new(), Vec::new());
    while let Some(place) = pager.place() {
        let parameters = json!({"Namespace": name, "Limit": PAGE, "Offset": place.rows});
        let body = api.call(client, NAMESPACES, &parameters)?;
        let data = &body["Data"];
        let items = list(data, "NamespaceInfo").iter().map(|it| text(it, "Namespace").to_owned()).collect();
        let page = Page { items, total: number(&data["NamespaceCount"]), next: Next::Counted };
        names.extend(pager.take(page, String::as_str, "namespaces")?);
    }
    Ok(names)
}

impl Configured for Ccr {
    type Config = Config;
    type Client = Host;

    fn open(config: Config) -> Result<(Self, Filter, Host)> {
        let (api, filter) = config.checked()?;
        let Config { region, registry, namespaces, .. } = config;
        let ccr = Self { api, region, registry, wanted: namespaces, public: HashMap::new() };
        Ok((ccr, filter, Host))
    }
}

impl Provider for Ccr {
    /// A namespace; none: all repositories of the owner.
    type List = Option<String>;
    type Repository = Repository;

    fn lists(&mut self, client: &dyn Client) -> Result<Vec<Option<String>>> {
        let there = namespaces(&self.api, "", client)?;
        let Some(wanted) = self.wanted.clone() else {
            self.ask_public(&there, client)?;
            return Ok(vec![None]);
        };
        if let Some(missing) = wanted.iter().find(|name| !there.contains(name)) {
            let there =
                if there.is_empty() { "there is none".to_owned() } else { format!("there are {}", there.join(", ")) };
            return Err(Error::NotFound(format!("this account has no CCR namespace `{missing}`; {there}")));
        }
        self.ask_public(&wanted, client)?;
        Ok(wanted.into_iter().map(Some).collect())
    }

    fn ask_repositories(&self, namespace: &Option<String>, place: &Place) -> Result<Request> {
        let mut parameters = json!({"Offset": place.rows, "Limit": PAGE});
        Ok(match namespace {
            Some(name) => {
                parameters["Namespace"] = name.as_str().into();
                self.api.ask(FILTERED, &parameters)
            }
            None => self.api.ask(OWNED, &parameters),
        })
    }

    fn read_repositories(
        &self,
        namespace: &Option<String>,
        _: &Place,
        response: &Response,
    ) -> Result<Page<Repository>> {
        let action = if namespace.is_some() { FILTERED } else { OWNED };
        let body = self.api.read_answer(action, response)?;
        let data = &body["Data"];
        let server = Some(text(data, "Server")).filter(|server| !server.is_empty()).map(str::to_owned);
        let items = list(data, "RepoInfo").iter().map(|it| Repository {
            name: text(it, "RepoName").to_owned(),
            public: number(&it["Public"]) == Some(1),
            server: server.clone(),
        });
        Ok(Page { items: items.collect(), total: number(&data["TotalCount"]), next: Next::Counted })
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.name
    }

    /// The API's filter by namespace also finds those that only contain the name.
    fn belongs(&self, namespace: &Option<String>, repository: &Repository) -> bool {
        let of = repository.name.split('/').next();
        namespace.as_deref().is_none_or(|namespace| of == Some(namespace))
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        let parameters = json!({"RepoName": repository.name, "Offset": place.rows, "Limit": PAGE});
        Ok(self.api.ask(TAGS, &parameters))
    }

    fn read_tags(&self, repository: &Repository, _: &Place, response: &Response) -> Result<Page<Listed>> {
        let body = self.api.read_answer(TAGS, response)?;
        let data = &body["Data"];
        let told = [text(data, "Server"), repository.server.as_deref().unwrap_or_default()];
        let told = told.into_iter().find(|server| !server.is_empty());
        let registry = match (&self.registry, told) {
            (Some(registry), _) => registry.clone(),
            (None, Some(server)) => server.to_owned(),
            (None, None) => registry_of(&self.region),
        };
        let namespace = repository.name.split('/').next().unwrap_or_default();
        let items = list(data, "TagInfo").iter().map(|tag| {
            let name = text(tag, "TagName").to_owned();
            let digest = Some(text(tag, "TagId")).filter(|digest| check_digest(digest).is_ok());
            let size = number(&tag["SizeByte"]).map(|size| size.to_string());
            let public = self.public.get(namespace).map(ToString::to_string);
            let attributes = [
                ("digest", digest.map(str::to_owned)),
                ("pushed-at", date::rfc3339(text(tag, "PushTime"), OFFSET)),
                ("size", size),
                ("public", Some(repository.public.to_string())),
                ("namespace-public", public),
            ];
            let source = Reference {
                registry: registry.clone(),
                repository: repository.name.clone(),
                tag: Some(name.clone()),
                digest: None,
            };
            let attributes = attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
            Listed { name, images: vec![Image { source, targets: Vec::new(), attributes }] }
        });
        Ok(Page { items: items.collect(), total: number(&data["TagCount"]), next: Next::Counted })
    }
}

/// The host of a region, where the API does not tell it.
fn registry_of(region: &str) -> String {
    let prefix = match region {
        "ap-hongkong" => "hkccr",
        "ap-shenzhen-fsi" => "szjrccr",
        "ap-shanghai-fsi" => "shjrccr",
        "ap-beijing-fsi" => "bjjrccr",
        "ap-singapore" => "sgccr",
        "ap-seoul" => "krccr",
        "ap-tokyo" => "jpccr",
        "ap-mumbai" => "inccr",
        "ap-bangkok" => "thccr",
        "na-toronto" => "caccr",
        "na-siliconvalley" => "uswccr",
        "na-ashburn" => "useccr",
        "eu-frankfurt" => "deccr",
        "eu-moscow" => "ruccr",
        _ => "ccr",
    };
    format!("{prefix}.ccs.tencentyun.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_its_host() {
        assert_eq!(registry_of("ap-shanghai"), "ccr.ccs.tencentyun.com");
        assert_eq!(registry_of("eu-frankfurt"), "deccr.ccs.tencentyun.com");
    }
}
