//! Images, built by hand: each test says what its image is made of.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::store::Store;
use super::store::sha256;
use super::store::text;

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// A manifest as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub digest: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// What a repository holds. Manifests come in the order in which they were made: what one refers to is before it.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub blobs: BTreeMap<String, Vec<u8>>,
    pub manifests: Vec<Stored>,
    pub tags: BTreeMap<String, String>,
}

impl Graph {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a blob; its descriptor.
    pub fn blob(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let bytes = bytes.into();
        let digest = sha256(&bytes);
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        self.blobs.insert(digest, bytes);
        descriptor
    }

    /// Adds a manifest, in a form that nobody who writes it anew would choose; its descriptor.
    pub fn manifest(&mut self, value: &Value) -> Value {
        let media_type = text(&value["mediaType"]);
        let bytes = format!("{}\n", serde_json::to_string_pretty(value).unwrap().replace("\": ", "\":  ")).into_bytes();
        let digest = sha256(&bytes);
        let mut descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        if let Some(kind) = value.get("artifactType") {
            descriptor["artifactType"] = kind.clone();
        }
        if !self.manifests.iter().any(|stored| stored.digest == digest) {
            self.manifests.push(Stored { digest, media_type, bytes });
        }
        descriptor
    }

    pub fn tag(&mut self, tag: &str, descriptor: &Value) {
        self.tags.insert(tag.to_owned(), text(&descriptor["digest"]));
    }

    /// An OCI image for `os/architecture` of these layers; a descriptor with its platform.
    pub fn image(&mut self, platform: &str, layers: &[Value]) -> Value {
        self.image_of(OCI_IMAGE, OCI_CONFIG, platform, layers)
    }

    /// The same in Docker's types.
    pub fn docker_image(&mut self, platform: &str, layers: &[Value]) -> Value {
        self.image_of(DOCKER_IMAGE, DOCKER_CONFIG, platform, layers)
    }

    fn image_of(&mut self, media_type: &str, config_type: &str, platform: &str, layers: &[Value]) -> Value {
        let (os, architecture) = platform.split_once('/').unwrap();
        let diffs: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let config = json!({
            "architecture": architecture, "os": os, "config": {}, "created": "2024-01-01T00:00:00Z",
            "rootfs": {"type": "layers", "diff_ids": diffs},
        });
        let config = self.blob(config_type, config.to_string());
        let mut descriptor =
            self.manifest(&json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers}));
        descriptor["platform"] = json!({"architecture": architecture, "os": os});
        descriptor
    }

    pub fn index(&mut self, children: &[Value]) -> Value {
        self.manifest(&json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}))
    }

    pub fn docker_list(&mut self, children: &[Value]) -> Value {
        self.manifest(&json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": children}))
    }

    /// An OCI artifact of one blob; of `subject`, where there is one.
    pub fn artifact(&mut self, kind: &str, bytes: impl Into<Vec<u8>>, subject: Option<&Value>) -> Value {
        let config = self.blob(OCI_EMPTY, "{}");
        let layer = self.blob(&format!("{kind}.content"), bytes);
        let mut value = json!({
            "schemaVersion": 2, "mediaType": OCI_IMAGE, "artifactType": kind, "config": config, "layers": [layer],
        });
        if let Some(subject) = subject {
            value["subject"] =
                json!({"mediaType": subject["mediaType"], "digest": subject["digest"], "size": subject["size"]});
        }
        self.manifest(&value)
    }

    /// The usual image: two platforms, a layer that they share, tagged `tag`.
    pub fn usual(seed: &str, tag: &str) -> Self {
        let mut graph = Self::new();
        let shared = graph.blob(OCI_LAYER, format!("shared layer of {seed}").repeat(100));
        let mut children = Vec::new();
        for platform in ["linux/amd64", "linux/arm64"] {
            let own = graph.blob(OCI_LAYER, format!("layer of {seed} for {platform}").repeat(100));
            children.push(graph.image(platform, &[shared.clone(), own]));
        }
        let index = graph.index(&children);
        graph.tag(tag, &index);
        graph
    }

    /// One image for one platform, two layers, tagged `tag`.
    pub fn single(seed: &str, tag: &str) -> Self {
        let mut graph = Self::new();
        let layers = ["one", "two"].map(|layer| graph.blob(OCI_LAYER, format!("layer {layer} of {seed}").repeat(100)));
        let image = graph.image("linux/amd64", &layers);
        graph.tag(tag, &image);
        graph
    }

    /// Puts all of it into `repository`.
    pub fn push(&self, store: &dyn Store, repository: &str) {
        for (digest, bytes) in &self.blobs {
            store.put_blob(repository, digest, bytes);
        }
        for manifest in &self.manifests {
            store.put_manifest(repository, None, manifest);
        }
        for (tag, digest) in &self.tags {
            let manifest = self.manifests.iter().find(|manifest| manifest.digest == *digest).unwrap();
            store.put_manifest(repository, Some(tag), manifest);
        }
    }
}
