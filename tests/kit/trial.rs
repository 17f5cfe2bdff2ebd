//! `plugin test` and `plugin inspect`: what a plugin gives, calls, costs and is.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Recorder;
use crate::harness::api::Reply;
use crate::harness::api::Server;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::tools;

/// A component of the fixtures.
fn fixture(name: &str) -> String {
    tools::repository().join("tests/fixtures/plugins").join(name).display().to_string()
}

fn parsed(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}

/// Answers with the method and the path, and a cookie that is nobody else's.
struct Echo;

impl Api for Echo {
    fn answer(&self, call: &Call) -> Reply {
        Reply::json(200, &json!(format!("{} {}", call.method, call.path))).with("Set-Cookie", "session=1")
    }
}

#[test]
fn a_mapper_is_shown_with_what_it_gave_called_and_used() {
    let place = Workplace::new();
    place.file(
        "images.json",
        r#"["a.example/app:1", {"source": "a.example/n/base:2", "attributes": {"public": "true"}}]"#,
    );
    let mapper = fixture("example-mapper.wasm");
    let test = ["plugin", "test", &mapper, "--with", "team=web", "--input", "images.json"];
    place
        .run(&test)
        .expect(0)
        .says("a.example/app:1 -> ./web/app:.")
        .says("mapper.map-images  1 calls")
        .says("of 64.0 MiB");
    let shown = parsed(&place.run(&[&test[..], &["--json"]].concat()).expect(0));
    assert_eq!(
        shown["outcome"],
        json!([
            {"source": "a.example/app:1", "destinations": [{"repository": "web/app"}]},
            {"source": "a.example/n/base:2", "destinations": [{"repository": "web/n/base"}]},
        ])
    );
    assert_eq!(shown["role"], "mapper");
    let peak = shown["memory"]["peak"].as_u64().unwrap();
    assert!(peak > 0 && peak < 64 << 20, "{peak}");
    let calls: Vec<&str> =
        shown["calls"].as_array().unwrap().iter().map(|it| it["function"].as_str().unwrap()).collect();
    assert_eq!(calls, ["plugin-info.describe", "mapper.open", "mapper.map-images"]);
    assert_eq!(shown["requests"], json!([]));
}

