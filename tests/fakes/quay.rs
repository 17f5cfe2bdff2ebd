//! Quay's API, below `/api/v1`. Its registry is on the same host in life, and no part of this.
//!
//! Shapes are those of quay/quay (`endpoints/api/repository.py`, `tag.py`, `organization.py`, `exception.py`) and of the Red Hat Quay
//! API guide.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use super::harbor::page;
use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::api::Faults;
use crate::harness::api::Reply;
use crate::harness::api::Server;

/// A running Quay. Who brings [`TOKEN`] owns every namespace.
///
/// Actions with faults: `repositories`, `repository`, `create-repository`, `tags`, `organization`, `create-organization`.
pub struct Quay {
    api: Arc<Fake>,
    server: Server,
}

/// The OAuth 2 access token of an application.
pub const TOKEN: &str = "not-a-real-access-token";

/// A tag of a repository, or one that was.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    pub name: String,
    pub digest: String,
    pub size: u64,
    /// Seconds since 1970.
    pub start: u64,
    /// When it ended; the history has it still.
    pub end: Option<u64>,
}

struct Fake {
    state: Mutex<State>,
    faults: Faults,
}

struct State {
    organizations: Vec<String>,
    repositories: Vec<Repository>,
    page: usize,
    refused: usize,
}

struct Repository {
    namespace: String,
    name: String,
    public: bool,
    tags: Vec<Tag>,
}

impl Quay {
    /// One without organizations. A page of repositories has 100 of them, unless told otherwise.
    pub fn start() -> Self {
        let state = State { organizations: Vec::new(), repositories: Vec::new(), page: 100, refused: 0 };
        let api = Arc::new(Fake { state: Mutex::new(state), faults: Faults::default() });
        Self { server: Server::start(Arc::clone(&api) as Arc<dyn Api>), api }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    pub fn organization(&self, name: &str) {
        self.api.state.lock().unwrap().organizations.push(name.to_owned());
    }

    pub fn repository(&self, namespace: &str, name: &str, public: bool) {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.api.state.lock().unwrap().repositories.push(Repository { namespace, name, public, tags: Vec::new() });
    }

    /// Adds a tag to a repository that is there.
    pub fn tag(&self, namespace: &str, repository: &str, tag: Tag) {
        let mut state = self.api.state.lock().unwrap();
        let found = state.repositories.iter_mut().find(|it| it.namespace == namespace && it.name == repository);
        found.unwrap().tags.push(tag);
    }

    /// Whether a repository is public; none where there is none.
    pub fn publicity(&self, namespace: &str, repository: &str) -> Option<bool> {
        let state = self.api.state.lock().unwrap();
        state.find(namespace, repository).map(|it| it.public)
    }

    /// Whether there is such an organization.
    pub fn has_organization(&self, name: &str) -> bool {
        self.api.state.lock().unwrap().organizations.iter().any(|it| it == name)
    }

    /// How many repositories a page has. The client has no say in it.
    pub fn page_size(&self, size: usize) {
        self.api.state.lock().unwrap().page = size;
    }

    /// How many requests were answered with 401.
    pub fn refused(&self) -> usize {
        self.api.state.lock().unwrap().refused
    }
}

/// Quay's shape of most errors. `type` is a URL that explains it.
fn error(call: &Call, status: u16, kind: &str, detail: &str) -> Reply {
    let host = call.header("host").unwrap_or_default();
    let body = json!({
        "detail": detail,
        "error_message": detail,
        "error_type": kind,
        "title": kind,
        "type": format!("http://{host}/api/v1/error/{kind}"),
        "status": status,
    });
    Reply::json(status, &body)
}

fn not_found(call: &Call) -> Reply {
    error(call, 404, "not_found", "Not Found")
}

/// The shape of those that the handlers make by hand.
fn request_error(message: &str) -> Reply {
    Reply::json(400, &json!({"message": message, "status": 400, "error_message": message, "title": "bad_request"}))
}

impl Api for Fake {
    fn answer(&self, call: &Call) -> Reply {
        let Some(path) = call.path.strip_prefix("/api/v1/") else { return not_found(call) };
        let segments: Vec<&str> = path.split('/').collect();
        let action = match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["repository"]) => "repositories",
            ("POST", ["repository"]) => "create-repository",
            // The last slash is part of it.
            ("GET", ["repository", _, .., "tag", ""]) => "tags",
            ("GET", ["repository", _, _, ..]) => "repository",
            ("GET", ["organization", _]) => "organization",
            ("POST", ["organization", ""]) => "create-organization",
            _ => return not_found(call),
        };
        let fault = match self.faults.note(action) {
            Some(Fault::Throttled) => return Reply::empty(429).with("Retry-After", "1"),
            Some(Fault::Html) => return Reply::html(),
            Some(Fault::Forbidden) => return error(call, 403, "insufficient_scope", "Unauthorized"),
            Some(Fault::Internal) => return error(call, 500, "internal_error", "Internal Server Error"),
            fault => fault,
        };
        let mut state = self.state.lock().unwrap();
        let caller = match call.header("authorization") {
            None => false,
            Some(value) if value.strip_prefix("Bearer ") == Some(TOKEN) => true,
            Some(_) => {
                state.refused += 1;
                return error(call, 401, "invalid_token", "Invalid bearer token format");
            }
        };
        let reads = ["repositories", "repository", "tags"].contains(&action);
        if !caller && !reads {
            state.refused += 1;
            return error(call, 401, "invalid_token", "Requires authentication");
        }
        match (action, segments.as_slice()) {
            ("repositories", _) => state.repositories(call, caller, fault.as_ref()),
            ("create-repository", _) => state.create_repository(call),
            ("tags", [_, namespace, name @ .., _, _]) => {
                state.readable(call, caller, namespace, &name.join("/"), |it| it.page(call, fault.as_ref()))
            }
            ("repository", [_, namespace, name @ ..]) => {
                state.readable(call, caller, namespace, &name.join("/"), |it| Reply::json(200, &it.value()))
            }
            ("organization", [_, name]) if state.organizations.iter().any(|it| it == name) => {
                Reply::json(200, &json!({"name": name, "email": "", "is_admin": true, "is_member": true}))
            }
            ("organization", _) => not_found(call),
            _ => state.create_organization(call),
        }
    }
}

