//! The personal edition: the namespaces of an account in a region, asked by methods and paths (`cr`, version 2016-06-07).

use image_transfer_sdk::Credential;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::sign::escape;
use serde_json::Value;
use serde_json::json;

use crate::api::Api;
use crate::api::Ask;
use crate::api::kind_of;
use crate::api::public;
use crate::api::text;
use crate::edition::Edition;
use crate::edition::Namespace;
use crate::edition::Repository;
use crate::edition::Tag;
use crate::login;

/// Entries of a page that are asked for. How many it gives at most is not documented; it says how many it gave.
const PAGE: u64 = 100;

const NAMESPACES: &str = "GetNamespaceList";
const NAMESPACE: &str = "GetNamespace";
const CREATE_NAMESPACE: &str = "CreateNamespace";
const UPDATE_NAMESPACE: &str = "UpdateNamespace";
const ALL: &str = "GetRepoList";
const WITHIN: &str = "GetRepoListByNamespace";
const REPOSITORY: &str = "GetRepo";
const CREATE_REPOSITORY: &str = "CreateRepo";
const TAGS: &str = "GetRepoTags";
const TOKEN: &str = "GetAuthorizationToken";

/// What the API wants to be told of each repository.
const SUMMARY: &str = "Copied by image-transfer";

/// The personal edition, as one user sees it.
#[derive(Debug, Clone)]
pub(crate) struct Personal {
    pub(crate) api: Api,
}

impl Personal {
    fn get(&self, action: &'static str, path: &str, query: &[(&str, String)]) -> Request {
        self.api.personal(&Ask { action, method: "GET", path, query, body: None })
    }

    fn write(
        &self,
        client: &dyn Client,
        (action, method): (&'static str, &'static str),
        path: &str,
        body: &Value,
    ) -> Result<()> {
        let request = self.api.personal(&Ask { action, method, path, query: &[], body: Some(body) });
        self.api.call(client, action, request).map(drop)
    }

    /// What is at a path; none where the service says that just this does not exist.
    fn look(&self, client: &dyn Client, action: &'static str, path: &str, missing: &[&str]) -> Result<Option<Value>> {
        match self.api.call(client, action, self.get(action, path, &[])) {
            Ok(mut body) => Ok(Some(body["data"].take())),
            Err(Error::NotFound(text)) if missing.iter().any(|code| text.contains(code)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Which page to ask for. A page that came may be smaller than what was asked for, so from the second on the size is that of those
/// before: their rows then end where the next one begins, however the service counts.
fn page_of(place: &Place) -> [(&'static str, String); 2] {
    let size = place.rows.checked_div(place.page).unwrap_or(PAGE).clamp(1, PAGE);
    [("Page", (place.page + 1).to_string()), ("PageSize", size.to_string())]
}

fn namespace(it: &Value) -> Namespace {
    Namespace {
        name: text(it, "namespace").to_owned(),
        auto_create: it["autoCreate"].as_bool().unwrap_or(true),
        public: public(text(it, "defaultVisibility")),
    }
}

impl Edition for Personal {
    fn label(&self) -> String {
        format!("the personal edition of ACR in {}", self.api.region)
    }

    fn registry(&self, _: &dyn Client) -> Result<Option<String>> {
        Ok(None)
    }

    fn namespaces(&self, client: &dyn Client) -> Result<Vec<Namespace>> {
        let response = client.send(self.get(NAMESPACES, "/namespace", &[]))?;
        let (items, _) = self.api.list(NAMESPACES, &response, "namespaces")?;
        Ok(items.iter().map(namespace).collect())
    }

    fn namespace(&self, name: &str, client: &dyn Client) -> Result<Option<Namespace>> {
        let path = format!("/namespace/{}", escape(name));
        let found = self.look(client, NAMESPACE, &path, &["NAMESPACE_NOT_EXIST"])?;
        Ok(found.map(|data| Namespace { name: name.to_owned(), ..namespace(&data["namespace"]) }))
    }

    fn create_namespace(&self, name: &str, public: bool, client: &dyn Client) -> Result<()> {
        let body = json!({"Namespace": {"Namespace": name}});
        self.write(client, (CREATE_NAMESPACE, "PUT"), "/namespace", &body)?;
        let body = json!({"Namespace": {"AutoCreate": true, "DefaultVisibility": kind_of(public)}});
        self.write(client, (UPDATE_NAMESPACE, "POST"), &format!("/namespace/{}", escape(name)), &body)
    }

    fn has_repository(&self, namespace: &str, name: &str, client: &dyn Client) -> Result<bool> {
        let path = format!("/repos/{}/{}", escape(namespace), escape(name));
        Ok(self.look(client, REPOSITORY, &path, &["REPO_NOT_EXIST"])?.is_some())
    }

    fn create_repository(&self, namespace: &str, name: &str, public: bool, client: &dyn Client) -> Result<()> {
        let body = json!({"Repo": {
            "RepoNamespace": namespace, "RepoName": name, "Summary": SUMMARY, "Detail": "", "RepoType": kind_of(public),
        }});
        self.write(client, (CREATE_REPOSITORY, "PUT"), "/repos", &body)
    }

    fn ask_repositories(&self, namespace: Option<&str>, place: &Place) -> Request {
        match namespace {
            Some(name) => self.get(WITHIN, &format!("/repos/{}", escape(name)), &page_of(place)),
            None => self.get(ALL, "/repos", &page_of(place)),
        }
    }

    fn read_repositories(&self, response: &Response) -> Result<Page<Repository>> {
        let (items, total) = self.api.list(ALL, response, "repos")?;
        let items = items.iter().map(|it| {
            let (namespace, name) = (text(it, "repoNamespace").to_owned(), text(it, "repoName").to_owned());
            let host = text(&it["repoDomainList"], "public");
            let usual = || format!("registry.{}.aliyuncs.com", self.api.region);
            Repository {
                full: format!("{namespace}/{name}"),
                namespace,
                name,
                id: String::new(),
                public: public(text(it, "repoType")),
                registry: Some(if host.is_empty() { usual() } else { host.to_owned() }),
            }
        });
        Ok(Page { items: items.collect(), total, next: Next::Counted })
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Request {
        let path = format!("/repos/{}/{}/tags", escape(&repository.namespace), escape(&repository.name));
        self.get(TAGS, &path, &page_of(place))
    }

    fn read_tags(&self, response: &Response) -> Result<Page<Tag>> {
        let (items, total) = self.api.list(TAGS, response, "tags")?;
        let items = items.iter().map(|it| Tag {
            name: text(it, "tag").to_owned(),
            digest: text(it, "digest").to_owned(),
            size: number(&it["imageSize"]),
            pushed: number(&it["imageUpdate"]).or_else(|| number(&it["imageCreate"])),
        });
        Ok(Page { items: items.collect(), total, next: Next::Counted })
    }

    fn login(&self, client: &dyn Client) -> Result<Credential> {
        let mut body = self.api.call(client, TOKEN, self.get(TOKEN, "/tokens", &[]))?;
        let data = body["data"].take();
        login::read(TOKEN, text(&data, "tempUserName"), text(&data, "authorizationToken"), &data["expireDate"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_where_those_before_ended() {
        let page = |page, rows| page_of(&Place { page, rows, ..Place::default() }).map(|(_, value)| value);
        assert_eq!(page(0, 0), ["1", "100"]);
        assert_eq!(page(1, 30), ["2", "30"]);
        assert_eq!(page(2, 60), ["3", "30"]);
        // Rows that were not shown: some come again, none is left out.
        assert_eq!(page(2, 59), ["3", "29"]);
    }
}
