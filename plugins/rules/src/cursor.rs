//! How far one rule is walked: repository after repository, tag after tag.

use std::collections::VecDeque;

use image_transfer_sdk::Image;
use image_transfer_sdk::Result;
use image_transfer_sdk::registry::Names;
use image_transfer_sdk::registry::Registries;
use serde::Deserialize;
use serde::Serialize;

use crate::rule::Defaults;
use crate::rule::Rule;
use crate::side::Repositories;
use crate::side::Tags;

/// How far a rule is walked.
#[derive(Debug)]
pub(crate) struct Cursor {
    rule: usize,
    /// The catalog, for a rule with globs, once it is open.
    catalog: Option<Names>,
    /// The repository whose tags are walked.
    repository: Option<Repository>,
    /// Whether the one repository of a rule without globs was begun.
    begun: bool,
    /// Of a resumed run: everything up to this was handed out before.
    skip: Option<Mark>,
    /// The last that was handed out.
    last: Option<Mark>,
}

#[derive(Debug)]
struct Repository {
    name: String,
    /// Tags that need no listing and were not handed out yet.
    named: VecDeque<Option<String>>,
    /// The list of tags, once it is open.
    listing: Option<Names>,
}

/// A place within a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    repository: String,
    tag: Option<String>,
}

/// What one step came to.
pub(crate) enum Step {
    /// The next image.
    Image(Image),
    /// The registry was asked for a page.
    Page,
    /// The rule is done.
    End,
}

impl Cursor {
    /// At the beginning of a rule, or behind a mark in it.
    pub(crate) fn new(rule: usize, skip: Option<Mark>) -> Self {
        Self { rule, catalog: None, repository: None, begun: false, skip, last: None }
    }

    /// The index of the rule.
    pub(crate) fn rule(&self) -> usize {
        self.rule
    }

    /// Whether it is within a repository, and not in the catalog.
    pub(crate) fn is_in_repository(&self) -> bool {
        self.repository.is_some()
    }

    /// Leaves the rest of the repository out.
    pub(crate) fn leave_repository(&mut self) {
        self.repository = None;
    }

    /// The next image, or why there is none yet.
    pub(crate) fn step(&mut self, rules: &[Rule], defaults: &Defaults, registries: &impl Registries) -> Result<Step> {
        let rule = &rules[self.rule];
        loop {
            let Some(repository) = &mut self.repository else {
                match self.next_repository(rule, registries)? {
                    None => continue,
                    Some(Step::End) if self.skip.is_some() => {
                        // Where it stopped is no longer there: better twice than never.
                        self.skip = None;
                        self.begun = false;
                        self.catalog = None;
                        continue;
                    }
                    Some(step) => return Ok(step),
                }
            };
            let tag = match repository.named.pop_front() {
                Some(tag) => tag,
                None => match repository.next_listed(rule, registries)? {
                    Some(Step::End) => {
                        let again =
                            self.skip.take_if(|skip| skip.repository == repository.name).map(|skip| skip.repository);
                        self.repository = again.map(|name| Repository::new(name, rule));
                        continue;
                    }
                    Some(step) => return Ok(step),
                    None => match repository.listing.as_mut().and_then(Names::pop) {
                        Some(tag) if rule.lists(&tag) => Some(tag),
                        _ => continue,
                    },
                },
            };
            let mark = Mark { repository: repository.name.clone(), tag };
            if let Some(skip) = &self.skip {
                if *skip == mark {
                    self.skip = None;
                    self.last = Some(mark);
                }
                continue;
            }
            let image = rule.image(&mark.repository, mark.tag.as_deref(), defaults);
            self.last = Some(mark);
            return Ok(Step::Image(image));
        }
    }

    /// Begins the next repository and returns none, or says why there is none yet.
    fn next_repository(&mut self, rule: &Rule, registries: &impl Registries) -> Result<Option<Step>> {
        match &rule.source.repositories {
            Repositories::One { name, .. } => {
                if std::mem::replace(&mut self.begun, true) {
                    return Ok(Some(Step::End));
                }
                self.repository = Some(Repository::new(name.clone(), rule));
                Ok(None)
            }
            Repositories::Matching { pattern, .. } => {
                let catalog = match &mut self.catalog {
                    Some(catalog) => catalog,
                    none => none.insert(registries.repositories(&rule.source.registry)?),
                };
                while let Some(name) = catalog.pop() {
                    let before = self.skip.as_ref().is_some_and(|skip| skip.repository != name);
                    if !before && pattern.matches(&name) {
                        self.repository = Some(Repository::new(name, rule));
                        return Ok(None);
                    }
                }
                Ok(Some(if catalog.turn()? { Step::Page } else { Step::End }))
            }
        }
    }

    /// What a resumed run has to skip to.
    pub(crate) fn last(&self) -> Option<&Mark> {
        self.skip.as_ref().or(self.last.as_ref())
    }
}

impl Repository {
    fn new(name: String, rule: &Rule) -> Self {
        let named = match &rule.source.tags {
            Tags::Digest { tag, .. } => VecDeque::from([tag.clone()]),
            // Not every repository that a glob takes has every tag: the listing says which.
            Tags::Named(_) | Tags::Listed { .. } if rule.is_of_many() => VecDeque::new(),
            Tags::Named(named) | Tags::Listed { named, .. } => named.iter().cloned().map(Some).collect(),
        };
        Self { name, named, listing: None }
    }

    /// Sees to it that the listing has a name to give and returns none, or says why it has not.
    fn next_listed(&mut self, rule: &Rule, registries: &impl Registries) -> Result<Option<Step>> {
        if !matches!(rule.source.tags, Tags::Listed { .. }) && !rule.is_of_many() {
            return Ok(Some(Step::End));
        }
        let listing = match &mut self.listing {
            Some(listing) => listing,
            none => none.insert(registries.tags(&rule.source.registry, &self.name)?),
        };
        if listing.has_names() {
            return Ok(None);
        }
        Ok(Some(if listing.turn()? { Step::Page } else { Step::End }))
    }
}

impl Rule {
    /// Whether it is about the repositories that match a glob.
    pub(crate) fn is_of_many(&self) -> bool {
        matches!(self.source.repositories, Repositories::Matching { .. })
    }

    /// Whether a tag of the registry's list is meant, and was not handed out before for being named.
    fn lists(&self, tag: &str) -> bool {
        let is_in = |named: &[String]| named.iter().any(|other| other == tag);
        match &self.source.tags {
            Tags::Listed { named, patterns } => {
                if is_in(named) {
                    self.is_of_many()
                } else {
                    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(tag))
                }
            }
            Tags::Named(named) => is_in(named),
            Tags::Digest { .. } => false,
        }
    }
}
