//! All transfers of a run, side by side under one ceiling.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use futures_util::future::ready;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::task::Id;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::journal::Past;
use crate::report::Backlog;
use crate::report::Event;
use crate::run::Mode;
use crate::run::aside;
use crate::run::aside::Aside;
use crate::run::aside::pauses;
use crate::run::enumerate::Enumeration;
use crate::run::enumerate::Outlets;
use crate::run::ledger::Ledger;
use crate::run::places::Place;
use crate::run::places::Places;
use crate::run::spans;
use crate::run::workbench::Workbench;
use crate::shutdown::Shutdown;
use crate::transfer::Board;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::Outcome;
use crate::transfer::TransferError;
use crate::workflow::To;

/// Jobs that wait for a worker, for each transfer: the listing runs ahead of the copying by this much.
const JOBS: usize = 128;

/// What is left to what is in flight once the run is cancelled, so that uploads are aborted and not forgotten.
const GRACE: Duration = Duration::from_secs(5);

/// What whoever looks on sees of the work.
#[derive(Clone)]
pub(super) struct Watched {
    /// What is on its way.
    pub(super) board: Board,
    /// How much there is.
    pub(super) backlog: Backlog,
}

/// Runs all transfers of `bench`; `watched` is told what is on its way.
pub(super) async fn all(
    bench: Workbench,
    mode: Mode,
    events: mpsc::Sender<Event>,
    watched: &Watched,
    shutdown: &Shutdown,
) {
    let rounds = if mode == Mode::Move { bench.rounds() } else { 0 };
    if bench.past().run > 0 {
        let Past { run, done, jobs, .. } = bench.past();
        // See below.
        let _ = events.send(Event::Resumed { run: *run, done: done.len(), left: jobs.len() }).await;
    }
    let ledger = bench.ledger();
    let (engine, images, transfers) = bench.start(shutdown, watched.board.clone());
    watched.board.lists(transfers.len());
    let ended: Vec<CancellationToken> = transfers.iter().map(|_| CancellationToken::new()).collect();
    let places = Places::new(images, mode);
    let work = join_all(transfers.into_iter().enumerate().map(|(number, (enumeration, needs))| {
        let needs: Vec<CancellationToken> = needs.into_iter().map(|need| ended[need].clone()).collect();
        let workers = Workers {
            engine: engine.clone(),
            places: places.clone(),
            events: events.clone(),
            watched: watched.clone(),
            ledger: ledger.clone(),
            shutdown: shutdown.clone(),
            mode,
            rounds,
        };
        let ended = ended[number].clone();
        async move {
            for need in needs {
                need.cancelled().await;
            }
            let span = spans::transfer(&enumeration.maker.transfer);
            workers.transfer(enumeration).instrument(span).await;
            ended.cancel();
        }
    }));
    tokio::pin!(work);
    tokio::select! {
        _ = &mut work => return,
        () = shutdown.draining() => {}
    }
    // Nobody listens only if the report cannot be written, and then the run ends by itself.
    let _ = events.send(Event::Interrupted).await;
    work.await;
}

/// What works on the jobs of one transfer.
struct Workers {
    engine: Engine,
    places: Places,
    events: mpsc::Sender<Event>,
    watched: Watched,
    ledger: Ledger,
    shutdown: Shutdown,
    mode: Mode,
    rounds: u32,
}

/// A job, and what came of it before, which this try is to better.
pub(super) struct Work {
    pub(super) job: Job,
    pub(super) before: Option<Outcome>,
}

/// Jobs in flight, each with what it is, so that one whose task is lost is still reported.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Option<Outcome>>,
    jobs: HashMap<Id, Job>,
}

impl Running {
    /// What came of the next that ends, where anything did; none while nothing is in flight.
    async fn next(&mut self) -> Option<Option<Outcome>> {
        Some(match self.tasks.join_next_with_id().await? {
            Ok((id, outcome)) => {
                self.jobs.remove(&id);
                outcome
            }
            Err(error) => {
                let (reason, job) = (error.to_string(), self.jobs.remove(&error.id()));
                job.map(|job| Outcome::undone(job, |_| TransferError::Internal { reason: reason.clone() }))
            }
        })
    }

    /// Gives up what is in flight.
    fn abort(&mut self) -> impl Iterator<Item = Job> {
        self.tasks.abort_all();
        std::mem::take(&mut self.jobs).into_values()
    }
}

impl Workers {
    async fn transfer(self, enumeration: Enumeration) {
        if self.shutdown.is_draining() {
            return;
        }
        // If nobody listens, the loop below ends by itself.
        let _ = self.events.send(Event::Started { transfer: enumeration.maker.transfer.clone() }).await;
        let (jobs, received) = mpsc::channel(JOBS);
        let outlets = Outlets {
            jobs,
            events: self.events.clone(),
            watched: self.watched.clone(),
            ledger: self.ledger.clone(),
            shutdown: self.shutdown.clone(),
        };
        let to: Vec<To> = enumeration.maker.to.iter().map(|(to, _)| to.clone()).collect();
        let listing = async move {
            enumeration.run(&outlets).await;
            outlets.watched.board.listed();
            drop(outlets);
        };
        if self.mode == Mode::Names {
            tokio::join!(self.name(received), listing);
            return;
        }
        // Given up when the transfer ends: nobody waits for them.
        let _greetings: Vec<_> = to.iter().filter_map(|to| self.greet(to)).collect();
        let backlog = &self.watched.backlog;
        let first = stream::unfold(received, |mut received| async move {
            let job = received.recv().await?;
            backlog.unqueue();
            Some((Work { job, before: None }, received))
        });
        let (mut again, ()) = tokio::join!(self.work(first, 0), listing);
        for round in 1..=self.rounds {
            if again.is_empty() {
                break;
            }
            tracing::info!(round, jobs = again.len(), "trying again what failed");
            again = self.work(stream::iter(again), round).await;
        }
    }

