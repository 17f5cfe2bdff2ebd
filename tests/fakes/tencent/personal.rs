//! CCR, the personal edition.

use serde_json::Value;
use serde_json::json;

use super::Tag;
use super::check::Error;
use super::check::fits;
use super::check::rows;
use super::check::text;
use super::check::window;
use crate::fakes::clock;
use crate::fakes::signing;
use crate::harness::api::Fault;

/// What the fake tells where it knows no time; CCR does not say in which zone.
const LONG_AGO: &str = "2020-01-01 00:00:00";

/// What a customer has in CCR.
pub(super) struct Personal {
    pub(super) server: String,
    pub(super) closed: bool,
    pub(super) namespaces: Vec<String>,
    /// Other customers' namespaces.
    pub(super) others: Vec<String>,
    /// How many namespaces and repositories there may be.
    pub(super) quota: (usize, usize),
    repositories: Vec<Repository>,
}

struct Repository {
    /// With the namespace.
    name: String,
    public: bool,
    tags: Vec<Tag>,
}

impl Default for Personal {
    fn default() -> Self {
        Self {
            server: "ccr.ccs.tencentyun.com".to_owned(),
            closed: false,
            namespaces: Vec::new(),
            others: Vec::new(),
            quota: (10, 1000),
            repositories: Vec::new(),
        }
    }
}

impl Personal {
    pub(super) fn add(&mut self, name: &str, public: bool, tags: &[Tag]) {
        let namespace = namespace_of(name).to_owned();
        if !self.namespaces.contains(&namespace) {
            self.namespaces.push(namespace);
        }
        self.repositories.push(Repository { name: name.to_owned(), public, tags: tags.to_vec() });
    }

    pub(super) fn repositories(&self) -> Vec<(String, bool)> {
        self.repositories.iter().map(|it| (it.name.clone(), it.public)).collect()
    }

    pub(super) fn perform(&mut self, action: &str, body: &Value, fault: Option<&Fault>) -> Result<Value, Error> {
        if self.closed {
            return Err(Error::new("ResourceNotFound.ErrNoUser", "The user does not exist."));
        }
        match action {
            "DescribeNamespacePersonal" => self.describe_namespaces(body, fault),
            "DescribeRepositoryOwnerPersonal" => self.describe_repositories(body, fault),
            "DescribeRepositoryFilterPersonal" => {
                let mut answer = self.describe_repositories(body, fault)?;
                answer["Data"]["PrivilegeFiltered"] = false.into();
                Ok(answer)
            }
            "DescribeImagePersonal" => self.describe_images(body, fault),
            "DescribeUserQuotaPersonal" => Ok(self.describe_quota()),
            "CreateNamespacePersonal" => self.create_namespace(text(body, "Namespace")),
            "CreateRepositoryPersonal" => self.create_repository(text(body, "RepoName"), body["Public"] == 1),
            _ => unreachable!("{action}"),
        }
    }

    fn describe_namespaces(&self, body: &Value, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let value = |name: &String| {
            let count = self.repositories.iter().filter(|it| namespace_of(&it.name) == name).count();
            json!({"Namespace": name, "CreationTime": LONG_AGO, "RepoCount": count})
        };
        let found = self.namespaces.iter().filter(|name| fits(name, text(body, "Namespace")));
        let (page, total) = rows(&found.map(value).collect::<Vec<_>>(), offset, limit, fault);
        Ok(json!({"Data": {"NamespaceCount": total, "NamespaceInfo": page}}))
    }

    fn describe_repositories(&self, body: &Value, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let found = self.repositories.iter().filter(|it| {
            fits(&it.name, text(body, "RepoName"))
                && fits(namespace_of(&it.name), text(body, "Namespace"))
                && body["Public"].as_i64().is_none_or(|public| public == i64::from(it.public))
        });
        let (page, total) = rows(&found.map(Repository::value).collect::<Vec<_>>(), offset, limit, fault);
        Ok(json!({"Data": {"TotalCount": total, "RepoInfo": page, "Server": self.server}}))
    }

