//! No two images land in the same place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::journal::Key;
use crate::oci::Reference;
use crate::run::ledger;

/// What is written in this run, as keys: 16 bytes for each target, so that a million of them take some tens of megabytes.
#[derive(Default)]
pub(super) struct Seen {
    targets: Mutex<HashMap<Key, Key>>,
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
    /// What was written before: targets, each with its source.
    pub(super) fn new(done: &[(Key, Key)]) -> Self {
        Self { targets: Mutex::new(done.iter().copied().collect()) }
    }

    /// Notes that `source` goes to `target`.
    pub(super) fn note(&self, source: &Reference, target: &Reference) -> Before {
        let (source, target) = (ledger::key(source), ledger::key(target));
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        match targets.entry(target) {
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
    fn what_an_earlier_run_wrote_is_not_written_again() {
        let [source, target] = ["a.io/n/a:1", "b.io/n/a:1"].map(|text| text.parse().unwrap());
        let seen = Seen::new(&[(ledger::key(&target), ledger::key(&source))]);
        assert_eq!(seen.note(&source, &target), Before::Same);
        assert_eq!(seen.note(&target, &target), Before::Other);
    }

    #[test]
    fn a_target_belongs_to_its_first_source() {
        let seen = Seen::default();
        let [first, second, target] = ["a.io/n/a:1", "a.io/n/a:2", "b.io/n/a:1"].map(|text| text.parse().unwrap());
        assert_eq!(seen.note(&first, &target), Before::Never);
        assert_eq!(seen.note(&first, &target), Before::Same);
        assert_eq!(seen.note(&second, &target), Before::Other);
    }
}
