//! `verify` and `run --verify` say what is missing or different at the targets, and write nothing.

use std::fs;
use std::net::SocketAddr;

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

/// What is printed of `app:TAG`, which is missing at `to`.
fn missing(from: SocketAddr, to: SocketAddr, tag: &str) -> String {
    format!(
        "1 failed:\n  {from}/app:{tag} -> {to}/app:{tag}\n    {to}/app:{tag} is not there\n    hint: run the workflow again; if the source's tag \
         has moved since, that is why\n"
    )
}

/// The last line of a run of which so many images failed.
fn finished(failed: usize) -> String {
    format!("################# Finished, {failed} transfer jobs failed, 0 jobs generate failed #################\n")
}

const VERIFY: [&str; 4] = ["verify", "workflow.yaml", "--report", "report.json"];

#[test]
fn what_is_the_same_is_verified_without_a_write() {
    let (source, target, place) = stage();
    let to = target.proxy();
    place.file("workflow.yaml", &workflow(source.address(), to.address(), &["app"]));
    let all = format!("3 verified\n{}", finished(0));
    assert_eq!(place.run(&VERIFY).expect(0).stdout, all);
    assert_eq!(place.run(&[&VERIFY[..], &["--deep"]].concat()).expect(0).stdout, all);
    assert_eq!(to.count("GET", "/blobs/"), 9, "each blob is read once: {}", to.transcript());
    assert!(to.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));
}

#[test]
fn what_is_missing_and_what_is_different_is_told() {
    let (source, target, place) = stage();
    fill(&source, "app", 4);
    let (from, to) = (source.address(), target.address());
    let ended = place.run(&[&VERIFY[..], &["--failed", "missing.yaml"]].concat()).expect(1);
    let all = missing(from, to, "v3") + "3 verified, 1 missing or different\n" + &finished(1);
    assert_eq!(ended.stdout, all);
    assert!(ended.stderr.contains("app:v3 is not there"), "{}", ended.stderr);
    assert_eq!(class(&place), "missing");
    let rules = place.read("missing.yaml");
    assert!(rules.ends_with(&format!("tries it again.\n{from}/app:v3: {to}/app:v3\n")), "{rules}");

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
    let ended = place.run(&["run", "workflow.yaml", "--verify", "--report", "report.json"]).expect(0);
    assert_eq!(ended.stdout, format!("3 copied, 3 verified; moved 9 blobs, 11.3 KiB\n{}", finished(0)));

    // A registry that says it took an image, and did not keep it.
    let taken = crate::harness::proxy::Action::Answer { status: 201, headers: vec![], body: vec![] };
    Graph::single("late", "v9").push(&source.remote(), "app");
    to.fault("PUT", "/manifests/v9", 1, taken);
    let ended = place.run(&["run", "workflow.yaml", "--verify", "--report", "report.json"]).expect(1);
    let all = missing(source.address(), to.address(), "v9")
        + "1 copied, 3 unchanged, 3 verified, 1 missing or different; moved 3 blobs, 3.5 KiB\n"
        + &finished(1);
    assert_eq!(ended.stdout, all);
    assert_eq!(class(&place), "missing");
}
