//! The lists of TCR: namespaces, repositories, tags, each by page number.

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
use image_transfer_sdk::tencent::list;
use image_transfer_sdk::tencent::text;
use image_transfer_sdk::walk::Configured;
use image_transfer_sdk::walk::Filter;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use serde_json::json;

use crate::Config;
use crate::instance::Finder;
use crate::instance::Instance;

/// Entries of a page, the most that the API gives.
const PAGE: u64 = 100;

/// Dates without an offset are Beijing's.
const OFFSET: i8 = 8;

const NAMESPACES: Action = Action::new("DescribeNamespaces", 100);
const REPOSITORIES: Action = Action::new("DescribeRepositories", 100);
const TAGS: Action = Action::new("DescribeImages", 100);

/// A TCR instance that is listed.
#[derive(Debug)]
pub struct Tcr {
    finder: Finder,
    registry: Option<String>,
    wanted: Option<Vec<String>>,
    /// Of each namespace, whether it is public.
    public: HashMap<String, bool>,
}

/// A repository, as its list tells.
#[derive(Debug, Clone)]
pub struct Repository {
    /// `namespace/name`.
    full: String,
    namespace: String,
    /// Without the namespace.
    name: String,
    public: Option<bool>,
}

/// A namespace, as its list tells.
pub(crate) struct Namespace {
    pub(crate) name: String,
    public: bool,
}

/// The page number of a place. They begin at 1; whoever reads a list a second time begins at 0, in case that was one more page.
fn number_of(place: &Place) -> u64 {
    place.page + u64::from(place.pass == 0)
}

/// The namespaces whose names contain `name`; none: all.
pub(crate) fn namespaces(instance: &Instance, name: Option<&str>, client: &dyn Client) -> Result<Vec<Namespace>> {
    let (mut pager, mut all) = (Pager::new(), Vec::new());
    while let Some(place) = pager.place() {
        let mut parameters = json!({"RegistryId": instance.id, "Limit": PAGE, "Offset": number_of(place)});
        if let Some(name) = name {
            parameters["NamespaceName"] = name.into();
        }
        let body = instance.api.call(client, NAMESPACES, &parameters)?;
        let items = list(&body, "NamespaceList")
            .iter()
            .map(|it| Namespace { name: text(it, "Name").to_owned(), public: it["Public"].as_bool().unwrap_or(false) });
        let page = Page { items: items.collect(), total: number(&body["TotalCount"]), next: Next::Counted };
        all.extend(pager.take(page, |namespace| &namespace.name, "namespaces")?);
    }
    Ok(all)
}

impl Configured for Tcr {
    type Config = Config;
    type Client = Host;

    fn open(config: Config) -> Result<(Self, Filter, Host)> {
        let (finder, filter) = config.checked()?;
        let Config { registry, namespaces, .. } = config;
        let tcr = Self { finder, registry, wanted: namespaces, public: HashMap::new() };
        Ok((tcr, filter, Host))
    }
}

impl Provider for Tcr {
    /// A namespace; none: all repositories of the instance.
    type List = Option<String>;
    type Repository = Repository;

    fn lists(&mut self, client: &dyn Client) -> Result<Vec<Option<String>>> {
        let instance = self.finder.find(client)?;
        let there = namespaces(instance, None, client)?;
        let lists = match &self.wanted {
            None => vec![None],
            Some(wanted) => {
                if let Some(missing) = wanted.iter().find(|name| !there.iter().any(|it| it.name == **name)) {
                    let names: Vec<&str> = there.iter().map(|it| it.name.as_str()).collect();
                    let instance = &instance.name;
                    return Err(Error::NotFound(format!(
                        "the TCR instance `{instance}` has no namespace `{missing}`; it has {}",
                        names.join(", ")
                    )));
                }
                wanted.iter().cloned().map(Some).collect()
            }
        };
        self.public = there.into_iter().map(|it| (it.name, it.public)).collect();
        Ok(lists)
    }

    fn ask_repositories(&self, namespace: &Option<String>, place: &Place) -> Result<Request> {
        let instance = self.finder.found()?;
        let mut parameters = json!({"RegistryId": instance.id, "Limit": PAGE, "Offset": number_of(place)});
        if let Some(namespace) = namespace {
            parameters["NamespaceName"] = namespace.as_str().into();
        }
        Ok(instance.api.ask(REPOSITORIES, &parameters))
    }

    fn read_repositories(&self, _: &Option<String>, _: &Place, response: &Response) -> Result<Page<Repository>> {
        let body = self.finder.found()?.api.read_answer(REPOSITORIES, response)?;
        let items = list(&body, "RepositoryList").iter().map(|it| {
            let namespace = text(it, "Namespace").to_owned();
            let told = text(it, "Name");
            // The name comes with its namespace in front, or without.
            let name = told.strip_prefix(&namespace).and_then(|rest| rest.strip_prefix('/')).unwrap_or(told).to_owned();
            Repository { full: format!("{namespace}/{name}"), namespace, name, public: it["Public"].as_bool() }
        });
        Ok(Page { items: items.collect(), total: number(&body["TotalCount"]), next: Next::Counted })
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.full
    }

    /// The API's filter by namespace also finds those that only contain the name.
    fn belongs(&self, namespace: &Option<String>, repository: &Repository) -> bool {
        namespace.as_ref().is_none_or(|namespace| *namespace == repository.namespace)
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        let instance = self.finder.found()?;
        let parameters = json!({
            "RegistryId": instance.id,
            "NamespaceName": repository.namespace,
            "RepositoryName": repository.name,
            "Limit": PAGE,
            "Offset": number_of(place),
        });
        Ok(instance.api.ask(TAGS, &parameters))
    }

    fn read_tags(&self, repository: &Repository, _: &Place, response: &Response) -> Result<Page<Listed>> {
        let instance = self.finder.found()?;
        let body = instance.api.read_answer(TAGS, response)?;
        let registry = self.registry.as_ref().unwrap_or(&instance.domain);
        let namespace_public = self.public.get(&repository.namespace).copied();
        let items = list(&body, "ImageInfoList").iter().map(|it| {
            let name = text(it, "ImageVersion").to_owned();
            let digest = Some(text(it, "Digest")).filter(|digest| check_digest(digest).is_ok());
            let attributes = [
                ("digest", digest.map(str::to_owned)),
                ("pushed-at", date::rfc3339(text(it, "UpdateTime"), OFFSET)),
                ("size", number(&it["Size"]).map(|size| size.to_string())),
                ("public", repository.public.or(namespace_public).map(|public| public.to_string())),
                ("namespace-public", namespace_public.map(|public| public.to_string())),
            ];
            let source = Reference {
                registry: registry.clone(),
                repository: repository.full.clone(),
                tag: Some(name.clone()),
                digest: None,
            };
            let attributes = attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
            Listed { name, images: vec![Image { source, targets: Vec::new(), attributes }] }
        });
        Ok(Page { items: items.collect(), total: number(&body["TotalCount"]), next: Next::Counted })
    }
}
