//! Whose idea a host is, and which addresses it may have therefore.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use url::Url;

use crate::http::address::authority;
use crate::http::address::is_metadata;
use crate::http::address::is_metadata_service;
use crate::http::address::is_public;
use crate::http::address::names_private_host;

/// How far a request may reach. The addresses are those that a connection is really made to, so that a name cannot change its mind
/// between a check and the connection (DNS rebinding).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The user named the host: any address.
    #[default]
    Any,
    /// A host at a private address named it, such as a registry its storage: any address but those of metadata services.
    Private,
    /// A stranger named it: public addresses only.
    Public,
}

impl Reach {
    /// Whether a connection to `address` may be made.
    pub(super) fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Private => !is_metadata(address),
            Self::Public => is_public(address) && !is_metadata(address),
        }
    }

    /// Whether `url` is refused for what it says by itself. Names are checked when they are looked up.
    pub(super) fn refuses(self, url: &Url) -> bool {
        match self {
            Self::Any => false,
            Self::Private => is_metadata_service(url),
            Self::Public => is_metadata_service(url) || names_private_host(url),
        }
    }

    /// How far the hosts may be that a host within this reach names; `private`: that host is at a private address itself.
    pub(super) fn told_by(self, private: bool) -> Self {
        if self != Self::Public && private { Self::Private } else { Self::Public }
    }
}

/// Tells whether the user mentions a host, given as `host` or `host:port` in lowercase.
type Mentions = dyn Fn(&str) -> bool + Send + Sync;

/// Which hosts the user named. Cheap to clone.
#[derive(Clone, Default)]
pub struct Named(Option<Arc<Inner>>);

struct Inner {
    /// Those that `registries` of the workflow lists.
    listed: HashSet<String>,
    /// Those that the workflow mentions anywhere else.
    mentioned: Box<Mentions>,
    /// Those that a part of this program named.
    vouched: Mutex<HashSet<String>>,
}

impl Named {
    /// `listed` are the hosts that may be anywhere whoever sends there; those that are `mentioned` may be anywhere too, but only for
    /// who was told of them. Without any of this (`Named::default()`) every host counts as named.
    pub fn new(
        listed: impl IntoIterator<Item = String>,
        mentioned: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listed = listed.into_iter().map(|host| plain(&host)).collect();
        Self(Some(Arc::new(Inner { listed, mentioned: Box::new(mentioned), vouched: Mutex::default() })))
    }

    /// Whether the user, or a part of this program, named the registry at `host`.
    #[must_use]
    pub fn has(&self, host: &str) -> bool {
        let Some(inner) = &self.0 else { return true };
        let host = plain(host);
        let vouched = inner.vouched.lock().unwrap_or_else(PoisonError::into_inner).contains(&host);
        vouched || inner.listed.contains(&host) || (inner.mentioned)(&host)
    }

    /// Adds `host`, which a part of this program named: an embedded plugin.
    pub fn vouch(&self, host: &str) {
        if let Some(inner) = &self.0 {
            inner.vouched.lock().unwrap_or_else(PoisonError::into_inner).insert(plain(host));
        }
    }

    /// Whether `registries` lists the host of `url`.
    pub(super) fn lists(&self, url: &Url) -> bool {
        let Some(inner) = &self.0 else { return false };
        let with_port =
            || format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        inner.listed.contains(&plain(&authority(url))) || inner.listed.contains(&plain(&with_port()))
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Named").field(&self.0.as_ref().map(|inner| &inner.listed)).finish()
    }
}

fn plain(host: &str) -> String {
    host.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect(text)
    }

    #[test]
    fn a_metadata_service_is_out_of_reach_for_strangers_however_it_is_written() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.23",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::a9fe:a9fe",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            let ip: IpAddr = address.parse().expect(address);
            assert!(!Reach::Private.admits(ip) && !Reach::Public.admits(ip), "{address}");
            assert!(Reach::Any.admits(ip), "{address}");
        }
        for text in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://169.254.169.254./",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://Metadata.Google.Internal./computeMetadata/v1/",
            "http://user@169.254.169.254/",
        ] {
            assert!(Reach::Private.refuses(&url(text)) && Reach::Public.refuses(&url(text)), "{text}");
        }
    }

    #[test]
    fn a_private_host_may_name_private_ones_and_a_public_one_may_not() {
        let (private, public) = ("10.0.0.1".parse().expect("address"), "9.9.9.9".parse().expect("address"));
        assert!(Reach::Private.admits(private) && Reach::Private.admits(public));
        assert!(!Reach::Public.admits(private) && Reach::Public.admits(public));
        assert_eq!(Reach::Any.told_by(true), Reach::Private);
        assert_eq!(Reach::Any.told_by(false), Reach::Public);
        assert_eq!(Reach::Private.told_by(true), Reach::Private);
        assert_eq!(Reach::Private.told_by(false), Reach::Public);
        assert_eq!(Reach::Public.told_by(true), Reach::Public);
    }

    #[test]
    fn a_host_is_named_by_the_workflow_or_by_this_program_and_by_nobody_else() {
        let named = Named::new(["Store.corp:9000".to_owned(), "hub.corp".to_owned()], |host| host == "mentioned.corp");
        for host in ["store.corp:9000", "HUB.corp", "mentioned.corp"] {
            assert!(named.has(host), "{host}");
        }
        for host in ["store.corp", "evil.example", "hub.corp.evil.example"] {
            assert!(!named.has(host), "{host}");
        }
        named.vouch("API.example");
        assert!(named.has("api.example"));
        assert!(named.lists(&url("http://store.corp:9000/x")) && named.lists(&url("https://hub.corp/x")));
        // What is mentioned elsewhere, or vouched for, is no place that a registry may send to.
        for text in ["http://mentioned.corp/", "https://api.example/", "https://store.corp/", "https://hub.corp:9000/"]
        {
            assert!(!named.lists(&url(text)), "{text}");
        }
        assert!(Named::default().has("any.example") && !Named::default().lists(&url("https://any.example/")));
    }
}
