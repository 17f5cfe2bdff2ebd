//! Walks a registry: repository after repository, tag after tag.

use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::pattern::Pattern;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::reference::normal_registry;
use image_transfer_sdk::registry::Names;
use image_transfer_sdk::registry::Registries;
use image_transfer_sdk::warn;

use crate::Config;

/// The largest batch.
const BATCH: usize = 500;

/// An enumeration of a registry.
#[derive(Debug)]
pub struct Walk<R> {
    registry: String,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    registries: R,
    /// The names that there are, once they are asked for.
    catalog: Option<Names>,
    /// The repository whose tags are walked.
    under_way: Option<Repository>,
    /// The last whose tags were all handed out.
    finished: Option<String>,
    /// Of a resumed run: all names up to this one were walked before.
    skip: Option<String>,
}

#[derive(Debug)]
struct Repository {
    name: String,
    /// The list of tags, once it is open.
    tags: Option<Names>,
}

/// What one step came to.
enum Step {
    /// The next image.
    Image(Image),
    /// The registry was asked for a page.
    Page,
    /// Everything is told.
    End,
}

impl<R: Registries> Walk<R> {
    /// Checks the configuration and begins, or goes on behind a repository.
    pub fn open(config: &Config, position: Option<String>, registries: R) -> Result<Self> {
        let mut problems = Problems::default();
        let registry = config.registry.strip_suffix('/').unwrap_or(&config.registry);
        problems.check("registry", check_registry(registry));
        let mut patterns = |name: &str, texts: &[String]| -> Vec<Pattern> {
            texts.iter().filter_map(|text| problems.check(name, pattern(text))).collect()
        };
        let include = patterns("repositories", &config.repositories);
        let exclude = patterns("exclude", &config.exclude);
        if config.repositories.is_empty() {
            problems.push("repositories: is empty; leave it out for all");
        }
        problems.finish()?;
        Ok(Self {
            registry: normal_registry(registry),
            include,
            exclude,
            registries,
            catalog: None,
            under_way: None,
            finished: position.clone(),
            skip: position,
        })
    }

    /// The next batch: at most 500 images, and at most one page asked for.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Image>>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            match self.step() {
                Ok(Step::Image(image)) => batch.push(image),
                Ok(Step::Page) => return Ok(Some(batch)),
                Ok(Step::End) if batch.is_empty() => return Ok(None),
                Err(error) if batch.is_empty() => return Err(error),
                // An error comes again when the host asks again.
                Ok(Step::End) | Err(_) => break,
            }
        }
        Ok(Some(batch))
    }

    /// The last repository whose tags were all handed out.
    pub fn position(&self) -> Option<String> {
        self.finished.clone()
    }

    fn step(&mut self) -> Result<Step> {
        loop {
            let Some(repository) = &mut self.under_way else {
                match self.next_repository()? {
                    None => continue,
                    Some(step) => return Ok(step),
                }
            };
            let tags = match &mut repository.tags {
                Some(tags) => tags,
                none => match self.registries.tags(&self.registry, &repository.name) {
                    Ok(tags) => none.insert(tags),
                    Err(error) => {
                        self.gone(error)?;
                        continue;
                    }
                },
            };
            if let Some(tag) = tags.pop() {
                let source = Reference {
                    registry: self.registry.clone(),
                    repository: repository.name.clone(),
                    tag: Some(tag),
                    digest: None,
                };
                return Ok(Step::Image(Image { source, targets: Vec::new(), attributes: Vec::new() }));
            }
            match tags.turn() {
                Ok(true) => return Ok(Step::Page),
                Ok(false) => {
                    self.finished = self.under_way.take().map(|repository| repository.name);
                }
                Err(error) => self.gone(error)?,
            }
        }
    }

    /// Begins the next repository and returns none, or says why there is none yet.
    fn next_repository(&mut self) -> Result<Option<Step>> {
        let catalog = match &mut self.catalog {
            Some(catalog) => catalog,
            none => none.insert(match plain_names(&self.include) {
                Some(names) => {
                    let mut names = Some(names);
                    Names::new(move || Ok(names.take()))
                }
                None => self.registries.repositories(&self.registry)?,
            }),
        };
        while let Some(name) = catalog.pop() {
            match &self.skip {
                Some(skip) if *skip == name => self.skip = None,
                Some(_) => {}
                None => {
                    let is_meant = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&name));
                    if is_meant(&self.include) && !is_meant(&self.exclude) {
                        self.under_way = Some(Repository { name, tags: None });
                        return Ok(None);
                    }
                }
            }
        }
        if catalog.turn()? {
            return Ok(Some(Step::Page));
        }
        if self.skip.take().is_some() {
            // Where it stopped is no longer there: better twice than never.
            self.finished = None;
            self.catalog = None;
            return Ok(None);
        }
        Ok(Some(Step::End))
    }

    /// Leaves the repository out if it is no longer there; any other error stands.
    fn gone(&mut self, error: Error) -> Result<()> {
        match error {
            Error::NotFound(reason) => {
                let repository = self.under_way.take().map(|repository| repository.name).unwrap_or_default();
                warn!("{}/{repository} is left out: {reason}", self.registry);
                self.finished = Some(repository);
                Ok(())
            }
            error => Err(error),
        }
    }
}

/// A pattern of repositories; a plain name must be one.
fn pattern(text: &str) -> std::result::Result<Pattern, String> {
    let pattern = Pattern::parse(text)?;
    pattern.literal().map_or(Ok(()), check_repository)?;
    Ok(pattern)
}

/// The names themselves, in their order and each once, where all patterns are no more than names.
fn plain_names(patterns: &[Pattern]) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for pattern in patterns {
        let name = pattern.literal()?;
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests;
