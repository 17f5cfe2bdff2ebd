//! What a registry keeps, in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use serde_json::Value;

use crate::harness::graph::Stored;
use crate::harness::store::Store;
use crate::harness::store::text;

/// Repositories and upload sessions. As a [`Store`] it takes whatever a test puts into it, true or not.
#[derive(Default)]
pub struct Storage(Mutex<State>);

#[derive(Default)]
pub struct State {
    pub repositories: BTreeMap<String, Repository>,
    pub sessions: BTreeMap<u64, Session>,
    next: u64,
}

#[derive(Default)]
pub struct Repository {
    pub blobs: BTreeMap<String, Arc<Vec<u8>>>,
    pub manifests: BTreeMap<String, Stored>,
    pub tags: BTreeMap<String, String>,
}

/// An upload that has begun.
#[derive(Default)]
pub struct Session {
    pub repository: String,
    pub bytes: Vec<u8>,
}

impl Storage {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Repositories that hold anything.
    pub fn repositories(&self) -> Vec<String> {
        self.lock().repositories.keys().cloned().collect()
    }

    /// Every blob: repository, digest, bytes.
    pub fn blobs(&self) -> Vec<(String, String, Arc<Vec<u8>>)> {
        let state = self.lock();
        let each = |(name, repository): (&String, &Repository)| {
            repository.blobs.iter().map(|(digest, bytes)| (name.clone(), digest.clone(), Arc::clone(bytes))).collect()
        };
        state.repositories.iter().flat_map(|entry| -> Vec<_> { each(entry) }).collect()
    }

    /// Every manifest, by repository.
    pub fn manifests(&self) -> Vec<(String, Stored)> {
        let state = self.lock();
        let mut all = Vec::new();
        for (name, repository) in &state.repositories {
            all.extend(repository.manifests.values().map(|manifest| (name.clone(), manifest.clone())));
        }
        all
    }

    /// Uploads that were neither finished nor given up.
    pub fn open_sessions(&self) -> usize {
        self.lock().sessions.len()
    }
}

impl State {
    pub fn begin(&mut self, repository: &str) -> u64 {
        self.next += 1;
        self.sessions.insert(self.next, Session { repository: repository.to_owned(), bytes: Vec::new() });
        self.next
    }

    pub fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    /// A manifest by tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<&Stored> {
        let repository = self.repositories.get(repository)?;
        repository.manifests.get(repository.tags.get(reference).map_or(reference, String::as_str))
    }

    pub fn blob(&self, repository: &str, digest: &str) -> Option<&Arc<Vec<u8>>> {
        self.repositories.get(repository)?.blobs.get(digest)
    }

    /// What `manifest` points at and the repository lacks, as the digest of the first that is missing.
    pub fn missing(&self, repository: &str, manifest: &Value) -> Option<String> {
        let empty = Repository::default();
        let repository = self.repositories.get(repository).unwrap_or(&empty);
        let each = |name: &str| manifest[name].as_array().cloned().unwrap_or_default();
        let kept = |blob: &Value| {
            let media_type = text(&blob["mediaType"]);
            !media_type.contains("foreign") && !media_type.contains("nondistributable")
        };
        let blobs = each("layers").into_iter().chain(each("blobs")).chain(manifest.get("config").cloned());
        let blob = blobs.filter(kept).map(|blob| text(&blob["digest"])).find(|it| !repository.blobs.contains_key(it));
        let child = each("manifests").into_iter().map(|child| text(&child["digest"]));
        let child =
            child.into_iter().find(|it| !repository.manifests.contains_key(it) && !repository.blobs.contains_key(it));
        blob.or(child)
    }
}

impl Store for Storage {
    fn manifest(&self, repository: &str, reference: &str) -> Option<Stored> {
        self.lock().manifest(repository, reference).cloned()
    }

    fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        self.lock().blob(repository, digest).map(|bytes| bytes.to_vec())
    }

    fn put_blob(&self, repository: &str, digest: &str, bytes: &[u8]) {
        self.lock().repository(repository).blobs.insert(digest.to_owned(), Arc::new(bytes.to_vec()));
    }

    fn put_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Stored) {
        let mut state = self.lock();
        let repository = state.repository(repository);
        repository.manifests.insert(manifest.digest.clone(), manifest.clone());
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), manifest.digest.clone());
        }
    }

    fn tags(&self, repository: &str) -> Vec<String> {
        self.lock().repositories.get(repository).map(|it| it.tags.keys().cloned().collect()).unwrap_or_default()
    }
}
