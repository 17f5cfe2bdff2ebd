//! The grammar of image references, as the OCI distribution specification ("Pulling manifests") and the reference
//! grammar of the distribution project have it.

use std::fmt::Display;
use std::fmt::Formatter;

use crate::Reference;

/// Docker Hub as it is written in references, and its other names.
pub const DOCKER_HUB: &str = "docker.io";

const DOCKER_HUB_ALIASES: [&str; 4] =
    ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// The scheme of a directory of OCI image layouts.
const LAYOUTS: &str = "oci:";

/// As it is written by hand: `registry/repository:tag@digest`, behind a directory of layouts with `//`.
impl Display for Reference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let slash = if self.registry.starts_with(LAYOUTS) { "//" } else { "/" };
        write!(formatter, "{}{slash}{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

/// What stands before the repository of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split<'a> {
    /// The registry, where one is written; Docker Hub by its one name.
    pub registry: Option<String>,
    /// Everything behind it: repository, tag, digest.
    pub rest: &'a str,
}

/// Splits the registry off. `host.with.dots/…`, `host:port/…`, `localhost/…` and `[ipv6]:port/…` have one, and
/// `oci:PATH//…`; a first segment without dot, port and that name is part of the repository. `oci:PATH` without `//` is a
/// registry with nothing behind it.
#[must_use]
pub fn split_registry(text: &str) -> Split<'_> {
    if text.starts_with(LAYOUTS) {
        return match text.rfind("//") {
            Some(at) => Split { registry: Some(text[..at].to_owned()), rest: &text[at + 2..] },
            None => Split { registry: Some(text.trim_end_matches('/').to_owned()), rest: "" },
        };
    }
    match text.split_once('/') {
        Some((first, rest)) if is_host(first) => Split { registry: Some(normal_registry(first)), rest },
        _ => Split { registry: None, rest: text },
    }
}

/// Whether the first segment of a name is a registry and not a part of the repository.
fn is_host(segment: &str) -> bool {
    if segment.starts_with('[') {
        return true;
    }
    let (host, port) = segment.split_once(':').unwrap_or((segment, "0"));
    let port_is_one = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port_is_one && !host.is_empty() && (segment.contains(':') || host.contains('.') || host == "localhost")
}

/// A registry by the name that this project uses for it: Docker Hub's other names become `docker.io`.
#[must_use]
pub fn normal_registry(registry: &str) -> String {
    if DOCKER_HUB_ALIASES.contains(&registry) { DOCKER_HUB } else { registry }.to_owned()
}

/// Checks `host[:port]` or `oci:PATH`.
pub fn check_registry(registry: &str) -> Result<(), String> {
    if let Some(path) = registry.strip_prefix(LAYOUTS) {
        return if path.is_empty() { Err("`oci:` needs a directory behind it".to_owned()) } else { Ok(()) };
    }
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !registry.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_good = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(label),
    };
    if host_is_good && port_is_good {
        Ok(())
    } else {
        Err(format!("`{registry}` is not a registry: expected host[:port] or oci:PATH"))
    }
}

/// Checks a repository: segments of lowercase letters and digits, joined by `.`, `_`, `__` or dashes, with `/` between
/// them (OCI distribution specification, `<name>`).
pub fn check_repository(repository: &str) -> Result<(), String> {
    if !repository.is_empty() && repository.split('/').all(is_segment) {
        return Ok(());
    }
    Err(if repository.is_empty() {
        "the repository is missing".to_owned()
    } else if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
        format!("`{repository}` is not a repository: uppercase letters are not allowed")
    } else {
        format!("`{repository}` is not a repository: expected segments of a-z, 0-9 and inner `.`, `_`, `-`")
    })
}

