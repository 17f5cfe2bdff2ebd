//! Registries that are busy, broken for a while, or slow without end.

use std::time::Duration;
use std::time::SystemTime;

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::harness::graph::Graph;
use crate::harness::layout::Layout;
use crate::harness::store::Store as _;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::protocol::error;
use crate::support::stage::APP;
use crate::support::stage::Stage;

fn busy(after: Option<&str>) -> Fault {
    let reply = error(429, "TOOMANYREQUESTS");
    Fault::Answer(match after {
        Some(after) => reply.with("Retry-After", after),
        None => reply,
    })
}

#[test]
fn a_busy_registry_is_asked_again_however_it_says_for_how_long() {
    let past = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH);
    for after in [None, Some("0"), Some("soon"), Some("-1"), Some(past.as_str())] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        for method in ["HEAD", "POST", "PUT"] {
            stage.target.fault(method, "", Times::First(2), busy(after));
        }
        stage.source.fault("GET", "/blobs/", Times::First(2), busy(after));
        stage.run(CALM + 10).copied();
    }
}

#[test]
fn a_pause_in_seconds_or_until_a_date_is_kept() {
    // A date has whole seconds: two of them are at least one.
    let date = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    for in_seconds in [true, false] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        let act = move |_: &_| {
            let after = if in_seconds { "1".to_owned() } else { date() };
            error(503, "UNAVAILABLE").with("Retry-After", after)
        };
        stage.target.fault("POST", "/blobs/uploads/", Times::First(1), Fault::act(act));
        stage.run(CALM + 4).copied();
        let seen = stage.target.seen();
        let refused = seen.iter().position(|seen| seen.status == 503).unwrap();
        let after = seen[refused].at + Duration::from_millis(950);
        // What was on its way then comes still.
        let early = seen[refused + 1..].iter().filter(|seen| seen.at < after).count();
        assert!(early <= 2, "{early} requests during the pause\n{}", stage.target.transcript());
    }
}

#[test]
fn a_pause_of_years_is_cut_and_other_registries_go_on() {
    let graph = Graph::usual("patience", "1");
    let stage = Stage::plain().with(&graph);
    stage.target.fault("PUT", "/blobs/uploads/", Times::Always, busy(Some("1000000000")));
    let (from, to) = (stage.source.address(), stage.target.address());
    let text = format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/{APP}:1\": \"{to}/{APP}\"}}}}}}\n    name: parked\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/{APP}:1\": \"oci:out//{APP}\"}}}}}}\n    name: other\n",
        stage.settings()
    );
    stage.place.file("workflow.yaml", &text);
    let running = stage.place.start(&["run", "workflow.yaml", "--report", "report.json"], &[]);
    running.await_text("paused for 900 s");
    running.await_text("copied");
    running.interrupt();
    running.interrupt();
    let finished = running.finish();
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    stage.check(2 * CALM);
    let layout = Layout::at(&stage.place.path().join("out"));
    assert_eq!(layout.content(APP, "1"), stage.source.storage().content(APP, "1"));
}

#[test]
fn a_registry_that_only_fails_is_given_up_with_few_requests() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph).patience("3s");
    stage.target.fault("*", "/v2/team", Times::Always, Fault::status(503));
    stage.run(CALM).failed("wait").says("503");
}

#[test]
fn a_registry_that_recovers_gets_all_images() {
    let stage = Stage::plain().rounds(2);
    for number in 0..12 {
        Graph::single(&format!("recovery {number}"), &format!("v{number}")).push(stage.source.storage().as_ref(), APP);
    }
    stage.target.fault("*", "/v2/team", Times::First(9), Fault::status(503));
    stage.run(12 * CALM + 40).copied();
    assert_eq!(stage.target.storage().tags(APP).len(), 12);
}

