//! Where a registry is: https or http, and at which host.

use url::Url;

use crate::endpoint::Settings;
use crate::http::HttpError;
use crate::http::Profile;
use crate::http::TlsKind;
use crate::http::names_private_host;
use crate::oci::RegistryName;

/// How a registry is reached.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// Scheme, host and port.
    pub(super) origin: Url,
    /// Certificates, proxy.
    pub(super) profile: Profile,
    /// Whether it is at a private address, as far as is known yet: then it may send to other ones.
    pub(super) private: bool,
}

/// The host behind a registry's name, as it stands in URLs (and in [`crate::limit::Rates`]).
pub(crate) fn api_host(registry: &str) -> &str {
    if registry == RegistryName::DOCKER_HUB { "registry-1.docker.io" } else { registry }
}

/// The ways to reach `host`, in the order in which they are tried. A loopback host without a word on it may speak plain http, as
/// docker has it; `insecure` allows what its name says.
pub(super) fn ways(host: &str, settings: &Settings) -> Vec<Base> {
    let way = |scheme: &str, profile: &Profile| {
        let origin: Url = format!("{scheme}://{}/", api_host(host)).parse().ok()?;
        Some(Base { private: names_private_host(&origin), origin, profile: profile.clone() })
    };
    let unverified = Profile { skip_verify: true, ..settings.profile.clone() };
    let plain = way("http", &settings.profile);
    let loopback = plain.as_ref().is_some_and(|it: &Base| is_loopback(&it.origin));
    let ways = match settings {
        Settings { plain_http: true, .. } => [plain, None],
        Settings { insecure: true, .. } => [way("https", &unverified), plain],
        _ if loopback => [way("https", &settings.profile), plain],
        _ => [way("https", &settings.profile), None],
    };
    ways.into_iter().flatten().collect()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether https failed in a way that plain http would not: what answers speaks no TLS, or nothing is at https's own port.
pub(super) fn plain_may_do(error: &HttpError, origin: &Url) -> bool {
    match error {
        HttpError::Tls { kind, .. } => *kind != TlsKind::Certificate,
        HttpError::Transport { .. } => true,
        HttpError::Connect { .. } | HttpError::Timeout { .. } => origin.port().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(host: &str, settings: &Settings) -> Vec<(String, bool)> {
        ways(host, settings).into_iter().map(|way| (way.origin.into(), way.profile.skip_verify)).collect()
    }

    #[test]
    fn the_settings_say_in_which_ways_a_registry_is_tried() {
        let way = |origin: &str, skip_verify| (origin.to_owned(), skip_verify);
        let default = Settings::default();
        assert_eq!(tried("docker.io", &default), [way("https://registry-1.docker.io/", false)]);
        assert_eq!(tried("a.example:5000", &default), [way("https://a.example:5000/", false)]);
        assert_eq!(
            tried("[::1]:5000", &default),
            [way("https://[::1]:5000/", false), way("http://[::1]:5000/", false)]
        );
        let plain = Settings { plain_http: true, ..Settings::default() };
        assert_eq!(tried("a.example", &plain), [way("http://a.example/", false)]);
        let insecure = Settings { insecure: true, ..Settings::default() };
        assert_eq!(tried("a.example", &insecure), [way("https://a.example/", true), way("http://a.example/", false)]);
    }

    #[test]
    fn http_is_not_tried_where_a_certificate_was_refused_or_a_port_is_closed() {
        let host = || "a.example".to_owned();
        let tls = |kind| HttpError::Tls { host: host(), cause: String::new(), kind };
        let refused = || HttpError::Connect { host: host(), cause: String::new() };
        let (port, none) =
            ("https://a.example:5000/".parse().expect("url"), "https://a.example/".parse().expect("url"));
        assert!(plain_may_do(&tls(TlsKind::Protocol), &port) && plain_may_do(&tls(TlsKind::Broken), &port));
        assert!(!plain_may_do(&tls(TlsKind::Certificate), &none));
        assert!(plain_may_do(&refused(), &none) && !plain_may_do(&refused(), &port));
    }
}
