//! `plugin list` and `plugin inspect`.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::InspectArgs;
use crate::cli::artifact;
use crate::cli::runs::environment;
use crate::cli::runs::say;
use crate::oci::Digest;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::plugin::Origin;
use crate::plugin::Plugin;
use crate::plugin::Spec;
use crate::report::Size;
use crate::run;
use crate::workflow;

/// Lists the embedded plugins and those that a workflow declares.
pub(super) async fn list(file: Option<&Path>) -> Result<Exit, CommandError> {
    let host = run::inspection_host(CacheDir::default())?;
    for spec in specs(file).await? {
        let name = spec.name.clone();
        let plugin = host.load(spec).await?;
        let info = plugin.info();
        say(&format!("{name:<12} {:<8} {:<32} {}", info.version, plugin.capabilities().to_string(), info.summary));
    }
    Ok(Exit::Done)
}

/// The embedded plugins and those that a workflow declares.
pub(super) async fn specs(file: Option<&Path>) -> Result<Vec<Spec>, CommandError> {
    let mut specs: Vec<Spec> = Host::builtins().iter().map(|name| Spec::new(*name, Origin::Builtin)).collect();
    let Some(file) = file else { return Ok(specs) };
    let (plan, _) = workflow::load(file, &[], &environment)?;
    for entry in &plan.plugins {
        let origin = match (&entry.path, &entry.artifact) {
            (Some(path), _) => Origin::Path { path: path.clone(), sha256: entry.sha256.clone() },
            (None, Some(reference)) => Origin::Artifact { component: run::component_of(&plan, reference).await? },
            (None, None) => continue,
        };
        specs.push(Spec::new(entry.name.clone(), origin));
    }
    Ok(specs)
}

/// Shows all that a plugin tells of itself, and what can be seen of it.
pub(super) async fn inspect(args: &InspectArgs) -> Result<Exit, CommandError> {
    let host = run::inspection_host(CacheDir::default())?;
    let spec = if args.plugin.starts_with("oci://") {
        let reference = artifact::reference(&args.plugin)?;
        let pulled = run::pull(&run::endpoints(&args.reach.plain_http, &args.reach.insecure), &reference).await?;
        let name = reference.repository.as_str().rsplit('/').next().unwrap_or_default();
        Spec::new(name, Origin::Artifact { component: pulled.component })
    } else {
        spec(&args.plugin)?
    };
    let bytes = Host::bytes(&spec)?;
    let plugin = host.load(spec).await?;
    let text = if args.json {
        serde_json::to_string_pretty(&described(&plugin, &bytes)).map_err(std::io::Error::other)?
    } else {
        shown_text(&plugin, &bytes)?
    };
    say(&shown(&text));
    Ok(Exit::Done)
}

/// The embedded plugin of that name, or the component in that file.
pub(super) fn spec(name: &str) -> Result<Spec, CommandError> {
    let builtins = Host::builtins();
    if builtins.contains(&name) {
        return Ok(Spec::new(name, Origin::Builtin));
    }
    match workflow::nearest(name, builtins.iter().copied()) {
        Some(near) if !Path::new(name).exists() => Err(CommandError::NoPlugin { name: name.to_owned(), near }),
        _ => Ok(in_file(Path::new(name))),
    }
}

/// The component in that file.
pub(super) fn in_file(path: &Path) -> Spec {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Spec::new(stem, Origin::Path { path: path.to_owned(), sha256: None })
}

/// The interfaces by which a component can send requests, and the one by which it lists registries.
const REQUESTS: [&str; 2] = ["image-transfer:plugin/http@", "wasi:http/outgoing-handler@"];
const LISTINGS: &str = "image-transfer:plugin/registry@";

fn described(plugin: &Plugin, bytes: &[u8]) -> Value {
    let info = plugin.info();
    let imports = plugin.imports();
    let imports_any = |prefixes: &[&str]| imports.iter().any(|it| prefixes.iter().any(|prefix| it.starts_with(prefix)));
    let (hosts, secrets) = plugin.marked_options();
    let exports = plugin.capabilities().to_string();
    json!({
        "name": info.name,
        "version": info.version,
        "summary": info.summary,
        "bytes": bytes.len(),
        "sha256": Digest::of(bytes).hex(),
        "exports": exports.split(", ").collect::<Vec<_>>(),
        "imports": imports,
        "needs": {
            "requests": imports_any(&REQUESTS),
            "listings": imports_any(&[LISTINGS]),
            "hosts": info.hosts,
            "host-options": hosts,
            "secret-options": secrets,
        },
        "options": info.schema,
    })
}

fn shown_text(plugin: &Plugin, bytes: &[u8]) -> Result<String, CommandError> {
    let info = plugin.info();
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let all = described(plugin, bytes);
    let needs = &all["needs"];
    let (hosts, secrets) = plugin.marked_options();
    let mut reaches = Vec::new();
    if needs["requests"] == true {
        reaches.push("sends requests, to hosts that are granted");
    }
    if needs["listings"] == true {
        reaches.push("lists registries, those that are granted or that its options name");
    }
    if reaches.is_empty() {
        reaches.push("nothing");
    }
    let schema = serde_json::to_string_pretty(&info.schema).map_err(std::io::Error::other)?;
    let lines = [
        format!("name      {}", info.name),
        format!("version   {}", info.version),
        format!("summary   {}", info.summary),
        format!("size      {}", Size(bytes.len() as u64)),
        format!("sha256    {}", Digest::of(bytes).hex()),
        format!("exports   {}", plugin.capabilities()),
        format!("imports   {}", plugin.imports().join("\n          ")),
        format!("reaches   {}", reaches.join("\n          ")),
        format!("hosts     {}", list(&info.hosts)),
        format!("grants    by options: {}", list(&hosts)),
        format!("secrets   in options: {}", list(&secrets)),
        format!("options   {schema}"),
    ];
    Ok(lines.join("\n"))
}

/// JSON and a plugin's words for a terminal: JSON escapes control characters by itself, but not what turns the direction of writing.
pub(super) fn shown(json: &str) -> String {
    let plain = |c: char| matches!(c, '\n' | ' '..='~') || c.is_alphanumeric();
    json.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_debug().to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_steers_no_terminal() {
        let schema = serde_json::to_string(&serde_json::json!({"title": "a\u{1b}[2J\u{202e}é“"})).unwrap();
        assert_eq!(shown(&schema), r#"{"title":"a\u001b[2J\u{202e}é“"}"#);
    }
}
