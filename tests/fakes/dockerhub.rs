//! Docker Hub's own API, below `/v2/` of `hub.docker.com`. Its registry is another host, and no part of this.
//!
//! Shapes are those of the Docker Hub API reference (docs.docker.com/reference/api/hub/latest). What it does not say: a page
//! beyond the last is 404, and a tag has a `digest` as its images have.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::SystemTime;
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

/// A running Docker Hub, with the one user [`USER`].
///
/// Actions with faults: `token`, `repositories`, `repository`, `create-repository`, `tags`.
pub struct DockerHub {
    api: Arc<Fake>,
    server: Server,
}

/// The user's name and personal access token.
pub const USER: (&str, &str) = ("myusername", "not-a-real-access-token");

/// A tag of a repository.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    pub name: String,
    pub digest: String,
    pub size: u64,
    /// By RFC 3339.
    pub pushed: String,
}

struct Fake {
    state: Mutex<State>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    /// Whose repositories the user may make and see. Of others he sees what is public.
    own: Vec<String>,
    repositories: Vec<Repository>,
    /// What each token is still good for.
    tokens: HashMap<String, usize>,
    issued: usize,
    uses: Option<usize>,
    foreign: bool,
    refused: usize,
}

struct Repository {
    namespace: String,
    name: String,
    private: bool,
    tags: Vec<Tag>,
}

impl DockerHub {
    /// One without repositories; the user's namespace is his name.
    pub fn start() -> Self {
        let state = State { own: vec![USER.0.to_owned()], ..State::default() };
        let api = Arc::new(Fake { state: Mutex::new(state), faults: Faults::default() });
        Self { server: Server::start(Arc::clone(&api) as Arc<dyn Api>), api }
    }

    /// `http://127.0.0.1:PORT`, which stands for `https://hub.docker.com`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    /// An organization that the user belongs to.
    pub fn organization(&self, namespace: &str) {
        self.api.state.lock().unwrap().own.push(namespace.to_owned());
    }

    pub fn repository(&self, namespace: &str, name: &str, private: bool) {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.api.state.lock().unwrap().repositories.push(Repository { namespace, name, private, tags: Vec::new() });
    }

    /// Adds a tag to a repository that is there.
    pub fn tag(&self, namespace: &str, repository: &str, tag: Tag) {
        let mut state = self.api.state.lock().unwrap();
        let found = state.repositories.iter_mut().find(|it| it.namespace == namespace && it.name == repository);
        found.unwrap().tags.push(tag);
    }

    /// Whether a repository is private; none where there is none.
    pub fn privacy(&self, namespace: &str, repository: &str) -> Option<bool> {
        let state = self.api.state.lock().unwrap();
        state.find(namespace, repository).map(|it| it.private)
    }

    /// From now on, a token is good for so many requests; the next is 401.
    pub fn tokens_last(&self, uses: usize) {
        self.api.state.lock().unwrap().uses = Some(uses);
    }

    /// How many tokens were given out.
    pub fn tokens(&self) -> usize {
        self.api.state.lock().unwrap().issued
    }

    /// How many requests were answered with 401.
    pub fn refused(&self) -> usize {
        self.api.state.lock().unwrap().refused
    }

    /// From now on, `next` and `previous` lead to `http://other.example`.
    pub fn lead_elsewhere(&self) {
        self.api.state.lock().unwrap().foreign = true;
    }
}

impl State {
    fn find(&self, namespace: &str, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|it| it.namespace == namespace && it.name == name)
    }

    /// Whether the caller is the user. An error is an answer: a token that is no longer good is refused, no token is nobody.
    fn caller(&mut self, call: &Call) -> Result<bool, Reply> {
        let Some(authorization) = call.header("authorization") else { return Ok(false) };
        let left = authorization.strip_prefix("Bearer ").and_then(|token| self.tokens.get_mut(token));
        match left {
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(true)
            }
            _ => {
                self.refused += 1;
                Err(error(401, "unauthorized"))
            }
        }
    }
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"errinfo": null, "message": message}))
}

