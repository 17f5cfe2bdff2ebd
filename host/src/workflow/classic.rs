//! The classic tool's two files and its flags, as a plan.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::path::PathBuf;

use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::secret::Secret;
use crate::select::Selection;
use crate::workflow::Existing;
use crate::workflow::Limits;
use crate::workflow::LoginEntry;
use crate::workflow::Place;
use crate::workflow::Plan;
use crate::workflow::PluginUse;
use crate::workflow::RegistryEntry;
use crate::workflow::Report;
use crate::workflow::Retry;
use crate::workflow::Source;
use crate::workflow::To;
use crate::workflow::Transfer;
use crate::workflow::document::parse;
use crate::workflow::interpolate::Interpolation;
use crate::workflow::load::secrets;
use crate::workflow::node::Content;
use crate::workflow::node::Entry;
use crate::workflow::node::Node;
use crate::workflow::reader::Reader;
use crate::workflow::reader::read;
use crate::workflow::rules;
use crate::workflow::schema::normal_key;

/// Keys of an entry of the security file.
const SECURITY: &[&str] = &["username", "password", "insecure"];

/// What the classic flags say.
#[derive(Clone, Debug)]
pub struct Classic {
    /// `--securityFile`; without it docker's and podman's files are asked.
    pub security_file: Option<PathBuf>,
    /// `--ruleFile`.
    pub rule_file: PathBuf,
    /// `--registry`, for targets that name none.
    pub registry: Option<String>,
    /// `--ns`, for targets without a namespace.
    pub namespace: Option<String>,
    /// `--routines`: images on their way at once, at least one.
    pub routines: usize,
    /// `--retry`: rounds over what failed.
    pub retry: u32,
    /// `--qps`: requests a second over all registries; 0: no limit.
    pub qps: u32,
    /// `--tag-exist-overridden`: whether a tag that is there already is replaced if it differs.
    pub overwrite_tags: bool,
}

/// Reads the classic files: all of their errors, or the same plan that a workflow file would be.
pub fn load_classic(classic: &Classic, env: &dyn Fn(&str) -> Option<String>) -> Result<(Plan, Source), Report> {
    let mut source = Source::default();
    let mut interpolation = Interpolation::new(env);
    let mut reader =
        Reader { source: &mut source, interpolation: &mut interpolation, base: ".".into(), diagnostics: Vec::new() };
    let security = classic.security_file.as_deref().and_then(|path| file(&mut reader, "--securityFile", path));
    let registries = security.map(|root| registries(&mut reader, &root)).unwrap_or_default();
    let from = file(&mut reader, "--ruleFile", &classic.rule_file).and_then(|root| rules(&mut reader, root, classic));
    let to_hub = classic.registry.is_none().then(|| RegistryName::Host(RegistryName::DOCKER_HUB.to_owned()));
    let mut diagnostics = reader.diagnostics;
    diagnostics.append(&mut interpolation.diagnostics);
    diagnostics.extend(from.as_ref().map(rules::check).unwrap_or_default());
    let (Some(from), true) = (from, diagnostics.is_empty()) else {
        source.redact(&interpolation.secrets);
        return Err(source.report(diagnostics));
    };
    let at = from.at;
    let to = To {
        registry: to_hub,
        existing: if classic.overwrite_tags { Existing::Overwrite } else { Existing::Skip },
        ..To::default()
    };
    let mut plan = Plan {
        name: classic.rule_file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        base: ".".into(),
        registries,
        limits: Limits { qps: NonZeroU32::new(classic.qps), images: classic.routines.max(1), ..Limits::default() },
        retry: Retry { rounds: classic.retry, ..Retry::default() },
        plugins: Vec::new(),
        plugin_dirs: Vec::new(),
        transfers: vec![Transfer {
            name: "rules".to_owned(),
            from,
            select: Selection::default(),
            map: Vec::new(),
            to: vec![to],
            needs: Vec::new(),
            at,
        }],
        secrets: Vec::new(),
    };
    plan.secrets = secrets(&plan, interpolation.secrets);
    source.redact(&plan.secrets);
    Ok((plan, source))
}

/// Reads a file that `flag` names.
pub(super) fn file(reader: &mut Reader<'_, '_>, flag: &str, path: &Path) -> Option<Node> {
    let known = ["yaml", "yml", "json"];
    if !path.extension().is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known))) {
        reader.error(Place::default(), format!("{flag}: {} must end in .yaml, .yml or .json", path.display()));
        return None;
    }
    let text = read(path)
        .map_err(|problem| reader.error(Place::default(), format!("{flag}: {}: {problem}", path.display())))
        .ok()?;
    let whole = reader.source.add(path, &text);
    match parse(&text, whole) {
        Ok(mut root) => {
            reader.interpolation.apply(reader.source, &mut root, false);
            Some(root)
        }
        Err(diagnostics) => {
            reader.diagnostics.extend(diagnostics);
            None
        }
    }
}

