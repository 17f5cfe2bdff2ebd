//! The lists of ECR: repositories, and the images of each, by tokens.

use std::cell::RefCell;
use std::collections::BTreeSet;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::api::number;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;
use image_transfer_sdk::pattern::Pattern;
use image_transfer_sdk::reference::check_digest;
use image_transfer_sdk::walk::Filter;
use image_transfer_sdk::walk::Listed;
use image_transfer_sdk::walk::Provider;
use serde_json::Value;
use serde_json::json;

use crate::Config;
use crate::api::Action;
use crate::api::Api;
use crate::api::Edition;
use crate::api::seconds;
use crate::api::text;
use crate::pages::Pages;

/// Entries of a page, the most that the API gives.
const PAGE: u64 = 1000;

/// Repositories that can be asked for by name at a time.
const NAMED: usize = 100;

/// Namespaces that an error names.
const SHOWN: usize = 20;

pub(crate) const REPOSITORIES: Action = Action::new("DescribeRepositories", 20);
const IMAGES: Action = Action::new("DescribeImages", 20);

/// An ECR that is listed.
#[derive(Debug)]
pub struct Ecr {
    api: Api,
    registry: Option<String>,
    namespaces: Option<Vec<String>>,
    /// The repositories that are wanted, where the options name each.
    named: Option<Vec<String>>,
    pages: Pages,
    /// First segments of the names that were read, for as long as a namespace may be missing.
    seen: RefCell<BTreeSet<String>>,
    /// Namespaces that have a repository.
    found: RefCell<BTreeSet<String>>,
}

/// Which repositories: these, or all.
#[derive(Debug, Clone)]
pub enum List {
    /// All of the registry.
    All,
    /// By their names, which must be there.
    Named(Vec<String>),
}

/// A repository, as its list tells.
#[derive(Debug, Clone)]
pub struct Repository {
    /// As the API calls it.
    name: String,
    registry: String,
    /// As it is pulled: with an alias in front in the public edition.
    path: String,
}

impl Ecr {
    /// Checks the options and sends nothing.
    pub fn open(config: Config) -> Result<(Self, Filter)> {
        let (api, filter) = config.checked()?;
        let Config { registry, namespaces, repositories, .. } = config;
        let literal = |text: &String| Pattern::parse(text).ok()?.literal().map(str::to_owned);
        let named: Option<Vec<String>> = repositories.iter().map(literal).collect();
        let named = named.filter(|names| !names.is_empty()).map(|mut names| {
            names.retain(|name| filter.wants(name) && in_namespaces(namespaces.as_deref(), name).is_some());
            names.sort();
            names.dedup();
            names
        });
        let (pages, seen, found) = (Pages::default(), RefCell::default(), RefCell::default());
        Ok((Self { api, registry, namespaces, named, pages, seen, found }, filter))
    }

