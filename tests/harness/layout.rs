//! A tree of OCI image layouts, one a repository (OCI image specification, image-layout.md), as a test reads and writes it.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use super::graph::Stored;
use super::store::Store;
use super::store::sha256;
use super::store::text;

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The tree under a directory.
pub struct Layout(PathBuf);

impl Layout {
    pub fn at(root: &Path) -> Self {
        Self(root.to_owned())
    }

    fn index(&self, repository: &str) -> Vec<Value> {
        let Ok(bytes) = fs::read(self.0.join(repository).join("index.json")) else { return Vec::new() };
        let index: Value = serde_json::from_slice(&bytes).unwrap();
        index["manifests"].as_array().cloned().unwrap_or_default()
    }

    fn file(&self, repository: &str, digest: &str) -> PathBuf {
        self.0.join(repository).join("blobs").join(digest.replace(':', "/"))
    }
}

impl Store for Layout {
    fn manifest(&self, repository: &str, reference: &str) -> Option<Stored> {
        let digest = if reference.contains(':') {
            reference.to_owned()
        } else {
            let index = self.index(repository);
            text(&index.iter().find(|one| one["annotations"][REF_NAME] == reference)?["digest"])
        };
        let bytes = fs::read(self.file(repository, &digest)).ok()?;
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        Some(Stored { digest: sha256(&bytes), media_type: text(&value["mediaType"]), bytes })
    }

    fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        fs::read(self.file(repository, digest)).ok()
    }

    fn put_blob(&self, repository: &str, digest: &str, bytes: &[u8]) {
        let file = self.file(repository, digest);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    fn put_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Stored) {
        self.put_blob(repository, &manifest.digest, &manifest.bytes);
        let mut index = self.index(repository);
        let mut entry =
            json!({"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.bytes.len()});
        if let Some(tag) = tag {
            index.retain(|one| one["annotations"][REF_NAME] != tag);
            entry["annotations"] = json!({REF_NAME: tag});
        } else {
            // An image that a tag or another manifest leads to needs no entry; a referrer is found by its own only.
            let value: Value = serde_json::from_slice(&manifest.bytes).unwrap();
            if value.get("subject").is_none() {
                return;
            }
            entry["artifactType"] = value["artifactType"].clone();
        }
        index.push(entry);
        let directory = self.0.join(repository);
        fs::write(directory.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}\n").unwrap();
        let value = json!({"schemaVersion": 2, "mediaType": super::graph::OCI_INDEX, "manifests": index});
        fs::write(directory.join("index.json"), format!("{}\n", serde_json::to_string_pretty(&value).unwrap()))
            .unwrap();
    }

    fn tags(&self, repository: &str) -> Vec<String> {
        let index = self.index(repository);
        let mut tags: Vec<String> =
            index.iter().map(|one| text(&one["annotations"][REF_NAME])).filter(|tag| !tag.is_empty()).collect();
        tags.sort();
        tags
    }
}
