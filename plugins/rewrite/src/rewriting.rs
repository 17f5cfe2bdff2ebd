//! The steps of a renaming, in their order.

use std::cell::RefCell;

use image_transfer_sdk::Destination;
use image_transfer_sdk::Error;
use image_transfer_sdk::Image;
use image_transfer_sdk::Result;
use image_transfer_sdk::pattern::Pattern;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::reference::check_tag;
use image_transfer_sdk::reference::split_registry;
use image_transfer_sdk::template::Template;
use regex_lite::Regex;

/// What a template may contain.
pub(crate) const PLACEHOLDERS: [&str; 8] =
    ["registry", "source-registry", "registry-host", "repository", "namespace", "name", "tag", "digest-short"];

/// A checked configuration; the fields in the order in which they are applied.
#[derive(Debug)]
pub(crate) struct Rewriting {
    pub(crate) drop: Vec<Drop>,
    pub(crate) registry: Option<String>,
    pub(crate) strip_prefix: Option<String>,
    pub(crate) regex: Vec<Replacement>,
    pub(crate) levels: Option<usize>,
    pub(crate) flatten: Option<String>,
    pub(crate) lowercase: bool,
    pub(crate) namespace: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) tag_regex: Vec<Replacement>,
    pub(crate) tag_prefix: Option<String>,
    pub(crate) tag_suffix: Option<String>,
    pub(crate) template: Option<Template>,
    /// The last repository and its new name: sources tell of all tags of one before they go on to the next.
    pub(crate) last: RefCell<Option<(String, String)>>,
}

/// Which images to leave out.
#[derive(Debug)]
pub(crate) struct Drop {
    pub(crate) pattern: Pattern,
    /// Whether it is over `repository:tag` and not the repository alone.
    pub(crate) with_tag: bool,
}

/// What to replace with what.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) pattern: Regex,
    pub(crate) replace: String,
}

impl Rewriting {
    /// Where an image lands: one destination for each target that it already has, or one.
    pub(crate) fn destinations(&self, image: &Image) -> Result<Vec<Destination>> {
        if self.drops(image) {
            return Ok(Vec::new());
        }
        if image.targets.is_empty() {
            let nowhere = Destination { registry: None, repository: None, tag: None };
            return Ok(vec![self.destination(image, &nowhere)?]);
        }
        image.targets.iter().map(|target| self.destination(image, target)).collect()
    }

    fn drops(&self, image: &Image) -> bool {
        if self.drop.is_empty() {
            return false;
        }
        let repository = &image.source.repository;
        let whole = match &image.source.tag {
            Some(tag) => format!("{repository}:{tag}"),
            None => repository.clone(),
        };
        self.drop.iter().any(|drop| drop.pattern.matches(if drop.with_tag { &whole } else { repository }))
    }

    /// What is not renamed stays open, so that the transfer's `to` may fill it.
    fn destination(&self, image: &Image, target: &Destination) -> Result<Destination> {
        let mut new = target.clone();
        if let Some(registry) = &self.registry {
            new.registry = Some(registry.clone());
        }
        let repository = target.repository.as_ref().unwrap_or(&image.source.repository);
        let tag = target.tag.as_ref().or(image.source.tag.as_ref());
        if self.names_repositories() {
            new.repository = Some(self.repository(repository));
        }
        if self.names_tags() {
            new.tag = tag.map(|tag| self.tag(tag));
        }
        if let Some(template) = &self.template {
            let new_repository = new.repository.as_ref().unwrap_or(repository).clone();
            let new_tag = new.tag.as_ref().or(tag).cloned();
            let values = Values { image, registry: new.registry.as_deref(), repository: &new_repository, tag: new_tag };
            let filled = template.fill(|name| values.get(name)).map_err(|name| {
                let origin = &image.source;
                Error::Fatal(match name {
                    "registry" => format!("{origin}: no target registry is known for {{registry}}; set `registry`"),
                    "digest-short" => {
                        format!("{origin}: its digest is not known for {{digest-short}}")
                    }
                    "namespace" => {
                        format!("{origin}: `{new_repository}` has no namespace for {{namespace}}")
                    }
                    other => format!("{origin}: has no {other} for {{{other}}}"),
                })
            })?;
            read_into(&filled, &mut new);
        }
        if self.lowercase {
            new.repository = new.repository.map(|repository| repository.to_lowercase());
        }
        check(&new).map_err(|problem| Error::Fatal(format!("{}: {problem}", image.source)))?;
        Ok(new)
    }

