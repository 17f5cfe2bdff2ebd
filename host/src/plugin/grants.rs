//! Which hosts, registries and directories a plugin reaches: none, unless somebody said so.

use url::Host;
use url::Url;

use crate::oci::RegistryName;
use crate::plugin::mentions::Mentions;

/// What one opened plugin may reach.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    /// What the user named: in the workflow's `hosts`, or in the plugin's own options.
    named: Vec<String>,
    /// What an embedded plugin says that it needs. Never a private address.
    described: Vec<String>,
    /// Whether the component is part of this program: it may list what it likes and name any directory.
    trusted: bool,
    /// What the user wrote into the plugin's options.
    options: Mentions,
}

/// Whether a request may go out, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// To no address.
    Denied,
    /// To public addresses only.
    Public,
    /// To any address: the user named this very host.
    Any,
}

impl Grants {
    /// The grants of a component from elsewhere: what the workflow lists.
    pub(super) fn named(named: Vec<String>) -> Self {
        Self { named, ..Self::default() }
    }

    /// The grants of an embedded component: also what it describes.
    pub(super) fn embedded(named: Vec<String>, described: Vec<String>) -> Self {
        Self { named, described, trusted: true, options: Mentions::default() }
    }

    /// Adds what the user wrote into the plugin's `options`; `hosts` are those of them that `http` may reach.
    pub(super) fn with(mut self, hosts: impl IntoIterator<Item = String>, options: &serde_json::Value) -> Self {
        self.named.extend(hosts);
        self.options = Mentions::of(options);
        self
    }

    /// Whether `registry` may be listed through the host, with the host's credentials: a host that is granted or that the options
    /// mention, a directory that they mention.
    pub(super) fn lists(&self, registry: &RegistryName) -> bool {
        let RegistryName::Host(name) = registry else { return self.names(registry) };
        let (host, port) = match name.rsplit_once(':') {
            Some((host, port)) if !name.ends_with(']') => (host, port.parse().ok()),
            _ => (name.as_str(), Some(443)),
        };
        let granted = self.named.iter().chain(&self.described);
        self.trusted
            || self.options.host(name)
            || granted.into_iter().any(|pattern| exact(pattern, host, port) || wildcard(pattern, host))
    }

    /// Whether the component is part of this program, so that a host that it names is as good as one that the user named.
    pub(super) fn vouches(&self) -> bool {
        self.trusted
    }

    /// Whether an image may be said to lie in `registry`, or to land there. For directories only: whoever names one has the host read
    /// and write files in it.
    pub(super) fn names(&self, registry: &RegistryName) -> bool {
        match registry {
            RegistryName::Host(_) => true,
            RegistryName::Layout(directory) => self.trusted || self.options.directory(directory),
        }
    }

    /// Whether `url` may be asked. A pattern is `host` (any port), `host:port` or `*.domain`; a wildcard reaches public addresses only,
    /// since nobody looked at the name.
    pub(super) fn grant(&self, url: &Url) -> Grant {
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Grant::Denied;
        }
        let Some(host) = url.host() else { return Grant::Denied };
        let host = match host {
            Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
            address => address.to_string(),
        };
        let port = url.port_or_known_default();
        if self.named.iter().any(|pattern| exact(pattern, &host, port)) {
            Grant::Any
        } else if self
            .named
            .iter()
            .chain(&self.described)
            .any(|pattern| exact(pattern, &host, port) || wildcard(pattern, &host))
        {
            Grant::Public
        } else {
            Grant::Denied
        }
    }
}

fn exact(pattern: &str, host: &str, port: Option<u16>) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    if pattern == host {
        return true;
    }
    match pattern.rsplit_once(':') {
        Some((name, digits)) => name == host && digits.parse().is_ok_and(|digits: u16| Some(digits) == port),
        None => false,
    }
}

fn wildcard(pattern: &str, host: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|domain| {
        domain.starts_with('.') && domain.len() > 1 && host.ends_with(&domain.to_ascii_lowercase())
    })
}

/// The host of an option's value: the host and port of a URL, or the text itself.
pub(super) fn host_of(value: &str) -> Option<String> {
    if let Ok(url) = Url::parse(value)
        && let Some(host) = url.host_str()
    {
        return Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
    }
    let host = value.split('/').next().unwrap_or_default();
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(grants: &Grants, url: &str) -> Grant {
        grants.grant(&Url::parse(url).unwrap())
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert_eq!(grant(&Grants::default(), "https://example.com/"), Grant::Denied);
    }

    #[test]
    fn a_named_host_is_reached_wherever_it_is_and_a_wildcard_in_public_only() {
        let grants = Grants::embedded(
            vec!["harbor.corp:8443".to_owned(), "*.cloud.example".to_owned()],
            vec!["api.example".to_owned()],
        );
        assert_eq!(grant(&grants, "https://harbor.corp:8443/x"), Grant::Any);
        assert_eq!(grant(&grants, "https://harbor.corp/x"), Grant::Denied);
        assert_eq!(grant(&grants, "https://a.b.cloud.example/"), Grant::Public);
        assert_eq!(grant(&grants, "https://cloud.example/"), Grant::Denied);
        assert_eq!(grant(&grants, "https://API.example./"), Grant::Public);
    }

    #[test]
    fn look_alikes_and_credentials_in_urls_are_refused() {
        let grants = Grants::named(vec!["example.com".to_owned()]);
        for url in [
            "https://example.com.evil.example/",
            "https://evilexample.com/",
            "https://u:p@example.com/",
            "ftp://example.com/",
        ] {
            assert_eq!(grant(&grants, url), Grant::Denied, "{url}");
        }
    }

    #[test]
    fn a_registry_is_listed_if_it_is_granted_or_an_option_mentions_it() {
        let hosts = vec!["harbor.corp:8443".to_owned(), "*.cloud.example".to_owned(), "quay.example".to_owned()];
        let options =
            serde_json::json!({"from": "https://a.io:5000/v2", "rules": {"b.io/team/app": null}, "into": "oci:out"});
        let grants = Grants::named(hosts).with([], &options);
        for (registry, expected) in [
            ("a.io:5000", true),
            ("a.io", false),
            ("b.io", true),
            ("evil.example", false),
            ("169.254.169.254", false),
            ("harbor.corp:8443", true),
            ("harbor.corp", false),
            ("x.cloud.example", true),
            ("quay.example", true),
            ("oci:out/team", true),
            ("oci:/etc", false),
        ] {
            assert_eq!(grants.lists(&registry.parse().unwrap()), expected, "{registry}");
        }
        assert!(Grants::embedded(vec![], vec![]).lists(&"any.example".parse().unwrap()));
        assert!(!Grants::default().lists(&"any.example".parse().unwrap()));
    }

    #[test]
    fn the_host_of_an_option_is_that_of_its_url() {
        assert_eq!(host_of("https://harbor.corp:8443/api/v2.0").as_deref(), Some("harbor.corp:8443"));
        assert_eq!(host_of("harbor.corp").as_deref(), Some("harbor.corp"));
        assert_eq!(host_of("harbor.corp:8443").as_deref(), Some("harbor.corp:8443"));
    }
}
