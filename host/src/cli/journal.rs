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

/// A journal that is open, and what its last run left if that is to be gone on with.
pub(super) struct Opened {
    journal: Journal,
    past: Option<Past>,
}

impl Opened {
    /// What is to be gone on with.
    pub(super) fn take_past(&mut self) -> Past {
        match &mut self.past {
            Some(past) => Past { run: past.run, ..std::mem::take(past) },
            None => Past::default(),
        }
    }

    /// Begins to write, once nothing stands in the way of the run.
    pub(super) fn start(self) -> Result<Writer, JournalError> {
        match self.past {
            Some(past) => self.journal.go_on(past.run),
            None => self.journal.begin(),
        }
    }
}

/// The directory of journals.
pub(super) fn state(given: Option<&Path>) -> Result<StateDir, JournalError> {
    given.map_or_else(|| StateDir::usual(&environment), |path| Ok(StateDir::at(path)))
}

/// Opens the journal of `plan`, which is in `file`. None if nothing is to be noted. Where nobody asked for a journal and there is no place
/// for it, as in a container whose file system is read-only, the run goes without.
pub(super) fn open(args: &JournalArgs, plan: &Plan, file: &Path) -> Result<Option<Opened>, CommandError> {
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
    Ok(Some(Opened { journal, past }))
}
