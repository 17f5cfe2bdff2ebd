//! The enterprise edition: instances, and what is in them.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::State;
use super::Tag;
use super::gateway::Refusal;
use super::page::cut;
use super::store::Namespace;
use super::store::Repository;
use super::store::Store;
use crate::fakes::clock;
use crate::fakes::signing;
use crate::harness::api::Call;
use crate::harness::api::Fault;

/// What can be called.
pub(super) const ACTIONS: &[&str] = &[
    "ListInstance",
    "ListInstanceEndpoint",
    "ListNamespace",
    "ListRepository",
    "ListRepoTag",
    "GetNamespace",
    "GetRepository",
    "GetAuthorizationToken",
    "CreateNamespace",
    "CreateRepository",
];

/// The largest page.
const LARGEST: usize = 100;
/// What the fake tells where it knows no time.
const LONG_AGO: i64 = 1_577_836_800_000;

/// A registry that the customer pays for.
pub(super) struct Instance {
    pub(super) id: String,
    name: String,
    region: String,
    pub(super) status: String,
    /// Hosts of the registry, the system's first.
    pub(super) domains: Vec<String>,
    /// Whether the Internet gets to it.
    pub(super) open: bool,
    pub(super) store: Store,
}

impl Instance {
    pub(super) fn new(id: &str, name: &str, region: &str, host: &str) -> Self {
        let [id, name, region] = [id, name, region].map(str::to_owned);
        let domains = vec![host.to_owned()];
        Self { id, name, region, status: "RUNNING".to_owned(), domains, open: true, store: Store::default() }
    }

    fn value(&self) -> Value {
        json!({
            "InstanceId": self.id, "InstanceName": self.name, "InstanceStatus": self.status, "RegionId": self.region,
            "InstanceSpecification": "Enterprise_Basic", "CreateTime": LONG_AGO.to_string(),
            "ModifiedTime": LONG_AGO.to_string(), "ResourceGroupId": "rg-acfmz7ocgpxxxxx",
        })
    }

    fn endpoints(&self) -> Value {
        let kind = |place| if place == 0 { "SYSTEM" } else { "USER" };
        let domain = |(place, host)| json!({"Domain": host, "Type": kind(place)});
        let domains: Vec<Value> = self.domains.iter().enumerate().map(domain).collect();
        let inside =
            json!({"Domain": format!("{}-registry-vpc.{}.cr.aliyuncs.com", self.name, self.region), "Type": "SYSTEM"});
        json!({"Endpoints": [
            {"EndpointType": "vpc", "Enable": true, "Status": "RUNNING", "AclEnable": true, "AclEntries": [],
                "Domains": [inside], "LinkedVpcs": []},
            {"EndpointType": "internet", "Enable": self.open, "Status": if self.open { "RUNNING" } else { "STOPPED" },
                "AclEnable": false, "AclEntries": [], "Domains": domains, "LinkedVpcs": []},
        ]})
    }
}

/// The parameters of a call.
struct Parameters<'a> {
    action: &'a str,
    given: HashMap<String, String>,
}

/// Which page is asked for.
struct Window {
    offset: usize,
    size: usize,
    /// The number of the page, where it has one.
    number: Option<usize>,
    /// What a token goes on with.
    list: String,
}

