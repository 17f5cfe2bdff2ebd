//! The first look at a job: what its source is, and what its targets hold.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures_util::future::join;
use futures_util::future::join_all;

use crate::endpoint::Endpoint;
use crate::endpoint::EndpointError;
use crate::http::Class;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::JobTarget;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::board::InPhase;
use crate::transfer::board::Phase;
use crate::transfer::engine::is_missing;
use crate::transfer::engine::movable;
use crate::transfer::seen::Seen;
use crate::transfer::target::Source;
use crate::transfer::target::Target;
use crate::workflow::Existing;

/// A job that was looked at.
pub struct Looked {
    pub(super) job: Job,
    pub(super) took: Duration,
    /// An error if the source cannot be opened.
    pub(super) view: Result<View, TransferError>,
    /// It waits until it is gone on with.
    pub(super) turn: Option<InPhase>,
}

/// What a look told.
pub(super) struct View {
    pub(super) source: Source,
    pub(super) seen: Result<Seen, TransferError>,
    /// A target that cannot be looked at has ended.
    pub(super) targets: Vec<Result<Target, TargetOutcome>>,
}

impl Looked {
    /// Whether it is known by the look alone how each target ends, so that nothing is left to read or to write.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let Ok(View { seen: Ok(seen), targets, .. }) = &self.view else { return true };
        let mut open = targets.iter().filter_map(|target| target.as_ref().ok());
        let options = &self.job.options;
        options.platforms.is_empty() && !options.referrers && !open.any(|target| is_missing(target, seen.digest()))
    }
}

impl Engine {
    /// Looks at the source and the targets of `job`, which [`Engine::run`] goes on with.
    pub async fn look(&self, job: Job) -> Looked {
        let started = Instant::now();
        let view = match self.source(&job) {
            Ok(source) => Ok(self.look_around(&job, source).await),
            Err(error) => Err(error),
        };
        let turn = view.as_ref().ok().map(|view| view.source.seat.phase(Phase::Turn));
        Looked { job, took: started.elapsed(), view, turn }
    }

    /// Opens what `job` reads.
    pub(super) fn source(&self, job: &Job) -> Result<Source, TransferError> {
        let reference = job.source.clone();
        match self.parts.endpoints.open(&reference.registry, Some(&reference.repository)) {
            Ok(endpoint) => Ok(Source { endpoint, reference, seat: self.parts.board.seat(job) }),
            Err(error) => Err(TransferError::Read { reference, source: Arc::new(error) }),
        }
    }

    /// Looks at the source and at each target, all at once. Where the source told its digest, the targets come first, and if all of
    /// them have it the source is not asked. Where something is missing for sure, the source is read rather than looked at.
    pub(super) async fn look_around(&self, job: &Job, source: Source) -> View {
        let told = job.told_digest();
        let look = join_all(job.targets.iter().map(|target| self.look_at(job, target)));
        if told.is_none() && !job.targets.iter().any(|target| self.knows_to_be_missing(target)) {
            let (digest, targets) = join(self.resolve(&source), look).await;
            return View { source, seen: digest.map(Seen::Digest), targets };
        }
        let targets = look.await;
        let there = |look: &Result<Target, TargetOutcome>| look.as_ref().is_ok_and(|it| it.found == told);
        let all_there = targets.iter().all(there);
        let seen = match told {
            Some(told) if all_there => Ok(Seen::Digest(told)),
            _ => Box::pin(self.read(&source)).await.map(|manifest| Seen::Manifest(Box::new(manifest))),
        };
        View { source, seen, targets }
    }

    /// Whether `target` is known to lack its image without a look.
    fn knows_to_be_missing(&self, target: &JobTarget) -> bool {
        target.existing == Existing::Overwrite && self.parts.fresh.is(&target.reference)
    }

    /// The digest of the source, by HEAD where it is given by tag.
    pub(super) async fn resolve(&self, source: &Source) -> Result<Digest, TransferError> {
        if let Some(digest) = source.reference.version.digest() {
            return Ok(digest.clone());
        }
        source
            .endpoint
            .resolve(source.repository(), &source.reference.version)
            .await
            .map_err(|error| source.error(error))?
            .ok_or_else(|| TransferError::Missing { reference: source.reference.clone() })
    }

    /// The source's manifest as the reference gives it.
    async fn read(&self, source: &Source) -> Result<Manifest, TransferError> {
        let manifest = source.endpoint.manifest(source.repository(), &source.reference.version).await;
        movable(source, manifest).map_err(|error| match error {
            TransferError::Read { source: cause, .. } if cause.class() == Class::NotFound => {
                TransferError::Missing { reference: source.reference.clone() }
            }
            error => error,
        })
    }

    /// Opens a target and looks what its tag holds.
    pub(super) async fn look_at(&self, job: &Job, target: &JobTarget) -> Result<Target, TargetOutcome> {
        if target.reference == job.source {
            return Err(TargetOutcome::failed(
                &target.reference,
                &TransferError::Itself { reference: job.source.clone() },
            ));
        }
        let look = async {
            let reference = &target.reference;
            let endpoint = self.parts.endpoints.open(&reference.registry, Some(&reference.repository))?;
            if self.knows_to_be_missing(target) {
                return Ok((endpoint, None));
            }
            let found = endpoint.resolve(&reference.repository, &reference.version).await?;
            Ok::<(Endpoint, Option<Digest>), EndpointError>((endpoint, found))
        };
        match look.await {
            Ok((endpoint, found)) => Ok(Target::new(endpoint, target.clone(), found)),
            Err(error) => {
                let reference = target.reference.clone();
                Err(TargetOutcome::failed(
                    &target.reference,
                    &TransferError::Write { reference, source: Arc::new(error) },
                ))
            }
        }
    }
}
