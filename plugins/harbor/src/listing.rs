//! The lists of Harbor: projects, the repositories of each, the artifacts of each repository with their tags.

use std::collections::HashSet;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::reference::check_digest;
use image_transfer_sdk::walk::Configured;
use image_transfer_sdk::walk::Filter;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use image_transfer_sdk::warn;
use serde_json::Value;

use crate::Api;
use crate::Config;
use crate::projects;
use crate::projects::Project;

/// A Harbor that is listed.
#[derive(Debug)]
pub struct Harbor {
    api: Api,
    registry: String,
    wanted: Option<Vec<String>>,
    greeted: bool,
}

/// A repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// With its project.
    name: String,
    project: Project,
}

impl Harbor {
    /// All projects but proxy caches, which hold what others have: those are read only by name.
    fn all(&self, client: &dyn Client) -> Result<Vec<Project>> {
        let (caches, projects): (Vec<_>, Vec<_>) =
            projects::all(&self.api, client)?.into_iter().partition(|project| project.is_cache);
        if !caches.is_empty() {
            let names: Vec<&str> = caches.iter().map(|project| project.name.as_str()).collect();
            warn!(
                "proxy caches are left out, since they hold what other registries have: {}; name one in `projects` to have it listed",
                names.join(", ")
            );
        }
        if projects.is_empty() {
            warn!("{} shows no project to {}", self.api.provider(), self.api.user());
        }
        Ok(projects)
    }

    fn ask_missing(&self, name: &str, client: &dyn Client) -> Error {
        let Self { api, .. } = self;
        match projects::some(api, client) {
            Ok(there) => Error::NotFound(format!(
                "{} shows {} no project `{name}`; {there}: check `projects`, and that {} is a member",
                api.provider(),
                api.user(),
                api.user()
            )),
            Err(error) => error,
        }
    }
}

/// The path of a repository's artifacts. Slashes are encoded twice: the proxy before Harbor decodes a path once, and then it has to be
/// one segment still.
fn artifacts(repository: &Repository) -> String {
    let project = &repository.project.name;
    let name = &repository.name[project.len() + 1..];
    format!("/projects/{project}/repositories/{}/artifacts", name.replace('/', "%252F"))
}

impl Configured for Harbor {
    type Config = Config;
    type Client = Host;

    fn open(config: Config) -> Result<(Self, Filter, Host)> {
        let (api, filter) = config.checked()?;
        let registry = config.registry.unwrap_or_else(|| api.host().to_owned());
        let mut known = HashSet::new();
        let once = |names: Vec<String>| names.into_iter().filter(|name| known.insert(name.clone())).collect();
        let harbor = Self { api, registry, wanted: config.projects.map(once), greeted: false };
        Ok((harbor, filter, Host))
    }
}

impl Provider for Harbor {
    type List = Project;
    type Repository = Repository;

    fn ready(&mut self, client: &dyn Client) -> Result<()> {
        if !self.greeted {
            self.api.greet(client)?;
            self.greeted = true;
        }
        Ok(())
    }

    fn lists(&mut self, client: &dyn Client) -> Result<Vec<Project>> {
        let Some(wanted) = &self.wanted else { return self.all(client) };
        let found = projects::named(&self.api, wanted, client)?;
        let in_order = wanted.iter().map(|name| {
            let project = found.iter().find(|project| project.name == *name);
            project.cloned().ok_or_else(|| self.ask_missing(name, client))
        });
        in_order.collect()
    }

    fn ask_repositories(&self, project: &Project, place: &Place) -> Result<Request> {
        Ok(self.api.ask_page(&format!("/projects/{}/repositories", project.name), "", place.page))
    }

    fn read_repositories(&self, project: &Project, _: &Place, response: &Response) -> Result<Page<Repository>> {
        let action = format!("GET /projects/{}/repositories", project.name);
        self.api.read_page(&action, response, |item| {
            let name = item["name"].as_str()?.to_owned();
            let rest = name.strip_prefix(&project.name)?.strip_prefix('/')?;
            (!rest.is_empty()).then(|| Repository { name: name.clone(), project: project.clone() })
        })
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.name
    }

    /// What has no tag is not asked for: there may be thousands of it.
    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        Ok(self.api.ask_page(&artifacts(repository), "&q=tags%3D%2A&with_tag=true", place.page))
    }

    fn read_tags(&self, repository: &Repository, _: &Place, response: &Response) -> Result<Page<Listed>> {
        let action = format!("GET {}", artifacts(repository));
        self.api.read_page(&action, response, |artifact| self.listed(repository, artifact))
    }
}

impl Harbor {
    /// An artifact, with an image for each of its tags.
    fn listed(&self, repository: &Repository, artifact: &Value) -> Option<Listed> {
        let digest = artifact["digest"].as_str()?;
        let time = |value: &Value| value["push_time"].as_str().and_then(|time| date::rfc3339(time, 0));
        let public = repository.project.public.to_string();
        let image = |tag: &Value| {
            let attributes = [
                ("digest", Some(digest).filter(|digest| check_digest(digest).is_ok()).map(str::to_owned)),
                ("pushed-at", time(tag).or_else(|| time(artifact))),
                ("size", number(&artifact["size"]).map(|size| size.to_string())),
                ("public", Some(public.clone())),
                ("namespace-public", Some(public.clone())),
            ];
            let source = Reference {
                registry: self.registry.clone(),
                repository: repository.name.clone(),
                tag: tag["name"].as_str().map(str::to_owned),
                digest: None,
            };
            let attributes = attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
            Image { source, targets: Vec::new(), attributes }
        };
        let images = artifact["tags"].as_array().into_iter().flatten().map(image).collect();
        Some(Listed { name: digest.to_owned(), images })
    }
}

#[cfg(test)]
mod tests;
