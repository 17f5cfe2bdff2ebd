//! An image as a graph of manifests and blobs, brought to its targets bottom up.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

use crate::endpoint::EndpointError;
use crate::endpoint::Put;
use crate::http::Class;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::ManifestError;
use crate::oci::TagOrDigest;
use crate::transfer::Status;
use crate::transfer::TransferError;
use crate::transfer::engine::Parts;
use crate::transfer::engine::fetch;
use crate::transfer::retry;
use crate::transfer::target::Source;
use crate::transfer::target::Target;
use crate::transfer::target::alive;

/// Levels of indexes that are followed. Real images have one, a few have two.
const MAX_DEPTH: usize = 8;

/// Children of one manifest that are worked on at a time, so that an image of a hundred layers does not ask for all at once.
const WIDTH: usize = 8;

/// Manifests of one image that are followed, counted wherever an index lists one: eight levels of a few dozen indexes that list
/// each other are more ways than can be gone. Twice what one index may list.
pub(super) const MAX_MANIFESTS: usize = 2 * Manifest::MAX_WIDTH;

/// The source image and what all jobs share.
pub(super) struct Graph<'a> {
    pub(super) parts: &'a Parts,
    pub(super) source: &'a Source,
    /// Entries of the indexes so far.
    listed: AtomicUsize,
    /// Manifests that were brought, with all below them, of which size, and to which repository: indexes may share entries.
    brought: Mutex<HashSet<(Digest, u64, String)>>,
}

impl<'a> Graph<'a> {
    /// A graph of which nothing is known yet.
    pub(super) fn new(parts: &'a Parts, source: &'a Source) -> Self {
        Self { parts, source, listed: AtomicUsize::new(0), brought: Mutex::default() }
    }
}

