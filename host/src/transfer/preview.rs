//! A dry run: what would move, without writing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use futures_util::stream;

use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::ManifestError;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::engine::fetch;
use crate::transfer::engine::settled;
use crate::transfer::flight::Claim;
use crate::transfer::flight::Leader;
use crate::transfer::graph::MAX_MANIFESTS;
use crate::transfer::look::View;
use crate::transfer::seen::Seen;
use crate::transfer::target::Arrival;
use crate::transfer::target::Source;
use crate::transfer::target::Target;
use crate::transfer::target::alive;

/// Levels of indexes that are summed up.
const MAX_DEPTH: usize = 8;

/// Blobs that are looked for at a time, for one image.
const WIDTH: usize = 8;

/// An image for one platform, as far as a plan needs it.
struct Leaf {
    /// None for the image itself, rather than an entry of its index.
    entry: Option<Digest>,
    blobs: Vec<Descriptor>,
}

/// What is below a manifest.
#[derive(Default)]
struct Found {
    leaves: Vec<Leaf>,
    /// Entries of the indexes so far.
    listed: usize,
}

impl Engine {
    /// What [`Engine::run`] would do, as far as reading can tell. A target that would be written has [`Status::Planned`] and, as its
    /// bytes, what would be copied, what its registry could mount, and what is there already. Blobs are asked for as a run asks for them, and
    /// what was planned before counts as there.
    pub async fn preview(&self, job: Job) -> Outcome {
        let started = Instant::now();
        let targets = match self.source(&job) {
            Ok(source) => Box::pin(self.previews(&job, source)).await,
            Err(error) => job.targets.iter().map(|target| TargetOutcome::failed(&target.reference, &error)).collect(),
        };
        Outcome { targets, job, elapsed: started.elapsed(), attempts: 1 }
    }