fn is_segment(segment: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = segment.as_bytes();
    if !(bytes.first().is_some_and(is_word) && bytes.last().is_some_and(is_word)) {
        return false;
    }
    bytes
        .split(is_word)
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

/// Checks a tag: up to 128 letters, digits, `_`, `.` and `-`, neither of the last two first (`<reference>` as a tag).
pub fn check_tag(tag: &str) -> Result<(), String> {
    let good = tag.len() <= 128
        && !tag.is_empty()
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if good {
        Ok(())
    } else if tag.len() > 128 {
        Err(format!("`{tag}` is not a tag: it has more than 128 characters"))
    } else {
        Err(format!("`{tag}` is not a tag: expected letters, digits, `_` and inner `.`, `-`"))
    }
}

/// Checks a digest: `sha256:` and 64, or `sha512:` and 128 lowercase hexadecimal digits (OCI image specification,
/// "Digests").
pub fn check_digest(digest: &str) -> Result<(), String> {
    let length = match digest.split_once(':') {
        Some(("sha256", _)) => 64,
        Some(("sha512", _)) => 128,
        _ => {
            return Err(format!("`{digest}` is not a digest: expected sha256: or sha512:"));
        }
    };
    let hex = &digest[7..];
    if hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(())
    } else {
        Err(format!("`{digest}` is not a digest: expected {length} lowercase hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_is_a_registry_if_it_has_a_dot_or_a_port_or_is_localhost() {
        let cases = [
            ("reg.example/ns/app:1", Some("reg.example"), "ns/app:1"),
            ("localhost:5000/app", Some("localhost:5000"), "app"),
            ("localhost/app", Some("localhost"), "app"),
            ("127.0.0.1:5000/app", Some("127.0.0.1:5000"), "app"),
            ("host:5000/ns/app", Some("host:5000"), "ns/app"),
            ("[::1]:5000/app", Some("[::1]:5000"), "app"),
            ("host/ns/app", None, "host/ns/app"),
            ("nginx:1.2", None, "nginx:1.2"),
            (r"nginx:/^v\d+$/", None, r"nginx:/^v\d+$/"),
            (r"nginx:1.2,/^v/", None, r"nginx:1.2,/^v/"),
            ("registry.hub.docker.com/library/nginx", Some("docker.io"), "library/nginx"),
            ("oci:./dir//ns/app:1", Some("oci:./dir"), "ns/app:1"),
            ("oci:/var/lib/images//app", Some("oci:/var/lib/images"), "app"),
            ("oci:./dir/", Some("oci:./dir"), ""),
        ];
        for (text, registry, rest) in cases {
            let expected = Split { registry: registry.map(str::to_owned), rest };
            assert_eq!(split_registry(text), expected, "{text}");
        }
    }

    #[test]
    fn a_reference_is_written_as_it_is_read() {
        let reference = |registry: &str, digest: Option<&str>| Reference {
            registry: registry.to_owned(),
            repository: "ns/app".to_owned(),
            tag: Some("1".to_owned()),
            digest: digest.map(str::to_owned),
        };
        assert_eq!(reference("reg.example", None).to_string(), "reg.example/ns/app:1");
        assert_eq!(reference("oci:./dir", Some("sha256:0")).to_string(), "oci:./dir//ns/app:1@sha256:0");
    }

    #[test]
    fn repositories_follow_the_grammar() {
        for good in ["app", "ns/app", "a.b_c__d-e--f/0", "library/nginx"] {
            assert_eq!(check_repository(good), Ok(()), "{good}");
        }
        for bad in ["", "App", "a//b", "/a", "a/", "a..b", "a___b", ".a", "a-", "a:b", "ä"] {
            assert!(check_repository(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_follow_the_grammar() {
        for good in ["1", "v1.2-rc_3", "_x", "LATEST"] {
            assert_eq!(check_tag(good), Ok(()), "{good}");
        }
        for bad in ["", ".1", "-1", "a b", "a/b", "a:b", &"x".repeat(129)] {
            assert!(check_tag(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_follow_the_grammar() {
        assert_eq!(check_digest(&format!("sha256:{}", "a".repeat(64))), Ok(()));
        assert_eq!(check_digest(&format!("sha512:{}", "0".repeat(128))), Ok(()));
        for bad in ["sha256:abc", "md5:0", "", &format!("sha256:{}", "A".repeat(64))] {
            assert!(check_digest(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn registries_are_hosts_or_directories() {
        for good in ["reg.example", "host:5000", "[::1]:5000", "[::1]", "oci:./dir", "localhost"] {
            assert_eq!(check_registry(good), Ok(()), "{good}");
        }
        for bad in ["", "oci:", "host:port", "https://reg.example", "a/b", "-a", "*.example"] {
            assert!(check_registry(bad).is_err(), "{bad}");
        }
    }
}
