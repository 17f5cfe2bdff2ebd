//! A dry run: what would move, without writing.

use std::collections::HashMap;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::oci::Content;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::transfer::Bytes;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::engine::fetch;
use crate::transfer::engine::settled;
use crate::transfer::seen::Seen;
use crate::transfer::target::Source;
use crate::transfer::target::Target;
use crate::transfer::target::alive;

/// Levels of indexes that are summed up.
const MAX_DEPTH: usize = 8;

impl Engine {
    /// What [`Engine::run`] would do, as far as reading can tell. A target that would be written has [`Status::Planned`] and, as copied
    /// bytes, all that the image has; blobs that the registry could mount or has already are not asked for one by one.
    pub async fn preview(&self, job: Job) -> Outcome {
        let started = Instant::now();
        let targets = match self.source(&job) {
            Ok(source) => Box::pin(self.previews(&job, &source)).await,
            Err(error) => job.targets.iter().map(|target| TargetOutcome::failed(&target.reference, &error)).collect(),
        };
        Outcome { targets, job, elapsed: started.elapsed(), attempts: 1 }
    }

    async fn previews(&self, job: &Job, source: &Source) -> Vec<TargetOutcome> {
        let (seen, looks) = self.look_around(job, source).await;
        let opened: Vec<&Target> = looks.iter().filter_map(|look| look.as_ref().ok()).collect();
        let planned = match seen {
            Ok(seen) => self.plan(job, source, seen, &opened).await,
            Err(error) => Err(error),
        };
        let bytes = match planned {
            Ok(bytes) => bytes,
            Err(error) => {
                for target in &opened {
                    target.fail(&error);
                }
                Bytes::default()
            }
        };
        looks
            .into_iter()
            .map(|look| {
                look.map_or_else(std::convert::identity, |target| {
                    let mut outcome = target.outcome();
                    if outcome.status == Status::Planned {
                        outcome.bytes = bytes;
                    }
                    outcome
                })
            })
            .collect()
    }

    async fn plan(&self, job: &Job, source: &Source, seen: Seen, targets: &[&Target]) -> Result<Bytes, TransferError> {
        let digest = seen.digest().clone();
        let mut manifest = seen.manifest();
        if !job.options.platforms.is_empty() {
            manifest = Some(self.subset(job, source, &digest, manifest).await?.0);
        }
        let wanted = manifest.as_ref().map_or(&digest, Manifest::digest).clone();
        let missing: Vec<&Target> = targets.iter().copied().filter(|target| !settled(target, &wanted)).collect();
        if missing.is_empty() {
            return Ok(Bytes::default());
        }
        let manifest = match manifest {
            Some(manifest) => manifest,
            None => fetch(source, &digest).await?,
        };
        let mut sizes = HashMap::new();
        sum(source, &manifest, &mut sizes, 0).await?;
        for target in alive(&missing) {
            target.end(Status::Planned, wanted.clone());
        }
        Ok(Bytes { copied_blobs: sizes.len() as u64, copied: sizes.values().sum(), ..Bytes::default() })
    }
}

/// Adds the size of each blob below `manifest`.
fn sum<'a>(
    source: &'a Source,
    manifest: &'a Manifest,
    sizes: &'a mut HashMap<Digest, u64>,
    depth: usize,
) -> BoxFuture<'a, Result<(), TransferError>> {
    async move {
        match manifest.content() {
            Content::Index(entries) if depth < MAX_DEPTH => {
                for entry in entries.iter().filter(|entry| entry.media_type.is_manifest()) {
                    sum(source, &fetch(source, &entry.digest).await?, sizes, depth + 1).await?;
                }
            }
            Content::Index(_) | Content::Schema1 => {}
            Content::Image { config, layers } => {
                let blobs = layers.iter().chain(config).filter(|blob| !blob.media_type.is_foreign_layer());
                sizes.extend(blobs.map(|blob| (blob.digest.clone(), blob.size)));
            }
        }
        Ok(())
    }
    .boxed()
}
