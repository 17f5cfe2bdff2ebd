//! What Harbor answers, by path.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::json;

use super::Artifact;
use super::Fake;
use super::Project;
use super::Repository;
use super::State;
use super::User;
use super::page;
use super::query;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::api::Reply;

/// What the fake tells where it knows no time.
const LONG_AGO: &str = "2020-01-01T00:00:00.000Z";
const IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// Harbor's shape of an error.
pub(super) fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"errors": [{"code": code, "message": message}]}))
}

fn unauthorized() -> Reply {
    error(401, "UNAUTHORIZED", "unauthorized")
}

impl Fake {
    pub(super) fn api(&self, call: &Call) -> Reply {
        let writes = !["GET", "HEAD", "OPTIONS"].contains(&call.method.as_str());
        if call.header("cookie").is_some() {
            self.state.lock().unwrap().cookies += 1;
            if writes && call.header("x-harbor-csrf-token").is_none() {
                return error(403, "FORBIDDEN", "CSRF token not found in request");
            }
        }
        // The proxy before Harbor decodes the path once, before the router sees where it has slashes.
        let path = percent_decode_str(&call.path).decode_utf8_lossy().into_owned();
        let Some(path) = path.strip_prefix("/api/") else { return missing(&call.path) };
        let segments: Vec<&str> = path.split('/').collect();
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["version"]) => self.faulty("version", |_| Reply::json(200, &json!({"version": "v2.0"}))),
            ("GET", ["v2.0", "ping"]) => {
                let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
                Reply { status: 200, headers, body: b"Pong".to_vec() }
            }
            ("GET", ["v2.0", "users", "current"]) => self.faulty("current-user", |_| self.current_user(call)),
            ("GET", ["v2.0", "projects"]) => self.faulty("projects", |fault| self.projects(call, fault)),
            ("HEAD", ["v2.0", "projects"]) => self.faulty("project", |_| self.project_exists(call)),
            ("POST", ["v2.0", "projects"]) => self.faulty("create-project", |_| self.create_project(call)),
            ("GET", ["v2.0", "projects", name]) => {
                let by_name = call.header("x-is-resource-name").is_some_and(|value| value == "true");
                let is = |project: &Project| if by_name { project.name == *name } else { project.is(name) };
                self.faulty("project", |_| self.within(call, name, is, |project| Reply::json(200, &project.value())))
            }
            ("GET", ["v2.0", "repositories"]) => {
                self.faulty("repositories", |fault| self.repositories(call, None, fault))
            }
            ("GET", ["v2.0", "projects", name, "repositories"]) => {
                self.faulty("repositories", |fault| self.repositories(call, Some(name), fault))
            }
            ("GET", ["v2.0", "projects", name, "repositories", repository, "artifacts"]) => {
                let repository = percent_decode_str(repository).decode_utf8_lossy();
                self.faulty("artifacts", |fault| self.artifacts(call, name, &repository, fault))
            }
            _ => missing(&call.path),
        }
    }

    fn faulty(&self, action: &str, answer: impl FnOnce(Option<&Fault>) -> Reply) -> Reply {
        match self.faults.note(action) {
            // Harbor has no limit of its own; the proxy before it may have one.
            Some(Fault::Throttled) => Reply::empty(429).with("Retry-After", "1"),
            Some(Fault::Html) => Reply::html(),
            Some(Fault::Forbidden) => error(403, "FORBIDDEN", "forbidden"),
            Some(Fault::Internal) => error(500, "UNKNOWN", "internal server error"),
            fault => answer(fault.as_ref()),
        }
    }

    fn current_user(&self, call: &Call) -> Reply {
        match self.state.lock().unwrap().caller(call) {
            None => unauthorized(),
            Some(user) if user.name.starts_with("robot$") => {
                error(412, "PRECONDITION", "get current user not available for security context: robot")
            }
            Some(user) => Reply::json(200, &json!({"user_id": 1, "username": user.name, "sysadmin_flag": user.admin})),
        }
    }

    fn projects(&self, call: &Call, fault: Option<&Fault>) -> Reply {
        let state = self.state.lock().unwrap();
        let mut pattern = match query::name(&call.parameter("q").unwrap_or_default()) {
            Ok(pattern) => pattern,
            Err(message) => return error(400, "BAD_REQUEST", &message),
        };
        if let Some(name) = call.parameter("name").filter(|name| !name.is_empty()) {
            pattern = Some(query::Pattern::Fuzzy(name));
        }
        let public = call.parameter("public").map(|public| public == "true");
        let caller = state.caller(call);
        let mut found = Vec::new();
        for project in &state.projects {
            // Names are text to the database, and it compares none with a number.
            let Some(fits) = pattern.as_ref().map_or(Some(true), |pattern| pattern.accepts(&project.name)) else {
                return error(500, "UNKNOWN", "internal server error");
            };
            if fits && project.visible_to(caller.as_ref()) && public.is_none_or(|public| public == project.public) {
                found.push(project.value());
            }
        }
        state.list(call, &found, fault)
    }

    fn project_exists(&self, call: &Call) -> Reply {
        let Some(name) = call.parameter("project_name") else {
            return error(422, "UNPROCESSABLE_ENTITY", "project_name in query is required");
        };
        let older = {
            let state = self.state.lock().unwrap();
            state.older.then(|| state.projects.iter().any(|project| project.name == name))
        };
        match older {
            Some(true) => Reply::empty(200),
            Some(false) => Reply::empty(404),
            None => Reply::empty(self.within(call, &name, |it| it.name == name, |_| Reply::empty(200)).status),
        }
    }

    fn create_project(&self, call: &Call) -> Reply {
        let mut state = self.state.lock().unwrap();
        let Some(User { name: owner, admin, .. }) = state.caller(call) else { return unauthorized() };
        if state.creation_is_for_admins && !admin {
            return error(403, "FORBIDDEN", "Only system admin can create project");
        }
        if owner.starts_with("robot$") {
            return error(403, "FORBIDDEN", "Only system level robot can create project");
        }
        let body = call.json();
        let Some(name) = body["project_name"].as_str().filter(|name| !name.is_empty()) else {
            return error(400, "BAD_REQUEST", "project name is required");
        };
        let public = match &body["metadata"]["public"] {
            Value::Null => body["public"] == true,
            Value::String(text) if text == "true" || text == "false" => text == "true",
            Value::String(text) => {
                let message = format!("metadata.public should only be 'true' or 'false', but got: '{text}'");
                return error(400, "BAD_REQUEST", &message);
            }
            _ => return error(422, "UNPROCESSABLE_ENTITY", "metadata.public in body must be of type string"),
        };
        if state.projects.iter().any(|project| project.name == name) {
            return error(409, "CONFLICT", &format!("The project named {name} already exists"));
        }
        let id = state.add_project(name, &owner, public, body["registry_id"].as_u64().unwrap_or_default());
        Reply::empty(201).with("Location", format!("/api/v2.0/projects/{id}"))
    }

    fn repositories(&self, call: &Call, project: Option<&str>, fault: Option<&Fault>) -> Reply {
        if let Some(name) = project {
            let denied = self.within(call, name, |it| it.name == name, |_| Reply::empty(200));
            if denied.status != 200 {
                return denied;
            }
        }
        let state = self.state.lock().unwrap();
        let caller = state.caller(call);
        let shown = |it: &&Project| it.visible_to(caller.as_ref()) && project.is_none_or(|name| it.name == name);
        let of = |project: &Project| project.repositories.iter().map(|it| it.value(project)).collect::<Vec<_>>();
        let found: Vec<Value> = state.projects.iter().filter(shown).flat_map(of).collect();
        state.list(call, &found, fault)
    }

    fn artifacts(&self, call: &Call, project: &str, repository: &str, fault: Option<&Fault>) -> Reply {
        let mut found = None;
        let named = |it: &Project| it.name == project;
        let tagged = call.parameter("q").is_some_and(|query| query == "tags=*");
        let denied = self.within(call, project, named, |project| {
            let shown = |one: &&Artifact| !tagged || !one.tags.is_empty();
            let of = |it: &Repository| {
                it.artifacts.iter().rev().filter(shown).map(|one| one.value(project, it, call)).collect()
            };
            found = project.repositories.iter().find(|it| it.name == repository).map(of);
            Reply::empty(200)
        });
        match found {
            _ if denied.status != 200 => denied,
            None => error(404, "NOT_FOUND", &format!("repository {project}/{repository} not found")),
            Some(found) => {
                let found: Vec<Value> = found;
                self.state.lock().unwrap().list(call, &found, fault)
            }
        }
    }

    /// `answer`, where the caller may see the project called `name`, which is the one that `is` says.
    fn within(
        &self,
        call: &Call,
        name: &str,
        is: impl Fn(&Project) -> bool,
        answer: impl FnOnce(&Project) -> Reply,
    ) -> Reply {
        let state = self.state.lock().unwrap();
        let caller = state.caller(call);
        let found = state.projects.iter().find(|it| is(it));
        match found {
            Some(project) if project.visible_to(caller.as_ref()) => answer(project),
            None if !state.older => error(404, "NOT_FOUND", &format!("project {name} not found")),
            _ if caller.is_none() => unauthorized(),
            _ => error(403, "FORBIDDEN", "forbidden"),
        }
    }
}

