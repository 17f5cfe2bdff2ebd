//! Which tags of a repository are meant.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// A choice of tags. Where a tool knows "this or that", there are several.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tags {
    /// These, whether or not they are there.
    Named(Vec<String>),
    /// This image.
    Digest(String),
    /// Those of the repository's list that pass.
    Listed(Choice),
}

/// `select.tags` of a workflow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Choice {
    pub(super) include: Vec<String>,
    pub(super) exclude: Vec<String>,
    pub(super) semver: Option<String>,
    pub(super) newest: Option<(usize, &'static str)>,
}

impl Tags {
    /// All that are there.
    pub(super) fn all() -> Self {
        Self::Listed(Choice::default())
    }

    /// What stands behind the repository in a rule.
    pub(super) fn version(&self) -> String {
        match self {
            Self::Named(tags) => format!(":{}", tags.join(",")),
            Self::Digest(digest) => format!("@{digest}"),
            Self::Listed(_) => String::new(),
        }
    }

    /// The key `select.tags`; empty: all.
    pub(super) fn select(&self) -> Map<String, Value> {
        let mut tags = Map::new();
        let Self::Listed(choice) = self else { return tags };
        for (key, list) in [("include", &choice.include), ("exclude", &choice.exclude)] {
            if !list.is_empty() {
                tags.insert(key.to_owned(), list.clone().into());
            }
        }
        if let Some(range) = &choice.semver {
            tags.insert("semver".to_owned(), range.clone().into());
        }
        if let Some((count, by)) = choice.newest {
            tags.insert("newest".to_owned(), json!({"count": count, "by": by}));
        }
        tags
    }
}
