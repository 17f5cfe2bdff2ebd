//! Names of images (OCI distribution specification, "Pulling manifests"; the reference grammar of docker/distribution).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::oci::Digest;

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

/// A registry: a host, or a directory of OCI image layouts (`oci:DIRECTORY`).
///
/// Docker Hub's aliases (`index.docker.io`, `registry-1.docker.io`, `registry.hub.docker.com`) are all `docker.io` here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RegistryName {
    /// `host` or `host:port`, lowercase.
    Host(String),
    /// A directory that holds one OCI image layout for each repository.
    Layout(PathBuf),
}

impl RegistryName {
    /// Docker Hub, by the name that people write.
    pub const DOCKER_HUB: &'static str = "docker.io";

    /// Whether it is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        matches!(self, Self::Host(host) if host == Self::DOCKER_HUB)
    }
}

impl FromStr for RegistryName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ReferenceError::Registry { text: text.to_owned() };
        if let Some(path) = text.strip_prefix("oci:") {
            let path = path.trim_end_matches('/');
            return if path.is_empty() || path.contains('\0') { Err(error()) } else { Ok(Self::Layout(path.into())) };
        }
        let lower = text.to_ascii_lowercase();
        // A host `oci` with a port would be shown as a directory.
        if lower.starts_with("oci:") {
            return Err(error());
        }
        let (host, port) = match lower.rsplit_once(':') {
            Some((host, port)) if !lower.ends_with(']') => (host, Some(port)),
            _ => (lower.as_str(), None),
        };
        let name = host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        if !(name || address) || port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(error());
        }
        Ok(Self::Host(match lower.as_str() {
            "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" | "www.docker.io" => {
                Self::DOCKER_HUB.to_owned()
            }
            _ => lower,
        }))
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Layout(path) => write!(f, "oci:{}", path.display()),
        }
    }
}

impl fmt::Debug for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $valid:ident, $error:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ReferenceError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if $valid(text) { Ok(Self(text.to_owned())) } else { Err(ReferenceError::$error { text: text.to_owned() }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a repository within its registry, such as `library/alpine`.
    Repository, is_repository, Repository
}

name! {
    /// A tag.
    Tag, is_tag, Tag
}

impl Repository {
    /// The longest name that is accepted, in bytes, as in docker/distribution.
    pub const MAX_BYTES: usize = 255;
}

impl Tag {
    /// The tag that stands for none in what people type.
    #[must_use]
    pub fn latest() -> Self {
        Self("latest".to_owned())
    }

    /// The fallback tag of a digest (OCI distribution specification, "Referrers tag schema"): `sha256-<hex>`, cut to the
    /// lengths that the specification names.
    #[must_use]
    pub fn of_referrers(digest: &Digest) -> Self {
        let hex = &digest.hex()[..digest.hex().len().min(64)];
        Self(format!("{}-{hex}", digest.algorithm()))
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

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/…)*`, in one pass and without a regular expression.
fn is_repository(text: &str) -> bool {
    text.len() <= Repository::MAX_BYTES
        && text.split('/').all(|segment| {
            let mut separator = "";
            let mut start = 0;
            let mut valid = segment.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
            for (at, byte) in segment.bytes().enumerate() {
                if matches!(byte, b'a'..=b'z' | b'0'..=b'9') {
                    separator = "";
                    continue;
                }
                if separator.is_empty() {
                    start = at;
                }
                separator = segment.get(start..=at).unwrap_or("?");
                valid &= matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
            }
            valid && separator.is_empty()
        })
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
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

    #[test]
    fn repository_separators_follow_the_grammar() {
        for text in ["a", "0", "a.b", "a_b", "a__b", "a---b", "a/b/c-d.e"] {
            assert!(is_repository(text), "{text}");
        }
        for text in ["a..b", "a._b", "a___b", "a-_b", "a/", "/a", "a b", "é"] {
            assert!(!is_repository(text), "{text}");
        }
    }
}
