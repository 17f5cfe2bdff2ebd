//! `kill -9` at many moments, and nothing is lost, broken or done twice.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::command::Workplace;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::proxy::Proxy;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;
use crate::harness::store::text;
use crate::survival::fill;
use crate::survival::same;
use crate::survival::workflow;

const KILLS: usize = 50;
const REPOSITORIES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const TAGS: usize = 50;

/// Uploads of blobs that the registry took.
fn uploads(to: &Proxy) -> usize {
    to.matching("PUT", "/blobs/uploads/").iter().filter(|request| request.status == 201).count()
}

/// Uploads of blobs that have no answer.
fn in_flight(to: &Proxy) -> usize {
    to.matching("PUT", "/blobs/uploads/").iter().filter(|request| request.status == 0).count()
}

#[test]
fn fifty_kills_lose_nothing_and_repeat_only_what_was_in_flight() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    let mut blobs = BTreeSet::new();
    for repository in REPOSITORIES {
        fill(&source, repository, TAGS);
        for tag in 0..TAGS {
            let manifest = source.remote().manifest(repository, &format!("v{tag}")).unwrap();
            let manifest: Value = serde_json::from_slice(&manifest.bytes).unwrap();
            for blob in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
                blobs.insert((repository, text(&blob["digest"])));
            }
        }
    }
    let to = target.proxy();
    let text = workflow(source.address(), to.address(), &REPOSITORIES).replace("images: 1", "images: 5");
    place.file("workflow.yaml", &text);
    let mut random = fastrand::Rng::with_seed(4);
    let mut lost = 0;
    for kill in 0..KILLS {
        // A moment is a number of requests, after which none is let through.
        let moment = random.usize(1..50);
        let gate = Gate::after(moment);
        to.forgive();
        for method in ["HEAD", "POST", "PUT"] {
            to.fault(method, ".", usize::MAX, Action::Hold(gate.clone()));
        }
        let run = ["run", "workflow.yaml", "--state", "state", "--resume", "--quiet"];
        let running = place.start(&run, &[]);
        gate.await_arrivals(moment + 1);
        running.kill();
        let finished = running.finish();
        assert_eq!(finished.code, None, "kill {kill}: {}", finished.stderr);
        lost += in_flight(&to);
        gate.open();
        // What has arrived so far is whole.
        for repository in REPOSITORIES {
            same(&source, &target, repository);
        }
    }
    to.forgive();
    place.run(&["run", "workflow.yaml", "--state", "state", "--resume"]).expect(0);
    for repository in REPOSITORIES {
        assert_eq!(same(&source, &target, repository), TAGS);
    }
    let (uploads, ideal) = (uploads(&to), blobs.len());
    assert!(uploads <= ideal + lost, "{uploads} uploads of {ideal} blobs, {lost} in flight at {KILLS} kills");
    let history = place.run(&["history", "--state", "state"]).expect(0).stdout;
    assert_eq!(history.lines().count(), 1, "{history}");
    assert!(history.contains("  done  ") && !history.contains("not done"), "{history}");
}
