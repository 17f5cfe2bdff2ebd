//! The few largest of many.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Keeps the entries with the largest measures. One that is too small costs a comparison and is not even made.
#[derive(Clone, Debug)]
pub(super) struct Top<T> {
    most: usize,
    /// By measure, the earlier of two that are equal first.
    kept: BTreeMap<(Reverse<u64>, u64), T>,
    seen: u64,
}

impl<T> Top<T> {
    /// Keeps `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { most, kept: BTreeMap::new(), seen: 0 }
    }

    /// Takes the entry that `make` gives if `measure` is among the largest so far; nothing measures 0.
    pub(super) fn take(&mut self, measure: u64, make: impl FnOnce() -> T) {
        if measure == 0 {
            return;
        }
        let key = (Reverse(measure), self.seen);
        if self.kept.len() == self.most && self.kept.last_key_value().is_none_or(|(smallest, _)| key > *smallest) {
            return;
        }
        self.seen += 1;
        self.kept.insert(key, make());
        if self.kept.len() > self.most {
            self.kept.pop_last();
        }
    }

    /// The largest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_kept_whatever_the_order_and_no_more_of_them() {
        let mut top = Top::new(3);
        for measure in [5, 1, 9, 0, 5, 7, 2, 8] {
            top.take(measure, || measure);
        }
        assert_eq!(top.iter().copied().collect::<Vec<_>>(), [9, 8, 7]);
    }

    #[test]
    fn what_is_too_small_is_not_made() {
        let mut top = Top::new(1);
        top.take(5, || ());
        top.take(5, || panic!("the earlier of two that are equal stays"));
        top.take(4, || panic!("too small"));
    }
}
