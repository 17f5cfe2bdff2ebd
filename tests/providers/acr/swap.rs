//! One provider in place of another.

use crate::fakes::harbor::Artifact;
use crate::fakes::harbor::Harbor;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;
use crate::providers::acr::stage::INSTANCE;
use crate::providers::acr::stage::Stage;

/// The workflow. Its plugin is a file, so that none of those that the command carries is in it.
const WORKFLOW: &str = "\
version: 1
plugins:
  provider: {path: \"COMPONENT\"}
registries:
  \"SOURCE\": {LOGIN, plain-http: true}
  \"OUTSIDE\": {plain-http: true}
transfers:
  - from: {plugin: provider, with: {OPTIONS}}
    to: {registry: \"OUTSIDE\"}
";

#[test]
fn a_provider_is_swapped_without_rebuilding_the_host() {
    let stage = Stage::new();
    stage.push(INSTANCE, "acr/app", &["1", "2"]);
    let behind = Registry::locked();
    let harbor = Harbor::start(Some(behind.address()));
    harbor.user(USER, PASSWORD);
    harbor.project("harbor", false);
    harbor.member("harbor", USER);
    Graph::single("harbor", "1").push(&behind.remote(), "harbor/app");
    let digest = behind.remote().manifest("harbor/app", "1").unwrap().digest;
    let pushed = "2024-01-01T00:00:00.000Z".to_owned();
    harbor.artifact(
        "harbor",
        "app",
        Artifact { digest, size: 1, pushed: pushed.clone(), tags: vec![("1".to_owned(), pushed)] },
    );

    let registry = stage.enterprise.address();
    let (acr, in_harbor) = (
        "KEY, instance: team".to_owned(),
        format!("url: \"{}\", LOGIN, registry: \"{}\"", harbor.url(), behind.address()),
    );
    for (component, options, source) in [("acr", acr, registry), ("harbor", in_harbor, behind.address())] {
        let path = tools::repository().join("plugins/dist").join(format!("{component}.wasm"));
        let text = WORKFLOW
            .replace("COMPONENT", path.to_str().unwrap())
            .replace("OPTIONS", &options)
            .replace("SOURCE", &source.to_string());
        stage.run(&stage.text(&text)).expect(0);
    }
    stage.arrived(INSTANCE, "acr/app", &["1", "2"]);
    let there = stage.outside.remote().content("harbor/app", "1").unwrap();
    assert_eq!(there, behind.remote().content("harbor/app", "1").unwrap());
}
