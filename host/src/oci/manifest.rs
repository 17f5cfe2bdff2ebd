//! Manifests, kept as the bytes that came (OCI image specification, manifest.md and image-index.md; Docker image manifest V2).

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use crate::oci::Digest;
use crate::oci::MediaType;
use crate::oci::Platform;
use crate::oci::unambiguous;

/// A pointer to content (OCI image specification, descriptor.md). Fields that a copy does not need are not read; the bytes of
/// the manifest keep them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: MediaType,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What it runs on, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What kind of artifact a referrer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Free pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Descriptor {
    /// Content that the registry tells nothing about but its digest and length.
    #[must_use]
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: MediaType::new(media_type),
            digest,
            size,
            platform: None,
            artifact_type: None,
            annotations: None,
        }
    }
}

/// What a manifest points at.
#[expect(clippy::large_enum_variant, reason = "one for each manifest in flight, never a list of them")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Other manifests (and, in artifacts' indexes, now and then a blob).
    Index(Vec<Descriptor>),
    /// Blobs: the configuration, where there is one, then the layers in order.
    Image {
        /// The configuration; an OCI artifact manifest has none.
        config: Option<Descriptor>,
        /// Layers, or an artifact's blobs.
        layers: Vec<Descriptor>,
    },
    /// Docker's first schema: not copied, since its digest does not cover its bytes.
    Schema1,
}

/// A manifest as it was received: the bytes are what is verified and forwarded, never a re-serialised copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    bytes: Bytes,
    media_type: MediaType,
    digest: Digest,
    content: Content,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
}

/// Why bytes are no manifest that can be copied.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, a duplicate key, or a field of the wrong shape.
    #[error("manifest is not valid JSON of its kind")]
    Json(#[from] serde_json::Error),
    /// Both `layers` and `manifests`: readers would disagree on what it is (CVE-2021-41190).
    #[error("manifest is ambiguous: it has both layers and manifests")]
    Ambiguous,
    /// Neither an image nor an index.
    #[error("manifest of type {media_type} has neither config and layers, nor blobs, nor manifests")]
    Unknown {
        /// The type it claims.
        media_type: MediaType,
    },
    /// The header says one type, the body another.
    #[error("manifest was served as {served} and calls itself {claimed}")]
    TypeMismatch {
        /// `Content-Type`.
        served: MediaType,
        /// `mediaType`.
        claimed: MediaType,
    },
    /// More entries or layers than any image has.
    #[error("manifest points at {count} others, more than {limit}")]
    TooWide {
        /// How many there are.
        count: usize,
        /// How many are followed.
        limit: usize,
    },
    /// The manifests of one image, counted wherever an index lists one, are more than any image has.
    #[error("its indexes list more than {limit} manifests")]
    TooMany {
        /// How many are followed.
        limit: usize,
    },
    /// A manifest has another length than the index says that lists it.
    #[error("manifest {digest} has {actual} bytes, and its index says {expected}")]
    Size {
        /// Which one.
        digest: Digest,
        /// What the index says.
        expected: u64,
        /// What it has.
        actual: u64,
    },
    /// The bytes are not those that were asked for.
    #[error("manifest digest is {actual}, expected {expected}")]
    DigestMismatch {
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    schema_version: u8,
    media_type: Option<MediaType>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    schema_version: u8,
}

impl Manifest {
    /// The largest manifest that is read, in bytes. Registries refuse more than 4 MiB; twice that is what peers accept.
    pub const MAX_BYTES: usize = 8 << 20;

    /// Entries of an index, or layers of an image, that are followed. Real ones have dozens; 8 MiB would hold a hundred thousand.
    pub const MAX_WIDTH: usize = 10_000;

    /// Reads `bytes`, served as `served` (the `Content-Type`; none or a generic one is tolerated), and verifies them against
    /// `expected` where the caller knows the digest.
    pub fn new(served: Option<&str>, bytes: Bytes, expected: Option<&Digest>) -> Result<Self, ManifestError> {
        let digest = match expected {
            None => Digest::of(&bytes),
            Some(expected) => {
                let mut hasher = expected.hasher();
                hasher.update(&bytes);
                hasher.finish()
            }
        };
        let served = served.map(MediaType::new).filter(MediaType::is_manifest);
        let wrong = expected.filter(|&expected| *expected != digest);
        let mismatch = || {
            wrong.map(|expected| ManifestError::DigestMismatch { expected: expected.clone(), actual: digest.clone() })
        };
        // Bytes that are not those asked for say nothing about the manifest that was.
        let version: Version =
            serde_json::from_slice(&bytes).map_err(|error| mismatch().unwrap_or(ManifestError::Json(error)))?;
        if version.schema_version == 1 || served.as_ref().is_some_and(MediaType::is_schema1) {
            let media_type = served.unwrap_or_else(|| MediaType::new(MediaType::DOCKER_SCHEMA1_SIGNED));
            return Ok(Self {
                bytes,
                media_type,
                digest,
                content: Content::Schema1,
                subject: None,
                artifact_type: None,
            });
        }
        if let Some(mismatch) = mismatch() {
            return Err(mismatch);
        }
        unambiguous::check(&bytes)?;
        let body: Body = serde_json::from_slice(&bytes)?;
        debug_assert_ne!(body.schema_version, 1);
        let media_type = body.type_of(served)?;
        let content = body.content(&media_type)?;
        Ok(Self { bytes, media_type, digest, content, subject: body.subject, artifact_type: body.artifact_type })
    }

    /// The bytes as they came.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What to send as `Content-Type`.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The digest of the bytes, in the algorithm that was asked for.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What it points at.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The manifest that this one is about, which makes it a referrer.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        self.subject.as_ref()
    }

    /// A descriptor of this manifest. `artifactType` is its own, or else its configuration's media type, as the distribution
    /// specification has it for the referrers list.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(self.media_type.as_str(), self.digest.clone(), self.bytes.len() as u64);
        descriptor.artifact_type = self.artifact_type.clone().or_else(|| match &self.content {
            Content::Image { config: Some(config), .. } => Some(config.media_type.as_str().to_owned()),
            _ => None,
        });
        descriptor
    }
}