    /// Fails at the end of the list if a namespace had nothing in it.
    fn check_namespaces(&self, names: &[Repository], ended: bool) -> Result<()> {
        let Some(wanted) = &self.namespaces else { return Ok(()) };
        let (mut seen, mut found) = (self.seen.borrow_mut(), self.found.borrow_mut());
        for Repository { name, .. } in names {
            found.extend(wanted.iter().filter(|namespace| is_below(namespace, name)).cloned());
            if found.len() < wanted.len()
                && let Some((first, _)) = name.split_once('/')
            {
                seen.insert(first.to_owned());
            }
        }
        match wanted.iter().find(|namespace| !found.contains(*namespace)) {
            Some(missing) if ended => {
                let there: Vec<&str> = seen.iter().take(SHOWN).map(String::as_str).collect();
                let there = match (there.is_empty(), seen.len() > SHOWN) {
                    (true, _) => "there is none with a `/` in its name".to_owned(),
                    (false, more) => {
                        format!("there are some below {}{}", there.join(", "), if more { " and others" } else { "" })
                    }
                };
                Err(Error::NotFound(format!(
                    "this registry has no repository below `{missing}/`, which is one of `namespaces`; {there}"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Where a repository is pulled from.
    fn repository(&self, response: &Response, entry: &Value) -> Result<Repository> {
        let (name, uri) = (text(entry, "repositoryName"), text(entry, "repositoryUri"));
        match uri.split_once('/') {
            Some((host, path)) if !name.is_empty() && is_end(path, name) => {
                let registry = self.registry.as_deref().unwrap_or(host).to_owned();
                Ok(Repository { name: name.to_owned(), registry, path: path.to_owned() })
            }
            _ => Err(self.api.unreadable(REPOSITORIES, response)),
        }
    }

    /// An image, once for each of its tags.
    fn listed(&self, repository: &Repository, entry: &Value) -> Listed {
        let digest = text(entry, "imageDigest");
        let tags = entry.get("imageTags").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
        let tags: Vec<&str> = tags.iter().filter_map(Value::as_str).collect();
        let public = (self.api.edition == Edition::Public).to_string();
        let attributes = [
            ("digest", Some(digest).filter(|digest| check_digest(digest).is_ok()).map(str::to_owned)),
            ("pushed-at", seconds(&entry["imagePushedAt"]).map(date::of_epoch)),
            ("size", number(&entry["imageSizeInBytes"]).filter(|size| *size > 0).map(|size| size.to_string())),
            ("public", Some(public.clone())),
            ("namespace-public", Some(public)),
        ];
        let attributes: Vec<(String, String)> =
            attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        let images = tags.iter().map(|tag| Image {
            source: Reference {
                registry: repository.registry.clone(),
                repository: repository.path.clone(),
                tag: Some((*tag).to_owned()),
                digest: None,
            },
            targets: Vec::new(),
            attributes: attributes.clone(),
        });
        let name = if digest.is_empty() { tags.join(" ") } else { digest.to_owned() };
        Listed { name, images: images.collect() }
    }
}

/// Whether a repository lies below a namespace.
fn is_below(namespace: &str, name: &str) -> bool {
    name.strip_prefix(namespace).is_some_and(|rest| rest.starts_with('/'))
}

/// The namespace of those that are wanted that a repository lies below; the empty one where all are.
fn in_namespaces<'a>(wanted: Option<&'a [String]>, name: &str) -> Option<&'a str> {
    match wanted {
        None => Some(""),
        Some(wanted) => wanted.iter().map(String::as_str).find(|namespace| is_below(namespace, name)),
    }
}

/// Whether `name` is all of `path`, or all behind a slash in it.
fn is_end(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// How a list goes on behind an answer.
fn next(body: &Value) -> Next {
    match text(body, "nextToken") {
        "" => Next::Last,
        token => Next::Token(token.to_owned()),
    }
}

impl Provider for Ecr {
    type List = List;
    type Repository = Repository;

    fn lists(&mut self, _: &dyn Client) -> Result<Vec<List>> {
        Ok(match &self.named {
            None => vec![List::All],
            Some(names) => names.chunks(NAMED).map(|names| List::Named(names.to_vec())).collect(),
        })
    }

    fn ask_repositories(&self, list: &List, place: &Place) -> Result<Request> {
        let mut parameters = self.api.parameters();
        match list {
            List::All => page(&mut parameters, place),
            List::Named(names) => parameters["repositoryNames"] = json!(names),
        }
        Ok(self.api.ask(REPOSITORIES, &parameters))
    }

    fn read_repositories(&self, list: &List, place: &Place, response: &Response) -> Result<Page<Repository>> {
        let body = self.api.read(REPOSITORIES, response)?;
        let entries = self.api.list(REPOSITORIES, response, &body, "repositories")?;
        let items: Vec<Repository> =
            entries.iter().map(|entry| self.repository(response, entry)).collect::<Result<_>>()?;
        let next = next(&body);
        match list {
            List::Named(names) => {
                // Those that are not there are an error of the API's. This is in case that they are not.
                return Ok(Page { items, total: Some(names.len() as u64), next: Next::Last });
            }
            List::All => {
                let names = items.iter().map(|it| it.name.as_str());
                self.pages.check("repositories", place, names, next != Next::Last)?;
                self.check_namespaces(&items, next == Next::Last)?;
            }
        }
        Ok(Page { items, total: None, next })
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.name
    }

    /// The API has no filter by prefixes.
    fn belongs(&self, _: &List, repository: &Repository) -> bool {
        in_namespaces(self.namespaces.as_deref(), &repository.name).is_some()
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        let mut parameters = self.api.parameters();
        parameters["repositoryName"] = repository.name.as_str().into();
        if self.api.edition == Edition::Private {
            parameters["filter"] = json!({"tagStatus": "TAGGED"});
        }
        page(&mut parameters, place);
        Ok(self.api.ask(IMAGES, &parameters))
    }

    fn read_tags(&self, repository: &Repository, place: &Place, response: &Response) -> Result<Page<Listed>> {
        let body = self.api.read(IMAGES, response)?;
        let entries = self.api.list(IMAGES, response, &body, "imageDetails")?;
        let items: Vec<Listed> = entries.iter().map(|entry| self.listed(repository, entry)).collect();
        let next = next(&body);
        let what = format!("images of {}", repository.name);
        self.pages.check(&what, place, items.iter().map(|it| it.name.as_str()), next != Next::Last)?;
        Ok(Page { items, total: None, next })
    }
}

fn page(parameters: &mut Value, place: &Place) {
    parameters["maxResults"] = PAGE.into();
    if let Some(token) = &place.token {
        parameters["nextToken"] = token.as_str().into();
    }
}

#[cfg(test)]
mod tests;
