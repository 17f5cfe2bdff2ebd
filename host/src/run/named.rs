//! Which registries the user named: they may be at any address, and get the logins that docker's files have for them.

use crate::http::Named;
use crate::oci::RegistryName;
use crate::plugin::Mentions;
use crate::workflow::LoginEntry;
use crate::workflow::Plan;
use crate::workflow::PluginUse;

/// The registries that `plan` names: in `registries`, as a target, in the options of any plugin or among its hosts (a wildcard names
/// nobody). Any other can only come from a plugin.
pub(super) fn named(plan: &Plan) -> Named {
    let host = |key: &str| key.split('/').next().unwrap_or(key).to_owned();
    let listed = plan.registries.iter().map(|entry| host(&entry.key));
    let targets = plan.transfers.iter().flat_map(|transfer| &transfer.to).filter_map(|to| match &to.registry {
        Some(RegistryName::Host(host)) => Some(host.to_ascii_lowercase()),
        Some(RegistryName::Layout(_)) | None => None,
    });
    let granted = plan.plugins.iter().flat_map(|entry| &entry.hosts).map(|host| host.to_ascii_lowercase());
    let others: Vec<String> = targets.chain(granted).collect();
    let mentions: Vec<Mentions> = uses(plan).map(|used| Mentions::of(&used.with)).collect();
    Named::new(listed, move |host| {
        others.iter().any(|other| other == host) || mentions.iter().any(|mentions| mentions.host(host))
    })
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
