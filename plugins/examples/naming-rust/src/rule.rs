//! The rule itself, which knows nothing of WebAssembly.

use std::collections::BTreeMap;

/// The options of a workflow.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rule {
    teams: BTreeMap<String, String>,
    floating: bool,
}

impl Rule {
    /// The name of a repository at the target.
    pub(crate) fn repository(&self, name: &str) -> String {
        let (team, rest) = name.split_once('/').unwrap_or(("", name));
        match self.teams.get(team) {
            Some(other) => format!("{other}/{rest}"),
            None => name.to_owned(),
        }
    }

    /// The tags to write. None stands for an image that has none.
    pub(crate) fn tags(&self, tag: Option<&str>) -> Vec<Option<String>> {
        let Some(tag) = tag else { return vec![None] };
        let mut tags = vec![Some(tag.to_owned())];
        let parts: Vec<&str> = tag.split('.').collect();
        let version = parts.len() == 3 && parts.iter().all(|part| part.parse::<u64>().is_ok());
        if self.floating && version {
            tags.push(Some(parts[..2].join(".")));
            tags.push(Some(parts[0].to_owned()));
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule { teams: [("web".to_owned(), "frontend".to_owned())].into(), floating: true }
    }

    #[test]
    fn a_team_is_renamed_and_others_keep_their_name() {
        assert_eq!(rule().repository("web/shop/cart"), "frontend/shop/cart");
        assert_eq!(rule().repository("website/app"), "website/app");
        assert_eq!(rule().repository("web"), "web");
    }

    #[test]
    fn a_version_floats_and_nothing_else_does() {
        let tags = |tag| rule().tags(Some(tag)).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(tags("1.4.2"), ["1.4.2", "1.4", "1"]);
        for tag in ["latest", "1.4", "1.4.2-rc1", "1.4.2.0"] {
            assert_eq!(tags(tag), [tag]);
        }
        assert_eq!(rule().tags(None), [None]);
    }
}
