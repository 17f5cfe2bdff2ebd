//! From the workflow's `registries` to what endpoints are opened with.

use std::path::Path;
use std::sync::Arc;

use crate::endpoint::Credential;
use crate::endpoint::Login;
use crate::endpoint::Settings;
use crate::http::Profile;
use crate::http::Reach;
use crate::plugin;
use crate::plugin::Plugin;
use crate::plugin::Transports;
use crate::run::patience::Patience;
use crate::run::registries::PluginIssuer;
use crate::secret::Secret;
use crate::workflow::Diagnostic;
use crate::workflow::LoginEntry;
use crate::workflow::RegistryEntry;

/// The settings of `entry`; `plugin` is the one that issues its credentials, opened, whose API is waited for as `patience` says. Files
/// that cannot be read go to `problems`.
pub(super) fn settings(
    entry: &RegistryEntry,
    plugin: Option<(Arc<Plugin>, Option<plugin::Issuer>)>,
    patience: Patience,
    problems: &mut Vec<Diagnostic>,
) -> (String, Settings) {
    let profile = profile(entry, problems);
    let login = match (&entry.login, plugin) {
        (LoginEntry::Files, _) => Login::FromFiles,
        // Of a plugin that could not be loaded there is a problem noted already.
        (LoginEntry::Anonymous, _) | (LoginEntry::Plugin(_), None) => Login::Anonymous,
        (LoginEntry::Basic { username, password }, _) => {
            Login::Given(Credential::Basic { username: username.clone(), password: password.clone() })
        }
        (LoginEntry::IdentityToken(token), _) => Login::Given(Credential::IdentityToken(token.clone())),
        (LoginEntry::Plugin(issuer), Some((plugin, opened))) => {
            Login::Issued(Arc::new(PluginIssuer::new(plugin, issuer.with.clone(), opened, patience)))
        }
    };
    let settings = Settings { profile, plain_http: entry.plain_http, insecure: entry.insecure, login };
    (entry.key.clone(), settings)
}

/// How the hosts of `registries` are reached by plugins, which speak to the API that many registries have beside the registry
/// itself. Files that cannot be read are told by [`settings`].
pub(super) fn transports(registries: &[RegistryEntry]) -> Transports {
    let host = |entry: &RegistryEntry| entry.key.split('/').next().unwrap_or_default().to_owned();
    registries.iter().map(|entry| (host(entry), profile(entry, &mut Vec::new()))).collect()
}

/// The transport of `entry`.
fn profile(entry: &RegistryEntry, problems: &mut Vec<Diagnostic>) -> Profile {
    let mut read = |path: &Path| {
        std::fs::read(path).unwrap_or_else(|error| {
            let text = format!("cannot read {}: {error}", path.display());
            problems.push(Diagnostic::new(entry.at, text));
            Vec::new()
        })
    };
    Profile {
        ca: entry.ca.as_deref().map(&mut read),
        identity: entry.client.as_ref().map(|(certificate, key)| {
            let certificate = read(certificate);
            (certificate, Secret::new(String::from_utf8_lossy(&read(key)).into_owned()))
        }),
        skip_verify: entry.skip_verify,
        proxy: entry.proxy.clone(),
        no_redirects: false,
        reach: Reach::Any,
    }
}
