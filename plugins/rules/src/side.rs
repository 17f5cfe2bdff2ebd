//! The two sides of a rule as texts: which registry, repository and tags they name.

use image_transfer_sdk::pattern::Pattern;
use image_transfer_sdk::pattern::has_metacharacters;
use image_transfer_sdk::reference::DOCKER_HUB;
use image_transfer_sdk::reference::check_digest;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::reference::check_tag;
use image_transfer_sdk::reference::split_registry;

/// The left side of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) registry: String,
    pub(crate) repositories: Repositories,
    pub(crate) tags: Tags,
}

/// Which repositories a rule is about.
#[derive(Debug, Clone)]
pub(crate) enum Repositories {
    /// One, by name.
    One {
        /// Its full name.
        name: String,
        /// Whether it was written without a namespace (`nginx` for `library/nginx`).
        short: bool,
    },
    /// All in the registry's catalog that match.
    Matching {
        pattern: Pattern,
        /// What all of them start with: whole segments with a `/` at the end, or nothing.
        prefix: String,
    },
}

/// Which images of a repository a rule is about.
#[derive(Debug, Clone)]
pub(crate) enum Tags {
    /// One, by digest; the tag, where there is one, only says what the copy is called.
    Digest { digest: String, tag: Option<String> },
    /// These, without asking the registry.
    Named(Vec<String>),
    /// These first, then those in the registry's list that match any of the patterns; without patterns, all.
    Listed { named: Vec<String>, patterns: Vec<Pattern> },
}

impl Source {
    /// Reads a left side.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        without_scheme(text)?;
        let split = split_registry(text.trim());
        let registry = split.registry.unwrap_or_else(|| DOCKER_HUB.to_owned());
        check_registry(&registry)?;
        let (name, behind) = split_name(split.rest);
        let tags = match behind {
            Behind::Nothing => Tags::Listed { named: Vec::new(), patterns: Vec::new() },
            Behind::Digest(digest) => Tags::Digest { digest: digest_of(digest)?, tag: None },
            Behind::Tags(tags) => tags_of(tags)?,
        };
        let repositories = repositories_of(&registry, name)?;
        if let (Repositories::Matching { .. }, Tags::Digest { .. }) = (&repositories, &tags) {
            return Err("a digest needs one repository, not a glob".to_owned());
        }
        Ok(Self { registry, repositories, tags })
    }
}

/// The right side of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Target {
    pub(crate) registry: Option<String>,
    /// None for the source's own.
    pub(crate) repository: Option<String>,
    /// None for the source's own.
    pub(crate) tags: Vec<String>,
    pub(crate) digest: Option<String>,
}

impl Target {
    /// Reads a right side; empty is the source's own name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        without_scheme(text)?;
        let split = split_registry(text);
        if let Some(registry) = &split.registry {
            check_registry(registry)?;
            if split.rest.is_empty() {
                return Ok(Self { registry: split.registry, ..Self::default() });
            }
        }
        let (name, behind) = split_name(split.rest);
        check_repository(name)?;
        let mut target = Self { registry: split.registry, repository: Some(name.to_owned()), ..Self::default() };
        match behind {
            Behind::Nothing => {}
            Behind::Digest(digest) => target.digest = Some(digest_of(digest)?),
            Behind::Tags(tags) => {
                for tag in tags.split(',').map(str::trim) {
                    check_tag(tag)?;
                    target.tags.push(tag.to_owned());
                }
            }
        }
        Ok(target)
    }
}

/// A reference is no URL.
fn without_scheme(text: &str) -> Result<(), String> {
    match text.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_lowercase()) && scheme != "oci" => {
            Err(format!("leave `{scheme}://` out"))
        }
        _ => Ok(()),
    }
}