impl Api for Fake {
    fn answer(&self, call: &Call) -> Reply {
        let path = call.path.trim_end_matches('/');
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let action = match (call.method.as_str(), segments.as_slice()) {
            ("POST", ["v2", "auth", "token"]) => "token",
            ("GET", ["v2", "namespaces", _, "repositories"]) => "repositories",
            ("POST", ["v2", "namespaces", _, "repositories"]) => "create-repository",
            ("GET" | "HEAD", ["v2", "namespaces", _, "repositories", _]) => "repository",
            ("GET", ["v2", "namespaces", _, "repositories", _, "tags"]) => "tags",
            _ => return error(404, "not found"),
        };
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 1;
        let (remaining, reply) = match self.faults.note(action) {
            // The documentation has X-Retry-After, a time. Retry-After, seconds, is not in it, and common.
            Some(Fault::Throttled) => {
                let reply = Reply::json(429, &json!({"detail": "Rate limit exceeded", "error": false}));
                (0, reply.with("Retry-After", "1").with("X-Retry-After", reset.to_string()))
            }
            Some(Fault::Html) => return Reply::html(),
            Some(Fault::Forbidden) => (179, error(403, "access to the resource is forbidden")),
            Some(Fault::Internal) => (179, error(500, "internal error")),
            fault => (179, self.regular(call, &segments, fault.as_ref())),
        };
        reply
            .with("X-RateLimit-Limit", "180")
            .with("X-RateLimit-Remaining", remaining.to_string())
            .with("X-RateLimit-Reset", reset.to_string())
    }
}

impl Fake {
    fn regular(&self, call: &Call, segments: &[&str], fault: Option<&Fault>) -> Reply {
        match segments {
            [_, _, namespace, _] if call.method == "POST" => self.create(call, namespace),
            [_, _, namespace, _] => self.repositories(call, namespace, fault),
            [_, _, namespace, _, name] => self.repository(call, namespace, name),
            [_, _, namespace, _, name, _] => self.tags(call, namespace, name, fault),
            _ => self.token(call),
        }
    }

    fn token(&self, call: &Call) -> Reply {
        let mut state = self.state.lock().unwrap();
        let body = call.json();
        if body["identifier"] != USER.0 || body["secret"] != USER.1 {
            state.refused += 1;
            return error(401, "unauthorized");
        }
        state.issued += 1;
        let token = format!("not.a-real.token-{}", state.issued);
        let uses = state.uses.unwrap_or(usize::MAX);
        state.tokens.insert(token.clone(), uses);
        Reply::json(200, &json!({"access_token": token}))
    }

    fn repositories(&self, call: &Call, namespace: &str, fault: Option<&Fault>) -> Reply {
        let mut state = self.state.lock().unwrap();
        let own = match state.caller(call) {
            Ok(user) => user && state.own.iter().any(|own| own == namespace),
            Err(refusal) => return refusal,
        };
        let of: Vec<&Repository> = state.repositories.iter().filter(|it| it.namespace == namespace).collect();
        if of.is_empty() && !own {
            return error(404, "not found");
        }
        let items: Vec<Value> = of.iter().filter(|it| own || !it.private).map(|it| it.value()).collect();
        state.list(call, &items, fault)
    }

    fn repository(&self, call: &Call, namespace: &str, name: &str) -> Reply {
        let mut state = self.state.lock().unwrap();
        match state.caller(call) {
            Err(refusal) => refusal,
            Ok(user) => match state.shown(user, namespace, name) {
                Some(found) => Reply::json(200, &found.value()),
                None => error(404, "not found"),
            },
        }
    }

