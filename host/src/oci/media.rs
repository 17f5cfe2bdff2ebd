//! Media types of manifests and layers (OCI image specification, media-types.md; Docker image manifest V2, schemas 1 and 2).

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// A media type as it was received, without parameters.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(String);

impl MediaType {
    /// OCI image index.
    pub const OCI_INDEX: &'static str = "application/vnd.oci.image.index.v1+json";
    /// OCI image manifest.
    pub const OCI_MANIFEST: &'static str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI artifact manifest, withdrawn before image specification 1.1 and still found in registries.
    pub const OCI_ARTIFACT: &'static str = "application/vnd.oci.artifact.manifest.v1+json";
    /// Docker manifest list.
    pub const DOCKER_LIST: &'static str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker manifest, schema 2.
    pub const DOCKER_MANIFEST: &'static str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest, schema 1.
    pub const DOCKER_SCHEMA1: &'static str = "application/vnd.docker.distribution.manifest.v1+json";
    /// Docker manifest, schema 1 with a signature.
    pub const DOCKER_SCHEMA1_SIGNED: &'static str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    /// The empty JSON object, configuration of artifacts.
    pub const EMPTY: &'static str = "application/vnd.oci.empty.v1+json";

    /// What a manifest request must list in `Accept`: without it some registries answer 404 for an OCI manifest or convert it to schema 1.
    pub const ACCEPT: &'static [&'static str] = &[
        Self::OCI_INDEX,
        Self::OCI_MANIFEST,
        Self::DOCKER_LIST,
        Self::DOCKER_MANIFEST,
        Self::OCI_ARTIFACT,
        Self::DOCKER_SCHEMA1_SIGNED,
        Self::DOCKER_SCHEMA1,
        "*/*;q=0.1",
    ];

    /// Takes a `Content-Type` or `mediaType`; parameters such as `; charset=utf-8` are dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a list of manifests.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self.as_str(), Self::OCI_INDEX | Self::DOCKER_LIST)
    }

    /// Whether it names a manifest of any kind that this program knows, an index included.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        self.is_index()
            || self.is_schema1()
            || matches!(self.as_str(), Self::OCI_MANIFEST | Self::DOCKER_MANIFEST | Self::OCI_ARTIFACT)
    }

    /// Whether it names the first Docker schema, whose digest covers only part of its bytes.
    #[must_use]
    pub fn is_schema1(&self) -> bool {
        matches!(self.as_str(), Self::DOCKER_SCHEMA1 | Self::DOCKER_SCHEMA1_SIGNED)
    }

    /// Whether it names a layer that registries must not be asked to hold: Docker's foreign and OCI's non-distributable layers.
    #[must_use]
    pub fn is_foreign_layer(&self) -> bool {
        self.0.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar")
            || self.0.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar")
    }
}

/// For messages: a manifest's `mediaType` may be any text, so what moves a terminal's cursor or turns its writing is escaped.
impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_matter() {
        assert_eq!(
            MediaType::new("Application/VND.oci.image.index.v1+json; charset=utf-8").as_str(),
            MediaType::OCI_INDEX
        );
    }

    #[test]
    fn a_type_that_would_steer_a_terminal_is_shown_escaped() {
        let media_type = MediaType::new("a/b\u{1b}[2J\r\n\u{202e}c");
        assert_eq!(media_type.to_string(), "a/b\\u{1b}[2j\\r\\n\\u{202e}c");
        assert_eq!(media_type.as_str(), "a/b\u{1b}[2j\r\n\u{202e}c");
    }

    #[test]
    fn foreign_layers_are_known_by_media_type() {
        for text in [
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        ] {
            assert!(MediaType::new(text).is_foreign_layer(), "{text}");
        }
        assert!(!MediaType::new("application/vnd.oci.image.layer.v1.tar+gzip").is_foreign_layer());
    }
}