impl State {
    /// One page, with the headers that say where it is.
    fn list(&self, call: &Call, items: &[Value], fault: Option<&Fault>) -> Reply {
        let parameter = |name: &str, default: usize| call.parameter(name).map_or(Some(default), |it| it.parse().ok());
        let (Some(number @ 1..), Some(size)) = (parameter("page", 1), parameter("page_size", 10)) else {
            return error(422, "UNPROCESSABLE_ENTITY", "page in query must be of type int64");
        };
        if !(1..=100).contains(&size) {
            return error(422, "UNPROCESSABLE_ENTITY", "page_size in query should be less than or equal to 100");
        }
        let (page, more) = page::of(items, number, size, fault);
        let origin = if self.foreign { "http://other.example" } else { "" };
        let link = |number: usize, relation: &str| {
            // Harbor writes the parameters here as they are when decoded.
            let mut parameters: Vec<(String, String)> = call.parameters();
            parameters.retain(|(name, _)| name != "page" && name != "page_size");
            parameters.push(("page".to_owned(), number.to_string()));
            parameters.push(("page_size".to_owned(), size.to_string()));
            parameters.sort();
            let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("<{origin}{}?{}>; rel=\"{relation}\"", call.path, query.join("&"))
        };
        let before = (number > 1 && (number - 1) * size < items.len()).then(|| link(number - 1, "prev"));
        let after = more.then(|| link(number + 1, "next"));
        let links: Vec<String> = before.into_iter().chain(after).collect();
        let reply = Reply::json(200, &Value::Array(page)).with("X-Total-Count", page::total(items, fault).to_string());
        if links.is_empty() { reply } else { reply.with("Link", links.join(" , ")) }
    }
}

