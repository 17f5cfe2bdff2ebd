//! The tables.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OpenFlags;

use crate::journal::JournalError;

/// The number of this form of the tables, kept in the database. Another form gets another number.
const FORMAT: i64 = 1;

/// The most that a database grows to, in bytes: beyond, entries are refused as if the disk were full.
const MOST_BYTES: i64 = 8 << 30;

/// Pages that are written twice, first beside the database and then into it: the more, the fewer times the disk is waited for.
const CHECKPOINT: i64 = 4000;

/// Bytes of a page.
const PAGE: i64 = 4096;

const TABLES: &str = "
CREATE TABLE workflow (name TEXT NOT NULL, path TEXT NOT NULL);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, program TEXT NOT NULL,
    started INTEGER NOT NULL, ended INTEGER, state TEXT NOT NULL, legs INTEGER NOT NULL DEFAULT 1,
    copied INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0,
    blobs INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);
-- Both of these only grow while a run is under way, in one order, `seq`: what is appended touches one page, what is changed anywhere
-- touches many. A job is open until its key is in `done` with a greater `seq`. Without a class, it has not ended yet.
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, key INTEGER NOT NULL, transfer TEXT NOT NULL, job TEXT NOT NULL,
    class TEXT, failures TEXT);
-- Jobs that ended, by their key, and targets that have their image (none where the whole job failed).
CREATE TABLE done (
    seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, key INTEGER NOT NULL, target INTEGER, source INTEGER);
CREATE TABLE sources (
    run INTEGER NOT NULL, transfer TEXT NOT NULL, position TEXT, listed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, transfer)) WITHOUT ROWID;
CREATE TABLE rejected (run INTEGER NOT NULL, transfer TEXT NOT NULL, image TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE uploads (key INTEGER PRIMARY KEY, location TEXT NOT NULL);
";

/// Opens the database to write, and makes its tables where it is new.
pub(super) fn open(file: &Path) -> Result<Connection, JournalError> {
    let error = |source| JournalError::Database { file: file.to_owned(), source };
    // SQLite makes its other files with the mode of this one.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file)
        .map_err(|source| JournalError::Directory { directory: file.parent().unwrap_or(file).to_owned(), source })?;
    let connection = Connection::open(file).map_err(error)?;
    prepare(&connection, file).map_err(error)??;
    Ok(connection)
}

/// Opens the database to read beside a run that writes it.
pub(super) fn open_to_read(file: &Path) -> Result<Connection, JournalError> {
    let error = |source| JournalError::Database { file: file.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(error)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(error)?;
    known(format(&connection).map_err(error)?, file)?;
    Ok(connection)
}

fn prepare(connection: &Connection, file: &Path) -> rusqlite::Result<Result<(), JournalError>> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let found = format(connection)?;
    if found != 0
        && let Err(error) = known(found, file)
    {
        return Ok(Err(error));
    }
    connection.pragma_update(None, "page_size", PAGE)?;
    // A file that shrinks when old runs are pruned.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A killed process loses nothing by this, a machine that loses power perhaps the last second; the database stays whole.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    connection.pragma_update(None, "journal_size_limit", 2 * CHECKPOINT * PAGE)?;
    connection.pragma_update(None, "max_page_count", MOST_BYTES / PAGE)?;
    if found == 0 {
        connection.execute_batch(&format!("BEGIN IMMEDIATE;{TABLES}PRAGMA user_version = {FORMAT};COMMIT;"))?;
    }
    Ok(Ok(()))
}

fn format(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn known(found: i64, file: &Path) -> Result<(), JournalError> {
    if found == FORMAT {
        return Ok(());
    }
    Err(JournalError::Version { file: file.to_owned(), found, known: FORMAT })
}
