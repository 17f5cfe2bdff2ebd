//! Walks the rules in their order and hands out the images they name.
//!
//! A rule that cannot be walked to its end does not keep the others from being walked. What failed is told when all the
//! rest is: never a quiet short list. `rate-limited` is passed on at once.

use std::collections::VecDeque;

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Result;
use image_transfer_sdk::registry::Names;
use image_transfer_sdk::registry::Registries;
use image_transfer_sdk::warn;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Config;
use crate::rule::Defaults;
use crate::rule::Rule;
use crate::side::Repositories;
use crate::side::Tags;

/// The largest batch.
const BATCH: usize = 500;

/// An enumeration of rules.
#[derive(Debug)]
pub struct Walk<R> {
    rules: Vec<Rule>,
    defaults: Defaults,
    registries: R,
    /// The rule that comes after those in `under_way`.
    next_rule: usize,
    /// Begun and neither finished nor put off; the first is being walked.
    under_way: VecDeque<Cursor>,
    /// Met something that may pass; walked again when the host asks again.
    put_off: Vec<(Cursor, Error)>,
    /// Met something that does not pass.
    failed: Vec<(usize, Error)>,
}

/// How far a rule is walked.
#[derive(Debug)]
struct Cursor {
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
struct Mark {
    repository: String,
    tag: Option<String>,
}

/// The position of an enumeration: rules before `rule` are done, and of that one everything up to `last`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    rule: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Mark>,
}

/// What one step came to.
enum Step {
    /// The next image.
    Image(Image),
    /// The registry was asked for a page.
    Page,
    /// The rule is done.
    End,
}

impl<R: Registries> Walk<R> {
    /// Checks the rules and begins, or goes on from a position.
    pub fn open(config: &Config, position: Option<&str>, registries: R) -> Result<Self> {
        let (rules, defaults) = config.rules()?;
        let mut walk = Self {
            rules,
            defaults,
            registries,
            next_rule: 0,
            under_way: VecDeque::new(),
            put_off: Vec::new(),
            failed: Vec::new(),
        };
        if let Some(position) = position {
            let position: Position = serde_json::from_str(position)
                .ok()
                .filter(|position: &Position| position.rule <= walk.rules.len())
                .ok_or_else(|| {
                    Error::InvalidConfig("the position is not of these rules".to_owned())
                })?;
            walk.next_rule = position.rule;
            if position.last.is_some() {
                walk.begin_rule();
                if let Some(cursor) = walk.under_way.front_mut() {
                    cursor.skip = position.last;
                }
            }
        }
        Ok(walk)
    }

