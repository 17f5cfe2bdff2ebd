//! Writes entries, in batches and in their order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::Transaction;
use rusqlite::params;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::journal::Ended;
use crate::journal::Entry;
use crate::journal::Journal;
use crate::journal::JournalError;
use crate::journal::RunState;
use crate::journal::Tally;
use crate::journal::open::now;
use crate::journal::prune;

/// Entries that wait to be written.
const WAITING: usize = 1024;

/// Entries that are written in one transaction.
const BATCH: usize = 512;

/// How long entries that nobody waits for are gathered after the last transaction: a busy run has some twenty a second.
const GATHERED: Duration = Duration::from_millis(50);

/// Writes the journal of one run. Cheap to clone.
///
/// If the disk is full the run goes on: an entry that is lost only means that its job is done again, which costs two requests. But from
/// then on no position is noted, since jobs before it may be lost.
#[derive(Clone)]
pub struct Writer {
    run: i64,
    sender: mpsc::Sender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// How long tasks of the run have waited for the journal, in all, microseconds.
    waited: Arc<AtomicU64>,
}

struct Message {
    what: What,
    written: Option<oneshot::Sender<()>>,
}

enum What {
    Entry(Box<Entry>),
    /// The run is over; nothing comes after.
    End(RunState),
}

impl Message {
    /// Whether somebody waits for it.
    fn is_urgent(&self) -> bool {
        self.written.is_some() || matches!(self.what, What::End(_))
    }
}

/// What the thread works with.
struct Desk {
    run: i64,
    file: PathBuf,
    connection: Connection,
    /// Entries were lost.
    gaps: bool,
    /// The last batch could not be written.
    failing: bool,
    /// The number of the last row.
    seq: i64,
    cost: Cost,
}

/// What the journal took of its run.
#[derive(Debug, Default)]
struct Cost {
    entries: usize,
    transactions: u64,
    /// Spent in transactions.
    busy: Duration,
}

