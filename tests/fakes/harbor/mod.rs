//! Harbor, version 2: its API below `/api/v2.0`, and its registry below `/v2/` on the same address.
//!
//! The shapes are those of `api/v2.0/swagger.yaml` of goharbor/harbor, and the handlers of `src/server/v2.0` say who sees what. What
//! catches clients, and so is kept:
//!
//! - Wrong credentials are not refused: who sends them is nobody in particular and sees what is public. Only `/users/current` says.
//! - Each reply sets a cookie. A write that brings one needs a CSRF token as well.
//! - A name with a slash is encoded twice. What is encoded once is a longer path by the time that Harbor's router sees it.

mod answer;
mod forward;
pub mod page;
mod query;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use base64::Engine as _;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Faults;
use crate::harness::api::Reply;
use crate::harness::api::Server;

/// A running Harbor. Its one user that may do everything is [`ADMIN`].
///
/// Actions with faults: `version`, `current-user`, `projects`, `project`, `create-project`, `repositories`, `artifacts`.
pub struct Harbor {
    api: Arc<Fake>,
    server: Server,
}

/// The administrator's name and password.
pub const ADMIN: (&str, &str) = ("admin", "not-a-real-password");

/// An artifact and the tags that lead to it.
#[derive(Clone, Debug, Default)]
pub struct Artifact {
    pub digest: String,
    pub size: u64,
    /// By RFC 3339.
    pub pushed: String,
    /// Each with the time of its own push.
    pub tags: Vec<(String, String)>,
}

struct Fake {
    registry: Option<SocketAddr>,
    state: Mutex<State>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    users: Vec<User>,
    projects: Vec<Project>,
    /// The next identifier of anything.
    next: u64,
    creation_is_for_admins: bool,
    older: bool,
    foreign: bool,
    cookies: usize,
}

#[derive(Clone)]
struct User {
    name: String,
    password: String,
    admin: bool,
}

struct Project {
    id: u64,
    name: String,
    owner: String,
    members: Vec<String>,
    public: bool,
    /// 0, but for a proxy cache.
    registry: u64,
    repositories: Vec<Repository>,
}

struct Repository {
    id: u64,
    /// Without the project.
    name: String,
    artifacts: Vec<Artifact>,
}

impl Harbor {
    /// One without projects. What is below `/v2/` and `/service/token` goes to `registry`; there is none of it without one.
    pub fn start(registry: Option<SocketAddr>) -> Self {
        let fake = Fake { registry, state: Mutex::default(), faults: Faults::default() };
        let api = Arc::new(fake);
        let harbor = Self { server: Server::start(Arc::clone(&api) as Arc<dyn Api>), api };
        harbor.add_user(ADMIN.0, ADMIN.1, true);
        harbor
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`, of the API and of the registry.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn faults(&self) -> &Faults {
        &self.api.faults
    }

    /// Whoever is called `robot$…` is a robot.
    pub fn user(&self, name: &str, password: &str) {
        self.add_user(name, password, false);
    }

    fn add_user(&self, name: &str, password: &str, admin: bool) {
        let user = User { name: name.to_owned(), password: password.to_owned(), admin };
        self.api.state.lock().unwrap().users.push(user);
    }

    /// A project of the administrator's.
    pub fn project(&self, name: &str, public: bool) {
        self.api.state.lock().unwrap().add_project(name, ADMIN.0, public, 0);
    }

    /// A project that caches what another registry has; nobody pushes there.
    pub fn proxy_cache(&self, name: &str) {
        self.api.state.lock().unwrap().add_project(name, ADMIN.0, false, 1);
    }

    /// The project's images are for this user too.
    pub fn member(&self, project: &str, user: &str) {
        let mut state = self.api.state.lock().unwrap();
        state.projects.iter_mut().find(|it| it.name == project).unwrap().members.push(user.to_owned());
    }

    /// Adds an artifact to a repository, which comes to be with its first; the name is without the project.
    pub fn artifact(&self, project: &str, repository: &str, artifact: Artifact) {
        let mut state = self.api.state.lock().unwrap();
        let id = state.identifier();
        let project = state.projects.iter_mut().find(|it| it.name == project).unwrap();
        let position = project.repositories.iter().position(|it| it.name == repository).unwrap_or_else(|| {
            project.repositories.push(Repository { id, name: repository.to_owned(), artifacts: Vec::new() });
            project.repositories.len() - 1
        });
        project.repositories[position].artifacts.push(artifact);
    }

    /// Whether the project is public; none where there is no such project.
    pub fn publicity(&self, project: &str) -> Option<bool> {
        let state = self.api.state.lock().unwrap();
        state.projects.iter().find(|it| it.name == project).map(|it| it.public)
    }

    /// From now on, projects are made by administrators alone.
    pub fn only_admins_create(&self) {
        self.api.state.lock().unwrap().creation_is_for_admins = true;
    }

    /// From now on, as Harbor was before 2.16: a project that is not there is 403 like one that is not shown, and `HEAD` asks
    /// nobody who he is.
    pub fn older(&self) {
        self.api.state.lock().unwrap().older = true;
    }

    /// From now on, `Link` leads to `http://other.example`.
    pub fn lead_elsewhere(&self) {
        self.api.state.lock().unwrap().foreign = true;
    }

    /// How many requests to the API brought a cookie.
    pub fn cookies(&self) -> usize {
        self.api.state.lock().unwrap().cookies
    }
}

impl State {
    fn identifier(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn add_project(&mut self, name: &str, owner: &str, public: bool, registry: u64) -> u64 {
        let id = self.identifier();
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.projects.push(Project {
            id,
            name,
            owner,
            members: Vec::new(),
            public,
            registry,
            repositories: Vec::new(),
        });
        id
    }

    /// Who asks. None is nobody in particular, which is also who sends a wrong password.
    fn caller(&self, call: &Call) -> Option<User> {
        let given = call.header("authorization")?.strip_prefix("Basic ")?;
        let given = base64::engine::general_purpose::STANDARD.decode(given).ok()?;
        self.users.iter().find(|user| format!("{}:{}", user.name, user.password).into_bytes() == given).cloned()
    }
}

impl Project {
    fn visible_to(&self, caller: Option<&User>) -> bool {
        let theirs = |user: &User| user.admin || user.name == self.owner || self.members.contains(&user.name);
        self.public || caller.is_some_and(theirs)
    }
}

impl Api for Fake {
    fn answer(&self, call: &Call) -> Reply {
        if call.path.starts_with("/v2/") || call.path == "/service/token" {
            return match self.registry {
                Some(registry) => forward::to(registry, call),
                None => answer::error(404, "NOT_FOUND", "no registry here"),
            };
        }
        let reply = self.api(call);
        reply
            .with("Set-Cookie", "sid=0123456789abcdef0123456789abcdef; Path=/; HttpOnly")
            .with("X-Request-Id", "6b0f1a55-6f0e-4b8f-9d7d-2f0a5f3c9a01")
    }
}