    fn repository(&self, repository: &str) -> String {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((name, new)) if name == repository => new.clone(),
            _ => {
                let new = self.renamed(repository);
                *last = Some((repository.to_owned(), new.clone()));
                new
            }
        }
    }

    fn renamed(&self, repository: &str) -> String {
        let stripped = self.strip_prefix.as_deref().and_then(|prefix| {
            let rest = repository.strip_prefix(prefix)?;
            rest.strip_prefix('/')
        });
        let mut name = replace(stripped.unwrap_or(repository).to_owned(), &self.regex);
        if let Some(levels) = self.levels {
            let mut segments: Vec<&str> = name.rsplitn(levels + 1, '/').take(levels).collect();
            segments.reverse();
            name = segments.join("/");
        }
        if let Some(separator) = &self.flatten {
            name = name.replace('/', separator);
        }
        if self.lowercase {
            name = name.to_lowercase();
        }
        if let Some(namespace) = &self.namespace {
            let rest = name.split_once('/').map_or(name.as_str(), |(_, rest)| rest);
            name = format!("{namespace}/{rest}");
        }
        if let Some(prefix) = &self.prefix {
            name = format!("{prefix}{name}");
        }
        name
    }

    fn tag(&self, tag: &str) -> String {
        let tag = replace(tag.to_owned(), &self.tag_regex);
        let (prefix, suffix) = (self.tag_prefix.as_deref(), self.tag_suffix.as_deref());
        format!("{}{tag}{}", prefix.unwrap_or_default(), suffix.unwrap_or_default())
    }

    fn names_repositories(&self) -> bool {
        self.strip_prefix.is_some()
            || !self.regex.is_empty()
            || self.levels.is_some()
            || self.flatten.is_some()
            || self.lowercase
            || self.namespace.is_some()
            || self.prefix.is_some()
    }

    fn names_tags(&self) -> bool {
        !self.tag_regex.is_empty() || self.tag_prefix.is_some() || self.tag_suffix.is_some()
    }
}

/// What placeholders stand for.
struct Values<'a> {
    image: &'a Image,
    registry: Option<&'a str>,
    repository: &'a str,
    tag: Option<String>,
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let source = &self.image.source;
        let (namespace, last) = match self.repository.rsplit_once('/') {
            Some((namespace, last)) => (Some(namespace), last),
            None => (None, self.repository),
        };
        match name {
            "registry" => self.registry.map(str::to_owned),
            "source-registry" => Some(source.registry.clone()),
            "registry-host" => Some(host(&source.registry).to_owned()),
            "repository" => Some(self.repository.to_owned()),
            "namespace" => namespace.map(str::to_owned),
            "name" => Some(last.to_owned()),
            "tag" => self.tag.clone(),
            "digest-short" => self.digest().and_then(|digest| digest.split_once(':')?.1.get(..12).map(str::to_owned)),
            _ => None,
        }
    }

    fn digest(&self) -> Option<&str> {
        let noted = || self.image.attributes.iter().find(|(name, _)| name == "digest").map(|(_, value)| value.as_str());
        self.image.source.digest.as_deref().or_else(noted)
    }
}

/// The registry without its port; of a directory of layouts its last segment.
fn host(registry: &str) -> &str {
    match registry.strip_prefix("oci:") {
        Some(path) => path.rsplit('/').next().unwrap_or(path),
        None if registry.ends_with(']') => registry,
        None => registry.rsplit_once(':').map_or(registry, |(host, _)| host),
    }
}

fn replace(text: String, replacements: &[Replacement]) -> String {
    replacements.iter().fold(text, |text, one| one.pattern.replace_all(&text, one.replace.as_str()).into_owned())
}

/// Reads a filled template: what it names replaces what was there.
fn read_into(text: &str, destination: &mut Destination) {
    let split = split_registry(text);
    if let Some(registry) = split.registry {
        destination.registry = Some(registry);
    }
    let (repository, tag) = match split.rest.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag.to_owned())),
        None => (split.rest, None),
    };
    destination.repository = Some(repository.to_owned());
    destination.tag = tag.or(destination.tag.take());
}

fn check(destination: &Destination) -> std::result::Result<(), String> {
    destination.registry.as_deref().map_or(Ok(()), check_registry)?;
    destination.repository.as_deref().map_or(Ok(()), check_repository)?;
    destination.tag.as_deref().map_or(Ok(()), check_tag)
}

#[cfg(test)]
mod tests;
