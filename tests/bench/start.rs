//! The workload `start`: a workflow that names three plugins and finds nothing to move.

use std::fs;

use crate::measure;

/// Two sources of empty directories and a mapper.
const WORKFLOW: &str = "version: 1
transfers:
  - name: first
    from: {plugin: catalog, with: {registry: \"oci:empty\"}}
    map: [{plugin: rewrite, with: {prefix: mirror/}}]
    to: {registry: \"oci:target\"}
  - name: second
    from: {plugin: rules, with: {rules: {\"oci:empty//none/*\": \"oci:target\"}}}
    to: {registry: \"oci:target\"}
";

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Where all components had to be compiled.
    pub cold: measure::Figures,
    /// Where they were in the cache.
    pub cached: measure::Figures,
}

/// Runs the workflow twice, with a cache that is empty the first time.
pub fn run() -> Figures {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("workflow.yaml"), WORKFLOW).unwrap();
    fs::create_dir(place.path().join("empty")).unwrap();
    let run = || measure::image_transfer(place.path(), &["run", "workflow.yaml", "--state", "state"]);
    Figures { cold: run(), cached: run() }
}