impl Graph<'_> {
    /// Brings all that `manifest` points at. A target that fails is ended and left behind; an error is the source's, and ends all.
    pub(super) fn children<'b>(
        &'b self,
        manifest: &'b Manifest,
        targets: &'b [&'b Target],
        depth: usize,
    ) -> BoxFuture<'b, Result<(), TransferError>> {
        async move {
            let children = match manifest.content() {
                Content::Index(manifests) => unique(manifests.iter()),
                Content::Image { config, layers } => {
                    unique(layers.iter().chain(config).filter(|layer| !layer.media_type.is_foreign_layer()))
                }
                Content::Schema1 => {
                    return Err(TransferError::Schema1 { reference: self.source.reference.clone() });
                }
            };
            note_foreign(manifest, targets);
            let index = matches!(manifest.content(), Content::Index(_));
            if index && self.listed.fetch_add(children.len(), Ordering::Relaxed) + children.len() > MAX_MANIFESTS {
                return Err(self.unusable(ManifestError::TooMany { limit: MAX_MANIFESTS }));
            }
            // Each level below would multiply what is under way, and held, by WIDTH.
            let width = if index && depth > 0 { 1 } else { WIDTH };
            let mut waiting = children.into_iter().map(|child| {
                async move {
                    if index { self.child(child, targets, depth).await } else { self.blob(child, targets).await }
                }
                .boxed()
            });
            let mut running: FuturesUnordered<_> = waiting.by_ref().take(width).collect();
            while let Some(done) = running.next().await {
                done?;
                running.extend(waiting.next());
            }
            Ok(())
        }
        .boxed()
    }

    /// Brings one entry of an index: a manifest with all that it points at, or a blob where an artifact lists one.
    async fn child(&self, child: &Descriptor, targets: &[&Target], depth: usize) -> Result<(), TransferError> {
        if depth >= MAX_DEPTH {
            return Err(TransferError::TooDeep { reference: self.source.reference.clone(), limit: MAX_DEPTH });
        }
        let targets = self.lacking(child, &self.unserved(child, &alive(targets))).await;
        if targets.is_empty() {
            return Ok(());
        }
        let manifest = match fetch(self.source, &child.digest).await {
            Ok(manifest) => manifest,
            Err(TransferError::Read { source, .. })
                if source.class() == Class::NotFound && !child.media_type.is_manifest() =>
            {
                return self.blob(child, &targets).await;
            }
            Err(error) => return Err(error),
        };
        let length = manifest.bytes().len() as u64;
        if length != child.size {
            let digest = child.digest.clone();
            return Err(self.unusable(ManifestError::Size { digest, expected: child.size, actual: length }));
        }
        self.children(&manifest, &targets, depth + 1).await?;
        self.put_by_digest(&manifest, &alive(&targets)).await;
        let mut brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner);
        brought.extend(alive(&targets).into_iter().map(|target| (child.digest.clone(), child.size, place(target))));
        Ok(())
    }

    /// The targets to which `child` was not brought by another index of the image.
    fn unserved<'b>(&self, child: &Descriptor, targets: &[&'b Target]) -> Vec<&'b Target> {
        let brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner);
        let unserved = |target: &&Target| !brought.contains(&(child.digest.clone(), child.size, place(target)));
        targets.iter().copied().filter(unserved).collect()
    }

    /// The targets that lack `child`. Only a repository that held something under the tag is asked; an index is always walked,
    /// since a registry may hold one without its entries.
    async fn lacking<'b>(&self, child: &Descriptor, targets: &[&'b Target]) -> Vec<&'b Target> {
        let version = TagOrDigest::Digest(child.digest.clone());
        let lacks = join_all(targets.iter().map(|target| async {
            if target.found.is_none() || child.media_type.is_index() {
                return true;
            }
            match target.endpoint.resolve(target.repository(), &version).await {
                Ok(found) => found.is_none(),
                Err(error) => {
                    target.fail(&target.error(error));
                    false
                }
            }
        }))
        .await;
        targets.iter().zip(lacks).filter(|(_, lacks)| *lacks).map(|(target, _)| *target).collect()
    }

    /// Writes `manifest` under its digest.
    pub(super) async fn put_by_digest(&self, manifest: &Manifest, targets: &[&Target]) -> Vec<Put> {
        let version = TagOrDigest::Digest(manifest.digest().clone());
        let puts = targets.iter().map(|target| self.put(manifest, &version, target));
        join_all(puts).await.into_iter().flatten().collect()
    }

    /// Writes `manifest` under the name that was asked for, which ends the target.
    pub(super) async fn put_last(&self, manifest: &Manifest, targets: &[&Target]) {
        join_all(targets.iter().map(|target| async {
            if self.put(manifest, &target.job.reference.version, target).await.is_some() {
                target.end(Status::Copied, manifest.digest().clone());
            }
        }))
        .await;
    }

    /// Writes one manifest to one target; none, and the target ended, if it cannot be. If the registry misses a blob that was
    /// believed to be there, what is known is forgotten and the blobs are brought once more.
    pub(super) async fn put(&self, manifest: &Manifest, version: &TagOrDigest, target: &Target) -> Option<Put> {
        let mut put = self.try_put(manifest, version, target).await;
        if put.as_ref().is_err_and(|error| error.class() == Class::Repair) {
            if let Content::Image { config, layers } = manifest.content() {
                for blob in layers.iter().chain(config) {
                    self.parts.flights.forget(target.registry(), blob, target.repository());
                }
            }
            self.brought.lock().unwrap_or_else(PoisonError::into_inner).clear();
            match self.children(manifest, &[target], 0).await {
                Ok(()) => put = self.try_put(manifest, version, target).await,
                Err(error) => target.fail(&error),
            }
        }
        match put {
            Ok(put) => Some(put),
            // The answer to an earlier try may have been lost, and a registry whose tags never change refuses the next one.
            Err(error) if error.class() == Class::Permanent && holds(target, version, manifest).boxed().await => {
                tracing::debug!(%error, "refused, and there");
                Some(Put { subject_listed: true })
            }
            Err(error) => {
                target.fail(&target.error(error));
                None
            }
        }
    }

    fn unusable(&self, source: ManifestError) -> TransferError {
        TransferError::Manifest { reference: self.source.reference.clone(), source: Arc::new(source) }
    }

    async fn try_put(&self, manifest: &Manifest, version: &TagOrDigest, target: &Target) -> Result<Put, EndpointError> {
        let mut next = 2;
        loop {
            match target.endpoint.put_manifest(target.repository(), version, manifest).await {
                Err(error) if error.class() == Class::RestartBlob && next <= retry::TRIES => next += 1,
                other => return other,
            }
        }
    }
}

/// Whether the target's tag leads to `manifest` already.
async fn holds(target: &Target, version: &TagOrDigest, manifest: &Manifest) -> bool {
    let tag = matches!(version, TagOrDigest::Tag(_));
    tag && target
        .endpoint
        .resolve(target.repository(), version)
        .await
        .is_ok_and(|it| it.as_ref() == Some(manifest.digest()))
}

/// The repository of a target, with its registry.
fn place(target: &Target) -> String {
    format!("{}/{}", target.registry(), target.repository())
}

/// Says which layers stay behind.
fn note_foreign(manifest: &Manifest, targets: &[&Target]) {
    let Content::Image { layers, .. } = manifest.content() else { return };
    let foreign: Vec<_> = layers.iter().filter(|layer| layer.media_type.is_foreign_layer()).collect();
    if !foreign.is_empty() {
        let bytes: u64 = foreign.iter().map(|layer| layer.size).sum();
        let note = format!(
            "{} foreign layers ({bytes} bytes) of {} left out: registries do not hold them",
            foreign.len(),
            manifest.digest(),
        );
        for target in targets {
            target.note(note.clone());
        }
    }
}

/// Each digest once, in order; twice where two sizes are claimed for it, one of which is a lie.
fn unique<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<&'a Descriptor> {
    let mut seen = HashSet::new();
    descriptors.filter(|descriptor| seen.insert((&descriptor.digest, descriptor.size))).collect()
}