/// What stands behind the name of a repository.
enum Behind<'a> {
    Nothing,
    Tags(&'a str),
    Digest(&'a str),
}

fn split_name(rest: &str) -> (&str, Behind<'_>) {
    match rest.find([':', '@']) {
        None => (rest, Behind::Nothing),
        Some(at) if rest[at..].starts_with('@') => (&rest[..at], Behind::Digest(&rest[at + 1..])),
        Some(at) => (&rest[..at], Behind::Tags(&rest[at + 1..])),
    }
}

fn repositories_of(registry: &str, name: &str) -> Result<Repositories, String> {
    if has_metacharacters(name) {
        let literal = name.find(['*', '?', '[', '{', '\\', '!']).map_or(name, |at| &name[..at]);
        let prefix = literal.rfind('/').map_or("", |at| &name[..=at]);
        return Ok(Repositories::Matching { pattern: Pattern::parse(name)?, prefix: prefix.to_owned() });
    }
    check_repository(name)?;
    let short = registry == DOCKER_HUB && !name.contains('/');
    let name = if short { format!("library/{name}") } else { name.to_owned() };
    Ok(Repositories::One { short: short || !name.contains('/'), name })
}

fn digest_of(digest: &str) -> Result<String, String> {
    check_digest(digest).map(|()| digest.to_owned())
}

fn tags_of(text: &str) -> Result<Tags, String> {
    if let Some((tag, digest)) = text.split_once('@').filter(|(tag, _)| !tag.contains('/')) {
        check_tag(tag)?;
        return Ok(Tags::Digest { digest: digest_of(digest)?, tag: Some(tag.to_owned()) });
    }
    let mut named = Vec::new();
    let mut patterns = Vec::new();
    for item in items(text)? {
        if item.starts_with('/') || has_metacharacters(item) {
            patterns.push(Pattern::parse(item)?);
        } else if named.iter().any(|tag| tag == item) {
            return Err(format!("the tag `{item}` is listed twice"));
        } else {
            check_tag(item)?;
            named.push(item.to_owned());
        }
    }
    Ok(if patterns.is_empty() { Tags::Named(named) } else { Tags::Listed { named, patterns } })
}

/// Splits a list at its commas, but not within a regular expression between slashes, nor within brackets and braces.
fn items(text: &str) -> Result<Vec<&str>, String> {
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let end = if rest.starts_with('/') {
            let closes = |at: &usize| matches!(rest[at + 1..].trim_start().chars().next(), None | Some(','));
            let close = rest.match_indices('/').map(|(at, _)| at).skip(1).find(closes);
            close.ok_or_else(|| format!("`{rest}` is not closed with `/`"))? + 1
        } else {
            end_of_glob(rest)
        };
        let item = rest[..end].trim_end();
        if item.is_empty() {
            return Err(if text.trim().is_empty() {
                "the tag behind `:` is missing".to_owned()
            } else {
                format!("the list of tags `{text}` has an empty item")
            });
        }
        items.push(item);
        match rest[end..].trim_start().strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(items),
        }
    }
}

fn end_of_glob(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_is_split_outside_of_expressions_and_braces() {
        assert_eq!(items(r"1, /^v\d{1,2}$/ ,{a,b}*,2"), Ok(vec!["1", r"/^v\d{1,2}$/", "{a,b}*", "2"]));
        assert_eq!(items("1,,2"), Err("the list of tags `1,,2` has an empty item".to_owned()));
        assert_eq!(items(""), Err("the tag behind `:` is missing".to_owned()));
        assert_eq!(items("/^v"), Err("`/^v` is not closed with `/`".to_owned()));
    }

    #[test]
    fn a_target_may_be_a_registry_alone() {
        let target = |registry: &str| Target { registry: Some(registry.to_owned()), ..Target::default() };
        assert_eq!(Target::parse("reg.example/"), Ok(target("reg.example")));
        assert_eq!(Target::parse("oci:./dir"), Ok(target("oci:./dir")));
        assert_eq!(Target::parse(" "), Ok(Target::default()));
    }
}
