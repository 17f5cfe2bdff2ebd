//! Moves images: two requests for one that is unchanged, else its graph bottom up and the tag last.
//!
//! ```text
//! Job -> Engine::look (resolve both sides) -> Engine::run -> graph (manifests) -> blob (claim, mount or stream) -> put -> Outcome
//! ```
//!
//! What holds whatever fails: a target's bytes equal the source's or are absent; a tag is written only when all that it
//! needs is there; one blob is uploaded once to one registry, however many images need it; a dead target does not stop the
//! others of the same pull. There is no disk and no plugin here: jobs come in, outcomes go out.

mod blob;
mod board;
mod engine;
mod error;
mod flight;
mod fresh;
mod graph;
mod job;
mod look;
mod outcome;
mod platforms;
mod preview;
mod referrers;
mod retry;
mod seen;
mod streams;
mod target;
mod tee;
mod verify;

pub use board::Active;
pub use board::Board;
pub use board::Wait;
pub use engine::Engine;
pub use engine::EngineOptions;
pub use engine::Prepare;
pub use engine::Sessions;
pub use error::TransferError;
pub use job::Job;
pub use job::JobOptions;
pub use job::JobTarget;
pub use look::Looked;
pub use outcome::Bytes;
pub use outcome::Failure;
pub use outcome::Outcome;
pub use outcome::Status;
pub use outcome::TargetOutcome;
// For host/benches alone.
#[doc(hidden)]
pub use tee::tee;
pub use verify::Depth;