impl State {
    fn find(&self, namespace: &str, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|it| it.namespace == namespace && it.name == name)
    }

    fn repositories(&self, call: &Call, caller: bool, fault: Option<&Fault>) -> Reply {
        let namespace = call.parameter("namespace").filter(|it| !it.is_empty());
        let public = call.parameter("public").is_some_and(|it| it == "true");
        if namespace.is_none() && !public {
            let detail = "namespace, starred or public are required for this API call";
            return error(call, 400, "invalid_request", detail);
        }
        let last_modified = call.parameter("last_modified").is_some_and(|it| it == "true");
        let shown = |it: &&Repository| {
            namespace.as_ref().is_none_or(|namespace| *namespace == it.namespace) && (caller || (public && it.public))
        };
        let value = |it: &Repository| {
            let mut value = it.value();
            if last_modified {
                value["last_modified"] = json!(it.tags.iter().map(|tag| tag.start).max());
            }
            value
        };
        let items: Vec<Value> = self.repositories.iter().filter(shown).map(value).collect();
        // Tokens mean nothing to a client, and are not numbers.
        let number = match call.parameter("next_page").filter(|it| !it.is_empty()) {
            None => 1,
            Some(token) => match token.strip_prefix("gAAAAA-page-").and_then(|it| it.parse().ok()) {
                Some(number) => number,
                None => return error(call, 400, "invalid_request", "Invalid page token"),
            },
        };
        let (page, more) = page::of(&items, number, self.page, fault);
        let mut body = json!({"repositories": page});
        if more {
            body["next_page"] = format!("gAAAAA-page-{}", number + 1).into();
        }
        Reply::json(200, &body)
    }

    /// `answer`, where the caller may read the repository. What is not there and what may not be read differ to who is known.
    fn readable(
        &self,
        call: &Call,
        caller: bool,
        namespace: &str,
        name: &str,
        answer: impl FnOnce(&Repository) -> Reply,
    ) -> Reply {
        match self.find(namespace, name) {
            Some(found) if caller || found.public => answer(found),
            None if caller => not_found(call),
            _ => error(call, 401, "invalid_token", "Requires authentication"),
        }
    }

    fn create_repository(&mut self, call: &Call) -> Reply {
        let body = call.json();
        let text = |name: &str| body[name].as_str();
        let (Some(name), Some(visibility @ ("public" | "private")), Some(_)) =
            (text("repository"), text("visibility"), text("description"))
        else {
            return error(call, 400, "invalid_request", "'repository', 'visibility', 'description' are required");
        };
        let namespace = text("namespace").unwrap_or("quayadmin");
        if namespace != "quayadmin" && !self.organizations.iter().any(|it| it == namespace) {
            return error(call, 403, "insufficient_scope", "Unauthorized");
        }
        if self.find(namespace, name).is_some() {
            return request_error("Repository already exists");
        }
        let kind = text("repo_kind").unwrap_or("image").to_owned();
        let reply = Reply::json(201, &json!({"namespace": namespace, "name": name, "kind": kind}));
        let (namespace, name, public) = (namespace.to_owned(), name.to_owned(), visibility == "public");
        self.repositories.push(Repository { namespace, name, public, tags: Vec::new() });
        reply
    }

    fn create_organization(&mut self, call: &Call) -> Reply {
        let body = call.json();
        let Some(name) = body["name"].as_str() else {
            return error(call, 400, "invalid_request", "'name' is a required property");
        };
        if self.organizations.iter().any(|it| it == name) {
            return request_error("A user or organization with this name already exists");
        }
        if body["email"].as_str().is_none_or(str::is_empty) {
            return request_error("Email address is required");
        }
        self.organizations.push(name.to_owned());
        Reply::json(201, &json!("Created"))
    }
}

