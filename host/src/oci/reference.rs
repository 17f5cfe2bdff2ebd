//! Names of images (OCI distribution specification, "Pulling manifests"; the reference grammar of docker/distribution).

use std::fmt;
use std::str::FromStr;

use crate::oci::Digest;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::oci::Tag;

/// One image: `registry/repository:tag`, `registry/repository@digest`, or `oci:DIRECTORY//repository:tag` in a tree of layouts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Where it is.
    pub registry: RegistryName,
    /// What it is called there.
    pub repository: Repository,
    /// Which one.
    pub version: TagOrDigest,
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Reads what people type: `alpine` is `docker.io/library/alpine:latest`. The first segment is a registry if it has a dot
    /// or a colon or is `localhost`. With both tag and digest the digest wins.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (registry, rest) = split_registry(text)?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse::<Digest>()?)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.parse::<Tag>()?)),
            None => (rest, None),
        };
        let repository = if registry.is_docker_hub() && !repository.contains('/') {
            format!("library/{repository}").parse()?
        } else {
            repository.parse()?
        };
        let version = match (digest, tag) {
            (Some(digest), _) => digest.into(),
            (None, tag) => tag.unwrap_or_else(Tag::latest).into(),
        };
        Ok(Self { registry, repository, version })
    }
}

fn split_registry(text: &str) -> Result<(RegistryName, &str), ReferenceError> {
    if text.starts_with("oci:") {
        // The last `//`: no repository has one, and a directory may.
        let (registry, rest) =
            text.rsplit_once("//").ok_or_else(|| ReferenceError::Layout { text: text.to_owned() })?;
        return Ok((registry.parse()?, rest));
    }
    match text.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => Ok((host.parse()?, rest)),
        _ => Ok((RegistryName::Host(RegistryName::DOCKER_HUB.to_owned()), text)),
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slashes = if matches!(self.registry, RegistryName::Layout(_)) { "//" } else { "/" };
        let mark = if matches!(self.version, TagOrDigest::Tag(_)) { ':' } else { '@' };
        write!(f, "{}{slashes}{}{mark}{}", self.registry, self.repository, self.version)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a manifest is asked for by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum TagOrDigest {
    /// A tag, which can move.
    Tag(Tag),
    /// A digest, which cannot.
    Digest(Digest),
}

impl TagOrDigest {
    /// The digest, where it is one.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Tag(_) => None,
            Self::Digest(digest) => Some(digest),
        }
    }
}

impl From<Digest> for TagOrDigest {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

impl From<Tag> for TagOrDigest {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl fmt::Display for TagOrDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => fmt::Display::fmt(tag, f),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

impl fmt::Debug for TagOrDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Not a registry host.
    #[error("{text:?} is not a registry: expected host, host:port or oci:DIRECTORY")]
    Registry {
        /// What was given.
        text: String,
    },
    /// A directory without a repository in it.
    #[error("{text:?} names no repository: expected oci:DIRECTORY//REPOSITORY:TAG")]
    Layout {
        /// What was given.
        text: String,
    },
    /// Not a repository name.
    #[error(
        "{text:?} is not a repository name: lowercase letters, digits, and . _ - between them, in segments separated by /"
    )]
    Repository {
        /// What was given.
        text: String,
    },
    /// Not a tag.
    #[error("{text:?} is not a tag: at most 128 letters, digits, and _ . -, not starting with . or -")]
    Tag {
        /// What was given.
        text: String,
    },
    /// Not a digest.
    #[error(transparent)]
    Digest(#[from] crate::oci::DigestError),
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_read_as_people_write_them() {
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("team/app:1", "docker.io/team/app:1"),
            ("registry.hub.docker.com/team/app", "docker.io/team/app:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("localhost/n/app:2", "localhost/n/app:2"),
            ("[::1]:5000/app:1", "[::1]:5000/app:1"),
            ("Reg.Example.com/a/b/c/d:v1.0_x", "reg.example.com/a/b/c/d:v1.0_x"),
            ("oci:./out/dir//team/app:1", "oci:./out/dir//team/app:1"),
            ("oci:/mnt//out//team/app:1", "oci:/mnt//out//team/app:1"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn with_both_tag_and_digest_the_digest_wins() {
        let reference: Reference = format!("a.io/b:1@{DIGEST}").parse().unwrap();
        assert_eq!(reference.to_string(), format!("a.io/b@{DIGEST}"));
    }

    #[test]
    fn names_outside_the_grammar_are_refused() {
        for text in [
            "",
            "a.io/",
            "a.io/Upper",
            "a.io/a//b",
            "a.io/../b",
            "a.io/a/.",
            "a.io/a__b___c",
            "a.io/-a",
            "a.io/a-",
            "a.io/a:",
            "a.io/a:.x",
            "a.io/a:x\r\ny",
            "a.io/a@sha256:1",
            "a..io/a",
            "a.io:0/a",
            "a.io:99999/a",
            "oci:/x/y",
            "oci://app",
            "OCI:443/app",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text:?}");
        }
    }
}
