//! One upload of a blob for each registry, whoever needs it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::oci::Digest;
use crate::oci::RegistryName;
use crate::oci::Repository;

/// What is known of the blobs at the targets, and who is uploading which. Cheap to clone.
///
/// A leader's guard wakes the waiters when it is dropped, whether its upload landed or not, so that a cancelled leader hands
/// over instead of hanging its followers.
#[derive(Clone, Default)]
pub(super) struct Flights {
    blobs: Arc<Mutex<HashMap<Key, Blob>>>,
}

type Key = (RegistryName, Digest);

#[derive(Default)]
struct Blob {
    /// Repositories that have it; the newest few are enough to mount from.
    repositories: Vec<Repository>,
    /// Closed when the leader is done.
    leader: Option<watch::Receiver<()>>,
}

/// What to do about a blob at one target.
pub(super) enum Claim {
    /// It is in the repository.
    Present,
    /// Another repository of the registry has it.
    Mount(Repository),
    /// Somebody is bringing it; ask again when this ends.
    Wait(Landing),
    /// The caller brings it.
    Lead(Leader),
}

/// Ends when a leader is done.
pub(super) struct Landing(watch::Receiver<()>);

impl Landing {
    /// Waits for the leader to land or to give up.
    pub(super) async fn done(mut self) {
        // The sender sends nothing: the error of its end is the signal.
        let _ = self.0.changed().await;
    }
}

/// The right, and the duty, to bring a blob.
pub(super) struct Leader {
    flights: Flights,
    key: Key,
    _wakes: watch::Sender<()>,
}

impl Leader {
    /// The blob is now in `repository`.
    pub(super) fn landed(self, repository: &Repository) {
        self.flights.record(&self.key.0, &self.key.1, repository);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let mut blobs = self.flights.lock();
        if let Some(blob) = blobs.get_mut(&self.key) {
            blob.leader = None;
            if blob.repositories.is_empty() {
                blobs.remove(&self.key);
            }
        }
    }
}

impl Flights {
    /// Entries that are remembered, some 200 bytes each. Beyond, what has landed is forgotten and asked for again by HEAD.
    const CAPACITY: usize = 100_000;
    /// Repositories that are remembered for a blob.
    const REPOSITORIES: usize = 8;

    /// What to do about `digest` at `repository`.
    pub(super) fn claim(&self, registry: &RegistryName, digest: &Digest, repository: &Repository) -> Claim {
        let key = (registry.clone(), digest.clone());
        let mut blobs = self.lock();
        if blobs.len() >= Self::CAPACITY {
            blobs.retain(|_, blob| blob.leader.is_some());
        }
        let blob = blobs.entry(key.clone()).or_default();
        if blob.repositories.contains(repository) {
            return Claim::Present;
        }
        if let Some(leader) = &blob.leader {
            return Claim::Wait(Landing(leader.clone()));
        }
        if let Some(from) = blob.repositories.last() {
            return Claim::Mount(from.clone());
        }
        let (wakes, leader) = watch::channel(());
        blob.leader = Some(leader);
        Claim::Lead(Leader { flights: self.clone(), key, _wakes: wakes })
    }

    /// Notes that `repository` has the blob.
    pub(super) fn record(&self, registry: &RegistryName, digest: &Digest, repository: &Repository) {
        let mut blobs = self.lock();
        let blob = blobs.entry((registry.clone(), digest.clone())).or_default();
        if !blob.repositories.contains(repository) {
            if blob.repositories.len() == Self::REPOSITORIES {
                blob.repositories.remove(0);
            }
            blob.repositories.push(repository.clone());
        }
    }

    /// Forgets that `repository` has the blob: the registry says that it has not.
    pub(super) fn forget(&self, registry: &RegistryName, digest: &Digest, repository: &Repository) {
        if let Some(blob) = self.lock().get_mut(&(registry.clone(), digest.clone())) {
            blob.repositories.retain(|known| known != repository);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Blob>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (Flights, RegistryName, Digest, Repository, Repository) {
        let (first, second) = ("n/a".parse().unwrap(), "n/b".parse().unwrap());
        (Flights::default(), "r.io".parse().unwrap(), Digest::of(b"blob"), first, second)
    }

    #[tokio::test]
    async fn followers_mount_from_where_the_leader_landed() {
        let (flights, registry, digest, first, second) = parts();
        let Claim::Lead(leader) = flights.claim(&registry, &digest, &first) else { panic!("nobody leads yet") };
        let Claim::Wait(landing) = flights.claim(&registry, &digest, &second) else { panic!("somebody leads") };
        leader.landed(&first);
        landing.done().await;
        assert!(matches!(flights.claim(&registry, &digest, &second), Claim::Mount(from) if from == first));
        assert!(matches!(flights.claim(&registry, &digest, &first), Claim::Present));
    }

    #[tokio::test]
    async fn a_leader_that_gives_up_hands_over() {
        let (flights, registry, digest, first, second) = parts();
        let claim = flights.claim(&registry, &digest, &first);
        let Claim::Wait(landing) = flights.claim(&registry, &digest, &second) else { panic!("somebody leads") };
        drop(claim);
        landing.done().await;
        assert!(matches!(flights.claim(&registry, &digest, &second), Claim::Lead(_)));
    }

    #[test]
    fn what_the_registry_denies_is_forgotten() {
        let (flights, registry, digest, first, _) = parts();
        flights.record(&registry, &digest, &first);
        flights.forget(&registry, &digest, &first);
        assert!(matches!(flights.claim(&registry, &digest, &first), Claim::Lead(_)));
    }
}
