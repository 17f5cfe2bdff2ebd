//! What happens in a run, as far as anybody wants to be told.

use crate::transfer::Outcome;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run goes on where an earlier process left it.
    Resumed {
        /// Its number in the journal.
        run: i64,
        /// Targets that were done before.
        done: usize,
        /// Jobs that were left.
        left: usize,
    },
    /// A transfer of the workflow begins.
    Started {
        /// Its name.
        transfer: String,
    },
    /// A job is over, retry rounds included.
    Finished(Box<Outcome>),
    /// A job failed in a way that another round may mend; it is tried again.
    Retrying(Box<Outcome>),
    /// A job's targets were read again after the run.
    Verified(Box<Outcome>),
    /// What a source told is no image that can be moved: no job was made of it.
    Rejected {
        /// The transfer's name.
        transfer: String,
        /// The image, as far as it was understood.
        image: String,
        /// Why not.
        reason: String,
    },
    /// A source broke off: its list is not whole.
    Incomplete {
        /// The transfer's name.
        transfer: String,
        /// Why.
        reason: String,
        /// What to do, where known.
        hint: Option<String>,
    },
    /// A mapper dropped the image, or a filter did not want it.
    Unwanted,
    /// The run was asked to stop: what had not begun is left undone.
    Interrupted,
}
