//! The lists of GitLab: repositories of a group or of a project, and tags, each by page number.

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::number;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Pager;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use serde_json::Value;

use crate::api;
use crate::api::Advice;
use crate::api::Rate;
use crate::api::segment;
use crate::config::Scope;

/// A GitLab that is listed.
#[derive(Debug)]
pub struct GitLab {
    api: String,
    scope: Scope,
    /// The projects of which the user is a member, as far as they are known.
    found: Vec<Project>,
    pager: Pager,
}

/// A list of repositories.
#[derive(Debug, Clone)]
pub enum List {
    /// Of a group and all below it, by its full path.
    Group(String),
    /// Of a project.
    Project(Project),
}

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    id: u64,
    path: String,
    /// Whether anyone may pull from it.
    public: bool,
    /// Whether it has a registry at all.
    registry: bool,
}

/// A repository, as its list tells.
#[derive(Debug, Clone)]
pub struct Repository {
    id: u64,
    project: u64,
    registry: String,
    name: String,
    /// Lists of groups do not tell.
    public: Option<bool>,
}

impl GitLab {
    pub(crate) fn new(api: String, scope: Scope) -> Self {
        Self { api, scope, found: Vec::new(), pager: Pager::new() }
    }

    /// The projects that are named in the options.
    fn named(&self, client: &dyn Client) -> Result<Vec<Project>> {
        let mut projects = Vec::new();
        for some in self.scope.projects.chunks(16) {
            let ask =
                |path: &String| Rate::Project.of(Request::get(format!("{}/projects/{}", self.api, segment(path))));
            let answers = client.send_all(some.iter().map(ask).collect());
            for (path, answer) in some.iter().zip(answers) {
                let advice: Advice<'_> = &|kind| {
                    let text = format!("there is no project `{path}`, or the token does not see it: check `projects`");
                    (kind == Kind::Missing).then_some(text)
                };
                let body = api::read(&format!("the project `{path}`"), &answer?, advice)?;
                projects.push(project(&body)?);
            }
        }
        Ok(projects)
    }

    /// The projects of which the user is a member, and no mere guest, who may not see images. What came before an error is not asked for again.
    fn member_of(&mut self, client: &dyn Client) -> Result<Vec<Project>> {
        let list = format!("{}/projects?membership=true&min_access_level=20&order_by=id&sort=asc", self.api);
        while let Some(place) = self.pager.place() {
            let response = client.send(api::ask(&list, place, Rate::Projects))?;
            let (entries, page) = api::read_page("the list of projects", &response, &|_| None)?;
            let items = entries.iter().map(project).collect::<Result<Vec<Project>>>()?;
            let page = Page { items, total: page.total, next: page.next };
            self.found.extend(self.pager.take(page, |project| project.path.as_str(), "projects")?);
        }
        Ok(self.found.clone())
    }
}

/// A project, as the API tells it.
fn project(value: &Value) -> Result<Project> {
    let level = value["container_registry_access_level"].as_str();
    let registry = level != Some("disabled") && value["container_registry_enabled"].as_bool() != Some(false);
    // A public project's registry may be for its members alone.
    let public = value["visibility"] == "public" && level.is_none_or(|level| level == "enabled");
    match (number(&value["id"]), value["path_with_namespace"].as_str()) {
        (Some(id), Some(path)) => Ok(Project { id, path: path.to_owned(), public, registry }),
        _ => Err(Error::Fatal("GitLab told of a project without `id` or `path_with_namespace`".to_owned())),
    }
}

impl List {
    /// How a person calls it.
    fn title(&self) -> String {
        match self {
            Self::Group(path) => format!("the list of repositories of the group `{path}`"),
            Self::Project(project) => format!("the list of repositories of the project `{}`", project.path),
        }
    }

