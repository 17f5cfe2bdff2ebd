//! Names of images as these tools write them.

use crate::oci::RegistryName;

/// A name taken apart. Texts, since a variable may stand in any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// `host[:port]`, or `oci:DIRECTORY`.
    pub(super) registry: String,
    /// What it is called there.
    pub(super) repository: String,
    /// `:tag`, `:tag,tag` or `@digest` with what comes before it; empty: none.
    pub(super) version: String,
}

impl Name {
    /// Reads a name by the usual rules: the first segment is a registry if it has a dot or a colon or is `localhost` (or a variable), and
    /// what has none is on Docker Hub.
    pub(super) fn parse(text: &str) -> Self {
        if let Some(rest) = text.strip_prefix("ocidir://").or_else(|| text.strip_prefix("ocifile://")) {
            return Self::layout(rest);
        }
        let (registry, rest) = match text.split_once('/') {
            Some((host, rest)) if is_registry(host) => (host.to_owned(), rest),
            _ => (RegistryName::DOCKER_HUB.to_owned(), text),
        };
        let (repository, version) = split_version(rest);
        let hub = registry.parse::<RegistryName>().is_ok_and(|name| name.is_docker_hub());
        let repository =
            if hub && !repository.contains('/') { format!("library/{repository}") } else { repository.to_owned() };
        Self { registry, repository, version: version.to_owned() }
    }

    /// A layout of regclient is one directory of one repository; here a directory holds many, each by its name.
    fn layout(text: &str) -> Self {
        let (path, version) = split_version(text);
        let (directory, repository) = path.trim_end_matches('/').rsplit_once('/').unwrap_or((".", path));
        let directory = if directory.is_empty() { "/" } else { directory };
        Self { registry: format!("oci:{directory}"), repository: repository.to_owned(), version: version.to_owned() }
    }

    /// Registry and repository.
    pub(super) fn place(&self) -> String {
        let slashes = if self.registry.starts_with("oci:") { "//" } else { "/" };
        format!("{}{slashes}{}", self.registry, self.repository)
    }

    /// The same with `version`, such as `:latest`.
    pub(super) fn with(&self, version: &str) -> String {
        self.place() + version
    }

    /// The whole name; without tag or digest it is `latest`, as these tools have it for one image.
    pub(super) fn image(&self) -> String {
        self.with(if self.version.is_empty() { ":latest" } else { &self.version })
    }

    /// The last segment of the repository.
    pub(super) fn last(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }
}

/// Whether the first segment of a name is a registry.
pub(super) fn is_registry(segment: &str) -> bool {
    segment.contains(['.', ':']) || segment == "localhost" || segment.contains("${")
}

/// `HOST[:PORT][/NAMESPACE]` as the two. A scheme and slashes at the end are left out.
pub(super) fn host_and_namespace(text: &str) -> (String, Option<String>) {
    let text = without_scheme(text).trim_end_matches('/');
    match text.split_once('/') {
        Some((host, namespace)) if !text.starts_with("oci:") => (host.to_owned(), Some(namespace.to_owned())),
        _ => (text.to_owned(), None),
    }
}

/// A host as some write it, with `https://` before it.
pub(super) fn without_scheme(text: &str) -> &str {
    text.strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .or_else(|| text.strip_prefix("docker://"))
        .unwrap_or(text)
}

/// Tags and digests stand behind the last segment.
fn split_version(text: &str) -> (&str, &str) {
    if let Some(at) = text.find('@') {
        return text.split_at(last_colon(&text[..at]).unwrap_or(at));
    }
    // An expression between slashes may have slashes and colons of its own.
    if let Some(at) = text.find(":/") {
        return text.split_at(at);
    }
    last_colon(text).map_or((text, ""), |at| text.split_at(at))
}

fn last_colon(text: &str) -> Option<usize> {
    let segment = text.rfind('/').map_or(0, |slash| slash + 1);
    let mut depth = 0_usize;
    // The colon of `${NAME:-default}` is none of these.
    text[segment..]
        .char_indices()
        .find(|(_, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            *c == ':' && depth == 0
        })
        .map(|(at, _)| segment + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart_by_the_usual_rules() {
        for (text, registry, repository, version) in [
            ("busybox", "docker.io", "library/busybox", ""),
            ("busybox:1", "docker.io", "library/busybox", ":1"),
            ("team/app:1,2", "docker.io", "team/app", ":1,2"),
            ("localhost:5000/a/b", "localhost:5000", "a/b", ""),
            ("r.io/a:1@sha256:00", "r.io", "a", ":1@sha256:00"),
            ("r.io/a@sha256:00", "r.io", "a", "@sha256:00"),
            ("r.io/a/b:/v.*:1/", "r.io", "a/b", ":/v.*:1/"),
            ("${HOST}/a:${TAG:-1}", "${HOST}", "a", ":${TAG:-1}"),
            ("ocidir://out/team/app:1", "oci:out/team", "app", ":1"),
            ("ocidir://app", "oci:.", "app", ""),
            ("ocidir:///app", "oci:/", "app", ""),
        ] {
            let name = Name::parse(text);
            assert_eq!(
                (name.registry.as_str(), name.repository.as_str(), name.version.as_str()),
                (registry, repository, version)
            );
        }
        assert_eq!(Name::parse("ocidir://out/app").image(), "oci:out//app:latest");
    }

    #[test]
    fn a_target_is_a_host_and_what_comes_behind_it() {
        assert_eq!(host_and_namespace("https://r.io:5000/a/b/"), ("r.io:5000".to_owned(), Some("a/b".to_owned())));
        assert_eq!(host_and_namespace("oci:a/b"), ("oci:a/b".to_owned(), None));
    }
}
