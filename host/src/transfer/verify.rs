//! Reading targets again, to be sure that they have what their sources have.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::future::join;
use futures_util::future::join_all;

use crate::endpoint::EndpointError;
use crate::http::Class;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::RegistryName;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::engine::Parts;
use crate::transfer::target::Source;
use crate::transfer::target::Target;
use crate::workflow::Existing;

/// Levels of indexes that are read.
const MAX_DEPTH: usize = 8;

/// How thoroughly targets are read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The digest behind each tag, and whether referrers are there.
    #[default]
    Digests,
    /// Each manifest and each blob as well, every byte hashed.
    Blobs,
}

/// Blobs of which every byte was read, by registry: the same bytes in another repository need only be there.
pub(super) type Whole = Mutex<HashSet<(RegistryName, Digest)>>;

impl Engine {
    /// Reads source and targets of `job` again. Nothing is written.
    pub async fn verify(&self, job: Job, depth: Depth) -> Outcome {
        let started = Instant::now();
        let targets = match self.source(&job) {
            Ok(source) => self.verified(&job, &source, depth).await,
            Err(error) => job.targets.iter().map(|target| TargetOutcome::failed(&target.reference, &error)).collect(),
        };
        Outcome { targets, job, elapsed: started.elapsed(), attempts: 1 }
    }

    async fn verified(&self, job: &Job, source: &Source, depth: Depth) -> Vec<TargetOutcome> {
        let look = join_all(job.targets.iter().map(|target| self.look_at(job, target)));
        let (digest, looks) = join(self.resolve(source), look).await;
        let wanted = match digest {
            Ok(digest) if !job.options.platforms.is_empty() => {
                self.subset(job, source, &digest, None).await.map(|(kept, _)| kept.digest().clone())
            }
            digest => digest,
        };
        let followers = match &wanted {
            Ok(wanted) if job.options.referrers => source
                .endpoint
                .referrers(source.repository(), wanted)
                .await
                .map(|found| found.into_iter().map(|it| it.digest).collect())
                .map_err(|error| source.error(error)),
            _ => Ok(Vec::new()),
        };
        join_all(looks.into_iter().map(|look| async {
            let target = match look {
                Ok(target) => target,
                Err(ended) => return ended,
            };
            match (&wanted, &followers) {
                (Err(error), _) | (_, Err(error)) => target.fail(error),
                (Ok(wanted), Ok(followers)) => {
                    if let Err(error) = self.same(&target, wanted, followers, depth).await {
                        target.fail(&error);
                    }
                }
            }
            target.outcome()
        }))
        .await
    }

    /// Ends `target` well if it holds `wanted`, all that is below and all that refers to it.
    async fn same(
        &self,
        target: &Target,
        wanted: &Digest,
        followers: &[Digest],
        depth: Depth,
    ) -> Result<(), TransferError> {
        let reference = || target.job.reference.clone();
        match (&target.found, target.job.existing) {
            (None, _) => return Err(TransferError::Absent { reference: reference() }),
            (Some(found), _) if found == wanted => {}
            (Some(found), Existing::Skip) => {
                target.end(Status::Skipped, found.clone());
                return Ok(());
            }
            (Some(found), _) => {
                return Err(TransferError::Differs {
                    reference: reference(),
                    found: found.clone(),
                    wanted: wanted.clone(),
                });
            }
        }
        let reader = Reader { parts: &self.parts, target };
        for digest in followers {
            reader.there(digest).await?;
        }
        if depth == Depth::Blobs {
            for digest in followers.iter().chain([wanted]) {
                reader.manifest(digest, 0).await?;
            }
        }
        target.end(Status::Verified, wanted.clone());
        Ok(())
    }
}

/// Reads what a target holds.
struct Reader<'a> {
    parts: &'a Parts,
    target: &'a Target,
}

impl Reader<'_> {
    async fn there(&self, digest: &Digest) -> Result<(), TransferError> {
        let found = self.target.endpoint.resolve(self.target.repository(), &digest.clone().into()).await;
        match found {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.missing(digest)),
            Err(error) => Err(self.broken(digest, error)),
        }
    }

    fn manifest<'b>(&'b self, digest: &'b Digest, depth: usize) -> BoxFuture<'b, Result<(), TransferError>> {
        async move {
            let manifest = self.target.endpoint.manifest(self.target.repository(), &digest.clone().into()).await;
            let manifest = manifest.map_err(|error| self.broken(digest, error))?;
            match manifest.content() {
                Content::Index(_) if depth >= MAX_DEPTH => {
                    let reference = self.target.job.reference.clone();
                    return Err(TransferError::TooDeep { reference, limit: MAX_DEPTH });
                }
                Content::Index(entries) => {
                    for entry in entries {
                        if entry.media_type.is_manifest() {
                            self.manifest(&entry.digest, depth + 1).await?;
                        } else {
                            self.blob(entry).await?;
                        }
                    }
                }
                Content::Image { config, layers } => {
                    for blob in layers.iter().chain(config).filter(|blob| !blob.media_type.is_foreign_layer()) {
                        self.blob(blob).await?;
                    }
                }
                Content::Schema1 => {}
            }
            Ok(())
        }
        .boxed()
    }

    /// Reads every byte, or, where the same bytes were read from the same registry before, looks whether they are here too.
    async fn blob(&self, blob: &Descriptor) -> Result<(), TransferError> {
        let (endpoint, repository) = (&self.target.endpoint, self.target.repository());
        let key = (self.target.registry().clone(), blob.digest.clone());
        let broken = |error| self.broken(&blob.digest, error);
        if self.parts.whole.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            let there = endpoint.has_blob(repository, blob).await.map_err(broken)?;
            return if there { Ok(()) } else { Err(self.missing(&blob.digest)) };
        }
        let _room = self.parts.streams.enter(blob, self.parts.endpoints.is_far(self.target.registry())).await;
        let _slots = self.parts.endpoints.slots(endpoint, []).await;
        let mut stream = endpoint.open_blob(repository, blob).await.map_err(broken)?;
        while let Some(frame) = stream.next().await {
            if let Err(error) = frame {
                let reference = self.target.job.reference.clone();
                let (corrupt, reason) = (error.kind() == std::io::ErrorKind::InvalidData, error.to_string());
                return Err(match error.downcast::<EndpointError>() {
                    Ok(error) => self.broken(&blob.digest, error),
                    Err(_) => TransferError::Blob { reference, digest: blob.digest.clone(), reason, corrupt },
                });
            }
        }
        self.parts.whole.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Ok(())
    }

    fn missing(&self, digest: &Digest) -> TransferError {
        let reference = self.target.job.reference.clone();
        TransferError::Gone { reference, digest: digest.clone() }
    }

    fn broken(&self, digest: &Digest, error: EndpointError) -> TransferError {
        let reference = self.target.job.reference.clone();
        match error.class() {
            Class::NotFound => TransferError::Gone { reference, digest: digest.clone() },
            _ => TransferError::NotWhole { reference, digest: digest.clone(), source: Arc::new(error) },
        }
    }
}
