//! Plugins in registries: pushed, read by others' tools, pulled, named by digest in a workflow.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::layout::Layout;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::store::sha256;
use crate::harness::tools;

fn mapper() -> String {
    tools::repository().join("tests/fixtures/plugins/example-mapper.wasm").display().to_string()
}

/// Pushes the example mapper as `plugins/teams:1`, and returns what pins it.
fn push(place: &Workplace, registry: &Registry) -> String {
    let address = registry.address().to_string();
    let reference = format!("{address}/plugins/teams:1");
    let pushed = place.run(&["plugin", "push", &reference, &mapper(), "--plain-http", &address]).expect(0);
    pushed.stdout.trim().to_owned()
}

/// A workflow that maps with the plugin in the registry, from a directory to a directory.
fn workflow(place: &Workplace, registry: &Registry, pinned: &str) -> String {
    Graph::single("pinned", "1").push(&Layout::at(&place.path().join("in")), "app");
    json!({
        "version": 1,
        "registries": {registry.address().to_string(): {"plain-http": true}},
        "plugins": {"teams": {"oci": pinned}},
        "transfers": [{
            "from": {"plugin": "catalog", "with": {"registry": "oci:in"}},
            "map": [{"plugin": "teams", "with": {"team": "web"}}],
            "to": {"registry": "oci:out"},
        }],
    })
    .to_string()
}

#[test]
fn a_plugin_is_pushed_as_the_standard_artifact_and_pulled_the_same() {
    let (registry, place) = (Registry::open(), Workplace::new());
    let pinned = push(&place, &registry);
    let remote = registry.remote();
    let (_, digest) = pinned.split_once('@').unwrap();
    let accept = [("Accept", "application/vnd.oci.image.manifest.v1+json")];
    let manifest = remote.send("GET", &format!("/v2/plugins/teams/manifests/{digest}"), &accept, &[]);
    let manifest: Value = serde_json::from_slice(&manifest.body).unwrap();
    let component = fs::read(mapper()).unwrap();
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], sha256(&component));
    assert_eq!(manifest["layers"][0]["annotations"]["org.opencontainers.image.title"], "plugin.wasm");
    let config = manifest["config"]["digest"].as_str().unwrap();
    let config = remote.send("GET", &format!("/v2/plugins/teams/blobs/{config}"), &[], &[]);
    let config: Value = serde_json::from_slice(&config.body).unwrap();
    assert_eq!((&config["architecture"], &config["os"]), (&json!("wasm"), &json!("wasip2")));
    assert_eq!(config["layerDigests"], json!([sha256(&component)]));
    let exports = config["component"]["exports"].as_array().unwrap();
    assert!(exports.contains(&json!("image-transfer:plugin/mapper@0.1.0")), "{config}");

    assert_eq!(push(&place, &registry), pinned, "the same component is the same artifact");
    let address = registry.address().to_string();
    let pull = |reference: &str| place.run(&["plugin", "pull", reference, "--plain-http", &address]);
    pull(&format!("{address}/plugins/teams:1")).expect(0).says(&pinned);
    assert_eq!(fs::read(place.path().join("teams.wasm")).unwrap(), component);
    pull(&pinned).expect(2).says("--force");
    let inspect = format!("oci://{pinned}");
    place.run(&["plugin", "inspect", &inspect, "--plain-http", &address]).expect(0).says("exports   mapper");
}

#[test]
fn a_workflow_names_a_plugin_by_its_digest_and_fetches_it_once() {
    let (mut registry, place) = (Registry::open(), Workplace::new());
    let pinned = push(&place, &registry);
    // Apart from the other tests' cache, so that what is fetched is fetched here.
    let cache = place.path().join("cache");
    let environment = [("IMAGE_TRANSFER_CACHE", cache.to_str().unwrap())];
    place.file("workflow.yaml", &workflow(&place, &registry, &format!("oci://{pinned}")));
    place.run_with(&["run", "workflow.yaml"], &environment).expect(0);
    assert_eq!(Layout::at(&place.path().join("out")).tags("web/app"), ["1"]);
    place.run_with(&["plugin", "list", "workflow.yaml"], &environment).expect(0).says("teams ");
    registry.stop();
    fs::remove_dir_all(place.path().join("out")).unwrap();
    place.run_with(&["run", "workflow.yaml"], &environment).expect(0);
    assert_eq!(Layout::at(&place.path().join("out")).tags("web/app"), ["1"]);
    for kept in fs::read_dir(place.path().join("cache-plugins")).unwrap().map(|entry| entry.unwrap().path()) {
        if kept.extension().is_some_and(|extension| extension == "wasm") {
            fs::write(kept, fs::read(tools::repository().join("tests/fixtures/plugins/hostile.wasm")).unwrap())
                .unwrap();
        }
    }
    let finished = place.run_with(&["run", "workflow.yaml"], &environment);
    finished.expect(2).says("plugin `teams` cannot be fetched");
}

#[test]
fn a_plugin_that_is_not_pinned_or_is_no_plugin_is_refused() {
    let (registry, place) = (Registry::open(), Workplace::new());
    let address = registry.address().to_string();
    place.file("workflow.yaml", &workflow(&place, &registry, &format!("{address}/plugins/teams:1")));
    place.run(&["check", "workflow.yaml"]).expect(2).says("must end with the digest");
    Graph::single("image", "1").push(&registry.remote(), "team/app");
    let image = format!("{address}/team/app:1");
    place
        .run(&["plugin", "pull", &image, "--plain-http", &address])
        .expect(2)
        .says("is no plugin: its configuration is");
    place.file("text.wasm", "not a component");
    let push = ["plugin", "push", &image, "text.wasm", "--plain-http", &address];
    place.run(&push).expect(2).says("is not a WebAssembly component");
}

#[test]
fn a_locked_registry_is_reached_with_the_login_of_docker() {
    let (registry, place) = (Registry::locked(), Workplace::new());
    let address = registry.address().to_string();
    let reference = format!("{address}/plugins/teams:1");
    let arguments = ["plugin", "push", &reference, &mapper(), "--plain-http", &address];
    place.run(&arguments).expect(2);
    let auth = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"))
    };
    place.file("docker/config.json", &json!({"auths": {&address: {"auth": auth}}}).to_string());
    place.run(&arguments).expect(0);
    assert_eq!(registry.remote().tags("plugins/teams"), ["1"]);
}
