//! GitLab's API, below `/api/v4`. Its registry is another host, and no part of this.
//!
//! Shapes are those of the documentation (docs.gitlab.com/api: `container_registry`, `projects`, `namespaces`, `rest`).

use std::sync::Arc;
use std::sync::Mutex;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::json;

use super::harbor::page;
use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::api::Faults;
use crate::harness::api::Reply;
use crate::harness::api::Server;

/// A running GitLab. Who brings [`TOKEN`] is a member of every group and project.
///
/// Actions with faults: `namespace`, `group`, `projects`, `project`, `create-project`, `group-repositories`, `project-repositories`,
/// `tags`, `tag`.
pub struct GitLab {
    api: Arc<Fake>,
    server: Server,
}

/// The personal access token.
pub const TOKEN: &str = "not-a-real-access-token";

/// A tag of a repository.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    pub name: String,
    pub digest: String,
    pub size: u64,
    /// By RFC 3339.
    pub created: String,
}

struct Fake {
    state: Mutex<State>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    /// Full paths; the place and 1 is the identifier.
    groups: Vec<String>,
    projects: Vec<Project>,
    repositories: Vec<Repository>,
    registry: String,
    spurious: bool,
    foreign: bool,
    refused: usize,
}

struct Project {
    /// With the group.
    path: String,
    public: bool,
}

struct Repository {
    project: usize,
    /// Below the project; empty for the project's own.
    name: String,
    tags: Vec<Tag>,
}

impl GitLab {
    /// One without groups. `registry` is the host that repositories are told to be at, such as `127.0.0.1:5000`.
    pub fn start(registry: &str) -> Self {
        let state = State { registry: registry.to_owned(), ..State::default() };
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

    /// A group by its full path, such as `group/subgroup`; its identifier.
    pub fn group(&self, path: &str) -> usize {
        let mut state = self.api.state.lock().unwrap();
        state.groups.push(path.to_owned());
        state.groups.len()
    }

    /// A project by its full path, in a group that is there; its identifier.
    pub fn project(&self, path: &str, public: bool) -> usize {
        let mut state = self.api.state.lock().unwrap();
        state.projects.push(Project { path: path.to_owned(), public });
        state.projects.len()
    }

    /// A repository of a project; the name is empty for the project's own. Its identifier.
    pub fn repository(&self, project: usize, name: &str) -> usize {
        let mut state = self.api.state.lock().unwrap();
        state.repositories.push(Repository { project, name: name.to_owned(), tags: Vec::new() });
        state.repositories.len()
    }

    /// Adds a tag to a repository.
    pub fn tag(&self, repository: usize, tag: Tag) {
        self.api.state.lock().unwrap().repositories[repository - 1].tags.push(tag);
    }

    /// Whether a project is public; none where there is none.
    pub fn publicity(&self, project: &str) -> Option<bool> {
        let state = self.api.state.lock().unwrap();
        state.projects.iter().find(|it| it.path == project).map(|it| it.public)
    }

    /// How many requests were answered with 401. GitLab bans an address for an hour after 30 of them.
    pub fn refused(&self) -> usize {
        self.api.state.lock().unwrap().refused
    }

    /// From now on, the last page has `X-Next-Page` as well, and the page that it leads to is empty.
    pub fn spurious_next_page(&self) {
        self.api.state.lock().unwrap().spurious = true;
    }

    /// From now on, `Link` leads to `http://other.example`.
    pub fn lead_elsewhere(&self) {
        self.api.state.lock().unwrap().foreign = true;
    }
}

fn message(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"message": text}))
}

