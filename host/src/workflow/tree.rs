//! Files of other tools as trees with places, for those who convert them.

use std::path::Path;

use crate::workflow::Diagnostic;
use crate::workflow::Place;
use crate::workflow::Source;
use crate::workflow::document::parse_with_merges;
use crate::workflow::reader::read;

pub(crate) use crate::workflow::node::Content;
pub(crate) use crate::workflow::node::Entry;
pub(crate) use crate::workflow::node::Node;

/// How often a merged mapping may itself merge others.
const MAX_MERGES: usize = 16;

/// Reads the file at `path` as YAML or JSON. Merge keys (`<<`), which these tools' readers know, are replaced by what they stand for.
/// Variables stay as they are: each tool has a notation of its own.
pub(crate) fn read_foreign(source: &mut Source, path: &Path) -> Result<Node, Vec<Diagnostic>> {
    let text = read(path)
        .map_err(|problem| vec![Diagnostic::new(Place::default(), format!("{}: {problem}", path.display()))])?;
    foreign(source, path, &text)
}

/// The same for a text that stands for the file at `path`.
pub(crate) fn foreign(source: &mut Source, path: &Path, text: &str) -> Result<Node, Vec<Diagnostic>> {
    let whole = source.add_foreign(path, text);
    let mut root = parse_with_merges(text, whole)?;
    let mut diagnostics = Vec::new();
    merge(&mut root, &mut diagnostics, MAX_MERGES);
    if diagnostics.is_empty() { Ok(root) } else { Err(diagnostics) }
}

/// Puts the pairs of a merged mapping behind those of its own, less the keys that it has already.
fn merge(node: &mut Node, diagnostics: &mut Vec<Diagnostic>, depth: usize) {
    match &mut node.content {
        Content::Scalar { .. } | Content::Wrong => {}
        Content::Sequence(items) => items.iter_mut().for_each(|item| merge(item, diagnostics, depth)),
        Content::Mapping(entries) => {
            let merged = entries.iter().position(|entry| entry.key == "<<").map(|at| entries.remove(at));
            if let Some(merged) = merged {
                let nodes = match merged.value.content {
                    Content::Sequence(items) => items,
                    content => vec![Node { at: merged.value.at, content }],
                };
                for node in nodes {
                    let Content::Mapping(others) = node.content else {
                        diagnostics.push(Diagnostic::new(node.at, "`<<` must be followed by a mapping"));
                        continue;
                    };
                    for other in others {
                        // A `<<` in what is merged is merged in turn.
                        if other.key == "<<" || !entries.iter().any(|entry| entry.key == other.key) {
                            entries.push(other);
                        }
                    }
                }
            }
            if entries.iter().any(|entry| entry.key == "<<") {
                match depth.checked_sub(1) {
                    Some(depth) => merge(node, diagnostics, depth),
                    None => diagnostics.push(Diagnostic::new(node.at, "too many mappings are merged here")),
                }
                return;
            }
            for entry in entries {
                merge(&mut entry.value, diagnostics, depth);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(text: &str) -> Result<serde_json::Value, String> {
        foreign(&mut Source::default(), Path::new("foreign.yaml"), text)
            .map(|node| node.to_json().0)
            .map_err(|errors| errors[0].message.clone())
    }

    #[test]
    fn merged_pairs_come_after_those_of_the_mapping_itself() {
        assert_eq!(
            tree("a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3, z: 4}\nc: {z: 5, <<: [*b, {w: 6}]}\n").unwrap()["c"],
            json!({"z": 5, "y": 3, "x": 1, "w": 6})
        );
    }

    #[test]
    fn only_mappings_are_merged() {
        assert_eq!(tree("a: {<<: [1]}\n").unwrap_err(), "`<<` must be followed by a mapping");
        assert_eq!(tree("a: {<<: {<<: 1}}\n").unwrap_err(), "`<<` must be followed by a mapping");
    }
}