    /// Greets the registry of `to` while the source is being listed.
    fn greet(&self, to: &To) -> Option<AbortOnDropHandle<()>> {
        let (engine, registry, namespace) = (self.engine.clone(), to.registry.clone()?, to.namespace.clone());
        Some(AbortOnDropHandle::new(tokio::spawn(
            async move { engine.greet(&registry, namespace.as_ref()).await }.in_current_span(),
        )))
    }

    /// Tells of jobs as they come: their names are all that is wanted.
    async fn name(&self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.recv().await {
            self.watched.backlog.unqueue();
            self.finish(Outcome::named(job)).await;
        }
    }

    /// Works on jobs as they come, until there are no more; what is worth another round comes back. A job whose registry is being waited
    /// for is set aside, so that others go on. Once the run is drained, no job is begun: those that were tried before are reported as
    /// they were.
    async fn work(&self, jobs: impl Stream<Item = Work>, round: u32) -> Vec<Work> {
        let mut again = Vec::new();
        let mut running = Running::default();
        let mut waiting: Option<Work> = None;
        let mut aside = Aside::default();
        let mut open = true;
        let lost = lost(&self.shutdown);
        tokio::pin!(lost, jobs);
        loop {
            let going = !self.shutdown.is_draining();
            open &= going;
            let left = waiting.is_some() || !aside.is_empty();
            if running.tasks.is_empty() && !open && !(going && left) {
                break;
            }
            tokio::select! {
                biased;
                Some(ended) = running.next() => if let Some(outcome) = ended {
                    again.extend(self.over(outcome, round).await);
                },
                () = &mut lost => {
                    for job in running.abort() {
                        self.finish(Outcome::undone(job, |_| TransferError::Stopped)).await;
                    }
                    break;
                }
                () = self.shutdown.draining(), if going => {}
                Some(place) = self.places.begin(waiting.as_ref().is_some_and(|work| self.engine.is_far(&work.job))),
                    if going && waiting.is_some() && running.tasks.len() < self.places.most() =>
                {
                    match waiting.take() {
                        Some(work) if aside.has_room() && pauses(&self.engine, &work.job) => aside.push(work),
                        Some(work) => self.spawn(&mut running, work, place),
                        None => {}
                    }
                }
                work = aside.next(&self.engine), if going && !aside.is_empty() && waiting.is_none() => waiting = Some(work),
                work = jobs.next(), if open && waiting.is_none() => match work {
                    Some(work) if aside.has_room() && pauses(&self.engine, &work.job) => aside.push(work),
                    Some(work) => waiting = Some(work),
                    None => open = false,
                },
            }
        }
        if round > 0 && self.shutdown.is_draining() {
            // All of a later round are at hand, so this ends.
            let untried = stream::iter(waiting)
                .chain(stream::iter(aside.into_iter()))
                .chain(jobs)
                .filter_map(|work| ready(work.before));
            untried.for_each(|outcome| self.finish(outcome)).await;
        }
        again
    }

    fn spawn(&self, running: &mut Running, work: Work, place: Place) {
        let (engine, places, shutdown) = (self.engine.clone(), self.places.clone(), self.shutdown.clone());
        let mode = self.mode;
        let job = work.job.clone();
        let under_way = self.watched.backlog.enter();
        let span = spans::image(&job);
        let told = span.clone();
        let task = async move {
            let _under_way = under_way;
            let Work { job, before } = work;
            let paused = aside::until_paused(&engine, job.clone());
            // On the heap: there are many of these at a time, and each is some kilobytes.
            let work: BoxFuture<'_, Option<Outcome>> = match mode {
                Mode::Move => places.moved(&engine, job, place.is_for_copying(), &shutdown).boxed(),
                Mode::Preview => engine.preview(job).map(Some).boxed(),
                Mode::Names => ready(Some(Outcome::named(job))).boxed(),
                Mode::Verify(depth) => engine.verify(job, depth).map(Some).boxed(),
            };
            let Some(outcome) = aside::lending(work, place, paused).await else { return before };
            spans::ended(&told, &outcome);
            Some(match before {
                None => outcome,
                Some(mut before) => {
                    before.supersede(outcome);
                    before
                }
            })
        };
        let task = running.tasks.spawn(task.instrument(span));
        running.jobs.insert(task.id(), job);
    }

    /// Reports a finished job, or gives it back for another round.
    async fn over(&self, outcome: Outcome, round: u32) -> Option<Work> {
        match outcome.again() {
            Some(job) if round < self.rounds && !self.shutdown.is_draining() => {
                // See `finish`.
                let _ = self.events.send(Event::Retrying(Box::new(outcome.clone()))).await;
                Some(Work { job, before: Some(outcome) })
            }
            _ => {
                self.finish(outcome).await;
                None
            }
        }
    }

    async fn finish(&self, outcome: Outcome) {
        self.ledger.ended(&outcome).await;
        // The report is gone only when it could not be written, which ends the run with that error.
        let outcome = Box::new(outcome);
        let verified = matches!(self.mode, Mode::Verify(_));
        let event = if verified { Event::Verified(outcome) } else { Event::Finished(outcome) };
        let _ = self.events.send(event).await;
    }
}

/// Ends some time after the run was cancelled.
async fn lost(shutdown: &Shutdown) {
    shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