/// The logins of a security file.
pub(super) fn registries(reader: &mut Reader<'_, '_>, root: &Node) -> Vec<RegistryEntry> {
    if root.is_null() {
        return Vec::new();
    }
    let entries = reader.entries(root, "a security file").unwrap_or_default();
    let mut seen = HashMap::new();
    let mut registries = Vec::new();
    for entry in entries {
        let key = normal_key(&entry.key).map_err(|problem| reader.error(entry.key_at, problem)).ok();
        let Some((login, insecure)) = login(reader, entry) else { continue };
        let Some(key) = key else { continue };
        if let Some(first) = seen.insert(key.clone(), &entry.key) {
            reader.error(entry.key_at, format!("`{}` is the same registry as `{first}`", entry.key));
        }
        registries.push(RegistryEntry {
            key,
            login,
            ca: None,
            client: None,
            skip_verify: false,
            plain_http: false,
            insecure,
            proxy: None,
            qps: None,
            at: entry.key_at,
        });
    }
    registries
}

/// User name, password and `insecure`. Both empty means docker's files, as ever.
fn login(reader: &mut Reader<'_, '_>, entry: &Entry) -> Option<(LoginEntry, bool)> {
    if entry.value.is_null() {
        return Some((LoginEntry::Files, false));
    }
    let fields = reader.fields(&entry.value, "an entry of the security file", SECURITY)?;
    let insecure = reader.flag(fields.get("insecure"), "`insecure`");
    let mut text = |name: &str| {
        let is_empty = |node: &Node| matches!(&node.content, Content::Scalar { text, .. } if text.is_empty());
        let node = fields.get(name).filter(|node| !is_empty(node));
        node.and_then(|node| reader.text(node, &format!("`{name}`")))
    };
    let login = match (text("username"), text("password")) {
        (Some(username), Some(password)) => {
            LoginEntry::Basic { username: username.to_owned(), password: Secret::new(password) }
        }
        (None, None) => LoginEntry::Files,
        (Some(_), None) => {
            reader.error(fields.key_at("username"), "`username` needs a `password` beside it");
            LoginEntry::Files
        }
        (None, Some(_)) => {
            reader.error(fields.key_at("password"), "`password` needs a `username` beside it");
            LoginEntry::Files
        }
    };
    Some((login, insecure))
}

/// The rule file and what fills its gaps, as options of the `rules` plugin.
fn rules(reader: &mut Reader<'_, '_>, root: Node, classic: &Classic) -> Option<PluginUse> {
    let nowhere = Place::default();
    for entry in reader.entries(&root, "a rule file")? {
        let targets = match &entry.value.content {
            Content::Mapping(_) => {
                reader.error(entry.value.at, "a target must be a string or a list of strings, not a mapping");
                continue;
            }
            _ => Reader::one_or_many(&entry.value),
        };
        for target in targets {
            let is_empty =
                target.is_null() || matches!(&target.content, Content::Scalar { text, .. } if text.is_empty());
            if is_empty && classic.registry.is_none() {
                let help = "write it out, or give --registry=HOST";
                reader.error_with_help(entry.key_at, "the target is empty and no registry was given", help);
            } else if !is_empty {
                reader.text(target, "a target");
            }
        }
    }
    let mut options = vec![Entry { key: "rules".to_owned(), key_at: nowhere, value: root }];
    if let Some(registry) = &classic.registry {
        match registry.trim_end_matches('/').parse::<RegistryName>() {
            Ok(name) => options.push(option("registry", &name.to_string())),
            Err(error) => reader.error(nowhere, format!("--registry: {error}")),
        }
    }
    if let Some(namespace) = &classic.namespace {
        match namespace.trim_matches('/').parse::<Repository>() {
            Ok(name) => options.push(option("namespace", name.as_str())),
            Err(error) => reader.error(nowhere, format!("--ns: {error}")),
        }
    }
    let at = options[0].value.at;
    let (with, with_at) = Node { at, content: Content::Mapping(options) }.to_json();
    Some(PluginUse { plugin: "rules".to_owned(), with, at: Place { end: at.start, ..at }, with_at })
}

/// An option of a plugin.
pub(super) fn option(name: &str, value: &str) -> Entry {
    Entry { key: name.to_owned(), key_at: Place::default(), value: Node::string(Place::default(), value) }
}

#[cfg(test)]
mod tests;
