//! Journals that are not what they should be, and runs that were stopped.

use std::fs;
use std::path::PathBuf;

use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::registry::Registry;

use super::Case;

/// Where the file format of `SQLite` keeps the number that says whose format the tables have (section 1.3.14).
const USER_VERSION: usize = 60;

/// A place with `workflow.yaml` and `other.yaml`, both of which ran.
fn case() -> Case {
    let case = Case::new();
    Graph::single("journal", "1").push(&crate::harness::layout::Layout::at(&case.place.path().join("in")), "app");
    for name in ["workflow", "other"] {
        let text = format!(
            "version: 1\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"oci:in//app:1\": \"oci:out//{name}:1\"}}}}}}\n"
        );
        let file = format!("{name}.yaml");
        case.file(&file, &text).place.run(&["run", &file, "--state", "state"]).expect(0);
    }
    case
}

/// The database of that workflow.
fn database(case: &Case, name: &str) -> PathBuf {
    let mut found = fs::read_dir(case.place.path().join("state")).unwrap().map(|entry| entry.unwrap().path());
    let directory = found.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(name)).unwrap();
    let mut files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| fs::read(path).unwrap().starts_with(b"SQLite format 3")).unwrap()
}

const RUN: [&str; 4] = ["run", "workflow.yaml", "--state", "state"];

#[test]
fn journals_of_others_or_of_nobody() {
    let case = case();
    case.file("again/workflow.yaml", "version: 1\ntransfers:\n  - from: {plugin: rules, with: {rules: {\"oci:../in//app:1\": \"oci:out//app:1\"}}}\n");
    for file in ["workflow.yaml", "again/workflow.yaml"] {
        case.place.run(&["run", file, "--state", "both"]).expect(0);
    }
    case.says("journal-which", &["history", "workflow/1", "--state", "both"]);
    let (own, other) = (database(&case, "workflow"), database(&case, "other"));
    fs::copy(other, &own).unwrap();
    case.says("journal-foreign", &RUN);
    let mut bytes = fs::read(&own).unwrap();
    bytes[USER_VERSION..USER_VERSION + 4].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&own, bytes).unwrap();
    case.says("journal-format", &RUN);
    fs::write(&own, "this is no database, and it is long enough to be seen as something else than an empty one")
        .unwrap();
    case.says("journal-broken", &RUN);
}

#[test]
fn a_run_that_is_stopped_and_given_no_time() {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("stopped", "1").push(&source.remote(), "app");
    let (proxy, gate) = (source.proxy(), Gate::default());
    proxy.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    let case = Case::new().named("SOURCE", proxy.address()).named("TARGET", target.address());
    let text = format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"TARGET/app:1\"}}}}}}\n",
        plain(&[proxy.address(), target.address()])
    );
    case.file("workflow.yaml", &text);
    // What is told of the signal itself comes in no certain order.
    let arguments = ["run", "workflow.yaml", "--no-journal", "--quiet", "--grace", "10ms"];
    let running = case.place.start(&arguments, &[]);
    gate.await_arrivals(1);
    running.interrupt();
    case.holds("run-stopped", &arguments, &running.finish());
}

#[test]
fn a_target_that_a_verification_finds_broken() {
    let (source, target) = (Registry::open(), Registry::open());
    let graph = Graph::single("broken", "1");
    graph.push(&source.remote(), "app");
    let case = Case::new().named("SOURCE", source.address()).named("TARGET", target.address());
    let text = format!(
        "{}retry: {{rounds: 0}}\nlimits: {{blobs: 1}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"TARGET/app:1\"}}}}}}\n",
        plain(&[source.address(), target.address()])
    );
    case.file("workflow.yaml", &text).place.run(&["run", "workflow.yaml", "--no-journal"]).expect(0);
    let blob = target.blob_file(graph.blobs.keys().next().unwrap());
    let mut bytes = fs::read(&blob).unwrap();
    bytes[3] ^= 1;
    fs::write(&blob, bytes).unwrap();
    case.says("verify-damaged", &["verify", "workflow.yaml", "--deep", "--quiet"]);
}