impl Api for Fake {
    fn answer(&self, call: &Call) -> Reply {
        let Some(path) = call.path.strip_prefix("/api/v4/") else { return Reply::json(404, &not_found()) };
        let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments: Vec<String> = path.split('/').map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let action = match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["namespaces", _]) => "namespace",
            ("GET", ["groups", _]) => "group",
            ("GET", ["projects"]) => "projects",
            ("POST", ["projects"]) => "create-project",
            ("GET", ["projects", _]) => "project",
            ("GET", ["groups", _, "registry", "repositories"]) => "group-repositories",
            ("GET", ["projects", _, "registry", "repositories"]) => "project-repositories",
            ("GET", ["projects", _, "registry", "repositories", _, "tags"]) => "tags",
            ("GET", ["projects", _, "registry", "repositories", _, "tags", _]) => "tag",
            _ => return Reply::json(404, &not_found()),
        };
        let fault = match self.faults.note(action) {
            Some(Fault::Throttled) => {
                let headers = vec![("Retry-After".to_owned(), "1".to_owned())];
                return Reply { status: 429, headers, body: b"Retry later\n".to_vec() };
            }
            Some(Fault::Html) => return Reply::html(),
            Some(Fault::Forbidden) => return message(403, "403 Forbidden"),
            Some(Fault::Internal) => return message(500, "500 Internal Server Error"),
            fault => fault,
        };
        let mut state = self.state.lock().unwrap();
        let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if call.header("private-token").or(bearer) != Some(TOKEN) {
            state.refused += 1;
            return message(401, "401 Unauthorized");
        }
        if action == "create-project" {
            return state.create_project(call);
        }
        state.read(call, &segments, fault.as_ref()).unwrap_or_else(|missing| message(404, &missing))
    }
}

/// What GitLab says of a path that it does not have.
fn not_found() -> Value {
    json!({"error": "404 Not Found"})
}

impl State {
    /// An error is what was not found.
    fn read(&self, call: &Call, segments: &[&str], fault: Option<&Fault>) -> Result<Reply, String> {
        match segments {
            ["namespaces", id] => Ok(Reply::json(200, &self.group_value(self.group_id(id, "Namespace")?))),
            ["groups", id] => Ok(Reply::json(200, &self.group_value(self.group_id(id, "Group")?))),
            ["projects"] => {
                let items: Vec<Value> = (1..=self.projects.len()).map(|id| self.project_value(id)).collect();
                Ok(self.list(call, &items, fault))
            }
            ["projects", id] => Ok(Reply::json(200, &self.project_value(self.project_id(id)?))),
            ["groups", id, "registry", "repositories"] => {
                let below = format!("{}/", self.groups[self.group_id(id, "Group")? - 1]);
                let items = self.repository_values(|project| self.projects[project - 1].path.starts_with(&below));
                Ok(self.list(call, &items, fault))
            }
            ["projects", id, "registry", "repositories"] => {
                let wanted = self.project_id(id)?;
                Ok(self.list(call, &self.repository_values(|project| project == wanted), fault))
            }
            ["projects", id, "registry", "repositories", repository, rest @ ..] => {
                let project = self.project_id(id)?;
                let number = repository.parse().unwrap_or(0_usize).wrapping_sub(1);
                let found = self.repositories.get(number).filter(|it| it.project == project);
                let found = found.ok_or("404 Not Found")?;
                let path = self.repository_path(found);
                if let [_, name] = rest {
                    let tag = found.tags.iter().find(|tag| tag.name == *name).ok_or("404 Tag Not Found")?;
                    return Ok(Reply::json(200, &tag.detail(&path, &self.registry)));
                }
                let items: Vec<Value> = found.tags.iter().map(|tag| tag.value(&path, &self.registry)).collect();
                Ok(self.list(call, &items, fault))
            }
            _ => unreachable!("a path without an action"),
        }
    }

    fn group_id(&self, id: &str, kind: &str) -> Result<usize, String> {
        let found = self.groups.iter().position(|path| path == id).map(|place| place + 1);
        let by_number = id.parse().ok().filter(|number| (1..=self.groups.len()).contains(number));
        found.or(by_number).ok_or(format!("404 {kind} Not Found"))
    }

    fn project_id(&self, id: &str) -> Result<usize, String> {
        let found = self.projects.iter().position(|project| project.path == id).map(|place| place + 1);
        let by_number = id.parse().ok().filter(|number| (1..=self.projects.len()).contains(number));
        found.or(by_number).ok_or("404 Project Not Found".to_owned())
    }

    fn create_project(&mut self, call: &Call) -> Reply {
        let body = call.json();
        let Some(path) = body["path"].as_str().or(body["name"].as_str()) else {
            return Reply::json(
                400,
                &json!({"error": "name, path are missing, at least one parameter must be provided"}),
            );
        };
        let group = body["namespace_id"].as_u64().and_then(|id| usize::try_from(id).ok());
        let Some(group) = group.and_then(|id| self.groups.get(id.wrapping_sub(1))) else {
            return Reply::json(400, &json!({"message": {"namespace": ["is not valid"]}}));
        };
        let path = format!("{group}/{path}");
        if self.projects.iter().any(|project| project.path == path) {
            let taken = json!(["has already been taken"]);
            let messages = json!({"project_namespace.name": taken, "name": taken, "path": taken});
            return Reply::json(400, &json!({"message": messages}));
        }
        self.projects.push(Project { path, public: body["visibility"] == "public" });
        Reply::json(201, &self.project_value(self.projects.len()))
    }