    /// The newest tag comes first.
    fn describe_images(&self, body: &Value, fault: Option<&Fault>) -> Result<Value, Error> {
        let (offset, limit) = window(body)?;
        let name = text(body, "RepoName");
        let Some(repository) = self.repositories.iter().find(|it| it.name == name) else {
            return Err(Error::new("ResourceNotFound.ErrNoRepo", "The repository does not exist."));
        };
        let mut tags: Vec<&Tag> = repository.tags.iter().filter(|tag| fits(&tag.name, text(body, "Tag"))).collect();
        tags.sort_by(|one, other| other.pushed.cmp(&one.pushed));
        let items: Vec<Value> = tags.iter().enumerate().map(|(place, tag)| tag.personal(place)).collect();
        let (page, total) = rows(&items, offset, limit, fault);
        Ok(json!({"Data": {"TagCount": total, "TagInfo": page, "Server": self.server, "RepoName": name}}))
    }

    fn describe_quota(&self) -> Value {
        let limit = |kind: &str, value: usize| json!({"Username": "100000000000", "Type": kind, "Value": value});
        let limits = [limit("namespace", self.quota.0), limit("repo", self.quota.1), limit("tag", 1000)];
        json!({"Data": {"LimitInfo": limits}})
    }

    fn create_namespace(&mut self, name: &str) -> Result<Value, Error> {
        if name.is_empty() {
            return Err(Error::new("InvalidParameter", "The name is not valid."));
        }
        if self.namespaces.iter().chain(&self.others).any(|it| it == name) {
            return Err(Error::new("InvalidParameter.ErrNamespaceExist", "The namespace already exists."));
        }
        if self.namespaces.len() >= self.quota.0 {
            return Err(Error::new("LimitExceeded.ErrNamespaceMaxLimit", "The quota of namespaces is used up."));
        }
        self.namespaces.push(name.to_owned());
        Ok(json!({}))
    }

    fn create_repository(&mut self, name: &str, public: bool) -> Result<Value, Error> {
        let namespace = namespace_of(name);
        if namespace == name || !self.namespaces.iter().any(|it| it == namespace) {
            return Err(Error::new("InvalidParameter.ErrNSMisMatch", "The namespace is not one of the user's."));
        }
        if self.repositories.iter().any(|it| it.name == name) {
            return Err(Error::new("InvalidParameter.ErrRepoExist", "The repository already exists."));
        }
        if self.repositories.len() >= self.quota.1 {
            return Err(Error::new("LimitExceeded.ErrRepoMaxLimit", "The quota of repositories is used up."));
        }
        self.add(name, public, &[]);
        Ok(json!({}))
    }
}

impl Repository {
    fn value(&self) -> Value {
        json!({
            "RepoName": self.name,
            "RepoType": "QCLOUD HUB",
            "TagCount": self.tags.len(),
            "Public": i64::from(self.public),
            "IsUserFavor": false,
            "IsQcloudOfficial": false,
            "FavorCount": 0,
            "PullCount": 0,
            "Description": "",
            "CreationTime": LONG_AGO,
            "UpdateTime": LONG_AGO,
        })
    }
}

impl Tag {
    fn personal(&self, place: usize) -> Value {
        let pushed = clock::beijing(&self.pushed);
        json!({
            "Id": place + 1,
            "TagName": self.name,
            "TagId": self.digest,
            // The digest of the image's configuration is another one.
            "ImageId": format!("sha256:{}", signing::hash(self.digest.as_bytes())),
            "Size": format!("{} MB", self.size / 1_000_000),
            "SizeByte": self.size,
            "CreationTime": "2020-01-01 00:00:00 +0800 CST",
            "DurationDays": "",
            "Author": "",
            "Architecture": "amd64",
            "DockerVersion": "19.03.1",
            "OS": "linux",
            "UpdateTime": pushed,
            "PushTime": pushed,
            "Kind": "Artifact::application/vnd.docker.distribution.manifest.v2+json",
        })
    }
}

fn namespace_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(namespace, _)| namespace)
}
