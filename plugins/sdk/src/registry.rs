//! Listings of registries, with the host's credentials.
//!
//! [`Registries`] is a trait so that a source's logic runs natively: [`Host`] is the real thing, [`Table`] a registry
//! written down in a test.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::Error;
use crate::Result;
use crate::bindings::host::image_transfer::plugin::registry::Listing;

/// Where listings come from.
pub trait Registries {
    /// All repositories of a registry (`host[:port]` or `oci:PATH`).
    fn repositories(&self, registry: &str) -> Result<Names>;

    /// All tags of a repository.
    fn tags(&self, registry: &str, repository: &str) -> Result<Names>;
}

/// A list of names that is read page by page and handed out one by one.
pub struct Names {
    pages: Box<dyn FnMut() -> Result<Option<Vec<String>>>>,
    page: VecDeque<String>,
    ended: bool,
}

impl Names {
    /// Names that come from a function: a page a call, none after the last. After an error it may be called again.
    pub fn new(pages: impl FnMut() -> Result<Option<Vec<String>>> + 'static) -> Self {
        Self { pages: Box::new(pages), page: VecDeque::new(), ended: false }
    }

    /// The next name of the page that is in memory; none where a page has to be asked for first.
    pub fn pop(&mut self) -> Option<String> {
        self.page.pop_front()
    }

    /// Whether the page that is in memory has names left.
    #[must_use]
    pub fn has_names(&self) -> bool {
        !self.page.is_empty()
    }

    /// Asks for the next page. False after the last. An error leaves everything as it was: the same page may be asked for
    /// again.
    pub fn turn(&mut self) -> Result<bool> {
        if !self.ended {
            match (self.pages)()? {
                Some(page) => self.page.extend(page),
                None => self.ended = true,
            }
        }
        Ok(!self.ended)
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Names").field("page", &self.page).field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// Every name, page after page, for plugins that have no use for pages.
impl Iterator for Names {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(name) = self.pop() {
                return Some(Ok(name));
            }
            match self.turn() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The registries of the workflow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl Registries for Host {
    fn repositories(&self, registry: &str) -> Result<Names> {
        let listing = Listing::repositories(registry)?;
        Ok(Names::new(move || listing.next()))
    }

    fn tags(&self, registry: &str, repository: &str) -> Result<Names> {
        let listing = Listing::tags(registry, repository)?;
        Ok(Names::new(move || listing.next()))
    }
}

/// Registries written down, for native tests of a plugin's logic: repositories and their tags by registry, in pages of a
/// given length.
#[derive(Debug, Clone)]
pub struct Table {
    page: usize,
    repositories: BTreeMap<String, Vec<Listed>>,
}

/// A repository and its tags, or why they cannot be listed.
type Listed = (String, Result<Vec<String>>);

impl Table {
    /// No registry yet; pages of this many names.
    #[must_use]
    pub fn new(page: usize) -> Self {
        Self { page, repositories: BTreeMap::new() }
    }

    /// Adds a repository with its tags.
    #[must_use]
    pub fn with(mut self, registry: &str, repository: &str, tags: &[&str]) -> Self {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.repositories.entry(registry.to_owned()).or_default().push((repository.to_owned(), Ok(tags)));
        self
    }

    /// Adds a repository that is in the catalog and whose tags cannot be listed.
    #[must_use]
    pub fn with_error(mut self, registry: &str, repository: &str, error: Error) -> Self {
        self.repositories.entry(registry.to_owned()).or_default().push((repository.to_owned(), Err(error)));
        self
    }

    fn registry(&self, registry: &str) -> Result<&[Listed]> {
        match self.repositories.get(registry) {
            Some(repositories) => Ok(repositories),
            None => Err(Error::Unavailable(format!("{registry} cannot be reached"))),
        }
    }

    fn pages(&self, names: &[String]) -> Names {
        let mut pages: VecDeque<Vec<String>> = names.chunks(self.page).map(<[String]>::to_vec).collect();
        Names::new(move || Ok(pages.pop_front()))
    }
}

impl Registries for Table {
    fn repositories(&self, registry: &str) -> Result<Names> {
        let names: Vec<String> = self.registry(registry)?.iter().map(|(name, _)| name.clone()).collect();
        Ok(self.pages(&names))
    }

    fn tags(&self, registry: &str, repository: &str) -> Result<Names> {
        match self.registry(registry)?.iter().find(|(name, _)| name == repository) {
            Some((_, Ok(tags))) => Ok(self.pages(tags)),
            Some((_, Err(error))) => Err(error.clone()),
            None => Err(Error::NotFound(format!("{registry}/{repository} does not exist"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_run_over_pages() {
        let table = Table::new(2).with("a.example", "app", &["1", "2", "3"]);
        let tags: Result<Vec<String>> = table.tags("a.example", "app").expect("listed").collect();
        assert_eq!(tags, Ok(vec!["1".to_owned(), "2".to_owned(), "3".to_owned()]));
    }

    #[test]
    fn a_page_that_failed_is_asked_for_again() {
        let mut calls = 0;
        let mut names = Names::new(move || {
            calls += 1;
            match calls {
                1 => Err(Error::Unavailable("down".to_owned())),
                2 => Ok(Some(vec!["a".to_owned()])),
                _ => Ok(None),
            }
        });
        assert_eq!(names.turn(), Err(Error::Unavailable("down".to_owned())));
        assert_eq!(names.turn(), Ok(true));
        assert_eq!(names.pop(), Some("a".to_owned()));
        assert_eq!(names.turn(), Ok(false));
    }
}