    async fn previews(&self, job: &Job, source: Source) -> Vec<TargetOutcome> {
        let View { source, seen, targets } = self.look_around(job, source).await;
        let opened: Vec<&Target> = targets.iter().filter_map(|look| look.as_ref().ok()).collect();
        let planned = match seen {
            Ok(seen) => Box::pin(self.plan(job, &source, seen, &opened)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = planned {
            for target in &opened {
                target.fail(&error);
            }
        }
        targets.into_iter().map(|look| look.map_or_else(std::convert::identity, Target::outcome)).collect()
    }

    async fn plan(&self, job: &Job, source: &Source, seen: Seen, targets: &[&Target]) -> Result<(), TransferError> {
        let digest = seen.digest().clone();
        let mut manifest = seen.manifest();
        if !job.options.platforms.is_empty() {
            let (kept, note) = self.subset(job, source, &digest, manifest).await?;
            manifest = Some(kept);
            if let Some(note) = note {
                for target in targets {
                    target.note(note.clone());
                }
            }
        }
        let wanted = manifest.as_ref().map_or(&digest, Manifest::digest).clone();
        let followers = self.followers(job, source, &wanted).await?;
        let followed = join_all(targets.iter().map(|target| self.is_followed(target, &wanted, &followers))).await;
        let missing = targets.iter().zip(followed).filter(|(target, followed)| !followed || !settled(target, &wanted));
        let missing = alive(&missing.map(|(target, _)| *target).collect::<Vec<_>>());
        if missing.is_empty() {
            return Ok(());
        }
        let manifest = self.read_and_ask(source, &digest, manifest, &missing).await?;
        let mut found = Found::default();
        found.collect(source, &manifest, None, 0).await?;
        for digest in followers {
            found.collect(source, &fetch(source, &digest).await?, Some(digest), 0).await?;
        }
        join_all(missing.iter().map(|target| self.tally(source, target, &found.leaves))).await;
        for target in alive(&missing) {
            target.end(Status::Planned, wanted.clone());
        }
        Ok(())
    }

    /// What refers to the image, where that is to be copied as well.
    async fn followers(&self, job: &Job, source: &Source, wanted: &Digest) -> Result<Vec<Digest>, TransferError> {
        if !job.options.referrers {
            return Ok(Vec::new());
        }
        let found =
            source.endpoint.referrers(source.repository(), wanted).await.map_err(|error| source.error(error))?;
        Ok(found.into_iter().map(|referrer| referrer.digest).collect())
    }

    /// Whether `target`, if it has the image, has all of `followers` as well.
    async fn is_followed(&self, target: &Target, wanted: &Digest, followers: &[Digest]) -> bool {
        if target.found.as_ref() != Some(wanted) {
            return true;
        }
        for digest in followers {
            match target.endpoint.resolve(target.repository(), &digest.clone().into()).await {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(error) => {
                    target.fail(&target.error(error));
                    return false;
                }
            }
        }
        true
    }

    /// Counts how each blob would come to `target`.
    async fn tally(&self, source: &Source, target: &Target, leaves: &[Leaf]) {
        let mut blobs = Vec::new();
        for leaf in leaves {
            // An entry that the repository has is not walked, as in a run.
            let there = match &leaf.entry {
                Some(digest) if target.found.is_some() => {
                    target.endpoint.resolve(target.repository(), &digest.clone().into()).await
                }
                _ => Ok(None),
            };
            match there {
                Ok(Some(_)) => {}
                Ok(None) => blobs.extend(&leaf.blobs),
                Err(error) => target.fail(&target.error(error)),
            }
        }
        stream::iter(blobs).for_each_concurrent(WIDTH, |blob| self.arrival(source, target, blob)).await;
    }

    /// Counts how `blob` would come to `target`, and takes it for being there from now on.
    async fn arrival(&self, source: &Source, target: &Target, blob: &Descriptor) {
        while target.alive() {
            let place = [(target.registry(), target.repository())];
            match self.parts.flights.claim(blob, place.into_iter()).pop() {
                None | Some(Claim::Present) => return target.count(blob, Arrival::Present),
                Some(Claim::Mount(_)) => {
                    self.parts.flights.record(target.registry(), blob, target.repository());
                    return target.count(blob, Arrival::Mounted);
                }
                Some(Claim::Wait(landing)) => landing.done().await,
                Some(Claim::Lead(leader)) => return self.lead(source, target, blob, leader).await,
            }
        }
    }

    async fn lead(&self, source: &Source, target: &Target, blob: &Descriptor, leader: Leader) {
        let has = if self.parts.fresh.lacks(target, blob) {
            Ok(false)
        } else {
            target.endpoint.has_blob(target.repository(), blob).await
        };
        let arrival = match has {
            Ok(true) => Arrival::Present,
            Ok(false) if *target.registry() == source.reference.registry => Arrival::Mounted,
            Ok(false) => Arrival::Copied,
            Err(error) => return target.fail(&target.error(error)),
        };
        leader.landed(target.repository());
        target.count(blob, arrival);
    }
}

impl Found {
    /// Lists the blobs of each image below `manifest`, each blob of one image once.
    fn collect<'a>(
        &'a mut self,
        source: &'a Source,
        manifest: &'a Manifest,
        entry: Option<Digest>,
        depth: usize,
    ) -> BoxFuture<'a, Result<(), TransferError>> {
        async move {
            match manifest.content() {
                Content::Index(entries) if depth < MAX_DEPTH => {
                    self.listed += entries.len();
                    if self.listed > MAX_MANIFESTS {
                        let reference = source.reference.clone();
                        let error = ManifestError::TooMany { limit: MAX_MANIFESTS };
                        return Err(TransferError::Manifest { reference, source: Arc::new(error) });
                    }
                    for entry in entries.iter().filter(|entry| entry.media_type.is_manifest()) {
                        let child = fetch(source, &entry.digest).await?;
                        self.collect(source, &child, Some(entry.digest.clone()), depth + 1).await?;
                    }
                }
                Content::Index(_) | Content::Schema1 => {}
                Content::Image { config, layers } => {
                    let blobs = layers.iter().chain(config).filter(|blob| !blob.media_type.is_foreign_layer());
                    let blobs: HashMap<&Digest, &Descriptor> = blobs.map(|blob| (&blob.digest, blob)).collect();
                    self.leaves.push(Leaf { entry, blobs: blobs.into_values().cloned().collect() });
                }
            }
            Ok(())
        }
        .boxed()
    }
}
