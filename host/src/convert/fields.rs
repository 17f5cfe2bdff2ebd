//! A mapping that knows which of its keys nobody asked for.

use crate::workflow::tree::Entry;
use crate::workflow::tree::Node;

/// The pairs of a mapping, ticked off as they are read.
pub(super) struct Fields<'n> {
    entries: Vec<(&'n Entry, bool)>,
}

impl<'n> Fields<'n> {
    pub(super) fn new(entries: &'n [Entry]) -> Self {
        Self { entries: entries.iter().map(|entry| (entry, false)).collect() }
    }

    /// The value of `key`, unless there is none or it is null.
    pub(super) fn take(&mut self, key: &str) -> Option<&'n Node> {
        self.take_entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// The pair of `key`.
    pub(super) fn take_entry(&mut self, key: &str) -> Option<&'n Entry> {
        let (entry, read) = self.entries.iter_mut().find(|(entry, _)| entry.key == key)?;
        *read = true;
        Some(entry)
    }

    /// What nobody asked for.
    pub(super) fn rest(self) -> impl Iterator<Item = &'n Entry> {
        self.entries.into_iter().filter(|(_, read)| !read).map(|(entry, _)| entry)
    }
}
