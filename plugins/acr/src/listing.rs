//! The lists of either edition: namespaces, repositories, tags.

use std::collections::HashMap;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
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

use crate::Config;
use crate::edition::Finder;
use crate::edition::Repository;
use crate::edition::Tag;

/// An ACR that is listed.
#[derive(Debug)]
pub struct Acr {
    finder: Finder,
    /// Where images are pulled from: what the options say, or the edition, or else each repository.
    registry: Option<String>,
    wanted: Option<Vec<String>>,
    /// Of each namespace, whether it makes public repositories.
    public: HashMap<String, bool>,
}

impl Acr {
    fn image(&self, repository: &Repository, tag: &Tag) -> Image {
        let registry = self.registry.as_ref().or(repository.registry.as_ref()).cloned().unwrap_or_default();
        let public = self.public.get(&repository.namespace).map(ToString::to_string);
        let attributes = [
            ("digest", digest(&tag.digest)),
            ("pushed-at", tag.pushed.map(|milliseconds| date::of_epoch(milliseconds / 1000))),
            ("size", tag.size.map(|size| size.to_string())),
            ("public", repository.public.map(|public| public.to_string())),
            ("namespace-public", public),
        ];
        let source =
            Reference { registry, repository: repository.full.clone(), tag: Some(tag.name.clone()), digest: None };
        let attributes = attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        Image { source, targets: Vec::new(), attributes }
    }
}

impl Configured for Acr {
    type Config = Config;
    type Client = Host;

    fn open(config: Config) -> Result<(Self, Filter, Host)> {
        let (finder, registry, filter) = config.checked()?;
        let (registry, wanted) = (registry.map(|registry| registry.host), config.namespaces);
        Ok((Self { finder, registry, wanted, public: HashMap::new() }, filter, Host))
    }
}

/// A digest as the specification writes it: the API leaves out the `sha256:`.
fn digest(told: &str) -> Option<String> {
    let digest = if told.contains(':') { told.to_owned() } else { format!("sha256:{told}") };
    check_digest(&digest).is_ok().then_some(digest)
}

impl Provider for Acr {
    /// A namespace; none: all repositories.
    type List = Option<String>;
    type Repository = Repository;

    fn lists(&mut self, client: &dyn Client) -> Result<Vec<Option<String>>> {
        let edition = self.finder.find(client)?;
        let there = edition.namespaces(client)?;
        let lists = match &self.wanted {
            None => vec![None],
            Some(wanted) => {
                if let Some(missing) = wanted.iter().find(|name| !there.iter().any(|it| it.name == **name)) {
                    let names: Vec<&str> = there.iter().map(|it| it.name.as_str()).collect();
                    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    return Err(Error::NotFound(format!(
                        "{} has no namespace `{missing}`; it has {names}",
                        edition.label()
                    )));
                }
                wanted.iter().cloned().map(Some).collect()
            }
        };
        if self.registry.is_none() {
            self.registry = edition.registry(client)?;
        }
        self.public = there.into_iter().filter_map(|it| Some((it.name, it.public?))).collect();
        Ok(lists)
    }

    fn ask_repositories(&self, namespace: &Option<String>, place: &Place) -> Result<Request> {
        Ok(self.finder.found()?.ask_repositories(namespace.as_deref(), place))
    }

    fn read_repositories(&self, _: &Option<String>, _: &Place, response: &Response) -> Result<Page<Repository>> {
        self.finder.found()?.read_repositories(response)
    }

    fn name<'a>(&self, repository: &'a Repository) -> &'a str {
        &repository.full
    }

    fn belongs(&self, namespace: &Option<String>, repository: &Repository) -> bool {
        namespace.as_ref().is_none_or(|namespace| *namespace == repository.namespace)
    }

    fn ask_tags(&self, repository: &Repository, place: &Place) -> Result<Request> {
        Ok(self.finder.found()?.ask_tags(repository, place))
    }

    fn read_tags(&self, repository: &Repository, _: &Place, response: &Response) -> Result<Page<Listed>> {
        let Page { items, total, next } = self.finder.found()?.read_tags(response)?;
        let listed = items.into_iter().map(|tag| Listed { images: vec![self.image(repository, &tag)], name: tag.name });
        Ok(Page { items: listed.collect(), total, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_gets_its_algorithm_and_a_wrong_one_is_none() {
        let hex = "a".repeat(64);
        assert_eq!(digest(&hex), Some(format!("sha256:{hex}")));
        assert_eq!(digest(&format!("sha256:{hex}")), Some(format!("sha256:{hex}")));
        assert_eq!(digest(""), None);
        assert_eq!(digest("latest"), None);
    }
}
