//! No two images land in the same place.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::journal::Key;
use crate::oci::Reference;
use crate::run::ledger;

/// Parts of the list, by the first bits of a key: each is short enough to be kept in order.
const PARTS: usize = 4096;

/// What is written in this run, as keys: 12 bytes for each target, and an eighth more as room to grow, so that a million of them
/// take 13 megabytes. A hash table would take 36, and half as much again whenever it grows.
pub(super) struct Seen {
    parts: Vec<Mutex<Part>>,
}

/// The keys of some targets in their order, each with half the key of its source: of two sources of one target that is enough to tell
/// that they are two.
#[derive(Default)]
struct Part {
    targets: Vec<u64>,
    sources: Vec<u32>,
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

impl Default for Seen {
    fn default() -> Self {
        Self { parts: std::iter::repeat_with(Mutex::default).take(PARTS).collect() }
    }
}

impl Seen {
    /// What was written before: targets, each with its source.
    pub(super) fn new(done: &[(Key, Key)]) -> Self {
        let seen = Self::default();
        for (target, source) in done {
            seen.note_keys(*source, *target);
        }
        seen
    }

    /// Notes that `source` goes to `target`.
    pub(super) fn note(&self, source: &Reference, target: &Reference) -> Before {
        self.note_keys(ledger::key(source), ledger::key(target))
    }

    fn note_keys(&self, source: Key, target: Key) -> Before {
        let target = target.0.cast_unsigned();
        // Keys are hashes, so their bits are even, whichever are taken. `target % PARTS` is below `PARTS`, which is a `usize`.
        let part = usize::try_from(target % PARTS as u64).unwrap_or_default();
        let mut part = self.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
        part.note(half(source), target)
    }
}

impl Part {
    fn note(&mut self, source: u32, target: u64) -> Before {
        match self.targets.binary_search(&target) {
            Ok(at) if self.sources[at] == source => Before::Same,
            Ok(_) => Before::Other,
            Err(at) => {
                if self.targets.len() == self.targets.capacity() {
                    // Doubling would leave a quarter of all this unused.
                    let more = (self.targets.len() / 8).max(8);
                    self.targets.reserve_exact(more);
                    self.sources.reserve_exact(more);
                }
                self.targets.insert(at, target);
                self.sources.insert(at, source);
                Before::Never
            }
        }
    }
}

fn half(key: Key) -> u32 {
    // The upper half fits.
    u32::try_from(key.0.cast_unsigned() >> 32).unwrap_or_default()
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

    #[test]
    fn each_of_many_targets_is_known_afterwards_and_no_other() {
        let key = |number: u32| Key::of(&number.to_string());
        let seen = Seen::new(&(0..20_000).map(|number| (key(number), key(number + 1))).collect::<Vec<_>>());
        for number in 0..20_000 {
            assert_eq!(seen.note_keys(key(number + 1), key(number)), Before::Same);
            assert_eq!(seen.note_keys(key(number), key(number)), Before::Other);
        }
        assert_eq!(seen.note_keys(key(0), key(20_000)), Before::Never);
    }
}
