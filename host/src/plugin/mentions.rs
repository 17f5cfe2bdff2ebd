//! What the user wrote into a plugin's options, wherever in them: registries and directories that the plugin may then name.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

/// Every text in a plugin's options, keys and values alike.
///
/// A schema tells which options are hosts; that some text is a registry or the beginning of an image's name it does not. So whatever
/// the user wrote counts, and whatever the user did not write does not.
#[derive(Clone, Debug, Default)]
pub struct Mentions {
    /// In lowercase.
    texts: Vec<String>,
    directories: Vec<PathBuf>,
}

impl Mentions {
    /// What `options` mention.
    #[must_use]
    pub fn of(options: &Value) -> Self {
        let mut mentions = Self::default();
        mentions.collect(options);
        mentions
    }

    /// Whether some text mentions the registry `host` or `host:port`, as a whole name.
    #[must_use]
    pub fn host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        self.texts.iter().any(|text| {
            text.match_indices(&host).any(|(at, _)| {
                let (before, after) = (&text[..at], &text[at + host.len()..]);
                !before.ends_with(part) && !after.starts_with(part)
            })
        })
    }

    /// Whether some text mentions `directory` as `oci:DIRECTORY`, or one above it.
    pub(super) fn directory(&self, directory: &Path) -> bool {
        let wanted = plain(directory);
        self.directories.iter().any(|named| {
            wanted
                .strip_prefix(named)
                .is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))))
        })
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.note(text),
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(values) => values.iter().for_each(|(key, value)| {
                self.note(key);
                self.collect(value);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn note(&mut self, text: &str) {
        // `oci:DIRECTORY`, or `oci:DIRECTORY//REPOSITORY:TAG` as in a reference.
        let directory =
            text.strip_prefix("oci:").map(|rest| rest.split_once("//").map_or(rest, |(directory, _)| directory));
        self.directories.extend(directory.filter(|it| !it.is_empty()).map(|it| plain(Path::new(it))));
        self.texts.push(text.to_ascii_lowercase());
    }
}

/// The path without `.`, so that `./out` is `out`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_is_mentioned_by_its_whole_name_only() {
        let mentions =
            Mentions::of(&json!({"url": "https://Harbor.corp:8443/api", "rules": {"a.io/team/app:1": ["b.io", 1]}}));
        for host in ["harbor.corp:8443", "a.io", "b.io"] {
            assert!(mentions.host(host), "{host}");
        }
        for host in ["harbor.corp", "corp:8443", "arbor.corp:8443", "io", "team.io", "evil.example"] {
            assert!(!mentions.host(host), "{host}");
        }
    }

    #[test]
    fn a_directory_is_mentioned_with_all_below_it_and_nothing_beside_it() {
        let mentions =
            Mentions::of(&json!({"to": "oci:./out", "rules": {"oci:/srv/images//team/app:1": ""}, "other": "/etc"}));
        for directory in ["out", "./out/a/b", "/srv/images", "/srv/images/x"] {
            assert!(mentions.directory(Path::new(directory)), "{directory}");
        }
        for directory in ["outer", "out/../..", "../out", "/srv", "/srv/images/../x", "/etc", "/"] {
            assert!(!mentions.directory(Path::new(directory)), "{directory}");
        }
    }
}
