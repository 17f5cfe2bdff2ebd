//! A directory of OCI image layouts, one for each repository (OCI image specification, image-layout.md): `oci:DIR` holds
//! `DIR/team/app/{oci-layout,index.json,blobs/sha256/…}` for the repository `team/app`.
//!
//! Every file comes whole or not at all (written beside, then renamed), so a crash leaves a valid layout; writers of one
//! `index.json` take turns, in this process and among several. Symbolic links that lead out of the directory are refused.

mod blobs;
mod index;
mod listing;
mod place;
#[cfg(any(test, fuzzing))]
pub(super) mod properties;

use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;

use crate::endpoint::EndpointError;
use crate::endpoint::Put;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::ManifestError;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::oci::Tag;
use crate::oci::TagOrDigest;

use index::Entries;
use index::Index;
use place::Place;

pub(super) use listing::Listing;

/// A tree of layouts. Cheap to clone.
#[derive(Clone)]
pub(super) struct Layout {
    shared: Arc<Shared>,
}

struct Shared {
    name: RegistryName,
    root: PathBuf,
    /// Writers of one index wait here, not in a thread that blocks on the file lock. A repository has the turnstile that its
    /// hash picks: a fixed number, however many repositories there are.
    turnstiles: [tokio::sync::Mutex<()>; 64],
    hasher: RandomState,
    /// Repositories whose layout was made, and swept, in this run.
    prepared: Mutex<HashSet<Repository>>,
    /// The subject of each manifest that was looked at to find referrers: content does not change, so this is read once.
    subjects: Mutex<HashMap<Digest, Option<Digest>>>,
}

/// How many subjects are remembered, about 20 MB at most.
const SUBJECTS: usize = 100_000;

impl Layout {
    /// The tree at `root`, which need not exist. A directory that is itself an image layout is refused: it has no name there.
    pub(super) fn open(root: &Path) -> Result<Self, EndpointError> {
        if root.join(place::MARKER).is_file() {
            let problem = "it is an image layout itself: name the directory above it, and this one as the repository";
            return Err(place::at(root, io::Error::new(io::ErrorKind::InvalidInput, problem)));
        }
        Ok(Self {
            shared: Arc::new(Shared {
                name: RegistryName::Layout(root.to_owned()),
                root: root.to_owned(),
                turnstiles: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
                hasher: RandomState::new(),
                prepared: Mutex::default(),
                subjects: Mutex::default(),
            }),
        })
    }

    pub(super) fn name(&self) -> &RegistryName {
        &self.shared.name
    }

