//! Faults of every kind at random, seeded: what the report calls copied is there, and a run without faults brings the rest.

use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

use crate::harness::random;
use crate::harness::random::Shape;
use crate::harness::store::Store as _;
use crate::support::registry::Scripted;
use crate::support::stage::Stage;
use crate::support::weather::Weather;

/// Of a hundred requests.
const FAULTY: u8 = 20;

/// What a run may hold, whatever happens to its requests.
const MEMORY: u64 = 96 << 20;

#[test]
fn images_arrive_through_a_fifth_of_faulty_requests() {
    soak(Stage::plain(), 150, 20_240_501, Duration::from_mins(3));
}

#[test]
#[ignore = "minutes long: make soak"]
fn two_thousand_images_arrive_through_a_fifth_of_faulty_requests() {
    soak(Stage::plain(), 2000, 4, Duration::from_mins(20));
}

#[test]
#[ignore = "minutes long: make soak"]
fn five_hundred_images_arrive_through_a_fifth_of_faulty_requests_over_tls() {
    soak(Stage::tls(), 500, 5, Duration::from_mins(10));
}

/// Copies at least `images` images in bad weather, and what is missing then in good weather.
fn soak(stage: Stage, images: usize, seed: u64, most: Duration) {
    let began = Instant::now();
    let stage = stage.limits("images: 24, blobs: 24, idle: 5s").rounds(3);
    let mut wanted = BTreeSet::new();
    for number in 0.. {
        let graph = random::graph(seed + number, Shape::ALL);
        // Every third graph is in two repositories, so that there is something to mount.
        for twin in 0..=u64::from(number % 3 == 0) {
            let repository = format!("soak/app{number}-{twin}");
            graph.push(stage.source.storage().as_ref(), &repository);
            wanted.extend(graph.tags.keys().map(|tag| format!("{repository}:{tag}")));
        }
        if wanted.len() >= images {
            break;
        }
    }
    for (registry, offset) in [(&stage.source, 0), (&stage.target, 1)] {
        let challenge = registry.lock().challenge(None);
        registry.script().weather(Some(Weather::new(seed + offset, FAULTY, challenge)));
    }
    let text = format!(
        "{}transfers:\n  - from: {{plugin: catalog, with: {{registry: \"{}\"}}}}\n    to: {{registry: \"{}\"}}\n",
        stage.settings(),
        stage.source.address(),
        stage.target.address()
    );
    let bound = wanted.len() * 120;
    let ended = stage.run_workflow_within(&text, MEMORY, bound);
    assert!(matches!(ended.finished.code, Some(0 | 1)), "{:?} {}", ended.finished.code, ended.finished.stderr);
    let there = tags(&stage.target);
    let prefix = format!("{}/", stage.target.address());
    let mut copied = 0;
    for target in ended.targets() {
        let reference = target["reference"].as_str().unwrap().strip_prefix(&prefix).unwrap();
        match target["status"].as_str() {
            // That it is whole and the same is checked for each tag that is there.
            Some("copied" | "unchanged") => {
                assert!(there.contains(reference), "{reference} is reported and not there");
                copied += 1;
            }
            Some("failed") => {
                let class = target["error"]["class"].as_str().unwrap();
                let may_pass = ["retry", "wait", "upload", "repair", "unauthorized", "corrupt", "permanent"];
                assert!(may_pass.contains(&class), "{reference}: {target}");
            }
            other => panic!("{reference}: {other:?}"),
        }
    }
    assert_eq!(ended.targets().len(), wanted.len(), "{}", ended.finished.stderr);
    assert!(copied * 100 >= wanted.len() * 95, "{copied} of {} arrived\n{}", wanted.len(), ended.finished.stderr);

    for registry in [&stage.source, &stage.target] {
        registry.script().clear();
    }
    let again = stage.run_workflow(&text, 2 * bound);
    assert_eq!(again.finished.code, Some(0), "{}", again.finished.stderr);
    assert_eq!(tags(&stage.target), wanted);
    assert!(began.elapsed() < most, "{:?}", began.elapsed());
}

fn tags(registry: &Scripted) -> BTreeSet<String> {
    let storage = registry.storage();
    let repositories = storage.repositories().into_iter();
    repositories.flat_map(|name| storage.tags(&name).into_iter().map(move |tag| format!("{name}:{tag}"))).collect()
}
