//! No two images land in the same place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::oci::Reference;

/// What is written in this run, as hashes: 16 bytes for each target, so that a million of them take some tens of megabytes.
#[derive(Default)]
pub(super) struct Seen {
    hasher: RandomState,
    targets: Mutex<HashMap<u64, u64>>,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nobody writes it yet; now the caller does.
    Never,
    /// The same source goes there already: once is enough.
    Same,
    /// Another source goes there.
    Other,
}

impl Seen {
    /// Notes that `source` goes to `target`.
    pub(super) fn note(&self, source: &Reference, target: &Reference) -> Before {
        let source = self.hasher.hash_one(source);
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        match targets.entry(self.hasher.hash_one(target)) {
            Entry::Vacant(vacant) => {
                vacant.insert(source);
                Before::Never
            }
            Entry::Occupied(occupied) if *occupied.get() == source => Before::Same,
            Entry::Occupied(_) => Before::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_belongs_to_its_first_source() {
        let seen = Seen::default();
        let [first, second, target] = ["a.io/n/a:1", "a.io/n/a:2", "b.io/n/a:1"].map(|text| text.parse().unwrap());
        assert_eq!(seen.note(&first, &target), Before::Never);
        assert_eq!(seen.note(&first, &target), Before::Same);
        assert_eq!(seen.note(&second, &target), Before::Other);
    }
}
