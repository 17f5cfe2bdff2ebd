//! Which registries the user named: they may be at any address, and get the logins that docker's files have for them.

use crate::http::Named;
use crate::oci::RegistryName;
use crate::plugin::Mentions;
use crate::workflow::LoginEntry;
use crate::workflow::Plan;
use crate::workflow::PluginUse;

/// The registries that `plan` names: in `registries`, as a target, as the place of a plugin, in the options of any plugin or among its
/// hosts (a wildcard names nobody, a host without a port names all of its ports). Any other can only come from a plugin.
pub(super) fn named(plan: &Plan) -> Named {
    let host = |key: &str| key.split('/').next().unwrap_or(key).to_owned();
    let listed = plan.registries.iter().map(|entry| host(&entry.key));
    let targets = plan.transfers.iter().flat_map(|transfer| &transfer.to).filter_map(|to| match &to.registry {
        Some(RegistryName::Host(host)) => Some(host.to_ascii_lowercase()),
        Some(RegistryName::Layout(_)) | None => None,
    });
    let places = plan.plugins.iter().filter_map(|entry| match &entry.artifact.as_ref()?.registry {
        RegistryName::Host(host) => Some(host.to_ascii_lowercase()),
        RegistryName::Layout(_) => None,
    });
    let targets: Vec<String> = targets.chain(places).collect();
    let granted: Vec<String> =
        plan.plugins.iter().flat_map(|entry| &entry.hosts).map(|host| host.to_ascii_lowercase()).collect();
    let mentions: Vec<Mentions> = uses(plan).map(|used| Mentions::of(&used.with)).collect();
    Named::new(listed, move |host| {
        targets.iter().any(|target| target == host)
            || granted.iter().any(|pattern| grants(pattern, host))
            || mentions.iter().any(|mentions| mentions.host(host))
    })
}

fn grants(pattern: &str, host: &str) -> bool {
    match host.rsplit_once(':') {
        Some((bare, _)) if !host.ends_with(']') => pattern == host || pattern == bare,
        _ => pattern == host || pattern.strip_suffix(":443") == Some(host),
    }
}

fn uses(plan: &Plan) -> impl Iterator<Item = &PluginUse> {
    let issuers = plan.registries.iter().filter_map(|entry| match &entry.login {
        LoginEntry::Plugin(used) => Some(used),
        _ => None,
    });
    let others = plan.transfers.iter().flat_map(|transfer| {
        let preparers = transfer.to.iter().filter_map(|to| to.prepare.as_ref());
        std::iter::once(&transfer.from).chain(&transfer.map).chain(preparers)
    });
    issuers.chain(others)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn whatever_the_workflow_says_is_named_and_a_wildcard_names_nobody() {
        let text = "version: 1\nregistries:\n  Listed.example/team: {anonymous: true}\n  issued.example: {credentials: {plugin: tcr, with: {x: in-issuer.example}}}\n\
            plugins: {mine: {path: Cargo.toml, hosts: [granted.example, 'port.example:443', '*.wild.example']}}\n\
            transfers:\n- from: {plugin: rules, with: {rules: {'source.example:5000/a:1': ''}}}\n  \
            map: [{plugin: rewrite, with: {prefix: in-mapper.example/x}}]\n  \
            to: {registry: target.example, prepare: {plugin: tcr, with: {y: in-prepare.example}}}\n";
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Cargo.toml"), "").unwrap();
        let file = directory.path().join("w.yaml");
        std::fs::write(&file, text).unwrap();
        let (plan, _) = crate::workflow::load(Path::new(&file), &[], &|_| None).unwrap();
        let named = named(&plan);
        for host in [
            "listed.example",
            "issued.example",
            "in-issuer.example",
            "granted.example",
            "granted.example:8443",
            "port.example",
            "source.example:5000",
            "in-mapper.example",
            "target.example",
            "in-prepare.example",
        ] {
            assert!(named.has(host), "{host}");
        }
        for host in ["stranger.example", "x.wild.example", "source.example", "port.example:8443", "target.example:5000"]
        {
            assert!(!named.has(host), "{host}");
        }
    }
}
