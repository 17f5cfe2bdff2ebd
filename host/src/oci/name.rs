//! Names of repositories and tags (the reference grammar of docker/distribution).

use std::fmt;
use std::str::FromStr;

use crate::oci::Digest;
use crate::oci::ReferenceError;

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
