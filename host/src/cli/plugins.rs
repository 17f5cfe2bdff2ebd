//! `plugin list` and `plugin inspect`.

use std::path::Path;
use std::sync::Arc;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::runs::environment;
use crate::cli::runs::say;
use crate::plugin::CacheDir;
use crate::plugin::Host;
use crate::plugin::Origin;
use crate::plugin::Plugin;
use crate::plugin::Spec;
use crate::run;
use crate::workflow;

/// Lists the embedded plugins and those that a workflow declares.
pub(super) async fn list(file: Option<&Path>) -> Result<Exit, CommandError> {
    let host = run::inspection_host(CacheDir::default())?;
    for spec in specs(file)? {
        let name = spec.name.clone();
        let plugin = host.load(spec).await?;
        let info = plugin.info();
        say(&format!("{name:<12} {:<8} {:<32} {}", info.version, plugin.capabilities().to_string(), info.summary));
    }
    Ok(Exit::Done)
}

/// The embedded plugins and those that a workflow declares.
pub(super) fn specs(file: Option<&Path>) -> Result<Vec<Spec>, CommandError> {
    let mut specs: Vec<Spec> = Host::builtins().iter().map(|name| Spec::new(*name, Origin::Builtin)).collect();
    if let Some(file) = file {
        let (plan, _) = workflow::load(file, &[], &environment)?;
        specs.extend(plan.plugins.into_iter().filter_map(|entry| {
            let path = entry.path?;
            Some(Spec::new(entry.name, Origin::Path { path, sha256: entry.sha256 }))
        }));
    }
    Ok(specs)
}

/// Shows all that a plugin tells of itself.
pub(super) async fn inspect(name: &str) -> Result<Exit, CommandError> {
    let host = run::inspection_host(CacheDir::default())?;
    let plugin: Arc<Plugin> = if Host::builtins().contains(&name) {
        Arc::new(host.load(Spec::new(name, Origin::Builtin)).await?)
    } else {
        let path = Path::new(name);
        let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        Arc::new(host.load(Spec::new(stem, Origin::Path { path: path.to_owned(), sha256: None })).await?)
    };
    let info = plugin.info();
    say(&format!("name      {}\nversion   {}\nsummary   {}", info.name, info.version, info.summary));
    say(&format!("exports   {}", plugin.capabilities()));
    say(&format!("imports   {}", plugin.imports().join("\n          ")));
    let hosts = if info.hosts.is_empty() { "none".to_owned() } else { info.hosts.join(", ") };
    say(&format!("hosts     {hosts}"));
    let schema = serde_json::to_string_pretty(&info.schema).map_err(std::io::Error::other)?;
    say(&format!("options   {}", shown(&schema)));
    Ok(Exit::Done)
}

/// JSON for a terminal: it escapes control characters by itself, but not what turns the direction of writing.
fn shown(json: &str) -> String {
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
