//! `plugins`, `plugin-dirs` and what uses them.

use std::path::Path;
use std::path::PathBuf;

use crate::oci::Reference;
use crate::oci::RegistryName;
use crate::oci::TagOrDigest;
use crate::workflow::PluginEntry;
use crate::workflow::PluginUse;
use crate::workflow::node::Content;
use crate::workflow::node::Entry;
use crate::workflow::node::Node;
use crate::workflow::reader::Fields;
use crate::workflow::reader::Reader;
use crate::workflow::units;

pub(super) const PLUGIN: &[&str] = &["path", "sha256", "oci", "hosts", "memory", "timeout", "cpu"];
pub(super) const USE: &[&str] = &["plugin", "with"];

pub(super) fn read(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Vec<PluginEntry> {
    let Some(node) = fields.get("plugins") else { return Vec::new() };
    let entries = reader.entries(node, "`plugins`").unwrap_or_default();
    entries.iter().filter_map(|entry| plugin(reader, entry)).collect()
}

pub(super) fn directories(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Vec<PathBuf> {
    let Some(node) = fields.get("plugin-dirs") else { return Vec::new() };
    let items = reader.items(node, "`plugin-dirs`");
    items.iter().filter_map(|item| reader.path(item, "a plugin directory", Path::is_dir)).collect()
}

/// `{plugin: NAME, with: {…}}`.
pub(super) fn plugin_use(reader: &mut Reader<'_, '_>, node: &Node, what: &str) -> Option<PluginUse> {
    let fields = reader.fields(node, what, USE)?;
    let Some(name) = fields.get("plugin") else {
        reader.error_with_help(super::start(&fields), format!("{what} names no plugin"), "write `plugin: NAME`");
        return None;
    };
    let plugin = reader.text(name, "`plugin`")?.to_owned();
    let mut with = fields
        .get("with")
        .cloned()
        .unwrap_or(Node { at: fields.key_at("with"), content: Content::Mapping(Vec::new()) });
    reader.include(&mut with);
    reader.entries(&with, "`with`")?;
    let (with, with_at) = with.to_json();
    Some(PluginUse { plugin, with, at: name.at, with_at })
}

fn plugin(reader: &mut Reader<'_, '_>, entry: &Entry) -> Option<PluginEntry> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if entry.key.is_empty() || !entry.key.chars().all(valid) {
        reader.error(entry.key_at, format!("`{}` is no plugin name: lowercase letters, digits and -", entry.key));
    }
    let fields = reader.fields(&entry.value, "a plugin", PLUGIN)?;
    let path = fields.get("path").and_then(|node| reader.path(node, "`path`", Path::is_file));
    let sha256 = fields.get("sha256").and_then(|node| reader.convert(node, "`sha256`", sha256));
    if sha256.is_some() && fields.get("path").is_none() {
        reader.error(fields.key_at("sha256"), "`sha256` needs a `path` beside it: this plugin is part of the program");
    }
    let artifact = fields.get("oci").and_then(|node| reader.convert(node, "`oci`", artifact));
    if fields.get("oci").is_some() && fields.get("path").is_some() {
        reader.error(fields.key_at("oci"), "a plugin has a `path` or an `oci`, not both");
    }
    let hosts = fields.get("hosts").map(|node| reader.items(node, "`hosts`")).unwrap_or_default();
    let hosts = hosts.iter().filter_map(|node| reader.convert(node, "a host", host)).collect();
    let memory = fields.get("memory").and_then(|node| reader.convert(node, "`memory`", units::size));
    let timeout = fields.get("timeout").and_then(|node| reader.convert(node, "`timeout`", units::duration));
    let cpu = fields.get("cpu").and_then(|node| reader.convert(node, "`cpu`", units::duration));
    Some(PluginEntry { name: entry.key.clone(), path, sha256, artifact, hosts, memory, timeout, cpu, at: entry.key_at })
}

fn sha256(text: &str) -> Result<String, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(hex)
    } else {
        Err("`sha256` must be 64 hexadecimal digits".to_owned())
    }
}

/// `host/repository@sha256:…`, `oci://` before it or not: a tag may be moved to a component that nobody looked at.
fn artifact(text: &str) -> Result<Reference, String> {
    let written = text.strip_prefix("oci://").unwrap_or(text);
    let reference: Reference = written.parse().map_err(|error| format!("`oci`: {error}"))?;
    match (&reference.registry, &reference.version) {
        (RegistryName::Layout(_), _) => {
            Err("`oci` names a registry; a component in a directory is a `path`".to_owned())
        }
        (_, TagOrDigest::Tag(_)) => {
            Err("`oci` must end with the digest that `plugin push` and `plugin pull` print: host/repository@sha256:…"
                .to_owned())
        }
        (_, TagOrDigest::Digest(_)) => Ok(reference),
    }
}

fn host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    match name.parse::<RegistryName>() {
        Ok(RegistryName::Host(_)) => Ok(text.to_ascii_lowercase()),
        _ => Err(format!("`{text}` is not a host: expected host, host:port or *.domain")),
    }
}
