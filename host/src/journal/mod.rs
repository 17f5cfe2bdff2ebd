//! The journal of a workflow: what its runs have done, so that a run that was killed goes on where it was.
//!
//! One directory for each workflow holds an `SQLite` database and a lock. Entries are written by one thread in batches, in the order in
//! which they were given:
//!
//! ```text
//! source batch -> Planned (jobs, and the source's position after them) -> committed -> the jobs may start -> Ended
//! ```
//!
//! What holds, whenever the process dies: each job was noted before it began; a position covers only images whose jobs are noted; what
//! is noted as done is at its target. So to do again what is noted as open, and to list on from the position, loses nothing.
//!
//! Nothing here knows what a job is: it is a text with a key. There is no secret in it, but there are names of private images, so files are
//! the user's alone.

mod closed;
mod entry;
mod error;
mod history;
mod key;
mod open;
mod place;
mod prune;
mod schema;
mod writer;

pub use entry::Ended;
pub use entry::Entry;
pub use entry::Left;
pub use entry::Planned;
pub use entry::Tally;
pub use error::JournalError;
pub use history::Class;
pub use history::FailedJob;
pub use history::History;
pub use history::Leavings;
pub use history::RunRecord;
pub use history::RunState;
pub use key::Key;
pub use open::Journal;
pub use open::OpenJob;
pub use open::Past;
pub use open::SourceState;
pub use open::Upload;
pub use place::Identity;
pub use place::StateDir;
pub use writer::Writer;