impl Repository {
    fn value(&self) -> Value {
        json!({
            "namespace": self.namespace,
            "name": self.name,
            "description": null,
            "is_public": self.public,
            "kind": "image",
            "state": "NORMAL",
        })
    }

    /// One page of tags, the youngest first.
    fn page(&self, call: &Call, fault: Option<&Fault>) -> Reply {
        let parameter = |name: &str, default: usize| {
            call.parameter(name).and_then(|it| it.parse().ok()).map_or(default, |it: usize| it.max(1))
        };
        let (number, size) = (parameter("page", 1), parameter("limit", 50).min(100));
        let active = call.parameter("onlyActiveTags").is_some_and(|it| it == "true");
        let specific = call.parameter("specificTag").filter(|it| !it.is_empty());
        let wanted =
            |it: &&Tag| (!active || it.end.is_none()) && specific.as_ref().is_none_or(|specific| *specific == it.name);
        let mut tags: Vec<&Tag> = self.tags.iter().filter(wanted).collect();
        tags.sort_by_key(|tag| std::cmp::Reverse(tag.start));
        let items: Vec<Value> = tags.into_iter().map(Tag::value).collect();
        let (tags, more) = page::of(&items, number, size, fault);
        Reply::json(200, &json!({"tags": tags, "page": number, "has_additional": more}))
    }
}

impl Tag {
    fn value(&self) -> Value {
        let mut value = json!({"name": self.name, "reversion": false, "start_ts": self.start});
        if let Some(end) = self.end {
            value["end_ts"] = end.into();
        }
        value["manifest_digest"] = self.digest.as_str().into();
        value["is_manifest_list"] = false.into();
        value["size"] = self.size.into();
        value["last_modified"] = date(self.start).into();
        if let Some(end) = self.end {
            value["expiration"] = date(end).into();
        }
        value
    }
}

/// As Python's `email.utils.formatdate` writes it: `-0000` where others have `GMT`.
fn date(seconds: u64) -> String {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    date.replace("GMT", "-0000")
}