    fn create(&self, call: &Call, namespace: &str) -> Reply {
        let mut state = self.state.lock().unwrap();
        match state.caller(call) {
            Err(refusal) => return refusal,
            Ok(false) => {
                state.refused += 1;
                return error(401, "unauthorized");
            }
            Ok(true) if !state.own.iter().any(|own| own == namespace) => return error(403, "permission denied"),
            Ok(true) => {}
        }
        let body = call.json();
        let Some(name) = body["name"].as_str().filter(|name| name.len() >= 2) else {
            return error(400, "name is required");
        };
        if body["namespace"] != namespace || body["registry"].as_str().is_some_and(|registry| registry != "docker.io") {
            return error(400, "namespace or registry is not this one");
        }
        if state.find(namespace, name).is_some() {
            return error(400, "Repository with this Name and Namespace already exists.");
        }
        let private = body["is_private"].as_bool().unwrap_or_default();
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let made = Repository { namespace, name, private, tags: Vec::new() };
        let reply = Reply::json(201, &made.value());
        state.repositories.push(made);
        reply
    }

    fn tags(&self, call: &Call, namespace: &str, name: &str, fault: Option<&Fault>) -> Reply {
        let mut state = self.state.lock().unwrap();
        let user = match state.caller(call) {
            Ok(user) => user,
            Err(refusal) => return refusal,
        };
        match state.shown(user, namespace, name) {
            Some(found) => {
                let items: Vec<Value> = found.tags.iter().map(Tag::value).collect();
                state.list(call, &items, fault)
            }
            None => error(404, "not found"),
        }
    }
}

impl State {
    /// The repository, where the caller may see it.
    fn shown(&self, user: bool, namespace: &str, name: &str) -> Option<&Repository> {
        let own = user && self.own.iter().any(|own| own == namespace);
        self.find(namespace, name).filter(|it| own || !it.private)
    }

    /// One page. `next` and `previous` are whole URLs on the host that was asked.
    fn list(&self, call: &Call, items: &[Value], fault: Option<&Fault>) -> Reply {
        let parameter = |name: &str, default: usize| call.parameter(name).map_or(Some(default), |it| it.parse().ok());
        let (Some(number @ 1..), Some(size @ 1..=100)) = (parameter("page", 1), parameter("page_size", 10)) else {
            return error(400, "page is from 1, page_size to 100");
        };
        if number > 1 && (number - 1) * size >= items.len() {
            return error(404, "object not found");
        }
        let (results, more) = page::of(items, number, size, fault);
        let origin = if self.foreign {
            "http://other.example".to_owned()
        } else {
            format!("http://{}", call.header("host").unwrap_or_default())
        };
        let link = |number: usize| format!("{origin}{}?page={number}&page_size={size}", call.path);
        let body = json!({
            "count": page::total(items, fault),
            "next": more.then(|| link(number + 1)),
            "previous": (number > 1).then(|| link(number - 1)),
            "results": results,
        });
        Reply::json(200, &body)
    }
}

impl Repository {
    fn value(&self) -> Value {
        json!({
            "name": self.name,
            "namespace": self.namespace,
            "repository_type": "image",
            "status": 1,
            "status_description": "Active",
            "description": "",
            "is_private": self.private,
            "star_count": 0,
            "pull_count": 0,
            "last_updated": self.tags.last().map(|tag| tag.pushed.clone()),
            "date_registered": "2025-01-20T10:30:00Z",
            "affiliation": "",
            "media_types": ["application/vnd.docker.container.image.v1+json"],
            "content_types": ["image"],
            "categories": [],
            "storage_size": self.tags.iter().map(|tag| tag.size).sum::<u64>(),
        })
    }
}

impl Tag {
    fn value(&self) -> Value {
        let image = json!({
            "architecture": "amd64",
            "features": "",
            "variant": null,
            "digest": self.digest,
            "os": "linux",
            "os_features": "",
            "os_version": null,
            "size": self.size,
            "status": "active",
            "last_pulled": null,
            "last_pushed": self.pushed,
        });
        json!({
            "creator": 1,
            "id": 1,
            "images": [image],
            "last_updated": self.pushed,
            "last_updater": 1,
            "last_updater_username": USER.0,
            "name": self.name,
            "repository": 1,
            "full_size": self.size,
            "v2": true,
            "tag_status": "active",
            "tag_last_pulled": null,
            "tag_last_pushed": self.pushed,
            "media_type": "application/vnd.docker.distribution.manifest.v2+json",
            "content_type": "image",
            "digest": self.digest,
        })
    }
}
