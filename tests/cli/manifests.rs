//! Images that cannot be moved as they are. The source is a registry that takes whatever it is given.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_CONFIG;
use crate::harness::graph::OCI_IMAGE;
use crate::harness::graph::OCI_INDEX;
use crate::harness::graph::OCI_LAYER;
use crate::harness::graph::Stored;
use crate::harness::layout::Layout;
use crate::harness::registry::Registry;
use crate::harness::store::sha256;
use crate::support::lock::Kind;
use crate::support::registry::Scripted;

use super::Case;

/// A run that copies the tag `1` of `graph` says what the snapshot `name` has.
#[track_caller]
fn told(name: &str, graph: &Graph) {
    let (source, target) = (Scripted::start(Kind::Open, None), Registry::open());
    graph.push(source.storage().as_ref(), "app");
    let case = Case::new().named("SOURCE", source.address()).named("TARGET", target.address());
    let head = plain(&[source.address(), target.address()]);
    let text = format!(
        "{head}retry: {{rounds: 0}}\nlimits: {{blobs: 1}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"TARGET/app:1\"}}}}}}\n"
    );
    case.file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
}

/// The same of a manifest with these bytes.
#[track_caller]
fn told_of(name: &str, media_type: &str, bytes: Vec<u8>) {
    let mut graph = Graph::new();
    let digest = sha256(&bytes);
    graph.manifests.push(Stored { digest: digest.clone(), media_type: media_type.to_owned(), bytes });
    graph.tags.insert("1".to_owned(), digest);
    told(name, &graph);
}

/// And of one with this content.
#[track_caller]
fn told_of_value(name: &str, value: &Value) {
    told_of(name, value["mediaType"].as_str().unwrap(), value.to_string().into_bytes());
}

#[test]
fn manifests_that_break_the_rules() {
    told_of("manifest-not-json", OCI_IMAGE, b"{\"schemaVersion\": 2,".to_vec());
    told_of("manifest-endless", OCI_IMAGE, vec![b' '; 9 << 20]);
    told_of_value("manifest-of-nothing", &json!({"schemaVersion": 2, "mediaType": OCI_IMAGE}));
    let descriptor = json!({"mediaType": OCI_CONFIG, "digest": format!("sha256:{}", "0".repeat(64)), "size": 2});
    told_of_value(
        "manifest-ambiguous",
        &json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": descriptor, "layers": [], "manifests": []}),
    );
    let other = json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": descriptor, "layers": []});
    told_of("manifest-served-as-another", OCI_INDEX, other.to_string().into_bytes());
    let many: Vec<Value> = (0..10_001).map(|_| descriptor.clone()).collect();
    told_of_value(
        "manifest-wide",
        &json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": descriptor, "layers": many}),
    );
    let old =
        json!({"schemaVersion": 1, "name": "app", "tag": "1", "architecture": "amd64", "fsLayers": [], "history": []});
    let signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    told_of("manifest-schema-1", signed, old.to_string().into_bytes());
}

#[test]
fn indexes_that_are_too_deep_or_lie() {
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "deep");
    let mut below = graph.image("linux/amd64", &[layer]);
    let mut lie = below.clone();
    for _ in 0..10 {
        below = graph.index(&[below]);
    }
    graph.tag("1", &below);
    told("manifest-deep", &graph);
    lie["size"] = json!(lie["size"].as_u64().unwrap() + 1);
    let index = graph.index(&[lie]);
    graph.tag("1", &index);
    told("manifest-of-another-size", &graph);
}

#[test]
fn a_layer_that_the_source_has_lost() {
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "lost");
    let image = graph.image("linux/amd64", std::slice::from_ref(&layer));
    graph.tag("1", &image);
    graph.blobs.remove(layer["digest"].as_str().unwrap());
    told("manifest-without-a-layer", &graph);
}

#[test]
fn a_manifest_that_a_directory_holds_damaged() {
    let (graph, case) = (Graph::single("damaged", "1"), Case::new());
    graph.push(&Layout::at(&case.place.path().join("in")), "app");
    let file = case.place.path().join("in/app/blobs").join(graph.tags["1"].replace(':', "/"));
    let mut bytes = fs::read(&file).unwrap();
    bytes.push(b' ');
    fs::write(&file, bytes).unwrap();
    case.says("manifest-damaged", &["copy", "oci:in//app:1", "oci:out//app:1", "--quiet"]);
}
