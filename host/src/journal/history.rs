//! What earlier runs did, read beside whoever writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::Row;

use crate::journal::JournalError;
use crate::journal::Key;
use crate::journal::StateDir;
use crate::journal::Tally;
use crate::journal::closed::Closed;
use crate::journal::schema;

/// How a run ended, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It is under way.
    Running,
    /// All images are at their targets.
    Whole,
    /// Some failed, or a source was not listed whole.
    Failed,
    /// It was stopped.
    Interrupted,
    /// Its process ended without a word.
    Killed,
}

/// One run.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// What it is called: the journal's directory and a number.
    pub name: String,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's file.
    pub path: PathBuf,
    /// When it began, in seconds since the epoch.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// How.
    pub state: RunState,
    /// The version of this program that began it.
    pub program: String,
    /// How many processes worked on it: one, and one for each time that it was gone on with.
    pub legs: u64,
    /// What it brought.
    pub tally: Tally,
    /// Jobs that failed, by kind of error, the most frequent first.
    pub failed: Vec<Class>,
    /// Jobs that were not tried or not ended.
    pub open: u64,
    /// Images that no job could be made of.
    pub rejected: u64,
}

/// Failed jobs of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The kind, such as `unauthorized`.
    pub class: String,
    /// How many.
    pub jobs: u64,
}

/// A job that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJob {
    /// The job, as it was noted.
    pub job: String,
    /// What happened at each of its targets, as it was noted; none if it did not end.
    pub failures: Option<String>,
}

/// What a run did not bring to its targets.
#[derive(Debug, Default)]
pub struct Leavings {
    /// Jobs that are not done.
    pub jobs: Vec<FailedJob>,
    /// Images that no job could be made of, each with why.
    pub rejected: Vec<(String, String)>,
}

/// The runs of all workflows.
#[derive(Debug, Default)]
pub struct History {
    /// The newest last.
    pub runs: Vec<RunRecord>,
    /// Journals that cannot be read.
    pub problems: Vec<JournalError>,
}

impl RunState {
    /// The word for it, in the journal and for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Whole => "done",
            Self::Failed => "failed",
            Self::Interrupted => "stopped",
            Self::Killed => "killed",
        }
    }

    fn read(word: &str, held: bool) -> Self {
        match word {
            "done" => Self::Whole,
            "failed" => Self::Failed,
            "stopped" => Self::Interrupted,
            _ if held => Self::Running,
            _ => Self::Killed,
        }
    }
}

impl History {
    /// Reads all journals in `state`.
    #[must_use]
    pub fn read(state: &StateDir) -> Self {
        let mut history = Self::default();
        for directory in directories(state) {
            match Shelf::open(&directory).and_then(|shelf| shelf.runs()) {
                Ok(runs) => history.runs.extend(runs),
                Err(error) => history.problems.push(error),
            }
        }
        history.runs.sort_by(|a, b| (a.started, &a.name).cmp(&(b.started, &b.name)));
        history
    }

    /// The run called `name`: `DIRECTORY/NUMBER` as [`RunRecord::name`] has it, or `WORKFLOW/NUMBER` where that is one alone.
    pub fn find(&self, name: &str) -> Result<&RunRecord, JournalError> {
        let number = name.rsplit_once('/').map(|(_, number)| number);
        let called = |run: &&RunRecord| {
            run.name == name
                || number.is_some_and(|number| {
                    name == format!("{}/{number}", run.workflow) && run.name.ends_with(&format!("/{number}"))
                })
        };
        match self.runs.iter().filter(called).collect::<Vec<_>>()[..] {
            [one] => Ok(one),
            [] => Err(JournalError::NoRun { run: name.to_owned() }),
            ref several => Err(JournalError::Ambiguous {
                run: name.to_owned(),
                which: several.iter().map(|run| run.name.clone()).collect(),
            }),
        }
    }

    /// What `run` did not bring to its targets.
    pub fn left(state: &StateDir, run: &RunRecord) -> Result<Leavings, JournalError> {
        let (directory, number) = run.name.rsplit_once('/').unwrap_or((&run.name, ""));
        let shelf = Shelf::open(&state.path().join(directory))?;
        shelf.left(number.parse().unwrap_or_default()).map_err(|source| shelf.error(source))
    }
}

