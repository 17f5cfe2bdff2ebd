//! What plugins speak of, in this program's own types; and the crossing from the contract's.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::oci::Reference;
use crate::oci::ReferenceError;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::oci::Tag;
use crate::oci::TagOrDigest;
use crate::plugin::bindings::types;
use crate::secret::Secret;

/// Facts, as names and values.
pub type Attributes = Vec<(String, String)>;

/// One image that a source told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is; by digest, where the source told one.
    pub source: Reference,
    /// The tag that the source told, also beside a digest: what the copy is called where nobody says otherwise.
    pub tag: Option<Tag>,
    /// Where the source, or an earlier mapper, would have it land; empty: no opinion.
    pub targets: Vec<Destination>,
    /// What is known of it besides its name.
    pub attributes: Attributes,
}

/// Where an image lands. What is missing is filled by the transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// Registry.
    pub registry: Option<RegistryName>,
    /// Whole name of the repository.
    pub repository: Option<Repository>,
    /// Tag.
    pub tag: Option<Tag>,
}

/// Something that a source called an image and that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an image that can be moved: {error}")]
pub struct BadImage {
    /// What it said, cleaned for terminals.
    pub text: String,
    /// What is wrong with it.
    pub error: BadName,
}

/// What is wrong with a name that a plugin gave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It breaks the grammar.
    #[error(transparent)]
    Grammar(#[from] ReferenceError),
    /// Neither tag nor digest.
    #[error("it has neither tag nor digest")]
    Versionless,
    /// A directory that nobody gave to the plugin: plugins touch no files, so they may not make the host do it either.
    #[error("{registry} is not a directory that the plugin's options name")]
    Ungranted {
        /// The directory, as a registry.
        registry: RegistryName,
    },
    /// More of something than the host takes.
    #[error("it has more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
}

/// What a provisioner did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// It was there.
    Existed,
    /// It is there now.
    Created,
}

/// A user name and a password that a plugin issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// When it runs out, where that is known.
    pub expires_at: Option<SystemTime>,
}

/// Attributes of an image that are taken.
const MAX_ATTRIBUTES: usize = 64;

/// Targets of an image that are taken.
const MAX_TARGETS: usize = 64;

/// Characters of one attribute that are kept.
const MAX_ATTRIBUTE: usize = 4096;

/// Bytes of a registry's name; the grammar of repositories, tags and digests has limits of its own.
const MAX_REGISTRY: usize = 1024;

impl Image {
    /// Reads what a guest told. `known` is the registry that was read last: most often it is this one's too.
    pub(super) fn read(image: types::Image, known: Option<&RegistryName>) -> Result<Self, BadImage> {
        let read = Self::read_names(&image, known);
        let (source, tag, targets) =
            read.map_err(|error| BadImage { text: clean(&Shown(&image.source).to_string()), error })?;
        let attributes = image.attributes.into_iter().map(|(name, value)| (clean(&name), clean(&value))).collect();
        Ok(Self { source, tag, targets, attributes })
    }

    fn read_names(
        image: &types::Image,
        known: Option<&RegistryName>,
    ) -> Result<(Reference, Option<Tag>, Vec<Destination>), BadName> {
        at_most(image.attributes.len(), MAX_ATTRIBUTES, "attributes")?;
        let tag: Option<Tag> = image.source.tag.as_deref().map(str::parse).transpose()?;
        let version = match (&image.source.digest, &tag) {
            (Some(digest), _) => TagOrDigest::Digest(digest.parse().map_err(ReferenceError::from)?),
            (None, Some(tag)) => TagOrDigest::Tag(tag.clone()),
            (None, None) => return Err(BadName::Versionless),
        };
        let registry = match known {
            Some(name @ RegistryName::Host(host)) if *host == image.source.registry => name.clone(),
            _ => registry(&image.source.registry)?,
        };
        let source = Reference { registry, repository: image.source.repository.parse()?, version };
        Ok((source, tag, Destination::read_all(&image.targets)?))
    }

    /// Every registry that it names.
    pub(super) fn registries(&self) -> impl Iterator<Item = &RegistryName> {
        let targets = self.targets.iter().filter_map(|target| target.registry.as_ref());
        std::iter::once(&self.source.registry).chain(targets)
    }

    pub(super) fn tell(&self) -> types::Image {
        types::Image {
            source: types::Reference {
                registry: self.source.registry.to_string(),
                repository: self.source.repository.as_str().to_owned(),
                tag: self.tag.as_ref().map(|tag| tag.as_str().to_owned()),
                digest: self.source.version.digest().map(ToString::to_string),
            },
            targets: self.targets.iter().map(Destination::tell).collect(),
            attributes: self.attributes.clone(),
        }
    }
}

impl Destination {
    /// All destinations of one image.
    pub(super) fn read_all(destinations: &[types::Destination]) -> Result<Vec<Self>, BadName> {
        at_most(destinations.len(), MAX_TARGETS, "targets")?;
        destinations.iter().map(Self::read).collect()
    }

