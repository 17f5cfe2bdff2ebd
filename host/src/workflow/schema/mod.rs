//! What a workflow file may say, key by key, and the way from there to the plan.

mod json;
mod plugins;
mod registries;
mod selection;
mod transfers;

use std::num::NonZeroU32;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::workflow::Limits;
use crate::workflow::Plan;
use crate::workflow::Retry;
use crate::workflow::node::Node;
use crate::workflow::reader::Fields;
use crate::workflow::reader::Reader;
use crate::workflow::units;

pub use json::PluginOptions;
pub use json::json_schema;
pub(crate) use registries::normal_key;

const ROOT: &[&str] =
    &["version", "name", "vars", "registries", "limits", "retry", "plugins", "plugin-dirs", "transfers"];
const LIMITS: &[&str] = &["qps", "images", "blobs", "bandwidth", "idle", "minimum-rate"];
const RETRY: &[&str] = &["rounds", "patience"];

/// Each mapping of a workflow file and its keys, in the order of the reference.
pub const SECTIONS: &[(&str, &[&str])] = &[
    ("a workflow", ROOT),
    ("registries.*", registries::REGISTRY),
    ("limits", LIMITS),
    ("retry", RETRY),
    ("plugins.*", plugins::PLUGIN),
    ("transfers[]", transfers::TRANSFER),
    ("transfers[].from", plugins::USE),
    ("transfers[].select", selection::SELECT),
    ("transfers[].select.repositories", selection::FILTER),
    ("transfers[].select.tags", selection::TAGS),
    ("transfers[].select.tags.newest", selection::NEWEST),
    ("transfers[].to", transfers::TO),
];

/// Reads a whole workflow. The plan is only good if the reader has noted nothing.
pub(super) fn workflow(reader: &mut Reader<'_, '_>, root: &Node, file: &Path) -> Option<Plan> {
    let fields = reader.fields(root, "a workflow", ROOT)?;
    match fields.get("version") {
        None => reader.error_with_help(start(&fields), "the workflow has no `version`", "begin with `version: 1`"),
        Some(node) => {
            if reader.number::<u32>(node, "`version`", "1").is_some_and(|version| version != 1) {
                reader.error(node.at, "this program knows version 1 of workflow files only");
            }
        }
    }
    let name = fields.get("name").and_then(|node| reader.text(node, "`name`").map(str::to_owned));
    let registries = registries::read(reader, &fields);
    let (limits, retry) = (limits(reader, &fields), retry(reader, &fields));
    let (plugins, plugin_dirs) = (plugins::read(reader, &fields), plugins::directories(reader, &fields));
    let transfers = transfers::read(reader, &fields);
    Some(Plan {
        name: name.unwrap_or_else(|| file.file_stem().unwrap_or_default().to_string_lossy().into_owned()),
        base: reader.base.clone(),
        registries,
        limits,
        retry,
        plugins,
        plugin_dirs,
        transfers,
        secrets: Vec::new(),
    })
}

/// The beginning of the mapping: something is missing there.
fn start(fields: &Fields<'_>) -> crate::workflow::Place {
    crate::workflow::Place { end: fields.at.start, ..fields.at }
}

fn limits(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(fields) = fields.get("limits").and_then(|node| reader.fields(node, "`limits`", LIMITS)) else {
        return limits;
    };
    let count = "a whole number, one or more";
    limits.qps = fields.get("qps").and_then(|node| reader.number::<NonZeroU32>(node, "`qps`", count));
    if let Some(images) = fields.get("images").and_then(|node| reader.number::<NonZeroUsize>(node, "`images`", count)) {
        limits.images = images.get();
    }
    if let Some(blobs) = fields.get("blobs").and_then(|node| reader.number::<NonZeroUsize>(node, "`blobs`", count)) {
        limits.blobs = blobs.get();
    }
    if let Some(node) = fields.get("bandwidth") {
        limits.bandwidth = reader.convert(node, "`bandwidth`", units::size);
        if limits.bandwidth == Some(0) {
            reader.error_with_help(node.at, "`bandwidth` must not be 0", "leave it out for no limit");
        }
    }
    if let Some(node) = fields.get("idle")
        && let Some(idle) = reader.convert(node, "`idle`", units::duration)
    {
        if idle.is_zero() {
            reader.error_with_help(node.at, "`idle` must not be 0", "no registry answers at once");
        }
        limits.patience.idle = idle;
    }
    if let Some(node) = fields.get("minimum-rate")
        && let Some(rate) = reader.convert(node, "`minimum-rate`", units::size)
    {
        limits.patience.minimum_rate = rate;
    }
    limits
}

fn retry(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Retry {
    let mut retry = Retry::default();
    let Some(fields) = fields.get("retry").and_then(|node| reader.fields(node, "`retry`", RETRY)) else { return retry };
    if let Some(node) = fields.get("rounds")
        && let Some(rounds) = reader.number(node, "`rounds`", "a whole number")
    {
        retry.rounds = rounds;
    }
    if let Some(node) = fields.get("patience")
        && let Some(patience) = reader.convert(node, "`patience`", units::duration)
    {
        retry.patience = patience;
    }
    retry
}
