//! TCR, the enterprise edition: instances, and what is in them.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::Paging;
use super::State;
use super::Tag;
use super::check::Error;
use super::check::first_row;
use super::check::fits;
use super::check::rows;
use super::check::text;
use super::check::window;
use crate::fakes::clock;
use crate::harness::api::Fault;

/// An instance, which is a registry.
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) status: String,
    /// User, token, and how long it is valid.
    pub(super) credential: (String, String, Duration),
    /// How many namespaces there may be.
    pub(super) quota: usize,
    /// Names, and whether each is public.
    pub(super) namespaces: Vec<(String, bool)>,
    name: String,
    domain: String,
    region: String,
    repositories: Vec<Repository>,
}

struct Repository {
    namespace: String,
    /// Without the namespace.
    name: String,
    tags: Vec<Tag>,
}

impl Instance {
    pub(super) fn new(id: &str, name: &str, domain: &str, region: &str) -> Self {
        let hour = Duration::from_hours(1);
        Self {
            id: id.to_owned(),
            status: "Running".to_owned(),
            credential: ("100000000000".to_owned(), "not-a-real-token".to_owned(), hour),
            quota: usize::MAX,
            namespaces: Vec::new(),
            name: name.to_owned(),
            domain: domain.to_owned(),
            region: region.to_owned(),
            repositories: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: &str, tags: &[Tag]) {
        let (namespace, name) = name.split_once('/').unwrap();
        if !self.has_namespace(namespace) {
            self.namespaces.push((namespace.to_owned(), false));
        }
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.repositories.push(Repository { namespace, name, tags: tags.to_vec() });
    }

    pub(super) fn repositories(&self) -> Vec<String> {
        self.repositories.iter().map(Repository::path).collect()
    }

    fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.iter().any(|(it, _)| it == name)
    }

    fn value(&self) -> Value {
        json!({
            "RegistryId": self.id,
            "RegistryName": self.name,
            "RegistryType": "premium",
            "Status": self.status,
            "PublicDomain": self.domain,
            "InternalEndpoint": "10.0.0.1",
            "CreatedAt": "2020-01-01T00:00:00+08:00",
            "ExpiredAt": "",
            "RegionName": self.region,
            "EnableAnonymous": true,
            "TokenValidTime": 87_600,
            "PayMod": 0,
            "RenewFlag": 0,
            "DeletionProtection": true,
        })
    }

    fn describe_namespaces(&self, body: &Value, paging: Paging, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let value = |(place, (name, public)): (usize, &(String, bool))| {
            json!({
                "Name": name,
                "CreationTime": "2020-01-01T00:00:00+00:00",
                "Public": public,
                "NamespaceId": place + 1,
                "TagSpecification": {"ResourceType": "namespace", "Tags": []},
                "Metadata": [{"Key": "prevent_vul", "Value": "false"}],
                "CVEWhitelistItems": [],
                "AutoScan": false,
                "PreventVUL": false,
                "Severity": "",
            })
        };
        let found = self.namespaces.iter().enumerate().filter(|(_, (name, _))| fits(name, text(body, "NamespaceName")));
        let items: Vec<Value> = found.map(value).collect();
        let skip = match paging {
            Paging::FromOne => first_row(offset, limit),
            Paging::FromZero => offset.saturating_mul(limit),
            Paging::Rows => offset,
        };
        let (skip, limit) = if body["All"] == true { (0, items.len()) } else { (skip, limit) };
        let (page, total) = rows(&items, skip, limit, fault);
        Ok(json!({"NamespaceList": page, "TotalCount": total}))
    }

    fn describe_repositories(&self, body: &Value, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let found = self.repositories.iter().filter(|it| {
            fits(&it.namespace, text(body, "NamespaceName")) && fits(&it.name, text(body, "RepositoryName"))
        });
        let value = |it: &Repository| {
            let public = self.namespaces.iter().any(|(name, public)| *name == it.namespace && *public);
            json!({
                "Name": it.path(),
                "Namespace": it.namespace,
                "CreationTime": "2020-01-01 00:00:00.806284 +0000 UTC",
                "UpdateTime": "2020-01-01 00:00:00.806284 +0000 UTC",
                "Public": public,
                "Description": "",
                "BriefDescription": "",
            })
        };
        let (page, total) = rows(&found.map(value).collect::<Vec<_>>(), first_row(offset, limit), limit, fault);
        Ok(json!({"RepositoryList": page, "TotalCount": total}))
    }

    fn describe_images(&self, body: &Value, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let (namespace, name) = (text(body, "NamespaceName"), text(body, "RepositoryName"));
        let Some(repository) = self.repositories.iter().find(|it| it.namespace == namespace && it.name == name) else {
            return Err(Error::new("ResourceNotFound.TcrResourceNotFound", "The repository is not found."));
        };
        let (version, digest) = (text(body, "ImageVersion"), text(body, "Digest"));
        let exact = body["ExactMatch"] == true;
        let found = repository.tags.iter().filter(|tag| {
            let named = if exact { tag.name == version } else { fits(&tag.name, version) };
            named && (digest.is_empty() || tag.digest == digest)
        });
        let value = |tag: &Tag| {
            json!({
                "Digest": tag.digest,
                "ImageVersion": tag.name,
                "Size": tag.size,
                "UpdateTime": tag.pushed,
                "Kind": "Artifact::application/vnd.docker.distribution.manifest.v2+json",
                "KmsSignature": "",
            })
        };
        let (page, total) = rows(&found.map(value).collect::<Vec<_>>(), first_row(offset, limit), limit, fault);
        Ok(json!({"ImageInfoList": page, "TotalCount": total}))
    }

