//! From a file to a plan.

use std::path::Path;

use crate::secret::Secret;
use crate::secret::SecretUrl;
use crate::workflow::Diagnostic;
use crate::workflow::LoginEntry;
use crate::workflow::Place;
use crate::workflow::Plan;
use crate::workflow::Report;
use crate::workflow::Source;
use crate::workflow::document::parse;
use crate::workflow::interpolate::Interpolation;
use crate::workflow::node::Content;
use crate::workflow::node::Node;
use crate::workflow::reader::Reader;
use crate::workflow::reader::read;
use crate::workflow::rules;
use crate::workflow::schema;

/// Reads the workflow at `path`: all of its errors, or the plan and the texts that later errors are shown in.
///
/// `sets` are `--set NAME=VALUE` in their order; `env` is the environment. Nothing but files is touched.
pub fn load(
    path: &Path,
    sets: &[(String, String)],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Plan, Source), Report> {
    let text = read(path).map_err(|problem| {
        let diagnostic = Diagnostic::new(Place::default(), format!("{}: {problem}", path.display()));
        Source::default().report(vec![diagnostic])
    })?;
    load_text(path, &text, sets, env)
}

/// The same for a text that stands for the file at `path`.
pub fn load_text(
    path: &Path,
    text: &str,
    sets: &[(String, String)],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Plan, Source), Report> {
    let mut source = Source::default();
    let whole = source.add(path, text);
    let mut root = parse(text, whole).map_err(|diagnostics| source.report(diagnostics))?;
    let mut interpolation = Interpolation::new(env);
    interpolate(&mut interpolation, &source, &mut root, sets);
    let base = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => ".".into(),
    };
    let mut reader = Reader { source: &mut source, interpolation: &mut interpolation, base, diagnostics: Vec::new() };
    let plan = schema::workflow(&mut reader, &root, path);
    let mut diagnostics = reader.diagnostics;
    diagnostics.append(&mut interpolation.diagnostics);
    if let Some(plan) = &plan {
        let uses = plan.transfers.iter().map(|transfer| &transfer.from).filter(|from| from.plugin == "rules");
        diagnostics.extend(uses.flat_map(rules::check));
    }
    match plan {
        Some(mut plan) if diagnostics.is_empty() => {
            plan.secrets = secrets(&plan, interpolation.secrets);
            source.redact(&plan.secrets);
            Ok((plan, source))
        }
        partial => {
            source.redact(&interpolation.secrets);
            Err(Report { partial: partial.map(Box::new), ..source.report(diagnostics) })
        }
    }
}

/// `vars` first, since the rest refers to them.
fn interpolate(interpolation: &mut Interpolation<'_>, source: &Source, root: &mut Node, sets: &[(String, String)]) {
    let Content::Mapping(entries) = &mut root.content else { return };
    let (vars, rest): (Vec<_>, Vec<_>) = entries.iter_mut().partition(|entry| entry.key == "vars");
    let mut none = Vec::new();
    let mut declared: &mut [_] = &mut none;
    for entry in vars {
        let (at, kind, is_null) = (entry.value.at, entry.value.kind(), entry.value.is_null());
        if let Content::Mapping(variables) = &mut entry.value.content {
            declared = variables;
        } else if !is_null {
            interpolation.diagnostics.push(Diagnostic::new(at, format!("`vars` must be a mapping, not {kind}")));
        }
    }
    interpolation.declare(source, declared, sets);
    for entry in rest {
        interpolation.apply(source, &mut entry.value, false);
    }
}

/// What the file's keys tell to be secret, and every login.
pub(super) fn secrets(plan: &Plan, mut secrets: Vec<Secret>) -> Vec<Secret> {
    for registry in &plan.registries {
        match &registry.login {
            LoginEntry::Basic { password: secret, .. } | LoginEntry::IdentityToken(secret) => {
                secrets.push(secret.clone());
            }
            LoginEntry::Files | LoginEntry::Anonymous | LoginEntry::Plugin(_) => {}
        }
        secrets.extend(registry.proxy.iter().flat_map(SecretUrl::secrets));
    }
    secrets.sort_by(|a, b| a.reveal().cmp(b.reveal()));
    secrets.dedup();
    secrets
}

#[cfg(test)]
mod tests;
