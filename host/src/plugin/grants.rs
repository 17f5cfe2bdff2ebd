//! Which hosts a plugin reaches: none, unless somebody said so.

use url::Host;
use url::Url;

/// The hosts that one opened plugin may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    /// What the user named: in the workflow's `hosts`, or in the plugin's own options.
    named: Vec<String>,
    /// What an embedded plugin says that it needs. Never a private address.
    described: Vec<String>,
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
    pub(super) fn new(named: Vec<String>, described: Vec<String>) -> Self {
        Self { named, described }
    }

    /// Adds hosts that the user wrote into the plugin's options.
    pub(super) fn with(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.named.extend(hosts);
        self
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
        let grants = Grants::new(
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
        let grants = Grants::new(vec!["example.com".to_owned()], vec![]);
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
    fn the_host_of_an_option_is_that_of_its_url() {
        assert_eq!(host_of("https://harbor.corp:8443/api/v2.0").as_deref(), Some("harbor.corp:8443"));
        assert_eq!(host_of("harbor.corp").as_deref(), Some("harbor.corp"));
        assert_eq!(host_of("harbor.corp:8443").as_deref(), Some("harbor.corp:8443"));
    }
}
