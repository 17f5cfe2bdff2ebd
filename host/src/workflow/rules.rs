//! Mistakes in a rule file that can be seen before anything is asked of a registry.

use std::collections::HashMap;

use serde_json::Value;

use crate::oci::Reference;
use crate::workflow::Diagnostic;
use crate::workflow::PluginUse;
use crate::workflow::place::join;

/// Rules of the `rules` plugin that would copy an image onto itself, and tags that two rules would both write. Only what is
/// written out is looked at: no patterns and no lists of tags. Two repositories may well go into one.
pub(super) fn check(rules: &PluginUse) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut written: HashMap<String, &str> = HashMap::new();
    let Some(Value::Object(pairs)) = rules.with.get("rules") else { return diagnostics };
    let registry = rules.with.get("registry").and_then(Value::as_str);
    for (source, targets) in pairs {
        let pointer = join("/rules", source);
        let from = literal(source);
        let listed: Vec<(String, &str)> = match targets {
            Value::String(target) => vec![(pointer.clone(), target.as_str())],
            Value::Array(targets) => targets
                .iter()
                .enumerate()
                .filter_map(|(index, target)| Some((join(&pointer, &index.to_string()), target.as_str()?)))
                .collect(),
            _ => Vec::new(),
        };
        for (pointer, target) in listed {
            let to = if target.is_empty() { elsewhere(source, registry) } else { literal(target) };
            let (Some(from), Some(mut to)) = (from.clone(), to) else { continue };
            to.tag = to.tag.or_else(|| from.tag.clone());
            let at = rules.with_at.locate(&pointer);
            if from == to {
                diagnostics.push(Diagnostic::new(at, "the target is its own source"));
            } else if to.tag.is_some()
                && let Some(other) = written.insert(to.to_string(), source)
            {
                diagnostics.push(Diagnostic::new(at, format!("`{to}` is a target of `{other}` already")));
            }
        }
    }
    diagnostics
}

/// A side of a rule that names one image or all of one repository.
#[derive(Clone, PartialEq, Eq)]
struct Literal {
    repository: String,
    tag: Option<String>,
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repository)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))
    }
}

/// What an empty target is: the source's own name in the default registry.
fn elsewhere(source: &str, registry: Option<&str>) -> Option<Literal> {
    let reference: Reference = source.parse().ok()?;
    let moved = Reference { registry: registry?.parse().ok()?, ..reference }.to_string();
    let named = source.rsplit('/').next().unwrap_or(source).contains([':', '@']);
    literal(if named { &moved } else { moved.trim_end_matches(":latest") })
}

fn literal(text: &str) -> Option<Literal> {
    let reference: Reference = text.parse().ok()?;
    // `parse` fills in `latest`, which in a rule would be every tag.
    let last = text.rsplit('/').next().unwrap_or(text);
    let version = reference.version.to_string();
    let tag = last.contains([':', '@']).then_some(version);
    let repository = Reference { version: crate::oci::Tag::latest().into(), ..reference }.to_string();
    Some(Literal { repository: repository.trim_end_matches(":latest").to_owned(), tag })
}
