//! The journal that a run is noted in, and the run that it goes on with.

use std::path::Path;

use crate::cli::CommandError;
use crate::cli::args::JournalArgs;
use crate::cli::runs::environment;
use crate::journal::Identity;
use crate::journal::Journal;
use crate::journal::JournalError;
use crate::journal::Past;
use crate::journal::StateDir;
use crate::journal::Writer;
use crate::workflow;
use crate::workflow::Plan;

/// A journal that is open.
pub(super) struct Opened {
    journal: Journal,
    /// The run that is gone on with.
    run: Option<i64>,
}

impl Opened {
    /// Begins to write, once nothing stands in the way of the run.
    pub(super) fn start(self) -> Result<Writer, JournalError> {
        match self.run {
            Some(run) => self.journal.go_on(run),
            None => self.journal.begin(),
        }
    }
}

/// The directory of journals.
pub(super) fn state(given: Option<&Path>) -> Result<StateDir, JournalError> {
    given.map_or_else(|| StateDir::usual(&environment), |path| Ok(StateDir::at(path)))
}

/// Opens the journal of `plan`, which is in `file`, and reads what its last run left if that is to be gone on with. None if nothing is to be noted. Where nobody asked for a journal and there is no place
/// for it, as in a container whose file system is read-only, the run goes without.
pub(super) fn open(args: &JournalArgs, plan: &Plan, file: &Path) -> Result<Option<(Opened, Past)>, CommandError> {
    if args.no_journal {
        return Ok(None);
    }
    let identity = Identity {
        name: plan.name.clone(),
        path: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
        fingerprint: workflow::fingerprint(plan),
    };
    let opened = state(args.state.as_deref()).and_then(|state| Journal::open(&state, identity));
    let journal = match opened {
        Ok(journal) => journal,
        Err(error @ (JournalError::Nowhere | JournalError::Directory { .. }))
            if args.state.is_none() && !args.resume =>
        {
            tracing::warn!("no journal, so --resume will not be possible: {}", super::chain(&error));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let past = if args.resume { journal.past()? } else { None };
    if args.resume && past.is_none() {
        tracing::info!("no run to go on with: the last one ended with all images at their targets, or there is none");
    }
    let run = past.as_ref().map(|past| past.run);
    Ok(Some((Opened { journal, run }, past.unwrap_or_default())))
}
