//! One blob to all targets of a job: known, mounted, or streamed once for all that lack it.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::future::join_all;
use futures_util::stream;

use crate::endpoint::EndpointError;
use crate::endpoint::Mount;
use crate::endpoint::Session;
use crate::endpoint::Unfinished;
use crate::http::ByteStream;
use crate::http::Class;
use crate::oci::Descriptor;
use crate::transfer::TransferError;
use crate::transfer::board::Phase;
use crate::transfer::flight::Claim;
use crate::transfer::flight::Landing;
use crate::transfer::flight::Leader;
use crate::transfer::graph::Graph;
use crate::transfer::retry::Tries;
use crate::transfer::target::Arrival;
use crate::transfer::target::Target;
use crate::transfer::target::alive;
use crate::transfer::tee::tee;

/// From this size on, in bytes, an upload session is noted for later processes.
const REMEMBERED: u64 = 8 << 20;

/// A target that lacks the blob.
struct Need<'a> {
    target: &'a Target,
    /// None where the blob is elsewhere in the registry and could not be mounted.
    leader: Option<Leader>,
    session: Option<Session>,
}

/// What a look at one target found.
enum Look<'a> {
    Done,
    Need(Need<'a>),
    Wait(&'a Target, Landing),
}

/// Why the source gave no whole blob.
#[derive(Clone)]
enum Broken {
    Unopened(Arc<EndpointError>),
    Torn { reason: String, corrupt: bool },
}

impl Broken {
    /// The pause before another try. What could not be opened was tried several times already; wrong bytes, which came `spoiled` times,
    /// are pulled once more, since the damage may have been on the way.
    fn pause(&self, tries: &Tries, spoiled: u32) -> Option<Duration> {
        match self {
            Self::Unopened(_) => None,
            Self::Torn { corrupt: true, .. } if spoiled > 1 => None,
            Self::Torn { .. } => tries.pause(Class::Retry),
        }
    }
}

/// A push that did not land; no error where the source is to blame.
type Failed<'a> = (Need<'a>, Option<EndpointError>);

