//! Catalogs and tag lists, page by page (distribution specification, "Listing Tags"; docker/distribution, "Listing Repositories").

use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Arc;

use http::HeaderMap;
use http::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::endpoint::EndpointError;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::client::Whole;
use crate::endpoint::registry::link;
use crate::http::Class;
use crate::http::same_origin;
use crate::oci::Repository;
use crate::oci::Tag;

/// What one listing may be at most.
const MAX_NAMES: usize = 10_000_000;
const MAX_PAGES: usize = 200_000;
const MAX_PAGE_BYTES: usize = 32 << 20;
/// What is read of a page that should have one name.
const MAX_FEW_BYTES: usize = 64 << 10;
/// Pages without any name in a row: a registry that filters by permission may give some.
const MAX_BLANK: usize = 1000;

/// How many names are asked for at once, first the most that registries allow, then what they may accept instead. Zero: no
/// number is given.
const SIZES: [usize; 3] = [1000, 100, 0];

/// A listing under way. It holds one page, the names of the page before, and eight bytes for each page.
///
/// It ends, whatever a registry answers: a URL that was asked before is an error (the registry sends us in a circle); a page
/// that holds nothing but names of the page before is the end (the registry ignores the mark it was given, so each further
/// page would be that one again); and names and pages are counted.
pub(in crate::endpoint) struct Listing {
    registry: Arc<Registry>,
    scope: Scope,
    path: String,
    kind: Kind,
    /// Which of [`SIZES`] is in use.
    size: usize,
    next: Next,
    hasher: RandomState,
    seen: HashSet<u64>,
    previous: HashSet<String>,
    told: usize,
    blank: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Repositories,
    Tags,
}

enum Next {
    First,
    Page(Url),
    Done,
}

