//! The configuration as it was written, and the one function that makes sense of it.

use std::cell::RefCell;

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::pattern::Pattern;
use image_transfer_sdk::pattern::regex;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::reference::normal_registry;
use image_transfer_sdk::template::Template;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;
use serde::de::Visitor;

use crate::rewriting::Drop;
use crate::rewriting::PLACEHOLDERS;
use crate::rewriting::Replacement;
use crate::rewriting::Rewriting;

/// The `with:` of a workflow; every option is described in `config.schema.json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Patterns of images to leave out.
    pub drop: Vec<String>,
    /// The target registry.
    pub registry: Option<String>,
    /// Leading segments to take off.
    pub strip_prefix: Option<String>,
    /// Replacements in the repository.
    pub regex: Vec<Replace>,
    /// How many segments to keep from the end.
    pub levels: Option<usize>,
    /// What to join the segments with.
    #[serde(deserialize_with = "separator")]
    pub flatten: Option<String>,
    /// Whether to make the repository lowercase.
    pub lowercase: bool,
    /// What to put in place of the first segment.
    pub namespace: Option<String>,
    /// What to put before the repository.
    pub prefix: Option<String>,
    /// Replacements in the tag.
    pub tag_regex: Vec<Replace>,
    /// What to put before the tag.
    pub tag_prefix: Option<String>,
    /// What to put behind the tag.
    pub tag_suffix: Option<String>,
    /// The whole target, with placeholders.
    pub template: Option<String>,
}

/// One replacement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// A regular expression.
    #[serde(rename = "match")]
    pub pattern: String,
    /// What stands in place of each match.
    pub replace: String,
}

impl Config {
    /// What the configuration means, or all that is wrong with it.
    pub(crate) fn rewriting(self) -> Result<Rewriting> {
        let mut problems = Problems::default();
        let registry = self.registry.and_then(|registry| {
            let registry = registry.strip_suffix('/').unwrap_or(&registry);
            problems.check("registry", check_registry(registry).map(|()| normal_registry(registry)))
        });
        let mut segments = |name, value: Option<String>| {
            value.and_then(|value| {
                let value = value.trim_matches('/').to_owned();
                problems.check(name, check_repository(&value).map(|()| value))
            })
        };
        let strip_prefix = segments("strip-prefix", self.strip_prefix);
        let namespace = segments("namespace", self.namespace);
        let mut replacements = |name, all: Vec<Replace>| -> Vec<Replacement> {
            let replacement = |one: Replace| {
                let pattern = problems.check(name, regex(&one.pattern))?;
                Some(Replacement { pattern, replace: one.replace })
            };
            all.into_iter().filter_map(replacement).collect()
        };
        let regex = replacements("regex", self.regex);
        let tag_regex = replacements("tag-regex", self.tag_regex);
        let drop = self.drop.into_iter().filter_map(|text| {
            let pattern = problems.check("drop", Pattern::parse(&text))?;
            let with_tag = text.contains(':') || (text.len() > 1 && text.starts_with('/') && text.ends_with('/'));
            Some(Drop { pattern, with_tag })
        });
        let drop = drop.collect();
        let template = self.template.and_then(|text| problems.check("template", Template::parse(&text, &PLACEHOLDERS)));
        if self.levels == Some(0) {
            problems.push("levels: must be at least 1");
        }
        problems.finish()?;
        Ok(Rewriting {
            drop,
            registry,
            strip_prefix,
            regex,
            levels: self.levels,
            flatten: self.flatten,
            lowercase: self.lowercase,
            namespace,
            prefix: self.prefix,
            tag_regex,
            tag_prefix: self.tag_prefix,
            tag_suffix: self.tag_suffix,
            template,
            last: RefCell::default(),
        })
    }
}

/// `true` for a dash, a text for itself, `false` for none.
fn separator<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<String>, D::Error> {
    struct Separator;

    impl Visitor<'_> for Separator {
        type Value = Option<String>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("true, false or the text to join with, for `flatten`")
        }

        fn visit_bool<E>(self, value: bool) -> std::result::Result<Self::Value, E> {
            Ok(value.then(|| "-".to_owned()))
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> std::result::Result<Self::Value, E> {
            Ok(Some(value.to_owned()))
        }
    }

    deserializer.deserialize_any(Separator).map_err(D::Error::custom)
}