    /// The digest behind `version`; none if it, or the manifest that it points at, is not there.
    pub(super) async fn resolve(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Option<Digest>, EndpointError> {
        let (place, version) = (self.place(repository)?, version.clone());
        blocking(move || {
            let Some(digest) = find(&place, &version)? else { return Ok(None) };
            Ok(place.length(&place.blob(&digest))?.map(|_| digest))
        })
        .await
    }

    pub(super) async fn manifest(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Manifest, EndpointError> {
        let (layout, place, version) = (self.clone(), self.place(repository)?, version.clone());
        blocking(move || {
            let absent = || {
                let problem = format!("no manifest {version}");
                place::at(place.dir(), io::Error::new(io::ErrorKind::NotFound, problem))
            };
            let digest = find(&place, &version)?.ok_or_else(absent)?;
            layout.read(&place, &digest)?.ok_or_else(absent)
        })
        .await
    }

    /// Writes the manifest, then the index (see [`Index::put`]). Referrers are listed through the index, so no fallback tag
    /// is needed.
    pub(super) async fn put_manifest(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
        manifest: &Manifest,
    ) -> Result<Put, EndpointError> {
        if let Some(expected) = version.digest().filter(|&digest| digest != manifest.digest()) {
            return Err(EndpointError::Mismatch {
                registry: self.shared.name.to_string(),
                what: format!("manifest of {repository}"),
                expected: expected.to_string(),
                actual: manifest.digest().to_string(),
            });
        }
        let place = self.prepare(repository).await?;
        let turnstile = usize::try_from(self.shared.hasher.hash_one(repository) % 64).unwrap_or_default();
        let _turn = self.shared.turnstiles[turnstile].lock().await;
        let (layout, manifest) = (self.clone(), manifest.clone());
        let tag = match version {
            TagOrDigest::Tag(tag) => Some(tag.clone()),
            TagOrDigest::Digest(_) => None,
        };
        blocking(move || layout.put(&place, tag.as_ref(), &manifest)).await?;
        Ok(Put { subject_listed: true })
    }

    /// The manifests of the index whose subject is `subject`, and those of its fallback tag if another tool wrote one.
    pub(super) async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, EndpointError> {
        let (layout, place, subject) = (self.clone(), self.place(repository)?, subject.clone());
        blocking(move || {
            let Some(entries) = entries(&place)? else { return Ok(Vec::new()) };
            let mut found: Vec<Descriptor> = Vec::new();
            for digest in entries.digests() {
                if layout.subject(&place, &digest)?.is_some_and(|it| it == subject)
                    && let Some(manifest) = layout.read(&place, &digest)?
                {
                    found.push(index::referrer(&manifest));
                }
            }
            let fallback = find(&place, &Tag::of_referrers(&subject).into())?;
            let fallback = fallback.map(|digest| layout.read(&place, &digest)).transpose()?.flatten();
            if let Some(Content::Index(listed)) = fallback.as_ref().map(Manifest::content) {
                let known: HashSet<_> = found.iter().map(|descriptor| descriptor.digest.clone()).collect();
                found.extend(listed.iter().filter(|descriptor| !known.contains(&descriptor.digest)).cloned());
            }
            Ok(found)
        })
        .await
    }

    pub(super) fn repositories(&self) -> Listing {
        Listing::repositories(&self.shared.root)
    }

    pub(super) fn tags(&self, repository: &Repository) -> Listing {
        Listing::tags(self.place(repository))
    }

    fn place(&self, repository: &Repository) -> Result<Place, EndpointError> {
        Place::new(&self.shared.root, repository)
    }

    /// The place of `repository`, made a layout if it is none.
    async fn prepare(&self, repository: &Repository) -> Result<Place, EndpointError> {
        let place = self.place(repository)?;
        if held(&self.shared.prepared).contains(repository) {
            return Ok(place);
        }
        let place = blocking(move || place.prepare().map(|()| place)).await?;
        held(&self.shared.prepared).insert(repository.clone());
        Ok(place)
    }

    fn put(&self, place: &Place, tag: Option<&Tag>, manifest: &Manifest) -> Result<(), EndpointError> {
        let _lock = place.lock()?;
        let blob = place.blob(manifest.digest());
        if place.read(&blob, Manifest::MAX_BYTES).ok().flatten().is_none_or(|old| old != *manifest.bytes()) {
            place.replace(&blob, manifest.bytes())?;
        }
        let path = place.index();
        let content = place.read(&path, index::MAX_BYTES)?.unwrap_or_else(|| b"{\"schemaVersion\":2}".to_vec());
        let mut index = Index::parse(&content).map_err(|error| self.unreadable(&path, error.into()))?;
        let is_referrer = |digest: &str| {
            digest.parse().is_ok_and(|digest| self.subject(place, &digest).is_ok_and(|subject| subject.is_some()))
        };
        if index.put(tag, manifest, is_referrer) {
            let content = index.serialize().map_err(|error| self.unreadable(&path, error.into()))?;
            place.replace(&path, &content)?;
        }
        Ok(())
    }

    fn read(&self, place: &Place, digest: &Digest) -> Result<Option<Manifest>, EndpointError> {
        let path = place.blob(digest);
        let Some(content) = place.read(&path, Manifest::MAX_BYTES)? else { return Ok(None) };
        let manifest = Manifest::new(None, Bytes::from(content), Some(digest));
        manifest.map(Some).map_err(|source| self.unreadable(&path, source))
    }

    /// The subject of an entry; none for one that has none, is missing or cannot be read.
    fn subject(&self, place: &Place, digest: &Digest) -> Result<Option<Digest>, EndpointError> {
        if let Some(subject) = held(&self.shared.subjects).get(digest) {
            return Ok(subject.clone());
        }
        let manifest = match self.read(place, digest) {
            Ok(Some(manifest)) => manifest,
            Ok(None) | Err(EndpointError::Manifest { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        let mut subjects = held(&self.shared.subjects);
        if subjects.len() >= SUBJECTS {
            subjects.clear();
        }
        subjects.insert(digest.clone(), subject.clone());
        Ok(subject)
    }

    fn unreadable(&self, path: &Path, source: ManifestError) -> EndpointError {
        EndpointError::Manifest { registry: self.shared.name.to_string(), what: path.display().to_string(), source }
    }
}

fn find(place: &Place, version: &TagOrDigest) -> Result<Option<Digest>, EndpointError> {
    match version {
        TagOrDigest::Digest(digest) => Ok(Some(digest.clone())),
        TagOrDigest::Tag(tag) => Ok(entries(place)?.and_then(|entries| entries.tagged(tag))),
    }
}

/// What the index lists; none if there is no index.
fn entries(place: &Place) -> Result<Option<Entries>, EndpointError> {
    let path = place.index();
    let Some(content) = place.read(&path, index::MAX_BYTES)? else { return Ok(None) };
    serde_json::from_slice(&content).map(Some).map_err(|error| place::at(&path, error.into()))
}

/// Runs what blocks on a thread made for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EndpointError> + Send + 'static,
) -> Result<T, EndpointError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(place::at(Path::new(""), io::Error::other("the program is ending"))),
        },
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
