//! The enterprise edition: instances, asked by actions and their parameters (`cr`, version 2018-12-01).

use image_transfer_sdk::Credential;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Pager;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::warn;
use serde_json::Value;

use crate::api::Api;
use crate::api::kind_of;
use crate::api::public;
use crate::api::text;
use crate::edition::Edition;
use crate::edition::Namespace;
use crate::edition::Repository;
use crate::edition::Tag;
use crate::login;

/// Entries of a page, the most that the API gives.
const PAGE: &str = "100";

const INSTANCES: &str = "ListInstance";
const ENDPOINTS: &str = "ListInstanceEndpoint";
const NAMESPACES: &str = "ListNamespace";
const REPOSITORIES: &str = "ListRepository";
const TAGS: &str = "ListRepoTag";
const TOKEN: &str = "GetAuthorizationToken";
const CREATE_NAMESPACE: &str = "CreateNamespace";
const CREATE_REPOSITORY: &str = "CreateRepository";

/// What the API wants to be told of each repository.
const SUMMARY: &str = "Copied by image-transfer";

/// An instance.
#[derive(Debug, Clone)]
pub(crate) struct Enterprise {
    pub(crate) api: Api,
    /// `cri-…`.
    pub(crate) id: String,
    /// Its name, or its id where that is all that is known.
    pub(crate) name: String,
}

type Parameters<'a> = Vec<(&'a str, String)>;

impl Enterprise {
    /// An instance by name or id. One that is not there is an error that names those that are. A key that may not list instances
    /// still finds one by its id.
    pub(crate) fn find(api: Api, wanted: &str, client: &dyn Client) -> Result<Self> {
        let all = match instances(&api, client) {
            Err(Error::Unauthorized(reason)) if wanted.starts_with("cri-") && is_right(&reason) => {
                warn!("whether there is an instance `{wanted}` is not known, and taken for granted: {reason}");
                return Ok(Self { api, id: wanted.to_owned(), name: wanted.to_owned() });
            }
            all => all?,
        };
        let field = |it: &Value, name: &str| text(it, name).to_owned();
        let is_meant = |it: &&Value| [text(it, "InstanceId"), text(it, "InstanceName")].contains(&wanted);
        let Some(it) = all.iter().find(is_meant) else { return Err(unknown(wanted, &api.region, &all)) };
        let (id, name, status) = (field(it, "InstanceId"), field(it, "InstanceName"), field(it, "InstanceStatus"));
        if !status.is_empty() && status != "RUNNING" {
            return Err(Error::Fatal(format!(
                "the ACR instance `{name}` is not running: its status is {status}; look at it in the console"
            )));
        }
        Ok(Self { api, id, name })
    }

    fn parameters<'a>(&self, more: Parameters<'a>) -> Parameters<'a> {
        [vec![("InstanceId", self.id.clone())], more].concat()
    }

    /// Asks about this instance and reads.
    fn call(&self, client: &dyn Client, action: &'static str, more: Parameters<'_>) -> Result<Value> {
        self.api.call(client, action, self.api.enterprise(action, &self.parameters(more)))
    }

    /// A list that is needed as a whole.
    fn all(&self, client: &dyn Client, action: &'static str, list: List, more: &Parameters<'_>) -> Result<Vec<Value>> {
        all(&self.api, client, action, list, &self.parameters(more.clone()))
    }
}

/// Where a list's entries are in an answer, what tells them apart, and what they are called.
#[derive(Clone, Copy)]
struct List {
    field: &'static str,
    name: &'static str,
    what: &'static str,
}