    fn read(destination: &types::Destination) -> Result<Self, BadName> {
        Ok(Self {
            registry: destination.registry.as_deref().map(registry).transpose()?,
            repository: destination.repository.as_deref().map(str::parse).transpose()?,
            tag: destination.tag.as_deref().map(str::parse).transpose()?,
        })
    }

    fn tell(&self) -> types::Destination {
        types::Destination {
            registry: self.registry.as_ref().map(ToString::to_string),
            repository: self.repository.as_ref().map(|repository| repository.as_str().to_owned()),
            tag: self.tag.as_ref().map(|tag| tag.as_str().to_owned()),
        }
    }
}

impl Issued {
    pub(super) fn read(username: String, password: String, expires_at: Option<u64>) -> Self {
        let expires_at = expires_at.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        Self { username, password: Secret::new(password), expires_at }
    }
}

fn registry(text: &str) -> Result<RegistryName, BadName> {
    at_most(text.len(), MAX_REGISTRY, "bytes in the name of its registry")?;
    Ok(text.parse()?)
}

fn at_most(count: usize, limit: usize, what: &'static str) -> Result<(), BadName> {
    if count > limit { Err(BadName::TooMuch { what, limit }) } else { Ok(()) }
}

/// A guest's text without what moves a terminal's cursor or turns its writing around, and not longer than 4096 characters. Line ends
/// become spaces, the rest U+FFFD, so that it is seen that something was there.
pub(super) fn clean(text: &str) -> String {
    if text.len() <= MAX_ATTRIBUTE && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let safe = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        // Line and paragraph separators; marks, embeddings, overrides and isolates of bidirectional text (UAX #9).
        '\u{2028}'
        | '\u{2029}'
        | '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let mut cleaned: String = text.chars().map(safe).take(MAX_ATTRIBUTE + 1).collect();
    if cleaned.chars().count() > MAX_ATTRIBUTE {
        cleaned.pop();
        cleaned.push('…');
    }
    cleaned
}

/// A reference as it came, for messages.
struct Shown<'a>(&'a types::Reference);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.registry, self.0.repository)?;
        if let Some(tag) = &self.0.tag {
            write!(f, ":{tag}")?;
        }
        self.0.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn told(repository: &str, tag: Option<&str>, digest: Option<&str>) -> types::Image {
        types::Image {
            source: types::Reference {
                registry: "a.io".to_owned(),
                repository: repository.to_owned(),
                tag: tag.map(str::to_owned),
                digest: digest.map(str::to_owned),
            },
            targets: vec![],
            attributes: vec![],
        }
    }

    #[test]
    fn a_tag_beside_a_digest_is_kept() {
        let image = Image::read(told("n/app", Some("1"), Some(DIGEST)), None).unwrap();
        assert_eq!(image.source.to_string(), format!("a.io/n/app@{DIGEST}"));
        assert_eq!(image.tag.unwrap().as_str(), "1");
    }

    #[test]
    fn names_outside_the_grammar_are_no_images() {
        let bad = Image::read(told("n/../x\u{1b}[2J", Some("1"), None), None).unwrap_err();
        assert_eq!(bad.text, "a.io/n/../x\u{fffd}[2J:1");
        assert_eq!(Image::read(told("n/app", None, None), None).unwrap_err().error, BadName::Versionless);
    }

    #[test]
    fn text_that_would_move_or_turn_a_terminal_is_marked() {
        assert_eq!(clean("a\nb\u{1b}c\u{202e}d\u{9b}e é"), "a b\u{fffd}c\u{fffd}d\u{fffd}e é");
        assert_eq!(clean(&"a".repeat(5000)).chars().count(), MAX_ATTRIBUTE + 1);
    }

    #[test]
    fn an_image_has_a_bounded_number_of_targets_and_a_bounded_registry() {
        let destination = types::Destination { registry: None, repository: None, tag: None };
        let many = types::Image { targets: vec![destination; 65], ..told("n/app", Some("1"), None) };
        let error = Image::read(many, None).unwrap_err().error;
        assert_eq!(error, BadName::TooMuch { what: "targets", limit: 64 });
        let mut long = told("n/app", Some("1"), None);
        long.source.registry = "a.".repeat(1000) + "io";
        assert!(matches!(Image::read(long, None).unwrap_err().error, BadName::TooMuch { .. }));
    }

    #[test]
    fn a_registry_that_was_read_before_is_read_the_same_again() {
        let mut image = told("n/app", Some("1"), None);
        let known = Image::read(image.clone(), None).unwrap();
        assert_eq!(Image::read(image.clone(), Some(&known.source.registry)).unwrap(), known);
        image.source.registry = "b.io".to_owned();
        let other = Image::read(image, Some(&known.source.registry)).unwrap();
        assert_eq!(other.source.to_string(), "b.io/n/app:1");
    }

    #[test]
    fn what_was_read_is_told_the_same() {
        let image = told("n/app", Some("1"), None);
        let back = Image::read(image.clone(), None).unwrap().tell();
        assert_eq!(format!("{back:?}"), format!("{image:?}"));
    }
}
