//! Which repositories at the targets were empty when the run came to them: nothing has to be looked for in those.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::OnceCell;

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
/// A repository is asked for its tags, once, when a tag that was looked for is missing, and while the source's manifest is being
/// read: it costs one request and no time. If it has none, its tags and its small blobs are written without a look, which for a new
/// repository is a third of all requests.
#[derive(Default)]
pub(super) struct Fresh {
    /// Earlier runs are gone on with, so that no repository is as new as it looks.
    off: bool,
    repositories: Mutex<HashMap<String, Arc<OnceCell<bool>>>>,
}

impl Fresh {
    /// Knows nothing yet; nothing ever, if the run goes on with an earlier one.
    pub(super) fn new(goes_on: bool) -> Self {
        Self { off: goes_on, ..Self::default() }
    }

    /// Whether the repository of `target` is known to have been empty.
    pub(super) fn is(&self, target: &Reference) -> bool {
        self.lock().get(&place(target)).and_then(|empty| empty.get()) == Some(&true)
    }

    /// Whether `blob` need not be looked for at `target`.
    pub(super) fn lacks(&self, target: &Target, blob: &Descriptor) -> bool {
        blob.size < SENT_UNASKED && self.is(&target.job.reference)
    }

    /// Asks the repository of `target` whether it is empty, or waits for whoever asks. A registry that does not say is no error.
    pub(super) async fn ask(&self, target: &Target) {
        let Some(empty) = self.known(&target.job.reference) else { return };
        let ask = || async {
            target.endpoint.is_empty(target.repository()).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "not known to be empty");
                false
            })
        };
        empty.get_or_init(ask).await;
    }

    fn known(&self, target: &Reference) -> Option<Arc<OnceCell<bool>>> {
        let mut repositories = self.lock();
        let (place, full) = (place(target), repositories.len() >= CAPACITY);
        match repositories.get(&place) {
            Some(empty) => Some(Arc::clone(empty)),
            None if self.off || full => None,
            None => Some(Arc::clone(repositories.entry(place).or_default())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<OnceCell<bool>>>> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The repository, with its registry.
fn place(target: &Reference) -> String {
    format!("{}/{}", target.registry, target.repository)
}
