//! One upload of a blob for each registry, whoever needs it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::oci::Descriptor;
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

/// With the size that the manifest claims: where one lies about a blob that is known, what is known is of another, and the source has to
/// show its own.
type Key = (RegistryName, Digest, u64);

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
        self.flights.note(self.key.clone(), repository);
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

    /// What to do about `blob` at each of these places. They are claimed together, so that the targets of one image have one leader and the
    /// source is read once.
    pub(super) fn claim<'a>(
        &self,
        blob: &Descriptor,
        places: impl Iterator<Item = (&'a RegistryName, &'a Repository)>,
    ) -> Vec<Claim> {
        let mut blobs = self.lock();
        if blobs.len() >= Self::CAPACITY {
            blobs.retain(|_, blob| blob.leader.is_some());
        }
        places.map(|(registry, repository)| self.claim_one(&mut blobs, key(registry, blob), repository)).collect()
    }

    fn claim_one(&self, blobs: &mut HashMap<Key, Blob>, key: Key, repository: &Repository) -> Claim {
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
    pub(super) fn record(&self, registry: &RegistryName, blob: &Descriptor, repository: &Repository) {
        self.note(key(registry, blob), repository);
    }

    fn note(&self, key: Key, repository: &Repository) {
        let mut blobs = self.lock();
        let blob = blobs.entry(key).or_default();
        if !blob.repositories.contains(repository) {
            if blob.repositories.len() == Self::REPOSITORIES {
                blob.repositories.remove(0);
            }
            blob.repositories.push(repository.clone());
        }
    }

    /// Forgets that `repository` has the blob: the registry says that it has not.
    pub(super) fn forget(&self, registry: &RegistryName, blob: &Descriptor, repository: &Repository) {
        if let Some(blob) = self.lock().get_mut(&key(registry, blob)) {
            blob.repositories.retain(|known| known != repository);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Blob>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(registry: &RegistryName, blob: &Descriptor) -> Key {
    (registry.clone(), blob.digest.clone(), blob.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (Flights, RegistryName, Descriptor, Repository, Repository) {
        let (first, second) = ("n/a".parse().unwrap(), "n/b".parse().unwrap());
        let blob = Descriptor::new("a/b", Digest::of(b"blob"), 4);
        (Flights::default(), "r.io".parse().unwrap(), blob, first, second)
    }

    fn claim(flights: &Flights, registry: &RegistryName, blob: &Descriptor, repository: &Repository) -> Claim {
        flights.claim(blob, [(registry, repository)].into_iter()).remove(0)
    }

    #[tokio::test]
    async fn followers_mount_from_where_the_leader_landed() {
        let (flights, registry, blob, first, second) = parts();
        let Claim::Lead(leader) = claim(&flights, &registry, &blob, &first) else { panic!("nobody leads yet") };
        let Claim::Wait(landing) = claim(&flights, &registry, &blob, &second) else { panic!("somebody leads") };
        leader.landed(&first);
        landing.done().await;
        assert!(matches!(claim(&flights, &registry, &blob, &second), Claim::Mount(from) if from == first));
        assert!(matches!(claim(&flights, &registry, &blob, &first), Claim::Present));
    }

    #[tokio::test]
    async fn a_leader_that_gives_up_hands_over() {
        let (flights, registry, blob, first, second) = parts();
        let leads = claim(&flights, &registry, &blob, &first);
        let Claim::Wait(landing) = claim(&flights, &registry, &blob, &second) else { panic!("somebody leads") };
        drop(leads);
        landing.done().await;
        assert!(matches!(claim(&flights, &registry, &blob, &second), Claim::Lead(_)));
    }

    #[test]
    fn what_the_registry_denies_is_forgotten() {
        let (flights, registry, blob, first, _) = parts();
        flights.record(&registry, &blob, &first);
        flights.forget(&registry, &blob, &first);
        assert!(matches!(claim(&flights, &registry, &blob, &first), Claim::Lead(_)));
    }

    #[test]
    fn a_blob_of_another_size_is_another() {
        let (flights, registry, blob, first, second) = parts();
        let lie = Descriptor { size: 5, ..blob.clone() };
        let Claim::Lead(_leader) = claim(&flights, &registry, &blob, &first) else { panic!("nobody leads yet") };
        assert!(matches!(claim(&flights, &registry, &lie, &first), Claim::Lead(_)));
        flights.record(&registry, &blob, &first);
        assert!(matches!(claim(&flights, &registry, &lie, &first), Claim::Lead(_)));
        assert!(matches!(claim(&flights, &registry, &lie, &second), Claim::Lead(_)));
    }
}
