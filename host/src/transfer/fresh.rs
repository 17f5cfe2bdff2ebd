//! Which repositories at the targets were empty when the run came to them: nothing has to be looked for in those.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::oci::Descriptor;
use crate::oci::Reference;
use crate::transfer::target::Target;

/// Blobs below this size, in bytes, are not looked for in an empty repository. A larger one may be left from a run that ended before it
/// wrote a tag, and to send it again costs more than to ask.
const SENT_UNASKED: u64 = 1 << 20;

/// Repositories that are remembered, some 200 bytes each; others are looked into as if they were full.
const CAPACITY: usize = 100_000;

/// What is known of the repositories at the targets.
///
/// A repository is asked for its tags, once, when the first tag that was looked for is missing, and while the source's manifest
/// is being read: it costs one request and no time. If it has none, its tags and its small blobs are written without a look, which
/// for a new repository is a third of all requests.
#[derive(Default)]
pub(super) struct Fresh {
    /// Earlier runs are gone on with, so that no repository is as new as it looks.
    off: bool,
    repositories: Mutex<HashMap<String, State>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Somebody asks, or it holds something, or it did not say.
    Usual,
    Empty,
}

impl Fresh {
    /// Knows nothing yet; nothing ever, if the run goes on with an earlier one.
    pub(super) fn new(goes_on: bool) -> Self {
        Self { off: goes_on, ..Self::default() }
    }

    /// Whether the repository of `target` was empty.
    pub(super) fn is(&self, target: &Reference) -> bool {
        self.lock().get(&place(target)) == Some(&State::Empty)
    }

    /// Whether `blob` need not be looked for at `target`.
    pub(super) fn lacks(&self, target: &Target, blob: &Descriptor) -> bool {
        blob.size < SENT_UNASKED && self.is(&target.job.reference)
    }

    /// Asks the repository of `target` whether it is empty, unless somebody did before. A registry that does not say is no error.
    pub(super) async fn ask(&self, target: &Target) {
        let place = place(&target.job.reference);
        {
            let mut repositories = self.lock();
            if self.off || repositories.len() >= CAPACITY || repositories.contains_key(&place) {
                return;
            }
            repositories.insert(place.clone(), State::Usual);
        }
        match target.endpoint.is_empty(target.repository()).await {
            Ok(true) => {
                self.lock().insert(place, State::Empty);
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "not known to be empty"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The repository, with its registry.
fn place(target: &Reference) -> String {
    format!("{}/{}", target.registry, target.repository)
}