impl Writer {
    pub(super) fn start(journal: Journal, run: i64) -> Result<Self, JournalError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let directory = journal.file.parent().unwrap_or(&journal.file).to_owned();
        let failed = |source| JournalError::Directory { directory: directory.clone(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let seq = journal.last_seq()?;
        let work = move || {
            let Journal { file, connection, lock, .. } = journal;
            let desk = Desk { run, file, connection, gaps: false, failing: false, seq, cost: Cost::default() };
            runtime.block_on(desk.work(receiver));
            drop(lock);
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(work);
        let thread = thread.map_err(failed)?;
        Ok(Self { run, sender, thread: Arc::new(Mutex::new(Some(thread))), waited: Arc::default() })
    }

    /// The run's number.
    #[must_use]
    pub fn run(&self) -> i64 {
        self.run
    }

    /// Notes `entry` sometime soon, after all that was noted before.
    pub async fn note(&self, entry: Entry) {
        self.send(What::Entry(Box::new(entry)), None).await;
    }

    /// Notes `entry` if there is room: for what helps, and is not needed.
    pub fn note_if_room(&self, entry: Entry) {
        // If there is none, so it is.
        let _ = self.sender.try_send(Message { what: What::Entry(Box::new(entry)), written: None });
    }

    /// Notes `entry`, and waits until it is on record.
    pub async fn note_now(&self, entry: Entry) {
        let (written, done) = oneshot::channel();
        self.send(What::Entry(Box::new(entry)), Some(written)).await;
        let asked = Instant::now();
        // The thread is gone only after the end of the run.
        let _ = done.await;
        self.count(asked);
    }

    /// Notes that the run is over and how, and lets the journal go.
    pub async fn end(&self, state: RunState) {
        self.send(What::End(state), None).await;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It ends with the entry that was just sent.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        let waited = Duration::from_micros(self.waited.load(Ordering::Relaxed));
        tracing::debug!(?waited, "waited for the journal, over all tasks");
    }

    async fn send(&self, what: What, written: Option<oneshot::Sender<()>>) {
        let asked = Instant::now();
        // As in `note_now`.
        let _ = self.sender.send(Message { what, written }).await;
        self.count(asked);
    }

    /// Counts what a task waited since `asked`.
    fn count(&self, asked: Instant) {
        self.waited.fetch_add(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Desk {
    async fn work(mut self, mut receiver: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        let mut due = Instant::now();
        while receiver.recv_many(&mut messages, BATCH).await > 0 {
            while messages.len() < BATCH && !messages.iter().any(Message::is_urgent) {
                let room = BATCH - messages.len();
                match tokio::time::timeout_at(due, receiver.recv_many(&mut messages, room)).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            let end = messages.iter().any(|message| matches!(message.what, What::End(_)));
            let begun = Instant::now();
            let outcome = self.write(&messages);
            self.cost.entries += messages.len();
            self.cost.transactions += 1;
            self.cost.busy += begun.elapsed();
            self.tell(outcome);
            due = Instant::now() + GATHERED;
            for message in messages.drain(..) {
                if let Some(written) = message.written {
                    // Whoever waited may have been cancelled.
                    let _ = written.send(());
                }
            }
            if end {
                let Cost { entries, transactions, busy } = self.cost;
                tracing::debug!(entries, transactions, ?busy, "the journal is written");
                return;
            }
        }
    }

    fn tell(&mut self, outcome: rusqlite::Result<()>) {
        match outcome {
            Ok(()) if self.failing => {
                tracing::warn!("the journal {} can be written again", self.file.display());
                self.failing = false;
            }
            Ok(()) => {}
            Err(error) => {
                if !self.failing {
                    tracing::error!(
                        "the journal {} cannot be written: {error}; the run goes on, and what is not noted will be looked at again \
                         by --resume",
                        self.file.display()
                    );
                }
                (self.gaps, self.failing) = (true, true);
            }
        }
    }

    fn write(&mut self, messages: &[Message]) -> rusqlite::Result<()> {
        let mut seq = self.seq;
        let transaction = self.connection.unchecked_transaction()?;
        let mut tally = Tally::default();
        let mut whole = false;
        for message in messages {
            match &message.what {
                What::Entry(entry) => self.entry(&transaction, entry, &mut tally, &mut seq)?,
                What::End(state) => {
                    // What is lost has to be looked at again.
                    let state = if self.gaps && *state == RunState::Whole { RunState::Failed } else { *state };
                    whole = state == RunState::Whole;
                    let end = "UPDATE runs SET state = ?2, ended = ?3 WHERE id = ?1";
                    transaction.execute(end, params![self.run, state.word(), now()])?;
                }
            }
        }
        if tally != Tally::default() {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let Tally { copied, unchanged, skipped, blobs, bytes } = tally;
            transaction
                .prepare_cached(
                    "UPDATE runs SET copied = copied + ?2, unchanged = unchanged + ?3, skipped = skipped + ?4,
                     blobs = blobs + ?5, bytes = bytes + ?6 WHERE id = ?1",
                )?
                .execute(params![
                    self.run,
                    number(copied),
                    number(unchanged),
                    number(skipped),
                    number(blobs),
                    number(bytes)
                ])?;
        }
        transaction.commit()?;
        self.seq = seq;
        if whole { prune::after_whole(&self.connection, self.run) } else { Ok(()) }
    }

    fn entry(
        &self,
        transaction: &Transaction<'_>,
        entry: &Entry,
        tally: &mut Tally,
        seq: &mut i64,
    ) -> rusqlite::Result<()> {
        let run = self.run;
        match entry {
            Entry::Planned { transfer, jobs, position } => {
                let mut insert = transaction
                    .prepare_cached("INSERT INTO jobs (seq, run, key, transfer, job) VALUES (?1, ?2, ?3, ?4, ?5)")?;
                for job in jobs {
                    insert.execute(params![next(seq), run, job.key.0, transfer, job.text])?;
                }
                if let (Some(position), false) = (position, self.gaps) {
                    transaction
                        .prepare_cached("INSERT OR REPLACE INTO sources (run, transfer, position) VALUES (?1, ?2, ?3)")?
                        .execute(params![run, transfer, position])?;
                }
            }
            Entry::Ended(ended) => {
                *tally += ended.tally;
                Self::ended(transaction, run, ended, seq)?;
            }
            Entry::Rejected { transfer, image, reason } => {
                transaction
                    .prepare_cached("INSERT INTO rejected VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![run, transfer, image, reason])?;
            }
            Entry::Listed { transfer } if !self.gaps => {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO sources (run, transfer, listed) VALUES (?1, ?2, 1)")?
                    .execute(params![run, transfer])?;
            }
            Entry::Listed { .. } => {}
            Entry::Uploading { key, location } => {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO uploads VALUES (?1, ?2)")?
                    .execute(params![key.0, location])?;
            }
            Entry::Uploaded { key } => {
                transaction.prepare_cached("DELETE FROM uploads WHERE key = ?1")?.execute([key.0])?;
            }
        }
        Ok(())
    }

    fn ended(transaction: &Transaction<'_>, run: i64, ended: &Ended, seq: &mut i64) -> rusqlite::Result<()> {
        let mut done = transaction.prepare_cached("INSERT INTO done VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (target, source) in &ended.done {
            done.execute(params![next(seq), run, ended.key.0, target.0, source.0])?;
        }
        if ended.done.is_empty() {
            done.execute(params![next(seq), run, ended.key.0, None::<i64>, None::<i64>])?;
        }
        if let Some(left) = &ended.left {
            transaction.prepare_cached("INSERT INTO jobs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
                next(seq),
                run,
                left.job.key.0,
                left.transfer,
                left.job.text,
                left.class,
                left.failures
            ])?;
        }
        Ok(())
    }
}

/// Counts on.
fn next(seq: &mut i64) -> i64 {
    *seq += 1;
    *seq
}

#[cfg(test)]
mod tests;