    /// A repository of it, as the API tells.
    fn repository(&self, value: &Value) -> Result<Repository> {
        let (id, project) = (number(&value["id"]), number(&value["project_id"]));
        let location = value["location"].as_str().unwrap_or_default();
        let public = match self {
            Self::Group(_) => None,
            Self::Project(project) => Some(project.public),
        };
        match (id, project, location.split_once('/')) {
            (Some(id), Some(project), Some((registry, name))) if check_registry(registry).is_ok() => {
                Ok(Repository { id, project, registry: registry.to_owned(), name: name.to_owned(), public })
            }
            _ => Err(Error::Fatal(format!(
                "GitLab told of a repository at `{location}` in {}, which is no place to pull from; check `registry_external_url` of \
                 the GitLab",
                self.title()
            ))),
        }
    }
}

impl Provider for GitLab {
    type List = List;
    type Repository = Repository;

    fn lists(&mut self, client: &dyn Client) -> Result<Vec<List>> {
        let everything = self.scope.groups.is_empty() && self.scope.projects.is_empty();
        let projects = if everything { self.member_of(client)? } else { self.named(client)? };
        let groups = self.scope.groups.iter().cloned().map(List::Group);
        Ok(groups.chain(projects.into_iter().filter(|project| project.registry).map(List::Project)).collect())
    }

    fn ask_repositories(&self, list: &List, place: &Place) -> Result<Request> {
        let of = match list {
            List::Group(path) => format!("groups/{}", segment(path)),
            List::Project(project) => format!("projects/{}", project.id),
        };
        Ok(api::ask(&format!("{}/{of}/registry/repositories", self.api), place, Rate::Other))
    }

    fn read_repositories(&self, list: &List, _: &Place, response: &Response) -> Result<Page<Repository>> {
        let advice: Advice<'_> = &|kind| match (kind, list) {
            (Kind::Missing, List::Group(path)) => {
                Some(format!("there is no group `{path}`, or the token does not see it: check `groups`"))
            }
            (Kind::Missing, List::Project(_)) => Some("it went away, or its registry was turned off".to_owned()),
            _ => None,
        };
        let (entries, page) = api::read_page(&list.title(), response, advice)?;
        let items = entries.iter().map(|value| list.repository(value)).collect::<Result<_>>()?;
        Ok(Page { items, total: page.total, next: page.next })
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.name
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        let Repository { project, id, .. } = repository;
        let list = format!("{}/projects/{project}/registry/repositories/{id}/tags", self.api);
        Ok(api::ask(&list, place, Rate::Other))
    }

    /// Lists of tags have names and no more. Digest and date of each would cost a request.
    fn read_tags(&self, repository: &Repository, _: &Place, response: &Response) -> Result<Page<Listed>> {
        let action = format!("the list of tags of `{}`", repository.name);
        let (entries, page) = api::read_page(&action, response, &|_| None)?;
        let public = repository.public.map(|public| ("public".to_owned(), public.to_string()));
        let items = entries.iter().map(|tag| {
            let name = tag["name"].as_str().unwrap_or_default().to_owned();
            let source = Reference {
                registry: repository.registry.clone(),
                repository: repository.name.clone(),
                tag: Some(name.clone()),
                digest: None,
            };
            let attributes = public.iter().cloned().collect();
            Listed { name, images: vec![Image { source, targets: Vec::new(), attributes }] }
        });
        Ok(Page { items: items.collect(), total: page.total, next: page.next })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_project_is_public_if_its_registry_is_too() {
        let flags = |visibility: &str, level: &str| {
            let value = json!({
                "id": 1, "path_with_namespace": "g/p", "visibility": visibility, "container_registry_access_level": level,
            });
            let project = project(&value).expect("a project");
            (project.public, project.registry)
        };
        assert_eq!(flags("public", "enabled"), (true, true));
        assert_eq!(flags("public", "private"), (false, true));
        assert_eq!(flags("internal", "enabled"), (false, true));
        assert_eq!(flags("public", "disabled"), (false, false));
    }

    #[test]
    fn a_repository_is_where_its_location_says() {
        let list = List::Group("g".to_owned());
        let read = |location: &str| {
            list.repository(&json!({"id": 1, "project_id": 2, "path": "G/p", "location": location}))
                .map(|it| (it.registry, it.name))
        };
        assert_eq!(read("registry.example:5050/g/p"), Ok(("registry.example:5050".to_owned(), "g/p".to_owned())));
        assert!(matches!(read("g"), Err(Error::Fatal(_))));
    }
}
