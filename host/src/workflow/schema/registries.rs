//! `registries`.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;

use url::Url;

use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::secret::Secret;
use crate::secret::SecretUrl;
use crate::workflow::LoginEntry;
use crate::workflow::RegistryEntry;
use crate::workflow::node::Entry;
use crate::workflow::reader::Fields;
use crate::workflow::reader::Reader;
use crate::workflow::schema::plugins::plugin_use;

pub(super) const REGISTRY: &[&str] = &[
    "username",
    "password",
    "identity-token",
    "anonymous",
    "credentials",
    "ca",
    "client-cert",
    "client-key",
    "skip-verify",
    "plain-http",
    "insecure",
    "proxy",
    "qps",
];

pub(super) fn read(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Vec<RegistryEntry> {
    let Some(node) = fields.get("registries") else { return Vec::new() };
    let entries = reader.entries(node, "`registries`").unwrap_or_default();
    let mut seen = HashMap::new();
    let mut registries = Vec::new();
    for entry in entries {
        let Some(registry) = registry(reader, entry) else { continue };
        if let Some(first) = seen.insert(registry.key.clone(), &entry.key) {
            reader.error(entry.key_at, format!("`{}` is the same registry as `{first}`", entry.key));
        }
        registries.push(registry);
    }
    registries
}

fn registry(reader: &mut Reader<'_, '_>, entry: &Entry) -> Option<RegistryEntry> {
    let key = normal_key(&entry.key).map_err(|problem| reader.error(entry.key_at, problem)).ok();
    if entry.value.is_null() {
        reader.error(entry.key_at, "this registry has no settings");
        return None;
    }
    let fields = reader.fields(&entry.value, "a registry", REGISTRY)?;
    let login = login(reader, &fields);
    let file = |reader: &mut Reader<'_, '_>, name: &str| {
        fields.get(name).and_then(|node| reader.path(node, &format!("`{name}`"), Path::is_file))
    };
    let ca = file(reader, "ca");
    let (certificate, private) = (file(reader, "client-cert"), file(reader, "client-key"));
    for (given, missing) in [("client-cert", "client-key"), ("client-key", "client-cert")] {
        if fields.get(given).is_some() && fields.get(missing).is_none() {
            reader.error(fields.key_at(given), format!("`{given}` needs a `{missing}` beside it"));
        }
    }
    let mut flag = |name: &str| reader.flag(fields.get(name), &format!("`{name}`"));
    let (skip_verify, plain_http, insecure) = (flag("skip-verify"), flag("plain-http"), flag("insecure"));
    for name in ["ca", "client-cert", "skip-verify", "insecure"] {
        if plain_http && fields.get(name).is_some() {
            reader.error(fields.key_at(name), format!("`{name}` has no effect beside `plain-http: true`"));
        }
    }
    let proxy = fields.get("proxy").and_then(|node| reader.convert(node, "`proxy`", proxy));
    let qps =
        fields.get("qps").and_then(|node| reader.number::<NonZeroU32>(node, "`qps`", "a whole number, one or more"));
    Some(RegistryEntry {
        key: key?,
        login,
        ca,
        client: certificate.zip(private),
        skip_verify,
        plain_http,
        insecure,
        proxy,
        qps,
        at: entry.key_at,
    })
}

fn login(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> LoginEntry {
    let ways: Vec<_> = ["username", "identity-token", "anonymous", "credentials"]
        .into_iter()
        .filter(|name| fields.get(name).is_some())
        .collect();
    if let [first, second, ..] = ways.as_slice() {
        reader.error(fields.key_at(second), format!("`{second}` and `{first}` are two ways to log in: keep one"));
    }
    for (given, missing) in [("username", "password"), ("password", "username")] {
        if fields.get(given).is_some() && fields.get(missing).is_none() {
            reader.error(fields.key_at(given), format!("`{given}` needs a `{missing}` beside it"));
        }
    }
    if let Some(node) = fields.get("credentials") {
        return plugin_use(reader, node, "`credentials`").map_or(LoginEntry::Files, LoginEntry::Plugin);
    }
    if let Some(node) = fields.get("identity-token") {
        let token = reader.text(node, "`identity-token`").unwrap_or_default();
        return LoginEntry::IdentityToken(Secret::new(token));
    }
    if reader.flag(fields.get("anonymous"), "`anonymous`") {
        return LoginEntry::Anonymous;
    }
    let mut text = |name: &str| fields.get(name).and_then(|node| reader.text(node, &format!("`{name}`")));
    match (text("username"), text("password")) {
        (Some(username), Some(password)) => {
            LoginEntry::Basic { username: username.to_owned(), password: Secret::new(password) }
        }
        _ => LoginEntry::Files,
    }
}

/// `host[:port][/namespace]` with Docker Hub's aliases as one.
pub(crate) fn normal_key(key: &str) -> Result<String, String> {
    if key.contains("://") {
        return Err(format!("`{key}` is a URL: a registry is named by its host alone"));
    }
    let trimmed = key.trim_end_matches('/');
    let (host, namespace) = match trimmed.split_once('/') {
        Some((host, namespace)) if !trimmed.starts_with("oci:") => (host, Some(namespace)),
        _ => (trimmed, None),
    };
    let host = match host.parse::<RegistryName>().map_err(|error| error.to_string())? {
        RegistryName::Host(host) => host,
        RegistryName::Layout(_) => return Err("a directory needs no settings".to_owned()),
    };
    match namespace {
        None => Ok(host),
        Some(namespace) => match namespace.parse::<Repository>() {
            Ok(namespace) => Ok(format!("{host}/{namespace}")),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn proxy(text: &str) -> Result<SecretUrl, String> {
    let schemes = ["http", "https", "socks5", "socks5h"];
    match Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Ok(SecretUrl::new(url)),
        _ => Err("`proxy` must be a URL that begins with http://, https://, socks5:// or socks5h://".to_owned()),
    }
}