    /// One page, by the headers of offset pagination.
    fn list(&self, call: &Call, items: &[Value], fault: Option<&Fault>) -> Reply {
        let parameter = |name: &str, default: usize| call.parameter(name).map_or(Some(default), |it| it.parse().ok());
        let (Some(number @ 1..), Some(size @ 1..)) = (parameter("page", 1), parameter("per_page", 20)) else {
            return Reply::json(400, &json!({"error": "page is invalid"}));
        };
        // More than it gives is not an error: there are just fewer.
        let size = size.min(100);
        let (page, more) = page::of(items, number, size, fault);
        let more = more || (self.spurious && !page.is_empty());
        let origin = if self.foreign {
            "http://other.example".to_owned()
        } else {
            format!("http://{}", call.header("host").unwrap_or_default())
        };
        let next = if more { (number + 1).to_string() } else { String::new() };
        let reply = Reply::json(200, &Value::Array(page))
            .with("X-Page", number.to_string())
            .with("X-Per-Page", size.to_string())
            .with("X-Prev-Page", if number > 1 { (number - 1).to_string() } else { String::new() })
            .with("X-Next-Page", next.clone())
            .with("X-Total", page::total(items, fault).to_string())
            .with("X-Total-Pages", items.len().div_ceil(size).max(1).to_string());
        let link = format!("<{origin}{}?page={next}&per_page={size}>; rel=\"next\"", call.path);
        if more { reply.with("Link", link) } else { reply }
    }

    fn group_value(&self, id: usize) -> Value {
        let path = &self.groups[id - 1];
        let name = path.rsplit('/').next();
        json!({
            "id": id,
            "name": name,
            "path": name,
            "kind": "group",
            "full_path": path,
            "parent_id": path.rsplit_once('/').and_then(|(parent, _)| self.group_id(parent, "Group").ok()),
            "members_count_with_descendants": 2,
        })
    }

    fn project_value(&self, id: usize) -> Value {
        let project = &self.projects[id - 1];
        let (group, name) = project.path.rsplit_once('/').unwrap_or(("", &project.path));
        json!({
            "id": id,
            "name": name,
            "path": name,
            "path_with_namespace": project.path,
            "visibility": if project.public { "public" } else { "private" },
            "container_registry_enabled": true,
            "container_registry_access_level": "enabled",
            "namespace": self.group_id(group, "Group").ok().map(|group| self.group_value(group)),
        })
    }

    fn repository_path(&self, repository: &Repository) -> String {
        let project = &self.projects[repository.project - 1].path;
        if repository.name.is_empty() { project.clone() } else { format!("{project}/{}", repository.name) }
    }

    fn repository_values(&self, wanted: impl Fn(usize) -> bool) -> Vec<Value> {
        let value = |(place, repository): (usize, &Repository)| {
            let path = self.repository_path(repository);
            json!({
                "id": place + 1,
                "name": repository.name,
                "path": path,
                "project_id": repository.project,
                "location": format!("{}/{path}", self.registry),
                "created_at": "2019-01-10T13:38:57.391Z",
                "cleanup_policy_started_at": null,
                "status": null,
            })
        };
        self.repositories.iter().enumerate().filter(|(_, it)| wanted(it.project)).map(value).collect()
    }
}

impl Tag {
    fn value(&self, repository: &str, registry: &str) -> Value {
        let path = format!("{repository}:{}", self.name);
        json!({"name": self.name, "path": path, "location": format!("{registry}/{path}")})
    }

    fn detail(&self, repository: &str, registry: &str) -> Value {
        let mut value = self.value(repository, registry);
        let hex = self.digest.trim_start_matches("sha256:");
        value["revision"] = hex.into();
        value["short_revision"] = hex.get(..9).into();
        value["digest"] = self.digest.as_str().into();
        value["created_at"] = self.created.as_str().into();
        value["total_size"] = self.size.into();
        value
    }
}
