//! What a registry cannot make us hold in memory.

use serde_json::json;

use crate::harness::api::Reply;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::security::Host;
use crate::security::manifest;

fn copy(from: &str) -> Finished {
    let text = format!(
        "version: 1\nregistries: {{\"{from}\": {{plain-http: true}}}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/app:1\": \"oci:out//app\"}}}}}}\n  - from: {{plugin: catalog, with: {{registry: \"{from}\"}}}}\n    to: {{registry: \"oci:other\"}}\n"
    );
    Workplace::new().workflow(&text)
}

fn blank(bytes: usize) -> Reply {
    Reply { body: vec![b' '; bytes], ..Reply::empty(200) }
}

#[test]
fn a_manifest_a_page_a_token_and_an_error_have_caps() {
    let source = Host::start(|call| match call.path.as_str() {
        "/v2/" => Reply::empty(200),
        "/v2/_catalog" => blank((32 << 20) + 1),
        _ => blank((8 << 20) + 1).with("Docker-Content-Digest", format!("sha256:{}", "0".repeat(64))),
    });
    let finished = copy(&source.address()).expect(3);
    finished.says("is longer than 8388608 bytes").says("is longer than 33554432 bytes");

    let source = Host::start(|call| match call.path.as_str() {
        "/token" => blank((64 << 10) + 1),
        _ => Reply::empty(401).with("WWW-Authenticate", "Bearer realm=\"/token\""),
    });
    copy(&source.address()).expect(3).says("is longer than 65536 bytes");

    // Of an error only the beginning is read, and what is no whole JSON any more is not shown.
    let source = Host::start(|call| match call.path.as_str() {
        "/v2/" => Reply::empty(200),
        _ => crate::security::refusal(403, "DENIED", &"so much to say ".repeat(10_000)),
    });
    let finished = copy(&source.address()).expect(3).says("403 Forbidden");
    assert!(!finished.stderr.contains("so much to say"), "{}", finished.stderr);
}

#[test]
fn an_index_in_an_index_without_end_is_refused() {
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "layer");
    let mut inner = graph.image("linux/amd64", &[layer]);
    for _ in 0..12 {
        inner = graph.index(&[inner]);
    }
    graph.tag("1", &inner);
    let source = Host::start(move |call| {
        let last = call.path.rsplit('/').next().unwrap_or_default().replace("%3A", ":");
        match call.path.as_str() {
            "/v2/" => Reply::empty(200),
            "/v2/_catalog" => Reply::json(200, &json!({"repositories": []})),
            _ => manifest(&graph, &last).unwrap_or_else(|| Reply::empty(404)),
        }
    });
    copy(&source.address()).expect(1).says("nests indexes deeper than 8 levels");
}