    /// The next batch: at most 500 images, and at most one page asked for.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Image>>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            if self.under_way.is_empty() && !self.begin_rule() {
                break;
            }
            let Some(mut cursor) = self.under_way.pop_front() else {
                break;
            };
            match cursor.step(&self.rules, &self.defaults, &self.registries) {
                Ok(Step::Image(image)) => {
                    batch.push(image);
                    self.under_way.push_front(cursor);
                }
                Ok(Step::Page) => {
                    self.under_way.push_front(cursor);
                    return Ok(Some(batch));
                }
                Ok(Step::End) => {}
                Err(error @ Error::RateLimited(_)) => {
                    self.under_way.push_front(cursor);
                    return if batch.is_empty() {
                        Err(error)
                    } else {
                        Ok(Some(batch))
                    };
                }
                Err(error) => self.fail(cursor, error),
            }
        }
        if !batch.is_empty() {
            return Ok(Some(batch));
        }
        self.finish()
    }

    /// A mark after the last batch. What failed or was put off lies behind it.
    pub fn position(&self) -> String {
        let cursors = self
            .under_way
            .iter()
            .chain(self.put_off.iter().map(|(cursor, _)| cursor));
        let places = cursors.map(|cursor| Position {
            rule: cursor.rule,
            last: cursor.last().cloned(),
        });
        let failed = self.failed.iter().map(|(rule, _)| Position {
            rule: *rule,
            last: None,
        });
        let first = failed.chain(places).min_by_key(|position| position.rule);
        let position = first.unwrap_or(Position {
            rule: self.next_rule,
            last: None,
        });
        serde_json::to_string(&position).unwrap_or_default()
    }

    fn begin_rule(&mut self) -> bool {
        let there_is_one = self.next_rule < self.rules.len();
        if there_is_one {
            self.under_way.push_back(Cursor {
                rule: self.next_rule,
                catalog: None,
                repository: None,
                begun: false,
                skip: None,
                last: None,
            });
            self.next_rule += 1;
        }
        there_is_one
    }

    fn fail(&mut self, cursor: Cursor, error: Error) {
        let rule = &self.rules[cursor.rule];
        let of_many = rule.is_of_many() && cursor.repository.is_some();
        warn!("rule {}: {}", rule.key, message(&error));
        match error {
            Error::Unavailable(_) => self.put_off.push((cursor, error)),
            // Deleted since the catalog was read.
            Error::NotFound(_) if of_many => self.go_on(cursor),
            error => {
                self.failed.push((cursor.rule, error));
                if of_many {
                    self.go_on(cursor);
                }
            }
        }
    }

    /// Goes on with the repository after the one that failed.
    fn go_on(&mut self, mut cursor: Cursor) {
        cursor.repository = None;
        self.under_way.push_front(cursor);
    }

    /// All rules were walked: the end, or what kept it from being reached.
    fn finish(&mut self) -> Result<Option<Vec<Image>>> {
        let line = |rule: usize, error: &Error| {
            format!("rule {}: {}", self.rules[rule].key, message(error))
        };
        let mut lines: Vec<String> = self
            .failed
            .iter()
            .map(|(rule, error)| line(*rule, error))
            .collect();
        lines.extend(
            self.put_off
                .iter()
                .map(|(cursor, error)| line(cursor.rule, error)),
        );
        let text = lines.join("\n");
        if !self.put_off.is_empty() {
            self.under_way = self.put_off.drain(..).map(|(cursor, _)| cursor).collect();
            return Err(Error::Unavailable(text));
        }
        match self.failed.first() {
            None => Ok(None),
            Some((_, Error::NotFound(_))) => Err(Error::NotFound(text)),
            Some((_, Error::Unauthorized(_))) => Err(Error::Unauthorized(text)),
            Some(_) => Err(Error::Fatal(text)),
        }
    }
}

impl Cursor {
    fn step(
        &mut self,
        rules: &[Rule],
        defaults: &Defaults,
        registries: &impl Registries,
    ) -> Result<Step> {
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
                        let again = self
                            .skip
                            .take_if(|skip| skip.repository == repository.name)
                            .map(|skip| skip.repository);
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
            let mark = Mark {
                repository: repository.name.clone(),
                tag,
            };
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
    fn next_repository(
        &mut self,
        rule: &Rule,
        registries: &impl Registries,
    ) -> Result<Option<Step>> {
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
                    let before = self
                        .skip
                        .as_ref()
                        .is_some_and(|skip| skip.repository != name);
                    if !before && pattern.matches(&name) {
                        self.repository = Some(Repository::new(name, rule));
                        return Ok(None);
                    }
                }
                Ok(Some(if catalog.turn()? {
                    Step::Page
                } else {
                    Step::End
                }))
            }
        }
    }

    /// What a resumed run has to skip to.
    fn last(&self) -> Option<&Mark> {
        self.skip.as_ref().or(self.last.as_ref())
    }
}

impl Repository {
    fn new(name: String, rule: &Rule) -> Self {
        let named = match &rule.source.tags {
            Tags::Digest { tag, .. } => VecDeque::from([tag.clone()]),
            // Not every repository that a glob takes has every tag: the listing says which.
            Tags::Named(_) | Tags::Listed { .. } if rule.is_of_many() => VecDeque::new(),
            Tags::Named(named) | Tags::Listed { named, .. } => {
                named.iter().cloned().map(Some).collect()
            }
        };
        Self {
            name,
            named,
            listing: None,
        }
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
        Ok(Some(if listing.turn()? {
            Step::Page
        } else {
            Step::End
        }))
    }
}

impl Rule {
    /// Whether it is about the repositories that match a glob.
    fn is_of_many(&self) -> bool {
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

fn message(error: &Error) -> String {
    match error {
        Error::InvalidConfig(text)
        | Error::Unauthorized(text)
        | Error::NotFound(text)
        | Error::Unavailable(text)
        | Error::Fatal(text) => text.clone(),
        Error::RateLimited(_) => "asked too often".to_owned(),
    }
}

#[cfg(test)]
mod tests;