impl Project {
    /// What is all digits is taken for an identifier.
    fn is(&self, name_or_id: &str) -> bool {
        name_or_id.parse().map_or_else(|_| self.name == name_or_id, |id: u64| self.id == id)
    }

    fn value(&self) -> Value {
        json!({
            "project_id": self.id,
            "owner_id": 1,
            "owner_name": self.owner,
            "name": self.name,
            "registry_id": self.registry,
            "creation_time": LONG_AGO,
            "update_time": LONG_AGO,
            "repo_count": self.repositories.len(),
            "metadata": {"public": self.public.to_string()},
            "cve_allowlist": {"id": self.id, "project_id": self.id, "items": []},
        })
    }
}

impl Repository {
    fn value(&self, project: &Project) -> Value {
        json!({
            "id": self.id,
            "project_id": project.id,
            "name": format!("{}/{}", project.name, self.name),
            "artifact_count": self.artifacts.len(),
            "pull_count": 0,
            "creation_time": LONG_AGO,
            "update_time": LONG_AGO,
        })
    }
}

impl Artifact {
    fn value(&self, project: &Project, repository: &Repository, call: &Call) -> Value {
        let tag = |(name, pushed): &(String, String)| {
            let names = json!({"id": 1, "artifact_id": 1, "repository_id": repository.id, "name": name});
            merged(names, json!({"push_time": pushed, "pull_time": "0001-01-01T00:00:00.000Z", "immutable": false}))
        };
        let with_tag = call.parameter("with_tag").is_none_or(|it| it == "true");
        // What has no tags has null, which the description does not say.
        let tags = (with_tag && !self.tags.is_empty()).then(|| self.tags.iter().map(tag).collect::<Vec<_>>());
        let place = json!({
            "id": 1,
            "type": "IMAGE",
            "media_type": CONFIG,
            "manifest_media_type": IMAGE,
            "project_id": project.id,
            "repository_id": repository.id,
            "repository_name": format!("{}/{}", project.name, repository.name),
        });
        let what = json!({
            "digest": self.digest,
            "size": self.size,
            "push_time": self.pushed,
            "pull_time": "0001-01-01T00:00:00.000Z",
            "tags": tags,
        });
        merged(place, what)
    }
}

fn merged(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { unreachable!() };
    value.as_object_mut().unwrap().extend(more);
    value
}

/// What Harbor's router says of a path that it has no route for.
fn missing(path: &str) -> Reply {
    error(404, "NOT_FOUND", &format!("path {path} was not found"))
}
