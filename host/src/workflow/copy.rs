//! `copy SRC DST…` as a plan.

use crate::oci::Platform;
use crate::oci::Reference;
use crate::select::Selection;
use crate::workflow::Diagnostic;
use crate::workflow::Existing;
use crate::workflow::Limits;
use crate::workflow::LoginEntry;
use crate::workflow::Place;
use crate::workflow::Places;
use crate::workflow::Plan;
use crate::workflow::PluginUse;
use crate::workflow::RegistryEntry;
use crate::workflow::Report;
use crate::workflow::Retry;
use crate::workflow::Source;
use crate::workflow::To;
use crate::workflow::Transfer;
use crate::workflow::rules;
use crate::workflow::schema::normal_key;

/// What `copy SRC DST…` says.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    /// The image, as people type it: without a tag it is `latest`.
    pub source: String,
    /// Where to; without a tag the source's.
    pub targets: Vec<String>,
    /// Platforms to keep, such as `linux/arm64`; empty: all.
    pub platforms: Vec<String>,
    /// Whether referrers are copied along.
    pub referrers: bool,
    /// What happens to a tag that is there.
    pub existing: Existing,
    /// Registries that speak http.
    pub plain_http: Vec<String>,
    /// Registries whose certificates are not checked.
    pub insecure: Vec<String>,
}

/// One image to one or more targets, as the plan with one rule.
pub fn copy(copy: &Copy) -> Result<(Plan, Source), Report> {
    let nowhere = Place::default();
    let mut diagnostics = Vec::new();
    let mut check = |problem: Option<String>| diagnostics.extend(problem.map(|text| Diagnostic::new(nowhere, text)));
    let source = copy.source.parse::<Reference>().map_err(|error| check(Some(error.to_string()))).ok();
    let mut targets = Vec::new();
    for target in &copy.targets {
        match target.parse::<Reference>() {
            Ok(reference) => {
                let name = reference.to_string();
                let named = target.rsplit('/').next().unwrap_or(target).contains([':', '@']);
                targets.push(if named { name } else { name.trim_end_matches(":latest").to_owned() });
            }
            Err(error) => check(Some(error.to_string())),
        }
    }
    let mut platforms = Vec::new();
    for platform in &copy.platforms {
        match platform.parse::<Platform>() {
            Ok(platform) => platforms.push(platform),
            Err(error) => check(Some(error.to_string())),
        }
    }
    let mut registries: Vec<RegistryEntry> = Vec::new();
    for (hosts, plain_http) in [(&copy.plain_http, true), (&copy.insecure, false)] {
        for host in hosts {
            match normal_key(host) {
                Ok(key) if registries.iter().any(|entry| entry.key == key) => {
                    check(Some(format!("{host} is named twice")));
                }
                Ok(key) => registries.push(RegistryEntry {
                    key,
                    login: LoginEntry::Files,
                    ca: None,
                    client: None,
                    skip_verify: false,
                    plain_http,
                    insecure: !plain_http,
                    proxy: None,
                    qps: None,
                    at: nowhere,
                }),
                Err(problem) => check(Some(problem)),
            }
        }
    }
    let mut rule = serde_json::Map::new();
    rule.insert(source.map(|source| source.to_string()).unwrap_or_default(), targets.into());
    let mut options = serde_json::Map::new();
    options.insert("rules".to_owned(), rule.into());
    let from = PluginUse { plugin: "rules".to_owned(), with: options.into(), at: nowhere, with_at: Places::default() };
    diagnostics.extend(rules::check(&from));
    if !diagnostics.is_empty() {
        return Err(Source::default().report(diagnostics));
    }
    let to = To { existing: copy.existing, ..To::default() };
    let transfer = Transfer {
        name: "copy".to_owned(),
        from,
        select: Selection { platforms, referrers: copy.referrers, ..Selection::default() },
        map: Vec::new(),
        to: vec![to],
        needs: Vec::new(),
        at: nowhere,
    };
    let plan = Plan {
        name: "copy".to_owned(),
        base: ".".into(),
        registries,
        limits: Limits::default(),
        retry: Retry::default(),
        plugins: Vec::new(),
        plugin_dirs: Vec::new(),
        transfers: vec![transfer],
        secrets: Vec::new(),
    };
    Ok((plan, Source::default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(source: &str, targets: &[&str]) -> Result<serde_json::Value, String> {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        let spec = Copy { source: source.to_owned(), targets, ..Copy::default() };
        copy(&spec).map(|(plan, _)| plan.transfers[0].from.with.clone()).map_err(|report| report.to_string())
    }

    #[test]
    fn one_image_is_one_rule() {
        assert_eq!(
            rules("alpine", &["localhost:5000/mirror/alpine", "oci:out//alpine:3"]).unwrap(),
            json!({"rules": {"docker.io/library/alpine:latest": ["localhost:5000/mirror/alpine", "oci:out//alpine:3"]}})
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert_eq!(
            rules("a.io/b:1", &["a.io/b", "c.io/Upper"]).unwrap_err(),
            "error: \"Upper\" is not a repository name: lowercase letters, digits, and . _ - between them, in segments \
             separated by /\n\nerror: the target is its own source\n\n2 errors, nothing was started"
        );
    }
}
