//! The configuration as it was written, and what it means.

use image_transfer_sdk::Result;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::reference::check_registry;
use image_transfer_sdk::reference::check_repository;
use image_transfer_sdk::reference::normal_registry;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::rule::Defaults;
use crate::rule::Rule;

/// The `with:` of a workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Targets by source, in the order they are walked.
    pub rules: Map<String, Value>,
    /// For targets without a registry.
    pub registry: Option<String>,
    /// For targets without a namespace.
    pub namespace: Option<String>,
}

impl Config {
    /// What the configuration means: all rules, or all that is wrong with them, a line each.
    pub(crate) fn rules(&self) -> Result<(Vec<Rule>, Defaults)> {
        let mut problems = Problems::default();
        let registry = self.registry.as_deref().and_then(|registry| {
            let registry = registry.strip_suffix('/').unwrap_or(registry);
            problems.check("registry", check_registry(registry).map(|()| normal_registry(registry)))
        });
        let namespace = self.namespace.as_deref().and_then(|namespace| {
            let namespace = namespace.strip_suffix('/').unwrap_or(namespace);
            problems.check("namespace", check_repository(namespace).map(|()| namespace.to_owned()))
        });
        let rules =
            self.rules.iter().filter_map(|(source, targets)| Rule::read(source, targets, &mut problems)).collect();
        problems.finish()?;
        Ok((rules, Defaults { registry, namespace }))
    }
}