#[test]
fn what_was_expected_decides_over_the_exit_code() {
    let place = Workplace::new();
    place.file("images.json", r#"["a.example/app:1"]"#);
    place.file("right.json", r#"[{"source": "a.example/app:1", "destinations": [{"repository": "web/app"}]}]"#);
    place.file("wrong.json", r#"[{"source": "a.example/app:1", "destinations": [{"repository": "other/app"}]}]"#);
    let mapper = fixture("example-mapper.wasm");
    let test = ["plugin", "test", &mapper, "--with", "team=web", "--input", "images.json", "--expect"];
    place.run(&[&test[..], &["right.json"]].concat()).expect(0);
    let wrong = place.run(&[&test[..], &["wrong.json"]].concat()).expect(1);
    wrong.says(r#"at /0/destinations/0/repository: expected "other/app", got "web/app""#);
    place.file("error.json", r#"{"error": ": \"team\" is a required property"}"#);
    place.run(&["plugin", "test", &mapper, "--input", "images.json"]).expect(1).says("required property");
    place.run(&["plugin", "test", &mapper, "--input", "images.json", "--expect", "error.json"]).expect(0);
}

#[test]
fn a_plugin_that_ends_in_a_trap_fails_and_its_budgets_hold() {
    let place = Workplace::new();
    let hostile = fixture("hostile.wasm");
    let test = |more: &[&str]| place.run(&[&["plugin", "test", &hostile, "--as", "source", "--with"], more].concat());
    test(&["behaviour=trap"]).expect(1).says("trapped");
    test(&["behaviour=loop", "--cpu", "200ms"]).expect(1).says("stopped after 200 ms of CPU time");
    let full = test(&["behaviour=memory", "--memory", "8MiB", "--json"]).expect(1);
    let shown = parsed(&full);
    assert!(shown["outcome"]["error"].as_str().unwrap().contains("8 MiB of memory"), "{shown}");
    assert!(shown["memory"]["peak"].as_u64().unwrap() <= 8 << 20, "{shown}");
    place.run(&["plugin", "test", &hostile, "--with", "behaviour=good"]).expect(2).says("--as");
}

#[test]
fn a_recorded_run_is_run_again_where_there_is_no_network() {
    let place = Workplace::new();
    let recorder = Recorder::new(Arc::new(Echo));
    let server = Server::start(recorder.clone());
    let url = format!("{}/a", server.url());
    let hostile = fixture("hostile.wasm");
    let fetch = ["plugin", "test", &hostile, "--as", "source", "--json", "--with", "behaviour=fetch", "--with"];
    let endpoint = format!("endpoint={url}");
    let record = [&fetch[..], &[&endpoint], &["--record", "recorded.json"]].concat();
    let first = parsed(&place.run(&record).expect(0));
    assert_eq!(first["outcome"][0]["attributes"]["status"], "200");
    assert_eq!(recorder.calls().len(), 1);
    let recorded = place.read("recorded.json");
    assert!(!recorded.contains("session"), "{recorded}");
    let mode = std::fs::metadata(place.path().join("recorded.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "what an API told is for its owner alone");
    drop(server);
    let replay = [&fetch[..], &[&endpoint], &["--http", "recorded.json"]].concat();
    let second = parsed(&place.run(&replay).expect(0));
    assert_eq!(second["outcome"][0]["attributes"]["body"], first["outcome"][0]["attributes"]["body"]);
    assert_eq!(second["requests"][0]["status"], 200);
    let other = format!("endpoint={url}?more=1");
    let missing = [&fetch[..], &[&other], &["--http", "recorded.json"]].concat();
    let missing = parsed(&place.run(&missing).expect(0));
    let transport = missing["outcome"][0]["attributes"]["transport"].as_str().unwrap();
    assert!(transport.starts_with("the recording has no answer to GET"), "{transport}");
}

#[test]
fn a_test_lets_nothing_out_and_grants_no_more_than_a_workflow() {
    let place = Workplace::new();
    let recorder = Recorder::new(Arc::new(Echo));
    let server = Server::start(recorder.clone());
    let hostile = fixture("hostile.wasm");
    let url = format!("url={}/x", server.url());
    let fetch = ["plugin", "test", &hostile, "--as", "source", "--json", "--with", "behaviour=fetch", "--with", &url];
    let denied = parsed(&place.run(&fetch).expect(0));
    assert_eq!(denied["requests"][0]["denied"], true);
    let host = server.address().to_string();
    let granted = parsed(&place.run(&[&fetch[..], &["--host", &host]].concat()).expect(0));
    assert_eq!(granted["requests"][0]["denied"], false);
    assert!(granted["requests"][0]["error"].as_str().unwrap().starts_with("the recording has no answer"), "{granted}");
    place.run(&[&fetch[..], &["--record", "recorded.json"]].concat()).expect(0);
    assert_eq!(recorder.calls().len(), 0, "denied, and not answered by a recording, is not sent");
    assert_eq!(place.report("recorded.json"), json!({}), "what was not sent is not recorded");
}

#[test]
fn listings_are_recorded_too() {
    let registry = Registry::open();
    Graph::single("listed", "1").push(&registry.remote(), "team/app");
    let place = Workplace::new();
    let address = registry.address().to_string();
    let with = format!("registry={address}");
    let test = ["plugin", "test", "catalog", "--json", "--with", &with];
    let record = [&test[..], &["--record", "recorded.json", "--plain-http", &address]].concat();
    let first = parsed(&place.run(&record).expect(0));
    assert_eq!(first["outcome"], json!([{"source": format!("{address}/team/app:1")}]));
    drop(registry);
    let second = parsed(&place.run(&[&test[..], &["--http", "recorded.json"]].concat()).expect(0));
    assert_eq!(second["outcome"], first["outcome"]);
    place.run(&test).expect(1).says("the recording has no listing of");
}

#[test]
fn a_file_that_makes_no_sense_is_told_before_anything_runs() {
    let place = Workplace::new();
    let mapper = fixture("example-mapper.wasm");
    let test = ["plugin", "test", &mapper, "--with", "team=web"];
    place.run(&test).expect(2).says("--input is missing");
    place.file("images.json", r#"["a.example/app:1", 3]"#);
    place.run(&[&test[..], &["--input", "images.json"]].concat()).expect(2).says("entry 2");
    place.file("recorded.json", r#"{"http": [{"method": "GET", "url": "https://a.example/"}]}"#);
    place.run(&[&test[..], &["--http", "recorded.json"]].concat()).expect(2).says("neither `status` nor `error`");
}

#[test]
fn a_plugin_is_inspected_before_anyone_grants_it_anything() {
    let place = Workplace::new();
    let text = place.run(&["plugin", "inspect", "harbor"]).expect(0);
    text.says("exports   source, provisioner").says("sends requests, to hosts that are granted").says("sha256    ");
    let shown = parsed(&place.run(&["plugin", "inspect", &fixture("example-mapper.wasm"), "--json"]).expect(0));
    assert_eq!(shown["exports"], json!(["mapper"]));
    assert_eq!(shown["needs"]["requests"], false);
    let bytes = std::fs::read(fixture("example-mapper.wasm")).unwrap();
    assert_eq!(shown["bytes"], bytes.len());
    assert_eq!(shown["sha256"], crate::harness::store::sha256(&bytes).trim_start_matches("sha256:"));
    let shown = parsed(&place.run(&["plugin", "inspect", &fixture("hostile.wasm"), "--json"]).expect(0));
    assert_eq!(shown["needs"]["host-options"], json!(["endpoint"]));
    assert_eq!(shown["needs"]["requests"], true);
    let shown = parsed(&place.run(&["plugin", "inspect", "harbor", "--json"]).expect(0));
    assert_eq!(shown["needs"]["secret-options"], json!(["password"]));
}
