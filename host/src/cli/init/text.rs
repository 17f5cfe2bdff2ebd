//! The text of a first workflow file: short, right as it is, with what is mostly wanted next in its comments.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::cli::init::Place;

/// What a first workflow is made of.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) from: Place,
    pub(super) to: Place,
    /// Patterns; empty: all.
    pub(super) tags: Vec<String>,
    pub(super) newest: Option<NonZeroUsize>,
    /// Registries that speak http.
    pub(super) plain_http: Vec<String>,
}

/// Whose API lists more than a registry does, by the end of the host: the plugin, and what it is called.
const PROVIDERS: [(&str, &str, &str); 6] = [
    (".amazonaws.com", "ecr", "Amazon ECR"),
    ("public.ecr.aws", "ecr", "Amazon ECR Public"),
    (".tencentcloudcr.com", "tcr", "Tencent TCR"),
    (".ccs.tencentyun.com", "ccr", "Tencent CCR"),
    (".aliyuncs.com", "acr", "Alibaba ACR"),
    ("registry.gitlab.com", "gitlab", "GitLab"),
];

/// Whether a registry can be listed by namespaces alone.
pub(super) fn needs_namespace(registry: &str) -> bool {
    matches!(registry, "docker.io" | "quay.io")
}

impl Start {
    /// The text of the file at `path`.
    pub(super) fn text(&self, path: &Path) -> String {
        let file = path.file_name().map_or_else(|| "workflow.yaml".into(), |name| name.to_string_lossy());
        let (from, to) = (&self.from.registry, &self.to.registry);
        let mut text = format!(
            "\
# Images of {from} to {to}. Made by `image-transfer init`.
#
#   image-transfer check {file}   # all that is wrong with it
#   image-transfer plan {file}    # what would move; nothing is written
#   image-transfer run {file}
#
# docs/workflow.md explains every key.

version: 1
"
        );
        self.registries(&mut text);
        text.push_str(
            "
# limits:
#   qps: 100 # requests a second over all registries
#   bandwidth: 100MiB # a second

transfers:
",
        );
        self.source(&mut text);
        self.select(&mut text);
        self.target(&mut text);
        text
    }

    fn registries(&self, text: &mut String) {
        let mut hosts: Vec<&str> = [&self.from, &self.to].map(|place| place.registry.as_str()).into();
        hosts.retain(|host| !host.starts_with("oci:"));
        hosts.dedup();
        if hosts.is_empty() {
            return;
        }
        text.push_str(
            "
registries: # without a login, docker's and podman's files and helpers are asked; where they know nothing, access is anonymous
",
        );
        for host in hosts {
            let variable: String =
                host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
            let plain = self.plain_http.iter().any(|other| other == host);
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "  {}:
    plain-http: {plain} # http, not https
    # username: \"${{REGISTRY_USER_{variable}}}\"
    # password: \"${{REGISTRY_PASSWORD_{variable}}}\"
    # ca: corp.pem # trusted besides the usual certificates
",
                quoted(host)
            );
        }
    }

    fn source(&self, text: &mut String) {
        let Place { registry, path } = &self.from;
        let names = path.split('/').collect::<Vec<_>>();
        let plain = !path.contains(['*', '?', '[', '{']) && !path.starts_with('/');
        let provider = match registry.as_str() {
            "docker.io" => Some("dockerhub"),
            "quay.io" => Some("quay"),
            _ => None,
        };
        match provider {
            // One repository needs no list of them.
            Some(plugin) if !(plain && names.len() > 1) => {
                let _ = write!(
                    text,
                    "  - from:
      plugin: {plugin}
      with:
        namespaces: [{}] # whose repositories are listed
",
                    quoted(names.first().copied().unwrap_or_default())
                );
                if names.len() > 1 {
                    let _ = writeln!(text, "        repositories: [{}]", quoted(path));
                }
                text.push_str("        # With a token, what is private is listed too: `image-transfer plugin inspect ");
                let _ = writeln!(text, "{plugin}`.");
            }
            _ => {
                let _ = write!(
                    text,
                    "  - from:
      plugin: catalog # every repository, with every tag
      with:
        registry: {}
",
                    quoted(registry)
                );
                match path.as_str() {
                    "" => text.push_str("        # repositories: [\"team-a/**\"] # globs (** also crosses /), or /regular expressions/\n"),
                    path => {
                        let _ = writeln!(text, "        repositories: [{}] # globs (** also crosses /), or /regular expressions/", quoted(path));
                    }
                }
            }
        }
        hint(text, registry, "lists by its own API, which finds what a catalog may not show", "        ");
    }

    fn select(&self, text: &mut String) {
        text.push_str("    select:\n");
        if !self.tags.is_empty() || self.newest.is_some() {
            text.push_str("      tags:\n");
        }
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|tag| quoted(tag)).collect();
            let _ = writeln!(text, "        include: [{}]", tags.join(", "));
        }
        if let Some(newest) = self.newest {
            let _ = writeln!(
                text,
                "        newest: {{count: {newest}, by: semver}} # of each repository, `latest` and other tags that are no version left out; or by: name, created"
            );
        }
        if self.tags.is_empty() && self.newest.is_none() {
            text.push_str("      # tags: {include: [\"v*\"], exclude: [\"*-rc*\"], newest: {count: 10}}\n");
        }
        text.push_str(
            "      # platforms: [linux/amd64, linux/arm64] # of multi-platform images; without it all, bytes unchanged
      referrers: true # signatures, SBOMs and the like too
",
        );
    }

    fn target(&self, text: &mut String) {
        let Place { registry, path } = &self.to;
        text.push_str("    # map: {plugin: rewrite, with: {strip-prefix: old, prefix: new/}} # other names at the target\n    to:\n");
        let relative = if registry.starts_with("oci:") { " # relative to this file" } else { "" };
        let _ = writeln!(text, "      registry: {}{relative}", quoted(registry));
        match path.as_str() {
            "" => text.push_str("      # namespace: mirror # before the source's whole name\n"),
            path => {
                let _ = writeln!(text, "      namespace: {} # before the source's whole name", quoted(path));
            }
        }
        text.push_str(
            "      existing: overwrite # a tag that is there: overwrite (if its digest differs), skip, fail\n",
        );
        hint(text, registry, "makes what must exist there before the first push (`prepare`), and logs in", "      ");
    }
}

