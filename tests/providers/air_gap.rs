//! The workflow files for a directory that is carried: out of a registry and into another.

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;

const ENVIRONMENT: [(&str, &str); 2] = [("REGISTRY_USER", USER), ("REGISTRY_PASSWORD", PASSWORD)];

/// Runs a file of `workflows`, whose registry speaks plain http here.
fn run(place: &Workplace, name: &str, registry: &Registry) {
    let path = tools::repository().join("workflows").join(name);
    place.run_with(&["check", path.to_str().unwrap()], &ENVIRONMENT).expect(0);
    let text = std::fs::read_to_string(path).unwrap();
    let login = "password: \"${REGISTRY_PASSWORD}\" }";
    assert!(text.contains(login), "{text}");
    place.file(name, &text.replace(login, "password: \"${REGISTRY_PASSWORD}\", plain-http: true }"));
    let registry = format!("registry={}", registry.address());
    place.run_with(&["run", name, "--set", &registry, "--set", "directory=carried"], &ENVIRONMENT).expect(0);
}

#[test]
fn a_registry_goes_into_a_directory_and_out_of_it_into_another() {
    let (source, target, place) = (Registry::locked(), Registry::locked(), Workplace::new());
    Graph::usual("air gap", "1").push(&source.remote(), "team-a/app");
    Graph::single("air gap", "2").push(&source.remote(), "team-a/web/front");
    Graph::single("other", "1").push(&source.remote(), "team-b/app");
    run(&place, "registry-to-air-gap.yaml", &source);
    run(&place, "air-gap-to-registry.yaml", &target);
    for (repository, tag) in [("team-a/app", "1"), ("team-a/web/front", "2")] {
        let there = target.remote().content(repository, tag).unwrap();
        assert_eq!(there, source.remote().content(repository, tag).unwrap());
    }
    assert_eq!(target.remote().tags("team-b/app"), Vec::<String>::new());
}