#[derive(Deserialize)]
struct Page {
    /// `null` for a repository whose tags were all deleted.
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Registry {
    pub(in crate::endpoint) fn repositories(self: Arc<Self>) -> Listing {
        Listing::new(self, Scope::catalog(), "/v2/_catalog".to_owned(), Kind::Repositories)
    }

    pub(in crate::endpoint) fn tags(self: Arc<Self>, repository: &Repository) -> Listing {
        Listing::new(self, Scope::pull(repository), tags(repository), Kind::Tags)
    }

    /// Whether the repository has no tags, by one request for one of them. A registry that gives more than it was asked for, and
    /// more than a few, is an error, as is one that does not let us list.
    pub(in crate::endpoint) async fn is_empty(&self, repository: &Repository) -> Result<bool, EndpointError> {
        let mut url = self.client.url(&tags(repository)).await?;
        url.query_pairs_mut().append_pair("n", "1");
        let scope = Scope::pull(repository);
        match self.client.read(std::slice::from_ref(&scope), &url, &HeaderMap::new(), MAX_FEW_BYTES).await {
            Ok(Whole { bytes, .. }) => {
                let page: Page = serde_json::from_slice(&bytes)
                    .map_err(|error| self.protocol(&format!("GET {}", url.path()), format!("no listing: {error}")))?;
                Ok(page.tags.is_none_or(|tags| tags.is_empty()))
            }
            Err(error) if error.class() == Class::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Whether another try may end otherwise.
fn may_pass(error: &EndpointError) -> bool {
    !matches!(error.class(), Class::NotFound | Class::Permanent | Class::Reauthenticate)
}

fn tags(repository: &Repository) -> String {
    format!("/v2/{repository}/tags/list")
}

impl Listing {
    fn new(registry: Arc<Registry>, scope: Scope, path: String, kind: Kind) -> Self {
        Self {
            registry,
            scope,
            path,
            kind,
            size: 0,
            next: Next::First,
            hasher: RandomState::new(),
            seen: HashSet::new(),
            previous: HashSet::new(),
            told: 0,
            blank: 0,
        }
    }

    /// The next page, never empty; none when all is told. After an error that may pass the same page may be asked for again: were it
    /// the end, a list that broke off would look whole. Any other error ends the listing.
    pub(in crate::endpoint) async fn next(&mut self) -> Result<Option<Vec<String>>, EndpointError> {
        loop {
            let url = match std::mem::replace(&mut self.next, Next::Done) {
                Next::Done => return Ok(None),
                Next::First => match self.url(None).await {
                    Err(error) if may_pass(&error) => {
                        self.next = Next::First;
                        return Err(error);
                    }
                    url => url?,
                },
                Next::Page(url) => url,
            };
            let mark = self.hasher.hash_one(url.as_str());
            if !self.seen.insert(mark) {
                return Err(self.broken("the listing leads back to a page that was read before"));
            }
            let read = match self.read(&url).await {
                Err(error) if may_pass(&error) => {
                    self.seen.remove(&mark);
                    self.next = Next::Page(url);
                    return Err(error);
                }
                read => read?,
            };
            let Some((names, link)) = read else { continue };
            self.blank = if names.is_empty() { self.blank + 1 } else { 0 };
            if self.seen.len() >= MAX_PAGES || self.told >= MAX_NAMES || self.blank >= MAX_BLANK {
                return Err(self.broken("the listing does not end"));
            }
            let last = names.last().filter(|_| names.len() == SIZES[self.size]).cloned();
            let was_empty = names.is_empty();
            let fresh = self.fresh(names);
            if fresh.is_empty() && !was_empty {
                tracing::debug!(registry = %self.registry.name, path = %self.path, "a page brought nothing new");
                return Ok(None);
            }
            self.told += fresh.len();
            self.next = match (link, last) {
                (Some(target), _) => Next::Page(self.follow(&url, &target).await?),
                // A full page without a link: either it was the last one, or the registry gives no links (Nexus).
                (None, Some(last)) => Next::Page(self.url(Some(&last)).await?),
                (None, None) => Next::Done,
            };
            let page = self.well_formed(fresh);
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }

    /// The names of the page at `url`, and its link to the next. None: the first page was refused for its size, and another
    /// size is set.
    async fn read(&mut self, url: &Url) -> Result<Option<(Vec<String>, Option<String>)>, EndpointError> {
        let registry = &self.registry;
        let scopes = std::slice::from_ref(&self.scope);
        let Whole { headers, bytes } = match registry.client.read(scopes, url, &HeaderMap::new(), MAX_PAGE_BYTES).await
        {
            Err(error)
                if error.status() == Some(StatusCode::BAD_REQUEST)
                    && self.seen.len() == self.size + 1
                    && self.size + 1 < SIZES.len() =>
            {
                self.size += 1;
                self.next = Next::First;
                return Ok(None);
            }
            read => read?,
        };
        let link = link::next(&headers);
        let page: Page =
            serde_json::from_slice(&bytes).map_err(|error| self.broken(&format!("no listing: {error}")))?;
        let names = match self.kind {
            Kind::Repositories => page.repositories,
            Kind::Tags => page.tags,
        };
        Ok(Some((names.unwrap_or_default(), link)))
    }

    /// The URL of the first page, or of the one after `last`.
    async fn url(&self, last: Option<&str>) -> Result<Url, EndpointError> {
        let mut url = self.registry.client.url(&self.path).await?;
        if SIZES[self.size] > 0 {
            url.query_pairs_mut().append_pair("n", &SIZES[self.size].to_string());
        }
        if let Some(last) = last {
            url.query_pairs_mut().append_pair("last", last);
        }
        Ok(url)
    }

    async fn follow(&self, url: &Url, target: &str) -> Result<Url, EndpointError> {
        let next = self.registry.follow(url, target).await?;
        let foreign = || self.broken("the link to the next page leads to another host");
        if same_origin(url, &next) { Ok(next) } else { Err(foreign()) }
    }

    /// Those of `names` that the page before did not have, each once.
    fn fresh(&mut self, names: Vec<String>) -> Vec<String> {
        let before = std::mem::take(&mut self.previous);
        let mut fresh = Vec::with_capacity(names.len());
        for name in names {
            if !self.previous.contains(&name) {
                if !before.contains(&name) {
                    fresh.push(name.clone());
                }
                self.previous.insert(name);
            }
        }
        fresh
    }

    fn well_formed(&self, mut names: Vec<String>) -> Vec<String> {
        names.retain(|name| {
            let valid = match self.kind {
                Kind::Repositories => name.parse::<Repository>().is_ok(),
                Kind::Tags => name.parse::<Tag>().is_ok(),
            };
            if !valid {
                let shown: String = name.escape_debug().take(200).collect();
                tracing::warn!(registry = %self.registry.name, path = %self.path, name = %shown, "left out: not a valid name");
            }
            valid
        });
        names
    }

    fn broken(&self, problem: &str) -> EndpointError {
        self.registry.protocol(&format!("GET {}", self.path), problem)
    }
}