impl Parameters<'_> {
    fn optional(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Aliyun's SDK for Python writes it with a capital.
    fn flag(&self, name: &str, otherwise: bool) -> Result<bool, Refusal> {
        match self.optional(name) {
            None => Ok(otherwise),
            Some("true" | "True") => Ok(true),
            Some("false" | "False") => Ok(false),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    /// Whether the kind of repositories is `PUBLIC`.
    fn public(&self, name: &str) -> Result<bool, Refusal> {
        match self.optional(name) {
            Some("PUBLIC") => Ok(true),
            None | Some("PRIVATE") => Ok(false),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    fn number(&self, name: &str, otherwise: usize, most: usize) -> Result<usize, Refusal> {
        let Some(value) = self.optional(name) else { return Ok(otherwise) };
        let number = value.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Refusal::invalid(name))
    }

    /// Pages have numbers, or where `tokens` and asked for by `MaxResults` or `NextToken` lead from one to the next.
    fn window(&self, pages: &mut HashMap<String, (String, usize)>, tokens: bool) -> Result<Window, Refusal> {
        let paging = ["PageNo", "PageSize", "MaxResults", "NextToken"];
        let mut filters: Vec<_> = self.given.iter().filter(|(name, _)| !paging.contains(&name.as_str())).collect();
        filters.sort();
        let list = format!("{} {filters:?}", self.action);
        if tokens && (self.optional("MaxResults").is_some() || self.optional("NextToken").is_some()) {
            let size = self.number("MaxResults", 30, LARGEST)?;
            let offset = match self.optional("NextToken") {
                None => 0,
                Some(token) => match pages.get(token) {
                    Some((of, offset)) if *of == list => *offset,
                    _ => return Err(Refusal::invalid("NextToken")),
                },
            };
            return Ok(Window { offset, size, number: None, list });
        }
        let size = self.number("PageSize", 30, LARGEST)?;
        let number = self.number("PageNo", 1, usize::MAX)?;
        Ok(Window { offset: (number - 1).saturating_mul(size), size, number: Some(number), list })
    }
}

impl Window {
    /// The answer with the page in it. The total is a text.
    fn answer(
        &self,
        name: &str,
        items: Vec<Value>,
        fault: Option<&Fault>,
        pages: &mut HashMap<String, (String, usize)>,
    ) -> Value {
        let page = cut(items, self.offset, self.size, fault);
        let mut answer = json!({name: page.items, "TotalCount": page.total.to_string()});
        if let Some(number) = self.number {
            answer["PageNo"] = number.into();
            answer["PageSize"] = self.size.into();
            return answer;
        }
        answer["MaxResults"] = self.size.into();
        if page.more {
            let next = self.offset + self.size;
            let token = signing::hash(format!("{} {next}", self.list).as_bytes());
            pages.insert(token.clone(), (self.list.clone(), next));
            answer["NextToken"] = token.into();
        }
        answer
    }
}

pub(super) fn perform(state: &mut State, action: &str, call: &Call, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let given = Parameters { action, given: call.parameters().into_iter().collect() };
    let State { instances, pages, .. } = state;
    if action == "ListInstance" {
        let window = given.window(pages, false)?;
        let fits = |it: &&Instance| {
            given.optional("InstanceName").is_none_or(|part| it.name.contains(part))
                && given.optional("InstanceStatus").is_none_or(|status| it.status == status)
        };
        let items = instances.iter().filter(fits).map(Instance::value).collect();
        let mut answer = window.answer("Instances", items, fault, pages);
        // This total alone is a number.
        answer["TotalCount"] = answer["TotalCount"].as_str().unwrap().parse::<i64>().unwrap().into();
        return Ok(answer);
    }
    let id = given.required("InstanceId")?;
    let absent = || Refusal::service(404, "INSTANCE_NOT_EXIST", "instance is not exist");
    let instance = instances.iter_mut().find(|it| it.id == id).ok_or_else(absent)?;
    let store = &mut instance.store;
    match action {
        "ListInstanceEndpoint" => Ok(instance.endpoints()),
        "ListNamespace" => {
            let window = given.window(pages, false)?;
            let fits = |it: &&Namespace| given.optional("NamespaceName").is_none_or(|part| it.name.contains(part));
            let items = store.namespaces.iter().filter(fits).map(|it| namespace(id, it)).collect();
            Ok(window.answer("Namespaces", items, fault, pages))
        }
        "ListRepository" => {
            let window = given.window(pages, true)?;
            let within = given.optional("RepoNamespaceName");
            within.map_or(Ok(()), |name| store.namespace(name).map(drop))?;
            let fits = |(at, it): &(&Namespace, &Repository)| {
                within.is_none_or(|name| at.name == name)
                    && given.optional("RepoName").is_none_or(|part| it.name.contains(part))
                    && given.optional("RepoStatus").is_none_or(|status| matches!(status, "NORMAL" | "ALL"))
            };
            let items = store.repositories().filter(fits).map(|(at, it)| repository(id, at, it)).collect();
            Ok(window.answer("Repositories", items, fault, pages))
        }
        "ListRepoTag" => {
            let window = given.window(pages, true)?;
            let wanted = given.required("RepoId")?;
            let (_, it) = store.repository(|_, it| repository_id(it) == wanted)?;
            let items = it.tags.iter().map(image).collect();
            Ok(window.answer("Images", items, fault, pages))
        }
        "GetNamespace" => {
            let wanted = given.optional("NamespaceId");
            let known = store.namespaces.iter().find(|it| wanted == Some(namespace_id(it).as_str()));
            let found = match known {
                Some(known) => known,
                None => store.namespace(given.required("NamespaceName")?)?,
            };
            Ok(namespace(id, found))
        }
        "GetRepository" => {
            let (at, it) = if let Some(wanted) = given.optional("RepoId") {
                store.repository(|_, it| repository_id(it) == wanted)?
            } else {
                let (within, name) = (given.required("RepoNamespaceName")?, given.required("RepoName")?);
                store.namespace(within)?;
                store.repository(|at, it| at.name == within && it.name == name)?
            };
            Ok(repository(id, at, it))
        }
        "GetAuthorizationToken" => token(&given, store),
        "CreateNamespace" => {
            let name = given.required("NamespaceName")?;
            store.create_namespace(name, given.flag("AutoCreateRepo", true)?, given.public("DefaultRepoType")?)?;
            Ok(json!({}))
        }
        "CreateRepository" => {
            let (within, name) = (given.required("RepoNamespaceName")?, given.required("RepoName")?);
            let summary = given.required("Summary")?;
            given.required("RepoType")?;
            let number = store.create_repository(within, name, given.public("RepoType")?, summary)?;
            Ok(json!({"RepoId": format!("crr-{number:016}")}))
        }
        _ => unreachable!("{action}"),
    }
}

fn token(given: &Parameters, store: &Store) -> Result<Value, Refusal> {
    let (user, token, valid) = &store.credential;
    let valid = match given.optional("ExpiresInHours") {
        None => *valid,
        Some(_) => Duration::from_hours(given.number("ExpiresInHours", 1, 24)? as u64),
    };
    let until = clock::milliseconds() + i64::try_from(valid.as_millis()).unwrap();
    Ok(json!({"TempUsername": user, "AuthorizationToken": token, "ExpireTime": until}))
}

fn namespace_id(it: &Namespace) -> String {
    format!("crn-{:016}", it.number)
}

fn repository_id(it: &Repository) -> String {
    format!("crr-{:016}", it.number)
}

fn kind(public: bool) -> &'static str {
    if public { "PUBLIC" } else { "PRIVATE" }
}

fn namespace(instance: &str, it: &Namespace) -> Value {
    json!({
        "InstanceId": instance, "NamespaceId": namespace_id(it), "NamespaceName": it.name, "NamespaceStatus": "NORMAL",
        "AutoCreateRepo": it.auto_create, "DefaultRepoType": kind(it.public), "ResourceGroupId": "rg-acfmz7ocgpxxxxx",
    })
}

fn repository(instance: &str, at: &Namespace, it: &Repository) -> Value {
    json!({
        "InstanceId": instance, "RepoId": repository_id(it), "RepoName": it.name, "RepoNamespaceName": at.name,
        "RepoStatus": "NORMAL", "RepoType": kind(it.public), "RepoBuildType": "MANUAL", "Summary": it.summary,
        "CreateTime": LONG_AGO, "ModifiedTime": LONG_AGO, "TagImmutability": false, "ResourceGroupId": "rg-acfmz7ocgpxxxxx",
    })
}

/// The digest is without its `sha256:`.
fn image(tag: &Tag) -> Value {
    let digest = tag.digest.trim_start_matches("sha256:");
    let pushed = tag.pushed.to_string();
    json!({
        "Tag": tag.name, "Digest": digest, "ImageId": digest, "ImageSize": tag.size, "ImageCreate": pushed,
        "ImageUpdate": pushed, "Status": "NORMAL",
    })
}
