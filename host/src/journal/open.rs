//! A journal that nobody else writes, and what its last run left.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::journal::Identity;
use crate::journal::JournalError;
use crate::journal::Key;
use crate::journal::RunState;
use crate::journal::StateDir;
use crate::journal::Writer;
use crate::journal::closed;
use crate::journal::closed::Closed;
use crate::journal::place;
use crate::journal::prune;
use crate::journal::schema;

/// A workflow's journal, locked.
pub struct Journal {
    pub(super) file: PathBuf,
    pub(super) connection: Connection,
    /// Held for as long as this is.
    pub(super) lock: File,
    workflow: Identity,
}

/// What a run left that did not end whole.
#[derive(Debug, Default)]
pub struct Past {
    /// Its number.
    pub run: i64,
    /// Targets that have their image, each with its source.
    pub done: Vec<(Key, Key)>,
    /// Jobs that had not ended, or failed.
    pub jobs: Vec<OpenJob>,
    /// How far sources were listed. One that is not here begins at its beginning.
    pub sources: HashMap<String, SourceState>,
    /// Upload sessions that may still be open.
    pub uploads: Vec<Upload>,
}

/// A job that had not ended, or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenJob {
    /// Its transfer.
    pub transfer: String,
    /// The job.
    pub text: String,
}

/// How far a source was listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    /// From where it lists on.
    pub position: Option<String>,
    /// Its list is whole.
    pub listed: bool,
}

/// An upload session that may still be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What is uploaded, and where to.
    pub key: Key,
    /// Its URL.
    pub location: String,
}

impl Journal {
    /// Opens the journal of `workflow` in `state`, new where there is none.
    pub fn open(state: &StateDir, workflow: Identity) -> Result<Self, JournalError> {
        let directory = state.of(&workflow);
        let lock = place::take(&directory)?;
        let file = directory.join(StateDir::DATABASE);
        let connection = schema::open(&file)?;
        let journal = Self { file, connection, lock, workflow };
        journal.own()?;
        Ok(journal)
    }

    /// The last run, if it did not end whole.
    pub fn past(&self) -> Result<Option<Past>, JournalError> {
        let last = "SELECT id, fingerprint, state FROM runs ORDER BY id DESC LIMIT 1";
        let last = self.connection.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional();
        let Some((run, fingerprint, state)) = last.map_err(self.error())? else { return Ok(None) };
        let (run, fingerprint, state): (i64, String, String) = (run, fingerprint, state);
        if state == RunState::Whole.word() {
            return Ok(None);
        }
        if fingerprint != self.workflow.fingerprint {
            return Err(JournalError::Changed { run });
        }
        self.read(run).map(Some).map_err(self.error())
    }

    /// Begins a run.
    pub fn begin(self) -> Result<Writer, JournalError> {
        let run = self.begin_run().map_err(self.error())?;
        Writer::start(self, run)
    }

    /// Goes on with run `run`, whose [`Self::past`] was read.
    pub fn go_on(self, run: i64) -> Result<Writer, JournalError> {
        self.go_on_run(run).map_err(self.error())?;
        Writer::start(self, run)
    }

    /// The number of the last row, after which others are appended.
    pub(super) fn last_seq(&self) -> Result<i64, JournalError> {
        let last = "SELECT MAX(IFNULL((SELECT MAX(seq) FROM jobs), 0), IFNULL((SELECT MAX(seq) FROM done), 0))";
        self.connection.query_row(last, [], |row| row.get(0)).map_err(self.error())
    }

    fn own(&self) -> Result<(), JournalError> {
        let (name, path) = (&self.workflow.name, self.workflow.path.display().to_string());
        let owner = self.connection.query_row("SELECT name, path FROM workflow", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        match owner.optional().map_err(self.error())? {
            Some((found, at)) if (&found, &at) == (name, &path) => Ok(()),
            Some((name, path)) => Err(JournalError::Foreign { file: self.file.clone(), name, path: path.into() }),
            None => {
                let own = self.connection.execute("INSERT INTO workflow VALUES (?1, ?2)", params![name, path]);
                own.map(|_| ()).map_err(self.error())
            }
        }
    }

    fn read(&self, run: i64) -> rusqlite::Result<Past> {
        let rows = |sql: &str| self.connection.prepare(sql);
        let done = rows("SELECT target, source FROM done WHERE run = ?1 AND target IS NOT NULL")?
            .query_map([run], |row| Ok((Key(row.get(0)?), Key(row.get(1)?))))?
            .collect::<Result<_, _>>()?;
        let closed = Closed::read(&self.connection, run)?;
        let mut jobs = Vec::new();
        let mut found = rows("SELECT seq, key, transfer, job FROM jobs WHERE run = ?1")?;
        let mut found = found.query([run])?;
        while let Some(row) = found.next()? {
            if closed.leaves_open(row.get(0)?, Key(row.get(1)?)) {
                jobs.push(OpenJob { transfer: row.get(2)?, text: row.get(3)? });
            }
        }
        // Of what was rejected no job is noted, so only its source can tell it again.
        let sources = rows(
            "SELECT transfer, position, listed FROM sources WHERE run = ?1
             AND transfer NOT IN (SELECT transfer FROM rejected WHERE run = ?1)",
        )?
        .query_map([run], |row| Ok((row.get(0)?, SourceState { position: row.get(1)?, listed: row.get(2)? })))?
        .collect::<Result<_, _>>()?;
        let uploads = rows("SELECT key, location FROM uploads")?
            .query_map([], |row| Ok(Upload { key: Key(row.get(0)?), location: row.get(1)? }))?
            .collect::<Result<_, _>>()?;
        Ok(Past { run, done, jobs, sources, uploads })
    }

    fn begin_run(&self) -> rusqlite::Result<i64> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute(
            "INSERT INTO runs (fingerprint, program, started, state) VALUES (?1, ?2, ?3, ?4)",
            params![self.workflow.fingerprint, env!("CARGO_PKG_VERSION"), now(), RunState::Running.word()],
        )?;
        let run = transaction.last_insert_rowid();
        prune::before(&transaction, run)?;
        transaction.commit()?;
        prune::shrink(&self.connection)?;
        Ok(run)
    }

    fn go_on_run(&self, run: i64) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        let changed = transaction.execute(
            "UPDATE runs SET state = ?2, ended = NULL, legs = legs + 1 WHERE id = ?1",
            params![run, RunState::Running.word()],
        )?;
        if changed == 0 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        transaction.execute(
            "DELETE FROM sources WHERE run = ?1 AND transfer IN (SELECT transfer FROM rejected WHERE run = ?1)",
            [run],
        )?;
        transaction.execute("DELETE FROM rejected WHERE run = ?1", [run])?;
        // However often it is gone on with, what failed each time is kept once.
        closed::forget(&transaction, run)?;
        transaction.execute("DELETE FROM done WHERE run = ?1 AND target IS NULL", [run])?;
        transaction.commit()
    }

    fn error(&self) -> impl Fn(rusqlite::Error) -> JournalError {
        let file = self.file.clone();
        move |source| JournalError::Database { file: file.clone(), source }
    }
}

/// Seconds since the epoch.
pub(super) fn now() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
}