#[test]
fn a_registry_that_says_nothing_is_given_up_after_the_idle_time() {
    for stage in Stage::both() {
        let (graph, digest) = layered(200_000);
        let stage = stage.with(&graph).limits("idle: 1s");
        for (registry, method, path) in [
            (&stage.source, "GET", format!("/blobs/{digest}")),
            (&stage.target, "PUT", format!("digest={digest}")),
            (&stage.target, "HEAD", "/manifests/".to_owned()),
            (&stage.source, "GET", "^/v2/$".to_owned()),
            (&stage.target, "GET", "^/token".to_owned()),
        ] {
            registry.fault(method, &path, Times::First(1), Fault::Silent);
        }
        stage.run(CALM + 10).copied();
    }
}

#[test]
fn an_answer_whose_head_comes_drop_by_drop_is_given_up_after_the_idle_time() {
    let drop_by_drop = Fault::SlowHead(Duration::from_millis(100));
    for stage in Stage::both() {
        let (graph, digest) = layered(1000);
        let stage = stage.with(&graph).limits("idle: 1s");
        stage.source.fault("GET", &format!("/blobs/{digest}"), Times::First(1), drop_by_drop.clone());
        stage.target.fault("POST", "/blobs/uploads/", Times::First(1), drop_by_drop.clone());
        stage.run(CALM + 6).copied();
    }
}

#[test]
fn a_body_that_comes_drop_by_drop_is_given_up_by_the_minimum_rate() {
    let drop_by_drop = Fault::SlowBody(20, Duration::from_millis(100));
    let (graph, digest) = layered(20_000);
    for stage in Stage::both() {
        let stage = stage.with(&graph).limits("idle: 1s, minimum-rate: 10KiB");
        stage.source.fault("GET", &format!("/blobs/{digest}"), Times::First(2), drop_by_drop.clone());
        stage.source.fault("GET", "/manifests/sha256", Times::First(1), drop_by_drop.clone());
        stage.run(CALM + 8).copied();
    }
    let stage = Stage::plain().with(&graph).limits("idle: 500ms, minimum-rate: 10KiB");
    stage.source.fault("GET", &format!("/blobs/{digest}"), Times::Always, drop_by_drop);
    stage.run(CALM + 60).failed("retry").says("10240 bytes a second");
}

#[test]
fn a_body_that_is_slow_and_not_too_slow_arrives() {
    let (graph, digest) = layered(40_000);
    let stage = Stage::plain().with(&graph).limits("idle: 500ms, minimum-rate: 10KiB");
    // 2,000 bytes each 50 ms are about 40 KiB a second, and take twice the idle time.
    stage.source.fault(
        "GET",
        &format!("/blobs/{digest}"),
        Times::First(1),
        Fault::SlowBody(2000, Duration::from_millis(50)),
    );
    stage.run(CALM).copied();
    assert_eq!(stage.source.count("GET", &format!("/blobs/{digest}")), 1);
}

#[test]
fn an_upload_that_is_taken_drop_by_drop_is_given_up_by_the_minimum_rate() {
    // More than the system holds for a connection. It is taken at some 1.3 MiB a second.
    let (graph, digest) = layered(32 << 20);
    let stage = Stage::plain().with(&graph).limits("idle: 8s, minimum-rate: 4MiB");
    let (put, drop_by_drop) = (format!("digest={digest}"), Fault::SlowRequest(Duration::from_millis(48)));
    stage.target.fault("PUT", &put, Times::First(1), drop_by_drop);
    stage.run(CALM + 10).copied();
    let statuses: Vec<u16> = stage.target.matching("PUT", &put).into_iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [0, 201], "{}", stage.target.transcript());
}

#[test]
fn a_cap_of_our_own_on_the_bandwidth_is_not_the_registrys_fault() {
    let (graph, digest) = layered(60_000);
    let stage = Stage::plain().with(&graph).limits("idle: 500ms, minimum-rate: 200KiB, bandwidth: 30KiB");
    stage.run(CALM).copied();
    assert_eq!(stage.source.count("GET", &format!("/blobs/{digest}")), 1);
}

#[test]
fn an_error_without_end_is_not_held() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let endless = Fault::change(|_, reply| {
        *reply = Reply { status: 403, body: vec![b'x'; 8 << 20], ..error(403, "DENIED") };
    });
    stage.target.fault("POST", "/blobs/uploads/", Times::Always, endless);
    stage.run_within(64 << 20, CALM).failed("permanent").says("403");
}
