//! Which jobs of a run have ended.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::journal::Key;

/// When each key was closed last.
pub(super) struct Closed(HashMap<Key, i64>);

impl Closed {
    /// Of run `run`.
    pub(super) fn read(connection: &Connection, run: i64) -> rusqlite::Result<Self> {
        let mut rows = connection.prepare_cached("SELECT key, seq FROM done WHERE run = ?1")?;
        let rows = rows.query_map([run], |row| Ok((Key(row.get(0)?), row.get(1)?)))?;
        // They come in the order of `seq`: the last one stays.
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    /// Whether a job that was noted as `seq` under `key` is still to be done.
    pub(super) fn leaves_open(&self, seq: i64, key: Key) -> bool {
        self.0.get(&key).is_none_or(|closed| *closed < seq)
    }
}

/// Forgets the jobs of `run` that have ended.
pub(super) fn forget(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    let closed = Closed::read(connection, run)?;
    let mut jobs = connection.prepare_cached("SELECT seq, key FROM jobs WHERE run = ?1")?;
    let jobs = jobs.query_map([run], |row| Ok((row.get(0)?, Key(row.get(1)?))))?;
    let jobs: Vec<(i64, Key)> = jobs.collect::<Result<_, _>>()?;
    let mut delete = connection.prepare_cached("DELETE FROM jobs WHERE seq = ?1")?;
    for (seq, _) in jobs.into_iter().filter(|(seq, key)| !closed.leaves_open(*seq, *key)) {
        delete.execute([seq])?;
    }
    Ok(())
}
