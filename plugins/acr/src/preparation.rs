//! What must be there before a push: the namespace, and here and there the repository.

use std::collections::HashMap;
use std::rc::Rc;

use image_transfer_sdk::Ensured;
use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::ensure::Place;
use image_transfer_sdk::ensure::is_public;
use image_transfer_sdk::http::Client;

use crate::edition::Edition;
use crate::edition::Finder;
use crate::edition::Namespace;

/// Makes what is missing.
///
/// A push makes the repository, of the kind that the namespace says, unless the namespace forbids that. So a repository is made here only
/// where it would not come to be, or where it would be of another kind than at the source: nothing private becomes public by a move.
#[derive(Debug)]
pub struct Preparation<C> {
    namespaces: Ensure<Namespaces<C>>,
    repositories: Ensure<Repositories<C>>,
    public: Option<bool>,
}

impl<C: Client + Clone> Preparation<C> {
    /// Of the edition that is to be found. `public`: what all that is made is to be, whatever the source says.
    pub fn new(finder: Finder, public: Option<bool>, client: C) -> Self {
        let repositories = Repositories { edition: None, client: client.clone() };
        let namespaces = Namespaces { finder, client, known: HashMap::new() };
        Self { namespaces: Ensure::new(namespaces), repositories: Ensure::new(repositories), public }
    }

    /// Sees to it that a repository can be pushed to.
    pub fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let (namespace, _) = split(&repository.name)?;
        let public = self.public.unwrap_or_else(|| is_public(repository, "namespace-public"));
        let ensured = self.namespaces.ensure(namespace, public)?;
        let wanted = self.wanted(repository);
        let known = self.namespaces.place().known.get(namespace);
        let Some(public) = known.and_then(|known| apart(known, wanted)) else { return Ok(ensured) };
        self.repositories.place().edition = Some(self.namespaces.place().edition()?);
        self.repositories.ensure(&repository.name, public)
    }

    /// Whether the repository is to be public, where that is said.
    fn wanted(&self, repository: &Wanted) -> Option<bool> {
        let told = repository.attributes.iter().find(|(name, _)| name == "public");
        self.public.or_else(|| told.and_then(|(_, value)| value.parse().ok()))
    }
}

/// Whether a repository that is to be public has to be made by itself, and of which kind.
fn apart(namespace: &Namespace, wanted: Option<bool>) -> Option<bool> {
    if !namespace.auto_create {
        return Some(wanted.unwrap_or(false));
    }
    wanted.filter(|_| namespace.public != wanted)
}

#[derive(Debug)]
struct Namespaces<C> {
    finder: Finder,
    client: C,
    known: HashMap<String, Namespace>,
}

impl<C: Client> Namespaces<C> {
    fn edition(&mut self) -> Result<Rc<dyn Edition>> {
        self.finder.find(&self.client)
    }
}

impl<C: Client> Place for Namespaces<C> {
    fn exists(&mut self, name: &str) -> Result<bool> {
        let found = self.edition()?.namespace(name, &self.client)?;
        let exists = found.is_some();
        self.known.extend(found.map(|namespace| (name.to_owned(), namespace)));
        Ok(exists)
    }

    fn create(&mut self, name: &str, public: bool) -> Result<()> {
        let made = self.edition()?.create_namespace(name, public, &self.client);
        made.map_err(|error| about("namespace", name, error))?;
        let namespace = Namespace { name: name.to_owned(), auto_create: true, public: Some(public) };
        self.known.insert(name.to_owned(), namespace);
        Ok(())
    }
}

#[derive(Debug)]
struct Repositories<C> {
    edition: Option<Rc<dyn Edition>>,
    client: C,
}

impl<C: Client> Repositories<C> {
    fn edition(&self) -> Result<&dyn Edition> {
        self.edition.as_deref().ok_or_else(|| Error::Fatal("a repository was asked for before its edition".to_owned()))
    }
}

impl<C: Client> Place for Repositories<C> {
    fn exists(&mut self, full: &str) -> Result<bool> {
        let (namespace, name) = split(full)?;
        self.edition()?.has_repository(namespace, name, &self.client)
    }

    fn create(&mut self, full: &str, public: bool) -> Result<()> {
        let (namespace, name) = split(full)?;
        let made = self.edition()?.create_repository(namespace, name, public, &self.client);
        made.map_err(|error| about("repository", full, error))
    }
}

/// The error with the name in it: what is read is the image's line of a report.
fn about(what: &str, name: &str, error: Error) -> Error {
    let told = |text: String| format!("{what} `{name}` cannot be made: {text}");
    match error {
        Error::Unauthorized(text) => Error::Unauthorized(told(text)),
        Error::NotFound(text) => Error::NotFound(told(text)),
        Error::Fatal(text) => Error::Fatal(told(text)),
        other => other,
    }
}

/// The namespace of a repository, and the rest of its name.
fn split(full: &str) -> Result<(&str, &str)> {
    full.split_once('/').ok_or_else(|| {
        Error::Fatal(format!("`{full}` has no namespace, which ACR needs: set `to.namespace` of the transfer"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_made_by_itself_where_a_push_would_not_make_the_right_one() {
        let namespace = |auto_create, public| Namespace { name: "team".to_owned(), auto_create, public };
        assert_eq!(apart(&namespace(true, Some(true)), None), None);
        assert_eq!(apart(&namespace(true, Some(true)), Some(true)), None);
        assert_eq!(apart(&namespace(true, Some(true)), Some(false)), Some(false));
        assert_eq!(apart(&namespace(true, None), Some(false)), Some(false));
        assert_eq!(apart(&namespace(false, Some(true)), None), Some(false));
        assert_eq!(apart(&namespace(false, Some(false)), Some(true)), Some(true));
    }

    #[test]
    fn a_repository_without_namespace_is_refused() {
        assert_eq!(split("team/web/app"), Ok(("team", "web/app")));
        assert!(matches!(split("app"), Err(Error::Fatal(text)) if text.contains("`to.namespace`")));
    }
}
