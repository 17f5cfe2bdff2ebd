//! Where something was written: which file, which bytes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A stretch of one of the files of a [`Source`](crate::workflow::Source). Plans that no file describes (the command line
/// alone) have the default place, at which a diagnostic shows no lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the file plus one; 0: no file.
    pub(super) file: u32,
    /// First byte.
    pub(super) start: u32,
    /// The byte after the last one.
    pub(super) end: u32,
}

impl Place {
    /// The bytes, within the file.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end.max(self.start) as usize
    }

    /// Whether it is in a file at all.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.file != 0
    }
}

/// The places of everything inside a value that was handed on as JSON, by JSON pointer (RFC 6901), so that whoever
/// checks the value later can point at the line. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    values: Arc<BTreeMap<String, Place>>,
    keys: Arc<BTreeMap<String, Place>>,
}

impl Places {
    /// `values` and `keys` by JSON pointer; `""` is the value as a whole.
    #[must_use]
    pub fn new(values: BTreeMap<String, Place>, keys: BTreeMap<String, Place>) -> Self {
        Self { values: Arc::new(values), keys: Arc::new(keys) }
    }

    /// The place of the value at `pointer`, or of the nearest value around it.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Place {
        nearest(&self.values, pointer)
    }

    /// The place of the key whose value is at `pointer` (for "unknown option"), or of the nearest value around it.
    #[must_use]
    pub fn locate_key(&self, pointer: &str) -> Place {
        self.keys.get(pointer).copied().unwrap_or_else(|| self.locate(pointer))
    }
}

fn nearest(places: &BTreeMap<String, Place>, pointer: &str) -> Place {
    let mut pointer = pointer;
    loop {
        if let Some(place) = places.get(pointer) {
            return *place;
        }
        match pointer.rfind('/') {
            Some(slash) => pointer = &pointer[..slash],
            None => return Place::default(),
        }
    }
}

/// One more segment of a JSON pointer.
pub(super) fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_value_around_is_the_place_of_what_is_not_there() {
        let place = |start| Place { file: 1, start, end: start + 1 };
        let values = [(String::new(), place(0)), (join("", "a/b"), place(1))].into();
        let places = Places::new(values, [("/a~1b".to_owned(), place(2))].into());
        assert_eq!(places.locate("/a~1b/7"), place(1));
        assert_eq!(places.locate("/c/d"), place(0));
        assert_eq!(places.locate_key("/a~1b"), place(2));
        assert_eq!(places.locate_key("/c"), place(0));
    }
}