fn page_of(place: &Place) -> [(&'static str, String); 2] {
    [("PageNo", (place.page + 1).to_string()), ("PageSize", PAGE.to_owned())]
}

fn all(api: &Api, client: &dyn Client, action: &'static str, list: List, of: &Parameters<'_>) -> Result<Vec<Value>> {
    let (mut pager, mut all) = (Pager::new(), Vec::new());
    while let Some(place) = pager.place() {
        let request = api.enterprise(action, &[of.as_slice(), &page_of(place)].concat());
        let (items, total) = api.list(action, &client.send(request)?, list.field)?;
        let page = Page { items, total, next: Next::Counted };
        all.extend(pager.take(page, |it| text(it, list.name), list.what)?);
    }
    Ok(all)
}

fn instances(api: &Api, client: &dyn Client) -> Result<Vec<Value>> {
    all(api, client, INSTANCES, List { field: "Instances", name: "InstanceId", what: "ACR instances" }, &Vec::new())
}

/// Whether it is the right that is missing, and the key is good.
fn is_right(reason: &str) -> bool {
    ["NoPermission", "Forbidden", "NotAuthorized"].iter().any(|code| reason.contains(code))
}

fn unknown(wanted: &str, region: &str, all: &[Value]) -> Error {
    let there: Vec<String> =
        all.iter().map(|it| format!("{} ({})", text(it, "InstanceName"), text(it, "InstanceId"))).collect();
    Error::NotFound(if there.is_empty() {
        format!(
            "there is no ACR instance `{wanted}` in {region}: this key sees no instance there at all; check `region`, and the \
             account that the key belongs to"
        )
    } else {
        format!("there is no ACR instance `{wanted}` in {region}; this key sees {}", there.join(", "))
    })
}

fn namespace(it: &Value) -> Namespace {
    Namespace {
        name: text(it, "NamespaceName").to_owned(),
        auto_create: it["AutoCreateRepo"].as_bool().unwrap_or(true),
        public: public(text(it, "DefaultRepoType")),
    }
}

const NAMESPACE_LIST: List = List { field: "Namespaces", name: "NamespaceName", what: "namespaces" };

impl Edition for Enterprise {
    fn label(&self) -> String {
        format!("the ACR instance `{}`", self.name)
    }

    fn registry(&self, client: &dyn Client) -> Result<Option<String>> {
        let body = self.call(client, ENDPOINTS, vec![("ModuleName", "Registry".to_owned())])?;
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for endpoint in list(&body, "Endpoints") {
            let is_open = text(&endpoint, "EndpointType") == "internet" && endpoint["Enable"] == true;
            for domain in list(&endpoint, "Domains") {
                let domain = (text(&domain, "Type") != "SYSTEM", text(&domain, "Domain").to_owned());
                if is_open { &mut open } else { &mut closed }.push(domain);
            }
        }
        // Its own name before those that the customer gave it.
        open.sort();
        let closed: Vec<String> = closed.into_iter().map(|(_, host)| host).collect();
        open.into_iter().next().map(|(_, host)| Some(host)).ok_or_else(|| {
            Error::Fatal(format!(
                "{} is not open to the Internet: open its public endpoint in the console, or set `registry` to a host that is \
                 reached from here: {}",
                self.label(),
                closed.join(", ")
            ))
        })
    }

    fn namespaces(&self, client: &dyn Client) -> Result<Vec<Namespace>> {
        let all = self.all(client, NAMESPACES, NAMESPACE_LIST, &Vec::new())?;
        Ok(all.iter().map(namespace).collect())
    }

    fn namespace(&self, name: &str, client: &dyn Client) -> Result<Option<Namespace>> {
        let like = self.all(client, NAMESPACES, NAMESPACE_LIST, &vec![("NamespaceName", name.to_owned())])?;
        Ok(like.iter().map(namespace).find(|namespace| namespace.name == name))
    }

    fn create_namespace(&self, name: &str, public: bool, client: &dyn Client) -> Result<()> {
        let parameters = vec![
            ("NamespaceName", name.to_owned()),
            ("AutoCreateRepo", "true".to_owned()),
            ("DefaultRepoType", kind_of(public).to_owned()),
        ];
        self.call(client, CREATE_NAMESPACE, parameters).map(drop)
    }

    fn has_repository(&self, namespace: &str, name: &str, client: &dyn Client) -> Result<bool> {
        let parameters = vec![
            ("RepoName", name.to_owned()),
            ("RepoNamespaceName", namespace.to_owned()),
            ("RepoStatus", "ALL".to_owned()),
        ];
        let list = List { field: "Repositories", name: "RepoId", what: "repositories" };
        let like = self.all(client, REPOSITORIES, list, &parameters)?;
        let is_meant = |it: &Value| text(it, "RepoName") == name && text(it, "RepoNamespaceName") == namespace;
        Ok(like.iter().any(is_meant))
    }

    fn create_repository(&self, namespace: &str, name: &str, public: bool, client: &dyn Client) -> Result<()> {
        let parameters = vec![
            ("RepoName", name.to_owned()),
            ("RepoNamespaceName", namespace.to_owned()),
            ("RepoType", kind_of(public).to_owned()),
            ("Summary", SUMMARY.to_owned()),
        ];
        self.call(client, CREATE_REPOSITORY, parameters).map(drop)
    }

    fn ask_repositories(&self, namespace: Option<&str>, place: &Place) -> Request {
        let mut parameters = vec![("RepoStatus", "NORMAL".to_owned())];
        parameters.extend(namespace.map(|name| ("RepoNamespaceName", name.to_owned())));
        parameters.extend(page_of(place));
        self.api.enterprise(REPOSITORIES, &self.parameters(parameters))
    }

    fn read_repositories(&self, response: &Response) -> Result<Page<Repository>> {
        let (items, total) = self.api.list(REPOSITORIES, response, "Repositories")?;
        let items = items.iter().map(|it| {
            let (namespace, name) = (text(it, "RepoNamespaceName").to_owned(), text(it, "RepoName").to_owned());
            let (id, public) = (text(it, "RepoId").to_owned(), public(text(it, "RepoType")));
            Repository { full: format!("{namespace}/{name}"), namespace, name, id, public, registry: None }
        });
        Ok(Page { items: items.collect(), total, next: Next::Counted })
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Request {
        let parameters = [vec![("RepoId", repository.id.clone())], page_of(place).to_vec()].concat();
        self.api.enterprise(TAGS, &self.parameters(parameters))
    }

    fn read_tags(&self, response: &Response) -> Result<Page<Tag>> {
        let (items, total) = self.api.list(TAGS, response, "Images")?;
        let items = items.iter().map(|it| Tag {
            name: text(it, "Tag").to_owned(),
            digest: text(it, "Digest").to_owned(),
            size: number(&it["ImageSize"]),
            pushed: number(&it["ImageUpdate"]).or_else(|| number(&it["ImageCreate"])),
        });
        Ok(Page { items: items.collect(), total, next: Next::Counted })
    }

    fn login(&self, client: &dyn Client) -> Result<Credential> {
        let body = self.call(client, TOKEN, Vec::new())?;
        login::read(TOKEN, text(&body, "TempUsername"), text(&body, "AuthorizationToken"), &body["ExpireTime"])
    }
}
