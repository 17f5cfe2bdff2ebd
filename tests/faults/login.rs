//! What a registry says about logging in, and where passwords and tokens may go.

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::harness::store::Store as _;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::protocol::error;
use crate::support::stage::APP;
use crate::support::stage::Stage;

/// Enough for a run of which the answers must not fill it.
const MEMORY: u64 = 64 << 20;

#[test]
fn a_basic_challenge_after_a_bearer_one_gets_a_new_token_and_no_password() {
    let (graph, digest) = layered(1000);
    let stage = Stage::plain().with(&graph);
    // Harbor's answer to a token that has run out.
    let harbor = error(401, "UNAUTHORIZED").with("WWW-Authenticate", "Basic realm=\"harbor\"");
    stage.source.fault("GET", &format!("/blobs/{digest}"), Times::First(1), Fault::Answer(harbor.clone()));
    stage.target.fault("HEAD", "/blobs/", Times::First(1), Fault::Answer(harbor));
    stage.run(CALM + 6).copied();
    for registry in [&stage.source, &stage.target] {
        for seen in registry.seen().into_iter().filter(|seen| !seen.path.starts_with("/token")) {
            let login = seen.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            assert!(login.is_none_or(|(_, value)| value.starts_with("Bearer ")), "{seen:?}");
        }
    }
}

#[test]
fn what_dockers_file_knows_goes_to_its_registry_alone() {
    let (graph, _) = layered(1000);
    let mut stage = Stage::plain().with(&graph);
    let storage = std::sync::Arc::clone(stage.source.storage());
    let origin = stage.side_door(&storage).origin().to_owned();
    let elsewhere = Fault::act(move |call| Reply::empty(307).with("Location", format!("{origin}{}", call.path)));
    stage.source.fault("GET", "/blobs/", Times::Always, elsewhere);
    let (from, to) = (stage.source.address().to_string(), stage.target.address().to_string());
    let [here, there] =
        [&stage.source, &stage.target].map(|registry| serde_json::json!({"auth": registry.lock().basic()}));
    let file = serde_json::json!({"auths": {&from: here, &to: there}});
    stage.place.file("docker/config.json", &file.to_string());
    let [source, target] = [&from, &to].map(|address| format!("{address}/{APP}:1"));
    let arguments = ["copy", &source, &target, "--plain-http", &from, "--plain-http", &to];
    stage.place.run(&arguments).expect(0);
    stage.check(CALM + 2);
    assert_eq!(stage.target.storage().tags(APP), ["1"]);
    assert_eq!(stage.others()[0].count("GET", "/blobs/"), 2);
}

#[test]
fn a_registry_that_refuses_every_token_is_given_up_soon() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let refusal = stage.target.lock().challenge(Some("repository:team/app:pull,push"));
    stage.target.fault("*", "/v2/team", Times::Always, Fault::Answer(refusal));
    stage.run(CALM).failed("permanent").says("401");
}

#[test]
fn a_token_server_at_a_metadata_service_is_refused() {
    for realm in ["http://169.254.169.254/token", "http://[fd00:ec2::254]/token", "http://0xa9.254.169.254/token"] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        let challenge = Reply::empty(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"x\""));
        stage.target.fault("GET", "^/v2/$", Times::Always, Fault::Answer(challenge));
        stage.run(CALM).failed("permanent").says("private address");
    }
}

#[test]
fn a_token_server_without_tls_is_refused_by_a_registry_with_tls() {
    let (graph, _) = layered(1000);
    let stage = Stage::tls().with(&graph);
    let plain = Stage::plain();
    let realm = format!("{}/token", plain.target.origin());
    let challenge = Reply::empty(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"x\""));
    stage.target.fault("GET", "^/v2/$", Times::Always, Fault::Answer(challenge));
    stage.run(CALM).failed("permanent").says("not https");
    assert_eq!(plain.target.transcript(), "");
}

#[test]
fn a_token_beyond_reason_is_refused_and_not_held() {
    let long = |length: usize| Reply::json(200, &serde_json::json!({"token": "x".repeat(length)}));
    let none = Reply::json(200, &serde_json::json!({}));
    let breaks = Reply::json(200, &serde_json::json!({"token": "x\r\nX-More: y"}));
    for fault in [
        Fault::Answer(long(70_000)),
        Fault::Answer(long(0).with("Content-Length", "100000000000")),
        Fault::Endless,
        Fault::Answer(none),
        Fault::Answer(breaks),
    ] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.target.fault("GET", "^/token", Times::Always, fault);
        stage.run_within(MEMORY, CALM).failed("permanent").says("127.0.0.1");
    }
}

#[test]
fn a_token_server_that_fails_for_a_while_is_asked_again() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    stage.source.fault("GET", "^/token", Times::First(2), Fault::status(503));
    stage.target.fault("GET", "^/token", Times::First(1), Fault::Lost);
    stage.target.fault("GET", "^/token", Times::First(1), Fault::Cut(10));
    stage.run(CALM + 6).copied();
}
