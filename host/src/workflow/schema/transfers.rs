//! `transfers`.

use crate::oci::RegistryName;
use crate::workflow::Diagnostic;
use crate::workflow::Existing;
use crate::workflow::To;
use crate::workflow::Transfer;
use crate::workflow::node::Content;
use crate::workflow::node::Node;
use crate::workflow::reader::Fields;
use crate::workflow::reader::Reader;
use crate::workflow::reader::resolve;
use crate::workflow::schema::plugins::plugin_use;
use crate::workflow::schema::selection;

pub(super) const TRANSFER: &[&str] = &["name", "from", "select", "map", "to", "needs"];
pub(super) const TO: &[&str] = &["registry", "namespace", "prepare", "existing"];

pub(super) fn read(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Vec<Transfer> {
    let nodes = if let Some(node) = fields.get("transfers") {
        if matches!(&node.content, Content::Sequence(items) if items.is_empty()) {
            reader.error(node.at, "`transfers` is empty: nothing would be moved");
        }
        reader.items(node, "`transfers`")
    } else {
        let help = "say what to move, such as `transfers: [{from: {plugin: catalog, with: {…}}, to: {…}}]`";
        reader.error_with_help(fields.key_at("transfers"), "the workflow has no `transfers`", help);
        &[]
    };
    let mut names: Vec<(String, &Node)> = Vec::new();
    let mut transfers = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(fields) = reader.fields(node, "a transfer", TRANSFER) else {
            // Its name is not known, so what needs it would be told a second time.
            return Vec::new();
        };
        let given = fields.get("name");
        let name =
            given.and_then(|node| reader.text(node, "`name`")).map_or(format!("transfer-{}", index + 1), str::to_owned);
        if names.iter().any(|(other, _)| *other == name) {
            reader.error(given.unwrap_or(node).at, format!("there are two transfers named `{name}`"));
        }
        names.push((name, given.unwrap_or(node)));
        transfers.push((fields, transfer(reader, &fields)));
    }
    needs(reader, &names, transfers)
}

fn transfer(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Option<Transfer> {
    let from = if let Some(node) = fields.get("from") {
        plugin_use(reader, node, "`from`")
    } else {
        let help = "say where images come from: `from: {plugin: NAME, with: {…}}`";
        reader.error_with_help(super::start(fields), "the transfer has no `from`", help);
        None
    };
    let select = fields.get("select").map(|node| selection::read(reader, node)).unwrap_or_default();
    let map = fields.get("map").map(Reader::one_or_many).unwrap_or_default();
    let map = map.iter().filter_map(|node| plugin_use(reader, node, "`map`")).collect();
    let to: Vec<To> = match fields.get("to") {
        None => vec![To { at: super::start(fields), ..To::default() }],
        Some(node) => {
            if matches!(&node.content, Content::Sequence(items) if items.is_empty()) {
                reader.error(node.at, "`to` is empty: nothing would be moved");
            }
            Reader::one_or_many(node).iter().filter_map(|node| target(reader, node)).collect()
        }
    };
    Some(Transfer { name: String::new(), from: from?, select, map, to, needs: Vec::new(), at: fields.at })
}

fn target(reader: &mut Reader<'_, '_>, node: &Node) -> Option<To> {
    let fields = reader.fields(node, "`to`", TO)?;
    let registry = fields.get("registry").and_then(|node| reader.parse(node, "`registry`")).map(|name| match name {
        RegistryName::Layout(path) => RegistryName::Layout(resolve(&reader.base, &path)),
        host @ RegistryName::Host(_) => host,
    });
    let namespace = fields.get("namespace").and_then(|node| reader.parse(node, "`namespace`"));
    let prepare = fields.get("prepare").and_then(|node| plugin_use(reader, node, "`prepare`"));
    let existing = fields.get("existing").and_then(|node| {
        let words = [("overwrite", Existing::Overwrite), ("skip", Existing::Skip), ("fail", Existing::Fail)];
        reader.word(node, "`existing`", &words)
    });
    Some(To { registry, namespace, prepare, existing: existing.unwrap_or_default(), at: node.at })
}

/// Turns the names in `needs` into indices and refuses circles.
fn needs(
    reader: &mut Reader<'_, '_>,
    names: &[(String, &Node)],
    transfers: Vec<(Fields<'_>, Option<Transfer>)>,
) -> Vec<Transfer> {
    let mut edges = vec![Vec::new(); names.len()];
    for (index, (fields, _)) in transfers.iter().enumerate() {
        let needs = fields.get("needs").map(Reader::one_or_many).unwrap_or_default();
        for node in needs {
            let Some(name) = reader.text(node, "`needs`") else { continue };
            match names.iter().position(|(other, _)| other == name) {
                Some(needed) => edges[index].push((needed, node.at)),
                None => reader.diagnostics.push(
                    Diagnostic::new(node.at, format!("there is no transfer named `{name}`"))
                        .with_suggestion(name, names.iter().map(|(name, _)| name.as_str())),
                ),
            }
        }
    }
    for index in 0..edges.len() {
        // Each circle is told once, at the transfer of it that comes first in the file.
        if let Some(circle) = circle(&edges, index).filter(|circle| circle.iter().min() == Some(&index)) {
            let path: Vec<_> = circle.iter().chain([&index]).map(|at| names[*at].0.as_str()).collect();
            let next = circle.get(1).unwrap_or(&index);
            let at = edges[index].iter().find(|(needed, _)| needed == next).map(|(_, at)| *at).unwrap_or_default();
            reader.error(at, format!("these transfers wait for each other: {}", path.join(" -> ")));
        }
    }
    let with_needs = transfers.into_iter().zip(names).zip(edges);
    with_needs
        .filter_map(|(((_, transfer), (name, node)), edges)| {
            let needs = edges.into_iter().map(|(needed, _)| needed).collect();
            Some(Transfer { name: name.clone(), needs, at: node.at, ..transfer? })
        })
        .collect()
}

/// A way from `start` back to itself: the shortest, by breadth-first search.
fn circle(edges: &[Vec<(usize, crate::workflow::Place)>], start: usize) -> Option<Vec<usize>> {
    let mut came_from = vec![None; edges.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &(next, _) in &edges[at] {
            if next == start {
                let mut path = vec![at];
                while let Some(previous) =
                    path.last().and_then(|&at| came_from[at]).filter(|_| path.last() != Some(&start))
                {
                    path.push(previous);
                }
                path.reverse();
                return Some(path);
            }
            if came_from[next].is_none() {
                came_from[next] = Some(at);
                queue.push_back(next);
            }
        }
    }
    None
}
