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

use crate::endpoint::EndpointError;
use crate::endpoint::Endpoints;
use crate::oci::Content;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::shutdown::Shutdown;
use crate::transfer::Board;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::transfer::TargetOutcome;
use crate::transfer::TransferError;
use crate::transfer::flight::Flights;
use crate::transfer::fresh::Fresh;
use crate::transfer::graph::Graph;
use crate::transfer::look::Looked;
use crate::transfer::look::View;
use crate::transfer::platforms;
use crate::transfer::referrers::Referrers;
use crate::transfer::seen::Seen;
use crate::transfer::streams::Streams;
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
    /// Blobs that are streamed at a time, over all images; small ones from afar besides.
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
    pub(super) streams: Streams,
    pub(super) flights: Flights,
    pub(super) fresh: Fresh,
    pub(super) referrers: Referrers,
    pub(super) shutdown: Shutdown,
    pub(super) sessions: Arc<dyn Sessions>,
    pub(super) whole: Whole,
    pub(super) board: Board,
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
                streams: Streams::new(options.streams),
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

    /// Does what is left of a job after a look. Never fails as a whole: each target has its own end.
    pub async fn run(&self, looked: Looked) -> Outcome {
        let started = Instant::now();
        let Looked { job, took, view, turn } = looked;
        drop(turn);
        let targets = match view {
            Ok(view) => Box::pin(self.targets(&job, view)).await,
            Err(error) => job.targets.iter().map(|target| TargetOutcome::failed(&target.reference, &error)).collect(),
        };
        Outcome { targets, job, elapsed: took + started.elapsed(), attempts: 1 }
    }

    /// Whether any of the registries of `job` is so far away that a request is mostly on its way.
    #[must_use]
    pub fn is_far(&self, job: &Job) -> bool {
        let targets = job.targets.iter().map(|target| &target.reference.registry);
        targets.chain([&job.source.registry]).any(|registry| self.parts.endpoints.is_far(registry))
    }

    async fn targets(&self, job: &Job, view: View) -> Vec<TargetOutcome> {
        let View { source, seen, targets } = view;
        let (opened, mut ended): (Vec<_>, Vec<_>) = targets.into_iter().partition(Result::is_ok);
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

/// Whether `target` is to be written, by what it holds.
pub(super) fn is_missing(target: &Target, wanted: &Digest) -> bool {
    target.found.as_ref().is_none_or(|found| found != wanted && target.job.existing == Existing::Overwrite)
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
pub(super) fn movable(source: &Source, read: Result<Manifest, EndpointError>) -> Result<Manifest, TransferError> {
    let manifest = read.map_err(|error| source.error(error))?;
    match manifest.content() {
        Content::Schema1 => Err(TransferError::Schema1 { reference: source.reference.clone() }),
        Content::Index(_) | Content::Image { .. } => Ok(manifest),
    }
}
