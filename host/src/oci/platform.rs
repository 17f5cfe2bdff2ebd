//! Platforms of an index's entries (OCI image specification, image-index.md, "platform").

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

/// What an image runs on. Compared as filters do: `linux/arm64` accepts any variant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    #[serde(default)]
    pub os: String,
    /// `amd64`, `arm64`, …
    #[serde(default)]
    pub architecture: String,
    /// `v7`, `v8`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text names no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a platform: expected os/architecture or os/architecture/variant, such as linux/arm64")]
pub struct PlatformError {
    /// What was given.
    pub text: String,
}

impl Platform {
    /// Whether this filter accepts `other`: a filter without a variant accepts each.
    #[must_use]
    pub fn accepts(&self, other: &Platform) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && (self.variant.is_none() || self.variant == other.variant)
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let valid =
            |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        match parts.as_slice() {
            [os, architecture, variant @ ..] if variant.len() < 2 && parts.iter().all(valid) => Ok(Self {
                os: (*os).to_owned(),
                architecture: (*architecture).to_owned(),
                variant: variant.first().map(|&variant| variant.to_owned()),
            }),
            _ => Err(PlatformError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_without_a_variant_accepts_each_variant() {
        let parse = |text: &str| text.parse::<Platform>().unwrap();
        assert!(parse("linux/arm64").accepts(&parse("linux/arm64/v8")));
        assert!(!parse("linux/arm/v7").accepts(&parse("linux/arm/v6")));
    }

    #[test]
    fn a_text_that_is_no_platform_is_refused() {
        for text in ["", "linux", "linux/", "a/b/c/d", "linux/am d64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
