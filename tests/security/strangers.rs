//! Where strangers cannot send us: a registry to a metadata service, a plugin's answer to what only this machine reaches.

use serde_json::json;

use crate::harness::api::Reply;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::layout::Layout;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::security::Host;
use crate::security::hostile;
use crate::security::manifest;

/// Where clouds hand out a machine's credentials, as a registry might write it. Should one of these be asked after all, nobody
/// answers where there is no cloud, and the test fails by what the command says.
const METADATA: [&str; 5] = [
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/latest/meta-data/",
    "http://user@169.254.169.254./latest/meta-data/",
    "http://Metadata.Google.Internal./computeMetadata/v1/",
];

fn copy(source: &str, target: &str) -> Finished {
    let text = format!(
        "version: 1\nregistries:\n  \"{source}\": {{plain-http: true, anonymous: true}}\n  \"{target}\": {{plain-http: true, anonymous: true}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{source}/app:1\": \"{target}/app\"}}}}}}\n"
    );
    Workplace::new().workflow(&text)
}

#[test]
fn a_registry_cannot_redirect_to_a_metadata_service() {
    for url in METADATA {
        let graph = Graph::single("metadata", "1");
        let source = Host::start(move |call| {
            let last = call.path.rsplit('/').next().unwrap_or_default().replace("%3A", ":");
            match manifest(&graph, &last) {
                Some(reply) => reply,
                None if call.path == "/v2/" => Reply::empty(200),
                None => Reply::empty(307).with("Location", url),
            }
        });
        let target = Registry::open();
        let finished = copy(&source.address(), &target.address().to_string()).expect(1);
        finished.says("redirects to the private address");
    }
}

#[test]
fn a_registry_cannot_have_blobs_uploaded_to_a_metadata_service() {
    for url in METADATA {
        let source = Registry::open();
        Graph::single("metadata", "1").push(&source.remote(), "app");
        let target = Host::start(move |call| match call.method.as_str() {
            "GET" => Reply::empty(200),
            "POST" => Reply::empty(202).with("Location", url),
            _ => Reply::empty(404),
        });
        copy(&source.address().to_string(), &target.address()).expect(1).says("is a private address");
        assert!(target.calls().iter().any(|call| call.method == "POST"));
    }
}

#[test]
fn a_registry_cannot_have_a_metadata_service_asked_for_a_token() {
    // A realm that names a user is refused for that.
    for url in METADATA.into_iter().filter(|url| !url.contains('@')) {
        let challenge = format!("Bearer realm=\"{url}\",service=\"registry\"");
        let source = Host::start(move |_| Reply::empty(401).with("WWW-Authenticate", challenge.clone()));
        let target = Registry::open();
        copy(&source.address(), &target.address().to_string()).expect(1).says("which is a private address");
    }
}

/// Spellings of 127.0.0.1 with this port, each a way around a check of text.
fn spellings(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "localhost",
        "localhost.",
        "LocalHost",
        "a.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "user@127.0.0.1",
    ];
    hosts.iter().map(|host| format!("{host}:{port}")).collect()
}

/// A run in which a component from a file names a registry that the workflow does not, as a source or as a target.
fn named_by_a_plugin(role: &str, registry: &str, extra: &str, place: &Workplace) -> Finished {
    let backwards: String = registry.chars().rev().collect();
    let used = json!({"plugin": "mine", "with": {"behaviour": "elsewhere", "text": backwards}});
    let transfer = if role == "source" {
        json!({"from": used, "to": {"registry": "oci:out"}})
    } else {
        json!({"from": {"plugin": "catalog", "with": {"registry": "oci:in"}}, "map": [used]})
    };
    place.workflow(&format!(
        "version: 1\n{extra}retry: {{rounds: 0}}\nplugins: {{mine: {{path: {}}}}}\ntransfers: [{transfer}]\n",
        hostile()
    ))
}

/// A place with an image in a layout, and with a docker login for `address`.
fn place(address: &str) -> Workplace {
    let place = Workplace::new();
    let auths = json!({"auths": {address: {"username": "test", "password": "not-a-real-password"}}});
    place.file("docker/config.json", &auths.to_string());
    Graph::single("inside", "1").push(&Layout::at(&place.path().join("in")), "team/app");
    place
}

#[test]
fn a_component_from_a_file_cannot_send_us_to_a_private_address() {
    for role in ["source", "target"] {
        let inside = Host::start(|_| Reply::empty(200));
        let place = place(&inside.address());
        let port = inside.server.address().port();
        for registry in spellings(port) {
            let finished = named_by_a_plugin(role, &registry, "", &place).expect(1);
            let advised =
                finished.stderr.contains(&format!("hint: if this is meant, name {registry} in `registries:`"));
            assert!(advised || registry != inside.address(), "{role} {registry}: {}", finished.stderr);
            let refused =
                finished.stderr.contains("is a private address") || finished.stderr.contains("is not a registry");
            assert!(refused, "{role} {registry}: {}", finished.stderr);
        }
        assert_eq!(inside.calls().len(), 0, "{role}");
    }
}

#[test]
fn a_registry_that_the_workflow_names_is_reached_whoever_else_names_it() {
    let registry = Registry::open();
    let address = registry.address().to_string();
    let place = place(&address);
    let listed = format!("registries: {{\"{address}\": {{plain-http: true}}}}\n");
    named_by_a_plugin("target", &address, &listed, &place).expect(0);
    assert_eq!(registry.remote().tags("team/app"), ["1"]);
    named_by_a_plugin("source", &address, &listed, &place).expect(0);
}
