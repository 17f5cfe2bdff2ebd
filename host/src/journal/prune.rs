//! What is forgotten, so that a journal of years stays small.

use rusqlite::Connection;
use rusqlite::Transaction;

use crate::journal::closed;

/// Runs of which the failures are kept.
const FAILURES: i64 = 5;

/// Runs of which the numbers are kept.
const NUMBERS: i64 = 100;

/// Forgets what nobody can go on with once `run` begins: how far earlier runs came, and of old ones all but their numbers.
pub(super) fn before(transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<()> {
    closed::forget(transaction, run - 1)?;
    for table in ["done", "sources"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE run < ?1"), [run])?;
    }
    for table in ["jobs", "rejected"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE run < ?1"), [run - FAILURES])?;
    }
    transaction.execute("DELETE FROM uploads", [])?;
    transaction.execute("DELETE FROM runs WHERE id < ?1", [run - NUMBERS])?;
    Ok(())
}

/// Forgets how far a run came that ended whole.
pub(super) fn after_whole(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM jobs WHERE run = ?1", [run])?;
    connection.execute("DELETE FROM done WHERE run = ?1", [run])?;
    connection.execute("DELETE FROM sources WHERE run = ?1", [run])?;
    shrink(connection)
}

/// Gives what is empty back to the disk.
pub(super) fn shrink(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare("PRAGMA incremental_vacuum")?.query([])?.next().map(|_| ())
}
