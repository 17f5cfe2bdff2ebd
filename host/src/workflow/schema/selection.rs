//! `select`.

use std::num::NonZeroUsize;

use crate::select::Filter;
use crate::select::Newest;
use crate::select::NewestBy;
use crate::select::Pattern;
use crate::select::Selection;
use crate::workflow::node::Node;
use crate::workflow::reader::Fields;
use crate::workflow::reader::Reader;

pub(super) const SELECT: &[&str] = &["repositories", "tags", "platforms", "referrers"];
pub(super) const FILTER: &[&str] = &["include", "exclude"];
pub(super) const TAGS: &[&str] = &["include", "exclude", "semver", "newest"];
pub(super) const NEWEST: &[&str] = &["count", "by"];

pub(super) fn read(reader: &mut Reader<'_, '_>, node: &Node) -> Selection {
    let mut selection = Selection::default();
    let Some(fields) = reader.fields(node, "`select`", SELECT) else { return selection };
    if let Some(fields) = fields.get("repositories").and_then(|node| reader.fields(node, "`repositories`", FILTER)) {
        selection.repositories = filter(reader, &fields);
    }
    if let Some(fields) = fields.get("tags").and_then(|node| reader.fields(node, "`tags`", TAGS)) {
        selection.tags = filter(reader, &fields);
        selection.semver = fields.get("semver").and_then(|node| reader.parse(node, "`semver`"));
        selection.newest = fields.get("newest").and_then(|node| newest(reader, node));
    }
    if let Some(node) = fields.get("platforms") {
        let platforms = reader.items(node, "`platforms`");
        selection.platforms = platforms.iter().filter_map(|node| reader.parse(node, "a platform")).collect();
    }
    selection.referrers = reader.flag(fields.get("referrers"), "`referrers`");
    selection
}

fn filter(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Filter {
    let mut patterns = |name: &str| -> Vec<Pattern> {
        let items = fields.get(name).map(|node| reader.items(node, &format!("`{name}`"))).unwrap_or_default();
        items.iter().filter_map(|node| reader.parse(node, "a pattern")).collect()
    };
    Filter { include: patterns("include"), exclude: patterns("exclude") }
}

fn newest(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Newest> {
    let fields = reader.fields(node, "`newest`", NEWEST)?;
    let by = fields.get("by").and_then(|node| {
        let words = [("semver", NewestBy::Semver), ("name", NewestBy::Name), ("created", NewestBy::Created)];
        reader.word(node, "`by`", &words)
    });
    let Some(count) = fields.get("count") else {
        reader.error_with_help(super::start(&fields), "`newest` has no `count`", "write `count: 10`");
        return None;
    };
    let count = reader.number::<NonZeroUsize>(count, "`count`", "a whole number, one or more")?;
    Some(Newest { count, by: by.unwrap_or_default() })
}
