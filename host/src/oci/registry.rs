//! Names of registries.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::oci::ReferenceError;

/// A registry: a host, or a directory of OCI image layouts (`oci:DIRECTORY`).
///
/// Docker Hub's aliases (`index.docker.io`, `registry-1.docker.io`, `registry.hub.docker.com`) are all `docker.io` here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RegistryName {
    /// `host` or `host:port`, lowercase.
    Host(String),
    /// A directory that holds one OCI image layout for each repository.
    Layout(PathBuf),
}

impl RegistryName {
    /// Docker Hub, by the name that people write.
    pub const DOCKER_HUB: &'static str = "docker.io";

    /// Whether it is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        matches!(self, Self::Host(host) if host == Self::DOCKER_HUB)
    }
}

impl FromStr for RegistryName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ReferenceError::Registry { text: text.to_owned() };
        if let Some(path) = text.strip_prefix("oci:") {
            let path = path.trim_end_matches('/');
            return if path.is_empty() || path.contains('\0') { Err(error()) } else { Ok(Self::Layout(path.into())) };
        }
        let lower = text.to_ascii_lowercase();
        // A host `oci` with a port would be shown as a directory.
        if lower.starts_with("oci:") {
            return Err(error());
        }
        let (host, port) = match lower.rsplit_once(':') {
            Some((host, port)) if !lower.ends_with(']') => (host, Some(port)),
            _ => (lower.as_str(), None),
        };
        let name = host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        if !(name || address) || port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(error());
        }
        Ok(Self::Host(match lower.as_str() {
            "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" | "www.docker.io" => {
                Self::DOCKER_HUB.to_owned()
            }
            _ => lower,
        }))
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Layout(path) => write!(f, "oci:{}", path.display()),
        }
    }
}

impl fmt::Debug for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
