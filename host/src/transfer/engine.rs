//! The way of one job, from the first look to the tag.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::future::join;
use futures_util::future::join_all;
use tokio::sync::OnceCell;
use tokio::sync::Semaphore;

use crate::endpoint::Endpoint;
use crate::endpoint::EndpointError;
use crate::endpoint::Endpoints;
use crate::http::Class;
use crate::oci::Content;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::shutdown::Shutdown;
use crate::transfer::Board;
use crate::transfer::Job;
use crate::transfer::JobTarget;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::flight::Flights;
use crate::transfer::fresh::Fresh;
use crate::transfer::graph::Graph;
use crate::transfer::platforms;
use crate::transfer::referrers::Referrers;
use crate::transfer::seen::Seen;
use crate::transfer::target::Source;
use crate::transfer::target::Target;
use crate::transfer::target::alive;
use crate::transfer::verify::Whole;
use crate::workflow::Existing;

/// Makes a repository exist before the first push to it, which a provisioner plugin does.
pub trait Prepare: Send + Sync {
    /// Prepares `repository` by provisioner number `which`; `attributes` are those of the first image for it. An error says why not and whether another try may pass.
    fn prepare(
        &self,
        which: usize,
        repository: &Repository,
        attributes: &[(String, String)],
    ) -> BoxFuture<'_, Result<(), (String, bool)>>;
}

/// Remembers upload sessions of large blobs beyond this process. `target` names what is uploaded and where to.
pub trait Sessions: Send + Sync {
    /// The URL of a session that an earlier process left, given once.
    fn left(&self, target: &str) -> Option<String>;
    /// A session is open at `location`.
    fn opened(&self, target: &str, location: &str);
    /// It is over.
    fn closed(&self, target: &str);
}

/// What the engine is made of.
pub struct EngineOptions {
    /// Registries and layouts.
    pub endpoints: Endpoints,
    /// Blobs that are streamed at a time, over all images.
    pub streams: usize,
    /// Provisioners.
    pub prepare: Arc<dyn Prepare>,
    /// Upload sessions of earlier processes.
    pub sessions: Arc<dyn Sessions>,
    /// The run goes on with an earlier one, so that much may be at the targets without a tag.
    pub goes_on: bool,
    /// Stops streams when the run is cancelled.
    pub shutdown: Shutdown,
    /// Where is told what is on its way.
    pub board: Board,
}

/// Moves images. Cheap to clone; all clones share what is known of the targets.
#[derive(Clone)]
pub struct Engine {
    pub(super) parts: Arc<Parts>,
}

/// What all jobs share.
pub(super) struct Parts {
    pub(super) endpoints: Endpoints,
    pub(super) streams: Semaphore,
    pub(super) flights: Flights,
    pub(super) fresh: Fresh,
    pub(super) referrers: Referrers,
    pub(super) shutdown: Shutdown,
    pub(super) sessions: Arc<dyn Sessions>,
    pub(super) whole: Whole,
    board: Board,
    prepare: Arc<dyn Prepare>,
    prepared: Mutex<Prepared>,
}

/// Repositories that were prepared, or are being, by their provisioner.
type Prepared = HashMap<(usize, Repository), Arc<OnceCell<()>>>;