impl Body {
    fn type_of(&self, served: Option<MediaType>) -> Result<MediaType, ManifestError> {
        match (served, self.media_type.clone().filter(|claimed| !claimed.as_str().is_empty())) {
            (Some(served), Some(claimed)) if served != claimed => Err(ManifestError::TypeMismatch { served, claimed }),
            (_, Some(claimed)) => Ok(claimed),
            (Some(served), None) => Ok(served),
            (None, None) if self.manifests.is_some() => Ok(MediaType::new(MediaType::OCI_INDEX)),
            (None, None) => Ok(MediaType::new(MediaType::OCI_MANIFEST)),
        }
    }

    fn content(&self, media_type: &MediaType) -> Result<Content, ManifestError> {
        let count = [&self.manifests, &self.layers, &self.blobs].into_iter().flatten().map(Vec::len).sum();
        if count > Manifest::MAX_WIDTH {
            return Err(ManifestError::TooWide { count, limit: Manifest::MAX_WIDTH });
        }
        match (&self.manifests, &self.layers, &self.config, &self.blobs) {
            (Some(_), Some(_), _, _) | (Some(_), _, Some(_), _) => Err(ManifestError::Ambiguous),
            (Some(manifests), None, None, _) => Ok(Content::Index(manifests.clone())),
            (None, None, None, None) if media_type.is_index() => Ok(Content::Index(Vec::new())),
            (None, None, None, None) if media_type.as_str() != MediaType::OCI_ARTIFACT => {
                Err(ManifestError::Unknown { media_type: media_type.clone() })
            }
            (None, layers, config, blobs) => Ok(Content::Image {
                config: config.clone(),
                layers: layers.iter().chain(blobs).flatten().cloned().collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(served: Option<&str>, text: &str) -> Result<Manifest, ManifestError> {
        Manifest::new(served, Bytes::copy_from_slice(text.as_bytes()), None)
    }

    #[test]
    fn the_bytes_are_kept_and_the_type_is_the_one_it_claims() {
        let text = format!(
            r#"{{ "schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"a/b","digest":"{DIGEST}","size":0}},"layers":[] }}"#,
            MediaType::OCI_MANIFEST
        );
        let manifest = read(None, &text).unwrap();
        assert_eq!(manifest.bytes(), text.as_bytes());
        assert_eq!(manifest.media_type().as_str(), MediaType::OCI_MANIFEST);
        assert_eq!(manifest.digest(), &Digest::of(text.as_bytes()));
        let config = Descriptor::new("a/b", DIGEST.parse().unwrap(), 0);
        assert_eq!(manifest.content(), &Content::Image { config: Some(config), layers: vec![] });
        assert_eq!(manifest.descriptor().artifact_type.as_deref(), Some("a/b"));
    }

    #[test]
    fn an_index_entry_needs_no_platform() {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"x/y","digest":"{DIGEST}","size":1}}]}}"#);
        let manifest = read(None, &text).unwrap();
        assert_eq!(manifest.media_type().as_str(), MediaType::OCI_INDEX);
        assert_eq!(manifest.content(), &Content::Index(vec![Descriptor::new("x/y", DIGEST.parse().unwrap(), 1)]));
    }

    #[test]
    fn both_layers_and_manifests_are_ambiguous() {
        assert!(matches!(
            read(None, r#"{"schemaVersion":2,"layers":[],"manifests":[]}"#),
            Err(ManifestError::Ambiguous)
        ));
    }

    #[test]
    fn duplicate_keys_are_refused() {
        let text = r#"{"schemaVersion":2,"layers":[],"layers":[]}"#;
        assert!(matches!(read(None, text), Err(ManifestError::Json(_))));
    }

    #[test]
    fn the_header_and_the_body_must_agree() {
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{}","layers":[]}}"#, MediaType::OCI_MANIFEST);
        let error = read(Some(MediaType::DOCKER_MANIFEST), &text).unwrap_err();
        assert!(matches!(error, ManifestError::TypeMismatch { .. }));
    }

    #[test]
    fn schema_1_is_recognised_without_a_media_type() {
        let manifest = read(None, r#"{"schemaVersion":1,"name":"a","fsLayers":[]}"#).unwrap();
        assert_eq!(manifest.content(), &Content::Schema1);
    }

    #[test]
    fn other_bytes_than_those_asked_for_are_refused() {
        let expected: Digest = DIGEST.parse().unwrap();
        for text in ["{}", "{", r#"{"schemaVersion":2}"#] {
            let error = Manifest::new(None, Bytes::from_static(text.as_bytes()), Some(&expected)).unwrap_err();
            assert!(matches!(error, ManifestError::DigestMismatch { .. }), "{text}");
        }
    }
}