/// A comment on the plugin of a provider.
fn hint(text: &mut String, registry: &str, what: &str, indent: &str) {
    if let Some((_, plugin, name)) = PROVIDERS.iter().find(|(domain, _, _)| registry.ends_with(domain)) {
        let _ = writeln!(text, "{indent}# {name}: the plugin `{plugin}` {what}; see docs/providers/{plugin}.md.");
    }
}

/// A text in quotes, as YAML and JSON both read it, and never a variable.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace("${", "$${")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(registry: &str, path: &str) -> Place {
        Place { registry: registry.to_owned(), path: path.to_owned() }
    }

    fn start(from: Place, to: Place) -> serde_json::Value {
        let start = Start { from, to, tags: Vec::new(), newest: None, plain_http: Vec::new() };
        serde_yaml::from_str(&start.text(Path::new("x/w.yaml"))).unwrap()
    }

    #[test]
    fn a_catalog_is_listed_whole_or_by_patterns() {
        let whole = start(place("a.example.com", ""), place("b.example.com", ""));
        assert_eq!(whole["transfers"][0]["from"]["with"], serde_json::json!({"registry": "a.example.com"}));
        let some = start(place("a.example.com", "team/**"), place("oci:out", ""));
        assert_eq!(some["transfers"][0]["from"]["with"]["repositories"], serde_json::json!(["team/**"]));
        assert_eq!(some["transfers"][0]["to"]["registry"], "oci:out");
        assert_eq!(some["registries"].as_object().unwrap().len(), 1);
    }

    #[test]
    fn docker_hub_is_listed_by_its_namespaces_and_one_repository_by_its_tags() {
        let from =
            |path: &str| start(place("docker.io", path), place("b.example.com", "m"))["transfers"][0]["from"].clone();
        assert_eq!(from("myteam")["plugin"], "dockerhub");
        assert_eq!(from("myteam/**")["with"]["repositories"], serde_json::json!(["myteam/**"]));
        assert_eq!(
            from("library/nginx")["with"],
            serde_json::json!({"registry": "docker.io", "repositories": ["library/nginx"]})
        );
    }

    #[test]
    fn a_providers_plugin_is_named() {
        let ecr = place("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "");
        let start =
            Start { from: place("a.example.com", ""), to: ecr, tags: Vec::new(), newest: None, plain_http: Vec::new() };
        assert!(start.text(Path::new("w.yaml")).contains("# Amazon ECR: the plugin `ecr` makes what must exist there"));
    }

    #[test]
    fn what_is_typed_breaks_no_yaml() {
        assert_eq!(quoted("a\": \n${B}"), r#""a\": \n$${B}""#);
    }
}
