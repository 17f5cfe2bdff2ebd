//! What is written is for the user who ran the command: names of private images are in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::layout::Layout;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn reports_and_lists_of_failures_are_readable_by_their_owner_alone() {
    let place = Workplace::new();
    Graph::single("modes", "1").push(&Layout::at(&place.path().join("in")), "app");
    place.file(
        "workflow.yaml",
        "version: 1\nretry: {rounds: 0}\ntransfers:\n  - from: {plugin: rules, with: {rules: {\"oci:in//app:1\": \"oci:out//app\", \"oci:in//app:none\": \"oci:out//app\"}}}\n",
    );
    place.run(&["run", "workflow.yaml", "--report", "report.json", "--failed", "failed.yaml"]).expect(1);
    for name in ["report.json", "failed.yaml"] {
        assert_eq!(mode(&place.path().join(name)), 0o600, "{name}");
        assert!(place.read(name).contains("app:none"), "{name}");
    }
}

#[test]
fn a_log_file_is_readable_by_its_owner_alone() {
    let place = Workplace::new();
    Graph::single("modes", "1").push(&Layout::at(&place.path().join("in")), "app");
    place.file("rules.yaml", "\"oci:in//app:1\": \"oci:out//app\"\n");
    place.run(&["--ruleFile=rules.yaml", "--log-output-paths=run.log"]).expect(0);
    assert_eq!(mode(&place.path().join("run.log")), 0o600);
    assert!(place.read("run.log").contains("app:1"));
}

#[test]
fn the_cache_of_compiled_components_is_the_users_own() {
    let place = Workplace::new();
    Graph::single("modes", "1").push(&Layout::at(&place.path().join("in")), "app");
    place.file(
        "workflow.yaml",
        "version: 1\ntransfers:\n  - from: {plugin: catalog, with: {registry: \"oci:in\"}}\n    to: {registry: \"oci:out\"}\n",
    );
    let cache = place.path().join("components");
    let run = || place.run_with(&["run", "workflow.yaml"], &[("IMAGE_TRANSFER_CACHE", cache.to_str().unwrap())]);
    run().expect(0);
    assert_eq!(mode(&cache), 0o700);
    assert!(fs::read_dir(&cache).unwrap().next().is_some());
    // Machine code is read back from it, so one that others can write is not used.
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    run().expect(0).says("compiled anew");
}