impl Engine {
    /// An engine that knows nothing of the targets yet.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        Self {
            parts: Arc::new(Parts {
                endpoints: options.endpoints,
                streams: Semaphore::new(options.streams.max(1)),
                flights: Flights::default(),
                fresh: Fresh::new(options.goes_on),
                referrers: Referrers::default(),
                shutdown: options.shutdown,
                sessions: options.sessions,
                whole: Whole::default(),
                board: options.board,
                prepare: options.prepare,
                prepared: Mutex::default(),
            }),
        }
    }

    /// Does `job`. Never fails as a whole: each target has its own end.
    pub async fn run(&self, job: Job) -> Outcome {
        let started = Instant::now();
        let targets = Box::pin(self.targets(&job)).await;
        Outcome { targets, job, elapsed: started.elapsed(), attempts: 1 }
    }

    /// Greets a registry that will be written to: that this one request is answered when the first image comes saves its round trips. An error
    /// will be met again by whoever needs the registry.
    pub async fn greet(&self, registry: &RegistryName, namespace: Option<&Repository>) {
        let Ok(endpoint) = self.parts.endpoints.open(registry, namespace) else { return };
        if let Err(error) = endpoint.greet().await {
            tracing::debug!(%error, "not greeted");
        }
    }

    /// How long `job` would wait for one of its registries that asks for a pause or is down; none if it can begin.
    #[must_use]
    pub fn paused(&self, job: &Job) -> Option<Duration> {
        let targets = job.targets.iter().map(|target| &target.reference.registry);
        targets.chain([&job.source.registry]).filter_map(|registry| self.parts.endpoints.paused(registry)).max()
    }

    async fn targets(&self, job: &Job) -> Vec<TargetOutcome> {
        let source = match self.source(job) {
            Ok(source) => source,
            Err(error) => {
                return job.targets.iter().map(|target| TargetOutcome::failed(&target.reference, &error)).collect();
            }
        };
        let (seen, looks) = self.look_around(job, &source).await;
        let (opened, mut ended): (Vec<_>, Vec<_>) = looks.into_iter().partition(Result::is_ok);
        let opened: Vec<Target> = opened.into_iter().filter_map(Result::ok).collect();
        let all: Vec<&Target> = opened.iter().collect();
        let copied = match seen {
            Ok(seen) => Box::pin(self.copy(job, &source, seen, &all)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = copied {
            for target in &all {
                target.fail(&error);
            }
        }
        let mut outcomes: Vec<_> = opened.into_iter().map(Target::outcome).collect();
        outcomes.extend(ended.drain(..).filter_map(Result::err));
        // In the job's order, whichever way each ended.
        outcomes.sort_by_key(|outcome| job.targets.iter().position(|target| target.reference == outcome.reference));
        outcomes
    }

    /// Looks at the source and at each target, all at once. Where the source told its digest, the targets come first, and if all of
    /// them have it the source is not asked. Where something is missing for sure, the source is read rather than looked at.
    pub(super) async fn look_around(
        &self,
        job: &Job,
        source: &Source,
    ) -> (Result<Seen, TransferError>, Vec<Result<Target, TargetOutcome>>) {
        let told = job.told_digest();
        let look = join_all(job.targets.iter().map(|target| self.look(job, target)));
        if told.is_none() && !job.targets.iter().any(|target| self.knows_to_be_missing(target)) {
            let (digest, looks) = join(self.resolve(source), look).await;
            return (digest.map(Seen::Digest), looks);
        }
        let looks = look.await;
        let there = |look: &Result<Target, TargetOutcome>| look.as_ref().is_ok_and(|it| it.found == told);
        let all_there = looks.iter().all(there);
        let seen = match told {
            Some(told) if all_there => Ok(Seen::Digest(told)),
            _ => Box::pin(self.read(source)).await.map(|manifest| Seen::Manifest(Box::new(manifest))),
        };
        (seen, looks)
    }

    /// Whether `target` is known to lack its image without a look.
    fn knows_to_be_missing(&self, target: &JobTarget) -> bool {
        target.existing == Existing::Overwrite && self.parts.fresh.is(&target.reference)
    }

    /// Opens what `job` reads.
    pub(super) fn source(&self, job: &Job) -> Result<Source, TransferError> {
        let reference = job.source.clone();
        match self.parts.endpoints.open(&reference.registry, Some(&reference.repository)) {
            Ok(endpoint) => Ok(Source { endpoint, reference, seat: self.parts.board.seat(job) }),
            Err(error) => Err(TransferError::Read { reference, source: Arc::new(error) }),
        }
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
    pub(super) async fn look(&self, job: &Job, target: &JobTarget) -> Result<Target, TargetOutcome> {
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

    async fn copy(&self, job: &Job, source: &Source, seen: Seen, all: &[&Target]) -> Result<(), TransferError> {
        let options = &job.options;
        let digest = seen.digest().clone();
        let mut manifest = seen.manifest();
        let mut wanted = digest.clone();
        if !options.platforms.is_empty() {
            let (kept, note) = self.subset(job, source, &digest, manifest).await?;
            wanted = kept.digest().clone();
            manifest = Some(kept);
            if let Some(note) = note {
                for target in all {
                    target.note(note.clone());
                }
            }
        }
        let missing: Vec<&Target> = all.iter().copied().filter(|target| !settled(target, &wanted)).collect();
        let graph = Graph::new(&self.parts, source);
        self.prepare(job, &missing).await;
        let missing = alive(&missing);
        if missing.is_empty() && !options.referrers {
            return Ok(());
        }
        let manifest = self.read_and_ask(source, &digest, manifest, &missing).await?;
        graph.children(&manifest, &missing, 0).await?;
        if options.referrers {
            // Referrers need their subject to be there; the tag still waits for them.
            graph.put_by_digest(&manifest, &alive(&missing)).await;
            let followed: Vec<&Target> = all.iter().copied().filter(|target| follows(target, &missing)).collect();
            self.parts.referrers.copy(&graph, &manifest, &followed).await;
        }
        graph.put_last(&manifest, &alive(&missing)).await;
        Ok(())
    }

    /// Reads the manifest, if it is not read already, and asks meanwhile which of the repositories without it are new.
    pub(super) async fn read_and_ask(
        &self,
        source: &Source,
        digest: &Digest,
        manifest: Option<Manifest>,
        missing: &[&Target],
    ) -> Result<Manifest, TransferError> {
        let read = async {
            match manifest {
                Some(manifest) => Ok(manifest),
                None => fetch(source, digest).await,
            }
        };
        let ask = join_all(missing.iter().filter(|target| target.found.is_none()).map(|it| self.parts.fresh.ask(it)));
        join(read, ask).await.0
    }

    /// The index cut down to the platforms that were asked for, with a note if that changed it.
    pub(super) async fn subset(
        &self,
        job: &Job,
        source: &Source,
        digest: &Digest,
        manifest: Option<Manifest>,
    ) -> Result<(Manifest, Option<String>), TransferError> {
        let manifest = match manifest {
            Some(manifest) => manifest,
            None => fetch(source, digest).await?,
        };
        let kept = platforms::subset(&manifest, &job.options.platforms, &source.reference)?;
        let note = match (manifest.content(), kept.content()) {
            (Content::Index(all), Content::Index(some)) if all.len() != some.len() => {
                Some(format!("{} of {} entries of index {digest} kept by `platforms`", some.len(), all.len()))
            }
            _ => None,
        };
        Ok((kept, note))
    }

    /// Has each repository prepared once; a repository that cannot be prepared ends its target.
    async fn prepare(&self, job: &Job, targets: &[&Target]) {
        join_all(targets.iter().filter_map(|&target| Some((target, target.job.prepare?))).map(
            |(target, which)| async move {
                let repository = target.repository();
                let cell = {
                    let mut prepared = self.parts.prepared.lock().unwrap_or_else(PoisonError::into_inner);
                    Arc::clone(prepared.entry((which, repository.clone())).or_default())
                };
                let prepare = || self.parts.prepare.prepare(which, repository, &job.attributes);
                if let Err((reason, again)) = cell.get_or_try_init(prepare).await {
                    let reference = target.job.reference.clone();
                    target.fail(&TransferError::Prepare { reference, reason, again });
                }
            },
        ))
        .await;
    }
}

/// Decides a target by what it holds, and ends it where nothing is to be written.
pub(super) fn settled(target: &Target, wanted: &Digest) -> bool {
    match (&target.found, target.job.existing) {
        (Some(found), _) if found == wanted => target.end(Status::Unchanged, found.clone()),
        (Some(found), Existing::Skip) => target.end(Status::Skipped, found.clone()),
        (Some(found), Existing::Fail) => {
            target.fail(&TransferError::Exists { reference: target.job.reference.clone(), found: found.clone() });
        }
        (Some(_), Existing::Overwrite) | (None, _) => return false,
    }
    true
}

/// Whether a target gets referrers: it is being written, or has the same image already.
fn follows(target: &Target, missing: &[&Target]) -> bool {
    let written = missing.iter().any(|other| std::ptr::eq(*other, target));
    if written { target.alive() } else { target.unchanged() }
}

/// The source's manifest, by the digest that its tag had at first, so that a tag that moves meanwhile changes nothing.
pub(super) async fn fetch(source: &Source, digest: &Digest) -> Result<Manifest, TransferError> {
    movable(source, source.endpoint.manifest(source.repository(), &digest.clone().into()).await)
}

/// `read` from `source`, if its kind can be moved.
fn movable(source: &Source, read: Result<Manifest, EndpointError>) -> Result<Manifest, TransferError> {
    let manifest = read.map_err(|error| source.error(error))?;
    match manifest.content() {
        Content::Schema1 => Err(TransferError::Schema1 { reference: source.reference.clone() }),
        Content::Index(_) | Content::Image { .. } => Ok(manifest),
    }
}