impl Graph<'_> {
    /// Brings `blob` to all of `targets`. A target that fails is ended; an error is the source's.
    pub(super) async fn blob(&self, blob: &Descriptor, targets: &[&Target]) -> Result<(), TransferError> {
        let mut pending = alive(targets);
        while !pending.is_empty() {
            let mut needs = Vec::new();
            let mut waits = Vec::new();
            let places = pending.iter().map(|target| (target.registry(), target.repository()));
            let claims = pending.iter().zip(self.parts.flights.claim(blob, places));
            for look in join_all(claims.map(|(target, claim)| self.look(blob, target, claim))).await {
                match look {
                    Look::Done => {}
                    Look::Need(need) => needs.push(need),
                    Look::Wait(target, landing) => waits.push((target, landing)),
                }
            }
            pending = waits.iter().map(|(target, _)| *target).collect();
            if !needs.is_empty() {
                // Others may wait for these, so they never wait for others.
                self.stream(blob, needs).await?;
            } else if let Some((_, landing)) = waits.into_iter().next() {
                let _phase = self.source.seat.phase(Phase::Landing);
                landing.done().await;
            }
        }
        Ok(())
    }

    async fn look<'b>(&self, blob: &Descriptor, target: &'b Target, claim: Claim) -> Look<'b> {
        match claim {
            Claim::Present => {
                target.count(blob, Arrival::Present);
                Look::Done
            }
            Claim::Wait(landing) => Look::Wait(target, landing),
            Claim::Mount(from) => self.mount(blob, target, None, &from).await,
            Claim::Lead(leader) => match self.has(blob, target).await {
                Ok(true) => {
                    leader.landed(target.repository());
                    target.count(blob, Arrival::Present);
                    Look::Done
                }
                Ok(false) if *target.registry() == self.source.reference.registry => {
                    self.mount(blob, target, Some(leader), self.source.repository()).await
                }
                Ok(false) => Look::Need(Need { target, leader: Some(leader), session: None }),
                Err(error) => {
                    target.fail(&target.error(error));
                    Look::Done
                }
            },
        }
    }

    /// Whether the target's repository has the blob, by asking unless it was empty.
    async fn has(&self, blob: &Descriptor, target: &Target) -> Result<bool, EndpointError> {
        if self.parts.fresh.lacks(target, blob) {
            return Ok(false);
        }
        target.endpoint.has_blob(target.repository(), blob).await
    }

    /// Has the registry link the blob from `from`; where it will not, the blob has to be uploaded.
    async fn mount<'b>(
        &self,
        blob: &Descriptor,
        target: &'b Target,
        leader: Option<Leader>,
        from: &crate::oci::Repository,
    ) -> Look<'b> {
        match target.endpoint.mount_blob(target.repository(), blob, from).await {
            Ok(Mount::Mounted) => {
                self.landed(blob, target, leader, Arrival::Mounted);
                Look::Done
            }
            Ok(Mount::Refused(session)) => Look::Need(Need { target, leader, session }),
            Err(error) => {
                target.fail(&target.error(error));
                Look::Done
            }
        }
    }

    fn landed(&self, blob: &Descriptor, target: &Target, leader: Option<Leader>, arrival: Arrival) {
        match leader {
            Some(leader) => leader.landed(target.repository()),
            None => self.parts.flights.record(target.registry(), blob, target.repository()),
        }
        target.count(blob, arrival);
    }

    /// Streams `blob` to all of `needs` at once, and again to those whose upload broke off.
    async fn stream(&self, blob: &Descriptor, mut needs: Vec<Need<'_>>) -> Result<(), TransferError> {
        let mut tries = Tries::new(self.parts.endpoints.patience());
        let mut spoiled = 0;
        self.source.seat.expects(blob.size);
        loop {
            let (failed, broken) = self.pull_once(blob, needs).await;
            spoiled += u32::from(matches!(broken, Some(Broken::Torn { corrupt: true, .. })));
            needs = Vec::new();
            let (mut pause, mut class) = (Duration::ZERO, Class::Wait(None));
            for (need, error) in failed {
                let wanted = match (&broken, &error) {
                    _ if self.parts.shutdown.is_cancelled() => None,
                    (Some(broken), _) => broken.pause(&tries, spoiled),
                    (None, Some(error)) => tries.pause(error.class()),
                    (None, None) => None,
                };
                if let Some(wanted) = wanted {
                    pause = pause.max(wanted);
                    // One that has to wait for its host costs the others nothing.
                    class = match (&broken, error.map(|error| error.class())) {
                        (None, Some(Class::Wait(_)) | None) => class,
                        _ => Class::Retry,
                    };
                    needs.push(need);
                    continue;
                }
                let (need, _) = self.give_up(blob, need).await;
                match (&broken, error) {
                    (Some(_), _) => {}
                    (None, Some(error)) => need.target.fail(&need.target.error(error)),
                    (None, None) => need.target.fail(&TransferError::Stopped),
                }
            }
            if let (true, Some(broken)) = (needs.is_empty(), &broken) {
                return Err(self.source_error(blob, broken));
            }
            if needs.is_empty() {
                return Ok(());
            }
            self.source.seat.again(pause);
            match &broken {
                Some(_) => self.parts.endpoints.retried(&self.source.reference.registry),
                None => needs.iter().for_each(|need| self.parts.endpoints.retried(need.target.registry())),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.parts.shutdown.cancelled() => {
                    join_all(needs.into_iter().map(|need| self.give_up(blob, need))).await;
                    return Err(TransferError::Stopped);
                }
            }
            tries.count(class);
        }
    }

    fn source_error(&self, blob: &Descriptor, broken: &Broken) -> TransferError {
        let reference = self.source.reference.clone();
        match broken {
            _ if self.parts.shutdown.is_cancelled() => TransferError::Stopped,
            Broken::Unopened(source) => TransferError::Read { reference, source: Arc::clone(source) },
            Broken::Torn { reason, corrupt } => TransferError::Blob {
                reference,
                digest: blob.digest.clone(),
                reason: reason.clone(),
                corrupt: *corrupt,
            },
        }
    }

    /// One pull and as many pushes as there are needs; what failed comes back, with why the source broke off if it did.
    async fn pull_once<'b>(&self, blob: &Descriptor, needs: Vec<Need<'b>>) -> (Vec<Failed<'b>>, Option<Broken>) {
        let turn = self.source.seat.phase(Phase::Turn);
        let registries = needs.iter().map(|need| need.target.registry()).chain([&self.source.reference.registry]);
        let far = registries.into_iter().any(|registry| self.parts.endpoints.is_far(registry));
        let _room = self.parts.streams.enter(blob, far).await;
        // All of them before the first byte moves: a stream that has begun never waits for a host's room.
        let _slots =
            self.parts.endpoints.slots(&self.source.endpoint, needs.iter().map(|need| &need.target.endpoint)).await;
        drop(turn);
        let open = self.source.endpoint.open_blob(self.source.repository(), blob);
        let begin = join_all(needs.into_iter().map(|need| self.begin(blob, need)));
        let (source, begun) = join(open, begin).await;
        let needs: Vec<_> = begun.into_iter().flatten().collect();
        let source = match source {
            Ok(source) => source,
            Err(error) => {
                let given_up = join_all(needs.into_iter().map(|need| self.give_up(blob, need))).await;
                return (given_up, Some(Broken::Unopened(Arc::new(error))));
            }
        };
        if needs.is_empty() {
            return (Vec::new(), None);
        }
        let broken = Arc::new(Mutex::new(None));
        let source = self.watched(source, Arc::clone(&broken));
        let _phase = self.source.seat.phase(Phase::Moving);
        let (streams, pump) = tee(source, needs.len());
        let pushes = needs.into_iter().zip(streams).map(|(need, stream)| self.push(blob, need, stream));
        let (failed, ()) = join(join_all(pushes), pump).await;
        let broken = broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        (failed.into_iter().flatten().collect(), broken)
    }

    async fn push<'b>(&self, blob: &Descriptor, mut need: Need<'b>, stream: ByteStream) -> Option<Failed<'b>> {
        let (target, session) = (need.target, need.session.take());
        match target.endpoint.push_blob(target.repository(), blob, session, stream).await {
            Ok(()) => {
                self.forget_session(blob, target);
                self.landed(blob, target, need.leader, Arrival::Copied);
                None
            }
            Err(Unfinished { error, session }) => {
                if session.is_none() {
                    self.forget_session(blob, target);
                }
                need.session = session;
                Some((need, Some(error)))
            }
        }
    }

    /// Opens the session that a need lacks, while the source is being opened; none, and the target ended, if that cannot be done: the
    /// request was tried several times already. That of a large blob is noted, or one is taken that an earlier process left.
    async fn begin<'b>(&self, blob: &Descriptor, mut need: Need<'b>) -> Option<Need<'b>> {
        let (target, name) = (need.target, session_name(blob, need.target));
        let remembered = blob.size >= REMEMBERED;
        let left = if remembered { self.parts.sessions.left(&name) } else { None };
        let session = match (need.session.take(), left) {
            (Some(begun), _) => Ok(Some(begun)),
            (None, Some(location)) => target.endpoint.reopen(&location).await,
            (None, None) => target.endpoint.begin(target.repository()).await,
        };
        match session {
            Ok(session) => need.session = session,
            Err(error) => {
                target.fail(&target.error(error));
                return None;
            }
        }
        if let (true, Some(session)) = (remembered, &need.session) {
            self.parts.sessions.opened(&name, session.location());
        }
        Some(need)
    }

    fn forget_session(&self, blob: &Descriptor, target: &Target) {
        if blob.size >= REMEMBERED {
            self.parts.sessions.closed(&session_name(blob, target));
        }
    }

    /// Ends the upload session of a need whose blob will not come.
    async fn give_up<'b>(&self, blob: &Descriptor, mut need: Need<'b>) -> Failed<'b> {
        if let Some(session) = need.session.take() {
            need.target.endpoint.abort(need.target.repository(), session).await;
            self.forget_session(blob, need.target);
        }
        (need, None)
    }

    /// The stream, which remembers why it broke off, and breaks off when the run is cancelled, so that uploads are aborted and not
    /// forgotten.
    fn watched(&self, source: ByteStream, broken: Arc<Mutex<Option<Broken>>>) -> ByteStream {
        let shutdown = self.parts.shutdown.clone();
        let count = self.source.seat.counter();
        let stop = {
            let shutdown = shutdown.clone();
            async move { shutdown.cancelled().await }.boxed()
        };
        let stopped = stream::once(async move {
            shutdown.is_cancelled().then(|| Err(io::Error::new(io::ErrorKind::Interrupted, "stopped")))
        });
        source
            .take_until(stop)
            .chain(stopped.filter_map(std::future::ready))
            .inspect(move |frame| match frame {
                Ok(frame) => count(frame.len()),
                Err(error) => {
                    let corrupt = error.kind() == io::ErrorKind::InvalidData;
                    let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                    *broken = Some(Broken::Torn { reason: error.to_string(), corrupt });
                }
            })
            .boxed()
    }
}

/// Tells an upload from all others, in this process and in later ones.
fn session_name(blob: &Descriptor, target: &Target) -> String {
    format!("{}/{}@{}", target.registry(), target.repository(), blob.digest)
}
