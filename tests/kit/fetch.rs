//! `fetch` in JavaScript goes out by the same door as the `http` import: what is not granted, private or too large stays where it is.

use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

use serde_json::Value;
use serde_json::json;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Recorder;
use crate::harness::api::Reply;
use crate::harness::api::Server;
use crate::harness::command::Workplace;
use crate::kit::project::Project;

/// What the plugin does first where it is to make several repositories: a request with a body, and all of them at once.
const AT_ONCE: &str = "async ensure(repositories) {
    if (repositories.length > 1) {
      await fetch(`${this.url}/body`, { method: 'POST', body: 'hello' });
      await Promise.all(repositories.map(({ name }) => fetch(`${this.url}/at-once/${name}`)));
    }";

/// The template's plugin in JavaScript, changed so that its option `api` grants nothing. Built once for the tests of this file.
fn component() -> &'static Path {
    static BUILT: OnceLock<std::path::PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let marked = "\"format\": \"uri\",\n      \"description\": \"The API";
        let project = Project::new("fetch", "js").change("options.schema.json", marked, "\"description\": \"The API");
        project.change("provisioner.js", "async ensure(repositories) {", AT_ONCE).build()
    })
}

/// More requests than are on their way at a time.
const MANY: usize = 40;

/// Redirects to `elsewhere`, or answers with a large body.
struct Trap {
    elsewhere: String,
}

impl Api for Trap {
    fn answer(&self, call: &Call) -> Reply {
        match call.path.as_str() {
            "/away" => Reply::empty(302).with("Location", self.elsewhere.clone()),
            "/large" => Reply { body: vec![b'1'; (16 << 20) + 1], ..Reply::empty(200) },
            _ => Reply::json(200, &json!([])),
        }
    }
}

fn test(arguments: &[&str]) -> Value {
    let place = Workplace::new();
    let many: Vec<String> = (0..MANY).map(|number| format!("team/app-{number}")).collect();
    place.file("many.json", &json!(many).to_string());
    place.file("repositories.json", r#"["team/app"]"#);
    let component = component().to_str().unwrap();
    let all = [&["plugin", "test", component, "--json", "--record", "recorded.json"], arguments].concat();
    let finished = place.run(&all);
    let shown = serde_json::from_str(&finished.stdout);
    shown.unwrap_or_else(|error| panic!("{error}\n{}\n{}", finished.stdout, finished.stderr))
}

#[test]
fn fetch_reaches_what_is_granted_and_nothing_else() {
    let recorder = Recorder::new(Arc::new(Trap { elsewhere: String::new() }));
    let server = Server::start(recorder.clone());
    let api = format!("api={}", server.url());
    let provision = ["--as", "provisioner", "--input", "repositories.json", "--with", &api];
    let shown = test(&provision);
    assert_eq!(shown["requests"][0]["denied"], true, "{shown}");
    assert_eq!(recorder.calls().len(), 0);
    let host = server.address().to_string();
    let shown = test(&[&provision[..], &["--host", &host]].concat());
    assert_eq!(shown["outcome"], json!([{"repository": "team/app", "ensured": "existed"}]), "{shown}");
    let calls = recorder.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].method.as_str(), calls[0].path.as_str()), ("PUT", "/repositories/team/app"));
    assert_eq!(calls[0].header("host"), Some(host.as_str()));
    // A wildcard is a grant of public addresses alone.
    let shown = test(&[&provision[..], &["--host", "*.0.0.1"]].concat());
    assert_eq!(shown["requests"][0]["denied"], true, "{shown}");
    assert_eq!(recorder.calls().len(), 1);
}

#[test]
fn fetch_does_not_leave_the_grants_by_a_redirect() {
    let other = Recorder::new(Arc::new(Trap { elsewhere: String::new() }));
    let elsewhere = Server::start(other.clone());
    let recorder = Recorder::new(Arc::new(Trap { elsewhere: format!("{}/secret", elsewhere.url()) }));
    let server = Server::start(recorder.clone());
    let catalogue = format!("catalogue={}/away", server.url());
    let shown = test(&["--as", "source", "--with", &catalogue]);
    assert!(shown["outcome"]["error"].is_string(), "{shown}");
    assert_eq!(recorder.calls().len(), 1);
    assert_eq!(other.calls().len(), 0, "the target of the redirect heard nothing");
}

#[test]
fn fetch_is_not_given_more_than_http_is() {
    let server = Server::start(Arc::new(Trap { elsewhere: String::new() }));
    let catalogue = format!("catalogue={}/large", server.url());
    let shown = test(&["--as", "source", "--with", &catalogue]);
    assert_eq!(shown["requests"][0]["error"], "too-large", "{shown}");
    assert!(shown["outcome"]["error"].is_string(), "{shown}");
}

#[test]
fn fetch_sends_bodies_and_many_requests_at_once() {
    let recorder = Recorder::new(Arc::new(Trap { elsewhere: String::new() }));
    let server = Server::start(recorder.clone());
    let (api, host) = (format!("api={}", server.url()), server.address().to_string());
    let shown = test(&["--as", "provisioner", "--input", "many.json", "--with", &api, "--host", &host]);
    assert_eq!(shown["outcome"].as_array().map(Vec::len), Some(MANY), "{shown}");
    assert!(shown["outcome"].as_array().unwrap().iter().all(|entry| entry["ensured"] == "existed"), "{shown}");
    let calls = recorder.calls();
    assert_eq!((calls[0].method.as_str(), calls[0].body.as_slice()), ("POST", &b"hello"[..]));
    assert_eq!(calls[0].header("content-length"), Some("5"));
    assert_eq!(calls.iter().filter(|call| call.path.starts_with("/at-once/")).count(), MANY);
}