fn directories(state: &StateDir) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state.path()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.join(StateDir::DATABASE).is_file()).collect()
}

/// One journal, opened to read.
struct Shelf {
    file: PathBuf,
    directory: String,
    connection: Connection,
    /// A process writes it.
    held: bool,
}

impl Shelf {
    fn open(directory: &Path) -> Result<Self, JournalError> {
        let file = directory.join(StateDir::DATABASE);
        let connection = schema::open_to_read(&file)?;
        let held = File::open(directory.join("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err());
        let directory = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { file, directory, connection, held })
    }

    fn runs(&self) -> Result<Vec<RunRecord>, JournalError> {
        self.records().map_err(|source| self.error(source))
    }

    fn records(&self) -> rusqlite::Result<Vec<RunRecord>> {
        let mut runs = self.connection.prepare(
            "SELECT id, started, ended, state, program, legs, copied, unchanged, skipped, blobs, bytes,
             (SELECT COUNT(*) FROM rejected WHERE run = id), name, path FROM runs, workflow ORDER BY id",
        )?;
        let records = runs.query_map([], |row| self.record(row))?;
        records.collect()
    }

    fn record(&self, row: &Row<'_>) -> rusqlite::Result<RunRecord> {
        let id: i64 = row.get(0)?;
        let path: String = row.get(13)?;
        let (open, failed) = self.classes(id)?;
        Ok(RunRecord {
            name: format!("{}/{id}", self.directory),
            workflow: row.get(12)?,
            path: path.into(),
            started: row.get(1)?,
            ended: row.get(2)?,
            state: RunState::read(&row.get::<_, String>(3)?, self.held),
            program: row.get(4)?,
            legs: count(row, 5)?,
            tally: Tally {
                copied: count(row, 6)?,
                unchanged: count(row, 7)?,
                skipped: count(row, 8)?,
                blobs: count(row, 9)?,
                bytes: count(row, 10)?,
            },
            failed,
            open,
            rejected: count(row, 11)?,
        })
    }

    /// How many jobs of `run` have not ended, and how many failed, by kind of error.
    fn classes(&self, run: i64) -> rusqlite::Result<(u64, Vec<Class>)> {
        let closed = Closed::read(&self.connection, run)?;
        let mut jobs = self.connection.prepare_cached("SELECT seq, key, class FROM jobs WHERE run = ?1")?;
        let mut jobs = jobs.query([run])?;
        let (mut open, mut failed) = (0, BTreeMap::new());
        while let Some(row) = jobs.next()? {
            if !closed.leaves_open(row.get(0)?, Key(row.get(1)?)) {
                continue;
            }
            match row.get::<_, Option<String>>(2)? {
                None => open += 1,
                Some(class) => *failed.entry(class).or_default() += 1,
            }
        }
        let mut failed: Vec<Class> = failed.into_iter().map(|(class, jobs)| Class { class, jobs }).collect();
        failed.sort_by_key(|class| std::cmp::Reverse(class.jobs));
        Ok((open, failed))
    }

    fn left(&self, run: i64) -> rusqlite::Result<Leavings> {
        let closed = Closed::read(&self.connection, run)?;
        let mut jobs = Vec::new();
        let mut found = self.connection.prepare("SELECT seq, key, job, failures FROM jobs WHERE run = ?1")?;
        let mut found = found.query([run])?;
        while let Some(row) = found.next()? {
            if closed.leaves_open(row.get(0)?, Key(row.get(1)?)) {
                jobs.push(FailedJob { job: row.get(2)?, failures: row.get(3)? });
            }
        }
        let rejected = self
            .connection
            .prepare("SELECT image, reason FROM rejected WHERE run = ?1")?
            .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(Leavings { jobs, rejected })
    }

    fn error(&self, source: rusqlite::Error) -> JournalError {
        JournalError::Database { file: self.file.clone(), source }
    }
}

/// A number that is never negative.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}
