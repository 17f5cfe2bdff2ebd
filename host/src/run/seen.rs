//! No two images land in the same place.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::journal::Key;
use crate::oci::Reference;
use crate::run::ledger;

/// Parts of the list, by the first bits of a key: each is short enough to be kept in order.
const PARTS: usize = 4096;

/// What is written in this run, as keys: 10 bytes for each target, and an eighth more as room to grow, so that a million of them
/// take 11 megabytes. A hash table would take 36, and half as much again whenever it grows.
pub(super) struct Seen {
    parts: Vec<Mutex<Part>>,
}

/// Some targets in the order of their keys.
#[derive(Default)]
struct Part(Vec<Entry>);

/// What the part does not tell of a target's key, 52 bits, and after it the first 28 bits of its source's: of two sources of one target
/// that is enough to tell that they are two. Big-endian, so that the order of the bytes is that of the keys.
type Entry = [u8; 10];

/// Bits of a source's key in an entry.
const SOURCE: u32 = 28;

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
        let parts = PARTS as u64;
        // Keys are hashes, so whichever of their bits tell the part, the parts are of a size. Below `PARTS`, it is a `usize`.
        let part = usize::try_from(target % parts).unwrap_or_default();
        let mut part = self.parts[part].lock().unwrap_or_else(PoisonError::into_inner);
        part.note(source.0.cast_unsigned() >> (u64::BITS - SOURCE), target / parts)
    }
}

impl Part {
    fn note(&mut self, source: u64, target: u64) -> Before {
        let (first, mine) = (entry(0, target), entry(source, target));
        let at = self.0.partition_point(|other| *other < first);
        match self.0.get(at) {
            Some(other) if *other == mine => Before::Same,
            Some(other) if *other <= entry((1 << SOURCE) - 1, target) => Before::Other,
            _ => {
                if self.0.len() == self.0.capacity() {
                    // Doubling would leave a quarter of all this unused.
                    self.0.reserve_exact((self.0.len() / 8).max(8));
                }
                self.0.insert(at, mine);
                Before::Never
            }
        }
    }
}

fn entry(source: u64, target: u64) -> Entry {
    let mut entry = [0; 10];
    // The six bytes before are zero: 52 bits and 28 are ten bytes.
    entry.copy_from_slice(&(u128::from(target) << SOURCE | u128::from(source)).to_be_bytes()[6..]);
    entry
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
