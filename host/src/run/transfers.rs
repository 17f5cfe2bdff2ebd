//! All transfers of a run, side by side under one ceiling.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::report::Event;
use crate::run::enumerate::Enumeration;
use crate::run::enumerate::Outlets;
use crate::run::workbench::Workbench;
use crate::shutdown::Shutdown;
use crate::transfer::Engine;
use crate::transfer::Job;
use crate::transfer::Outcome;

/// Jobs that wait for a worker, for each transfer: the listing runs ahead of the copying by this much.
const JOBS: usize = 128;

/// What is left to what is in flight once the run is cancelled, so that uploads are aborted and not forgotten.
const GRACE: Duration = Duration::from_secs(5);

/// Runs all transfers of `bench`.
pub(super) async fn all(bench: Workbench, dry_run: bool, events: mpsc::Sender<Event>, shutdown: &Shutdown) {
    let rounds = if dry_run { 0 } else { bench.rounds() };
    let (engine, images, transfers) = bench.start(shutdown);
    let ended: Vec<CancellationToken> = transfers.iter().map(|_| CancellationToken::new()).collect();
    let images = Arc::new(Semaphore::new(images.max(1)));
    let work = join_all(transfers.into_iter().enumerate().map(|(number, (enumeration, needs))| {
        let needs: Vec<CancellationToken> = needs.into_iter().map(|need| ended[need].clone()).collect();
        let workers = Workers {
            engine: engine.clone(),
            images: Arc::clone(&images),
            events: events.clone(),
            shutdown: shutdown.clone(),
            dry_run,
            rounds,
        };
        let ended = ended[number].clone();
        async move {
            for need in needs {
                need.cancelled().await;
            }
            workers.transfer(enumeration).await;
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
    images: Arc<Semaphore>,
    events: mpsc::Sender<Event>,
    shutdown: Shutdown,
    dry_run: bool,
    rounds: u32,
}

/// An outcome to be bettered by another round.
struct Again {
    before: Outcome,
    job: Job,
}

impl Workers {
    async fn transfer(self, enumeration: Enumeration) {
        if self.shutdown.is_draining() {
            return;
        }
        // If nobody listens, the loop below ends by itself.
        let _ = self.events.send(Event::Started { transfer: enumeration.maker.transfer.clone() }).await;
        let (jobs, received) = mpsc::channel(JOBS);
        let outlets = Outlets { jobs, events: self.events.clone(), shutdown: self.shutdown.clone() };
        let listing = async move {
            enumeration.run(&outlets).await;
            drop(outlets);
        };
        let ((mut again, _), ()) = tokio::join!(self.work(received, Vec::new(), 0), listing);
        for round in 1..=self.rounds {
            if again.is_empty() {
                break;
            }
            tracing::info!(round, jobs = again.len(), "trying again what failed");
            again = self.round(again, round).await;
        }
    }

    /// Works on jobs as they come, until there are no more. `before` are the outcomes that these jobs are to better; what is worth
    /// another round comes back, and of `before` what was not tried again.
    async fn work(
        &self,
        mut received: mpsc::Receiver<Job>,
        mut before: Vec<Outcome>,
        round: u32,
    ) -> (Vec<Again>, Vec<Outcome>) {
        let mut again = Vec::new();
        let mut running = JoinSet::new();
        let mut open = true;
        let mut waiting: Option<Job> = None;
        let lost = lost(&self.shutdown);
        tokio::pin!(lost);
        while open || !running.is_empty() {
            tokio::select! {
                biased;
                Some(outcome) = running.join_next() => {
                    again.extend(self.over(outcome, &mut before, round).await);
                },
                () = &mut lost => {
                    running.abort_all();
                    break;
                }
                () = self.shutdown.draining(), if open => {
                    open = false;
                    received.close();
                }
                Ok(permit) = Arc::clone(&self.images).acquire_owned(), if open && waiting.is_some() => {
                    if let Some(job) = waiting.take() {
                        self.spawn(&mut running, job, permit);
                    }
                }
                job = received.recv(), if open && waiting.is_none() => match job {
                    Some(job) => waiting = Some(job),
                    None => open = false,
                },
            }
        }
        (again, before)
    }

    /// Tries jobs once more.
    async fn round(&self, jobs: Vec<Again>, round: u32) -> Vec<Again> {
        let (before, jobs): (Vec<Outcome>, Vec<Job>) = jobs.into_iter().map(|again| (again.before, again.job)).unzip();
        let (sender, received) = mpsc::channel(JOBS);
        let feed = async move {
            for job in jobs {
                // Closed when the run is drained: what was not begun is reported as it was.
                if sender.send(job).await.is_err() {
                    return;
                }
            }
        };
        let ((again, unfinished), ()) = tokio::join!(self.work(received, before, round), feed);
        for outcome in unfinished {
            self.finish(outcome).await;
        }
        again
    }

    fn spawn(&self, running: &mut JoinSet<Outcome>, job: Job, permit: OwnedSemaphorePermit) {
        let engine = self.engine.clone();
        let dry_run = self.dry_run;
        running.spawn(async move {
            let outcome = if dry_run { engine.preview(job).await } else { engine.run(job).await };
            drop(permit);
            outcome
        });
    }

    /// Reports a finished job, or gives it back for another round.
    async fn over(
        &self,
        outcome: Result<Outcome, tokio::task::JoinError>,
        before: &mut Vec<Outcome>,
        round: u32,
    ) -> Option<Again> {
        let mut outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let reason = format!("internal error, please report it: {error}");
                let (transfer, image) = (String::new(), "a job".to_owned());
                // See `finish`.
                let _ = self.events.send(Event::Rejected { transfer, image, reason }).await;
                return None;
            }
        };
        let earlier = before.iter().position(|earlier| {
            earlier.job.source == outcome.job.source
                && outcome.job.targets.iter().all(|target| earlier.job.targets.contains(target))
        });
        let earlier = earlier.map(|at| before.swap_remove(at));
        if let Some(mut earlier) = earlier {
            earlier.supersede(outcome);
            outcome = earlier;
        }
        match outcome.again() {
            Some(job) if round < self.rounds && !self.shutdown.is_draining() => {
                // See `finish`.
                let _ = self.events.send(Event::Retrying(Box::new(outcome.clone()))).await;
                Some(Again { before: outcome, job })
            }
            _ => {
                self.finish(outcome).await;
                None
            }
        }
    }

    async fn finish(&self, outcome: Outcome) {
        // The report is gone only when it could not be written, which ends the run with that error.
        let _ = self.events.send(Event::Finished(Box::new(outcome))).await;
    }
}

/// Ends some time after the run was cancelled.
async fn lost(shutdown: &Shutdown) {
    shutdown.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