    fn create_namespace(&mut self, body: &Value, conflict: &str) -> Result<Value, Error> {
        let name = text(body, "NamespaceName");
        if !(2..=30).contains(&name.len()) || !is_name(name) {
            return Err(Error::new("InvalidParameter.ErrorTcrInvalidParameter", "The name is not valid."));
        }
        if self.has_namespace(name) {
            return Err(Error::new(conflict, "The namespace already exists."));
        }
        if self.namespaces.len() >= self.quota {
            return Err(Error::new("OperationDenied.QuotaOverLimit", "The quota of namespaces is used up."));
        }
        self.namespaces.push((name.to_owned(), body["IsPublic"] == true));
        Ok(json!({}))
    }

    fn create_repository(&mut self, body: &Value, conflict: &str) -> Result<Value, Error> {
        let path = format!("{}/{}", text(body, "NamespaceName"), text(body, "RepositoryName"));
        if !self.has_namespace(text(body, "NamespaceName")) {
            return Err(Error::new("ResourceNotFound", "The namespace is not found."));
        }
        if !path.split('/').all(is_name) {
            return Err(Error::new("InvalidParameter.ErrorTcrInvalidParameter", "The name is not valid."));
        }
        if self.repositories().contains(&path) {
            return Err(Error::new(conflict, "The repository already exists."));
        }
        self.add(&path, &[]);
        Ok(json!({}))
    }

    /// The identifier of a temporary token is empty.
    fn create_token(&self, kind: &str, now: i64) -> Value {
        let (user, token, valid) = &self.credential;
        let (valid, id) = match kind {
            "temp" => (*valid, ""),
            _ => (Duration::from_hours(87_600), "ctrm3g86h7cp1kb7el2g"),
        };
        let expiry = now + i64::try_from(valid.as_millis()).unwrap();
        json!({"Username": user, "Token": token, "ExpTime": expiry, "TokenId": id})
    }
}

impl Repository {
    fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// Lowercase letters and digits, with single separators between them.
fn is_name(name: &str) -> bool {
    let words = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    name.split(['.', '_', '-']).all(words)
}

impl State {
    pub(super) fn describe_instances(&self, body: &Value, region: &str, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let listed = |value: &Value, test: &dyn Fn(&str) -> bool| {
            value.as_array().is_some_and(|values| values.iter().filter_map(Value::as_str).any(test))
        };
        let filters = body["Filters"].as_array().map(Vec::as_slice).unwrap_or_default();
        if filters.iter().any(|filter| filter["Name"] != "RegistryName") {
            return Err(Error::new("InvalidParameter", "Only RegistryName is a filter here."));
        }
        let found = self.instances.iter().filter(|it| {
            (body["AllRegion"] == true || it.region == region)
                && (body["Registryids"].is_null() || listed(&body["Registryids"], &|id| it.id == id))
                && filters.iter().all(|filter| listed(&filter["Values"], &|name| fits(&it.name, name)))
        });
        let (page, total) = rows(&found.map(Instance::value).collect::<Vec<_>>(), offset, limit, fault);
        Ok(json!({"TotalCount": total, "Registries": page}))
    }

    pub(super) fn within_instance(
        &mut self,
        action: &str,
        body: &Value,
        region: &str,
        fault: Option<&Fault>,
    ) -> Result<Value, Error> {
        let id = text(body, "RegistryId");
        let Some(instance) = self.instances.iter_mut().find(|it| it.id == id && it.region == region) else {
            // The one code that CreateInstanceToken has for it, and the one that all others have.
            let code = if action == "CreateInstanceToken" {
                "ResourceNotFound.TcrResourceNotFound"
            } else {
                "ResourceNotFound"
            };
            return Err(Error::new(code, "The registry is not found."));
        };
        if instance.status != "Running" {
            return Err(Error::new("ResourceInsufficient.ErrorInstanceNotRunning", "The instance is not running."));
        }
        let conflict = self.conflict.as_deref().unwrap_or("FailedOperation.ErrorTcrResourceConflict");
        match action {
            "DescribeNamespaces" => instance.describe_namespaces(body, self.namespace_paging, fault),
            "DescribeRepositories" => instance.describe_repositories(body, fault),
            "DescribeImages" => instance.describe_images(body, fault),
            "CreateNamespace" => instance.create_namespace(body, conflict),
            "CreateRepository" => instance.create_repository(body, conflict),
            "CreateInstanceToken" => {
                let kind = body["TokenType"].as_str().unwrap_or("temp");
                if !["temp", "longterm"].contains(&kind) {
                    return Err(Error::new("InvalidParameter", "The type of the token is not valid."));
                }
                self.issued.push((instance.id.clone(), kind.to_owned()));
                Ok(instance.create_token(kind, clock::milliseconds() + self.ahead * 1000))
            }
            _ => unreachable!("{action}"),
        }
    }
}
