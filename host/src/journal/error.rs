//! Why a journal cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no directory to keep journals in.
    #[error("no directory for the journal: neither XDG_STATE_HOME nor HOME is set")]
    Nowhere,
    /// The directory cannot be made or written.
    #[error("cannot keep a journal in {}", directory.display())]
    Directory {
        /// Which one.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes it.
    #[error("another run of this workflow is under way{}: it holds {}", process.as_ref().map(|it| format!(" (process {it})")).unwrap_or_default(), lock.display())]
    Busy {
        /// The lock's file.
        lock: PathBuf,
        /// The other process.
        process: Option<u32>,
    },
    /// Another version of this program wrote it.
    #[error("the journal {} has format {found}; this version of image-transfer reads format {known}", file.display())]
    Version {
        /// The database.
        file: PathBuf,
        /// What it says.
        found: i64,
        /// What is understood.
        known: i64,
    },
    /// It belongs to another workflow.
    #[error("the journal {} is that of the workflow `{name}` in {}", file.display(), path.display())]
    Foreign {
        /// The database.
        file: PathBuf,
        /// Whose it is.
        name: String,
        /// And where that is.
        path: PathBuf,
    },
    /// What is to be gone on with is not what was begun.
    #[error("the workflow is not the one that run {run} began with: its transfers or plugins have changed")]
    Changed {
        /// The run.
        run: i64,
    },
    /// It is no database, or a broken one, or the disk is full.
    #[error("cannot use the journal {}", file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// There is no such run.
    #[error("no run is called {run:?}")]
    NoRun {
        /// What was asked for.
        run: String,
    },
    /// Several workflows have such a run.
    #[error("{run:?} may be {}", which.join(" or "))]
    Ambiguous {
        /// What was asked for.
        run: String,
        /// What it may be.
        which: Vec<String>,
    },
}

impl JournalError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Nowhere => "name one with --state DIR, or go without by --no-journal",
            Self::Directory { source, .. } if source.kind() == io::ErrorKind::StorageFull => FULL,
            Self::Directory { .. } => {
                "name a directory that can be written with --state DIR, or go without by --no-journal"
            }
            Self::Busy { .. } => {
                "wait until it has ended, or stop it; two runs of one workflow would do the same work twice"
            }
            Self::Version { .. } => {
                "finish that run with the version that began it, or move the file away: what is at the target already costs two requests an image"
            }
            Self::Foreign { .. } => "name another directory with --state DIR, or move the file away",
            Self::Changed { .. } => {
                "run without --resume: what is at the target already costs two requests an image. Limits, retries and registries may change between the two"
            }
            Self::Database { source, .. } => match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull) => FULL,
                Some(
                    rusqlite::ErrorCode::ReadOnly
                    | rusqlite::ErrorCode::CannotOpen
                    | rusqlite::ErrorCode::PermissionDenied,
                ) => "name a directory that can be written with --state DIR, or go without by --no-journal",
                _ => "move the file away: what is at the target already costs two requests an image",
            },
            Self::NoRun { .. } => "`image-transfer history` lists the runs",
            Self::Ambiguous { .. } => return None,
        })
    }
}

const FULL: &str = "free some space on the disk, or name another one with --state DIR";
