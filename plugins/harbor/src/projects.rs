//! Projects: which there are, and making one before a push.

use std::collections::HashSet;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Pager;
use image_transfer_sdk::warn;
use serde_json::Value;
use serde_json::json;

use crate::Api;

/// Names that are asked for at a time.
const AT_ONCE: usize = 50;

/// Projects that a sentence names.
const SHOWN: usize = 20;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub(crate) name: String,
    /// Whether anyone may pull from it.
    pub(crate) public: bool,
    /// Whether it holds what another registry has and takes no push.
    pub(crate) is_cache: bool,
}

impl Project {
    fn read(value: &Value) -> Option<Self> {
        let public = &value["metadata"]["public"];
        Some(Self {
            name: value["name"].as_str()?.to_owned(),
            public: public == "true" || *public == Value::Bool(true),
            is_cache: number(&value["registry_id"]).is_some_and(|id| id > 0),
        })
    }
}

/// All projects that the user sees.
pub(crate) fn all(api: &Api, client: &dyn Client) -> Result<Vec<Project>> {
    read(api, "", client)
}

/// Those of `names` that the user sees.
pub(crate) fn named(api: &Api, names: &[String], client: &dyn Client) -> Result<Vec<Project>> {
    let mut found = Vec::new();
    for some in names.chunks(AT_ONCE) {
        // In quotes: a name of digits alone would be taken for a number, and compared with no name.
        let list: Vec<String> = some.iter().map(|name| format!("%27{name}%27")).collect();
        let page = read(api, &format!("&q=name%3D%7B{}%7D", list.join("%20")), client)?;
        // A Harbor that does not know `q` shows everything.
        found.extend(page.into_iter().filter(|project| some.contains(&project.name)));
    }
    Ok(found)
}

/// The names on the first page of all that the user sees, as a fragment.
pub(crate) fn some(api: &Api, client: &dyn Client) -> Result<String> {
    let names: Vec<String> = page(api, "", 0, client)?.items.into_iter().map(|project| project.name).collect();
    Ok(match names.len() {
        0 => "it shows none".to_owned(),
        count if count > SHOWN => format!("it shows {} and others", names[..SHOWN].join(", ")),
        _ => format!("it shows {}", names.join(", ")),
    })
}

fn read(api: &Api, query: &str, client: &dyn Client) -> Result<Vec<Project>> {
    let (mut pager, mut projects) = (Pager::new(), Vec::new());
    while let Some(place) = pager.place() {
        let page = page(api, query, place.page, client)?;
        projects.extend(pager.take(page, |project| &project.name, "projects")?);
    }
    Ok(projects)
}

/// Details are quotas and counts, which cost Harbor more than the list.
fn page(api: &Api, query: &str, number: u64, client: &dyn Client) -> Result<Page<Project>> {
    let response = client.send(api.ask_page("/projects", &format!("&with_detail=false{query}"), number))?;
    api.read_page("GET /projects", &response, Project::read)
}

/// The projects of a Harbor that is pushed to.
#[derive(Debug)]
pub struct Projects<C> {
    api: Api,
    client: C,
    greeted: bool,
    /// Projects that Harbor said it has when they were to be made.
    taken: HashSet<String>,
}

impl<C: Client> Projects<C> {
    /// Those that this user sees or makes.
    pub fn new(api: Api, client: C) -> Self {
        Self { api, client, greeted: false, taken: HashSet::new() }
    }
}

impl<C: Client> Place for Projects<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        if !self.greeted {
            self.api.greet(&self.client)?;
            self.greeted = true;
        }
        match named(&self.api, &[name.to_owned()], &self.client)?.pop() {
            Some(project) if project.is_cache => Err(Error::Fatal(format!(
                "the project `{name}` of {} is a proxy cache, which takes no push: choose another by `to.namespace` or a mapper",
                self.api.provider()
            ))),
            Some(_) => Ok(true),
            None if self.taken.contains(name) => {
                warn!(
                    "the project `{name}` of {} is there and not shown to {}, who may have no right to push there",
                    self.api.provider(),
                    self.api.user()
                );
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn create(&mut self, name: &str, public: bool) -> Result<()> {
        let project = json!({"project_name": name, "metadata": {"public": public.to_string()}});
        let response = self.client.send(self.api.ask_to_make("/projects", &project)?)?;
        if response.status() == 409 {
            self.taken.insert(name.to_owned());
        }
        let action = format!("POST /projects ({name})");
        match self.api.read_made(&action, &response) {
            Err(Error::Unauthorized(reason)) if response.status() == 403 => Err(Error::Unauthorized(format!(
                "{reason}; or have an administrator make the project `{name}` and {} a developer in it",
                self.api.user()
            ))),
            made => made,
        }
    }
}

/// The project that a repository lies in.
pub(crate) fn project_of(repository: &str) -> Result<&str> {
    repository.split_once('/').map(|(project, _)| project).ok_or_else(|| {
        Error::Fatal(format!("`{repository}` is in no project, which Harbor needs: set `to.namespace` of the transfer"))
    })
}
