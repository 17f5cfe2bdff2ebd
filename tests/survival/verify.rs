//! `verify` and `run --verify` say what is missing or different at the targets, and write nothing.

use std::fs;

use serde_json::Value;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;
use crate::harness::store::text;
use crate::survival::fill;
use crate::survival::workflow;

/// Three images that have been copied.
fn stage() -> (Registry, Registry, Workplace) {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 3);
    place.file("workflow.yaml", &workflow(source.address(), target.address(), &["app"]));
    place.run(&["run", "workflow.yaml"]).expect(0);
    (source, target, place)
}

/// The digest of the only layer of `tag`.
fn layer(registry: &Registry, tag: &str) -> String {
    let manifest = registry.remote().manifest("app", tag).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest.bytes).unwrap();
    text(&manifest["layers"][0]["digest"])
}

fn class(place: &Workplace) -> Value {
    place.report("report.json")["unverified"][0]["targets"][0]["error"]["class"].clone()
}

const VERIFY: [&str; 4] = ["verify", "workflow.yaml", "--report", "report.json"];

#[test]
fn what_is_the_same_is_verified_without_a_write() {
    let (source, target, place) = stage();
    let to = target.proxy();
    place.file("workflow.yaml", &workflow(source.address(), to.address(), &["app"]));
    let finished = place.run(&VERIFY).expect(0);
    assert!(finished.stdout.starts_with("3 verified\n"), "{}", finished.stdout);
    let finished = place.run(&[&VERIFY[..], &["--deep"]].concat()).expect(0);
    assert!(finished.stdout.starts_with("3 verified\n"), "{}", finished.stdout);
    assert_eq!(to.count("GET", "/blobs/"), 9, "each blob is read once: {}", to.transcript());
    assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));
}

#[test]
fn what_is_missing_and_what_is_different_is_told() {
    let (source, target, place) = stage();
    fill(&source, "app", 4);
    let finished = place.run(&[&VERIFY[..], &["--failed", "missing.yaml"]].concat()).expect(1);
    assert!(finished.stdout.contains("3 verified, 1 missing or different\n"), "{}", finished.stdout);
    assert!(finished.stderr.contains("app:v3 is not there"), "{}", finished.stderr);
    assert_eq!(class(&place), "missing");
    assert!(place.read("missing.yaml").contains("app:v3"), "{}", place.read("missing.yaml"));
    assert!(finished.last_line().contains("1 transfer jobs failed"), "{}", finished.last_line());

    Graph::single("another", "v3").push(&target.remote(), "app");
    place.run(&VERIFY).expect(1).says("and its source has sha256:");
    assert_eq!(class(&place), "different");
}

#[test]
fn only_a_deep_verification_finds_a_damaged_blob() {
    let (_source, target, place) = stage();
    let file = target.blob_file(&layer(&target, "v1"));
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] ^= 1;
    fs::write(&file, &bytes).unwrap();
    place.run(&VERIFY).expect(0);
    place.run(&[&VERIFY[..], &["--deep"]].concat()).expect(1).says("is not whole: sha256:");
    assert_eq!(class(&place), "incomplete");
}

#[test]
fn only_a_deep_verification_finds_a_lost_blob() {
    let (_source, target, place) = stage();
    fs::remove_file(target.blob_file(&layer(&target, "v1"))).unwrap();
    place.run(&VERIFY).expect(0);
    place
        .run(&[&VERIFY[..], &["--deep"]].concat())
        .expect(1)
        .says("is not whole: sha256:")
        .says("hint: delete the image");
    assert_eq!(class(&place), "incomplete");
}

#[test]
fn a_run_that_verifies_says_both() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 3);
    let to = target.proxy();
    place.file("workflow.yaml", &workflow(source.address(), to.address(), &["app"]));
    let finished = place.run(&["run", "workflow.yaml", "--verify", "--report", "report.json"]).expect(0);
    assert!(finished.stdout.starts_with("3 copied, 3 verified; moved 9 blobs"), "{}", finished.stdout);

    // A registry that says it took an image, and did not keep it.
    let taken = crate::harness::proxy::Action::Answer { status: 201, headers: vec![], body: vec![] };
    Graph::single("late", "v9").push(&source.remote(), "app");
    to.fault("PUT", "/manifests/v9", 1, taken);
    let finished = place.run(&["run", "workflow.yaml", "--verify", "--report", "report.json"]).expect(1);
    assert!(
        finished.stdout.contains("\n1 copied, 3 unchanged, 3 verified, 1 missing or different"),
        "{}",
        finished.stdout
    );
    assert_eq!(class(&place), "missing");
}
