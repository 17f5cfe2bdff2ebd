//! Names and words from outside, and listings without end.

use serde_json::json;

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::harness::store::Store as _;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::stage::APP;
use crate::support::stage::Ended;
use crate::support::stage::Stage;

/// Runs with a list of tags that is answered so; a listing that is not whole is exit code 3.
#[track_caller]
fn not_whole(stage: &Stage, fault: Fault) -> Ended {
    stage.source.fault("GET", "/tags/list", Times::Always, fault);
    let ended = stage.run(2 * CALM);
    assert_eq!(ended.finished.code, Some(3), "{}", ended.finished.stderr);
    assert_eq!(ended.report["incomplete"].as_array().map(Vec::len), Some(1), "{}", ended.report);
    ended
}

fn page(tags: &[&str], link: &str) -> Reply {
    Reply::json(200, &json!({"name": APP, "tags": tags})).with("Link", format!("<{link}>; rel=\"next\""))
}

#[test]
fn a_listing_that_leads_back_to_itself_ends() {
    let (graph, _) = layered(1000);
    let path = format!("/v2/{APP}/tags/list");
    let stage = Stage::plain().with(&graph);
    not_whole(&stage, Fault::Answer(page(&["1"], &format!("{path}?n=1000"))));
    assert!(stage.source.count("GET", "/tags/list") <= 2, "{}", stage.source.transcript());

    let stage = Stage::plain().with(&graph);
    let circle = Fault::act(move |call| {
        let (tag, next) = if call.query.contains("last=a") { ("2", "b") } else { ("1", "a") };
        page(&[tag], &format!("{}?last={next}", call.path))
    });
    not_whole(&stage, circle);
    assert!(stage.source.count("GET", "/tags/list") <= 4, "{}", stage.source.transcript());
}

#[test]
fn a_listing_that_goes_on_elsewhere_is_not_followed() {
    for port in ["80", "PORT"] {
        let (graph, _) = layered(1000);
        let mut stage = Stage::plain().with(&graph);
        let other = stage.bystander().address().port().to_string();
        let link = format!("http://127.0.0.1:{}/v2/{APP}/tags/list?last=1", port.replace("PORT", &other));
        not_whole(&stage, Fault::Answer(page(&["1"], &link))).says("another host");
        assert_eq!(stage.others()[0].transcript(), "");
    }
}

#[test]
fn a_page_beyond_reason_is_refused_and_not_held() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    stage.source.fault("GET", "/tags/list", Times::Always, Fault::Endless);
    let ended = stage.run_within(128 << 20, CALM);
    assert_eq!(ended.finished.code, Some(3), "{}", ended.finished.stderr);
}

#[test]
fn a_page_that_breaks_off_is_read_again() {
    for fault in [Fault::Cut(5), Fault::Lost, Fault::status(502)] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault("GET", "/tags/list", Times::First(2), fault);
        stage.run(CALM + 4).copied();
    }
}

#[test]
fn a_list_that_is_null_is_empty() {
    for body in [json!({"name": APP, "tags": null}), json!({"name": APP}), json!({"tags": []})] {
        let stage = Stage::plain();
        stage.source.fault("GET", "/tags/list", Times::Always, Fault::Answer(Reply::json(200, &body)));
        let ended = stage.run(CALM);
        assert_eq!((ended.finished.code, ended.targets().len()), (Some(0), 0), "{}", ended.finished.stderr);
    }
}

/// Nothing that a terminal would obey.
#[track_caller]
fn plain_text(text: &str) {
    let odd = text.chars().find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'));
    assert_eq!(odd, None, "{text:?}");
}

#[test]
fn tags_that_are_none_are_left_out_and_reach_no_url() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let long = "x".repeat(129);
    let tags = [
        "1",
        "../../../etc/passwd",
        "a\r\nX-Evil: 1",
        "\u{1b}[31mred",
        "",
        &long,
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "%2e%2e",
        "a\u{202e}b",
        ".hidden",
        "sha256:abc",
    ];
    let body = json!({"name": APP, "tags": tags});
    stage.source.fault("GET", "/tags/list", Times::Always, Fault::Answer(Reply::json(200, &body)));
    let ended = stage.run(CALM).copied();
    assert_eq!(ended.targets().len(), 1);
    plain_text(&ended.finished.stderr);
    plain_text(&ended.finished.stdout);
    for seen in stage.source.seen().iter().chain(&stage.target.seen()) {
        let evil = seen.path.contains("..") || seen.path.contains("hidden") || seen.path.contains("%2e");
        assert!(!evil && !seen.headers.iter().any(|(name, _)| name.contains("Evil")), "{seen:?}");
    }
}

#[test]
fn repositories_that_lead_out_of_a_directory_are_left_out() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let names =
        json!({"repositories": [APP, "../../evil", "team/../../evil", "/etc", "a//b", "A", "a\u{1b}[2J", "..", "./a"]});
    stage.source.fault("GET", "/_catalog", Times::Always, Fault::Answer(Reply::json(200, &names)));
    let text = format!(
        "{}transfers:\n  - from: {{plugin: catalog, with: {{registry: \"{}\"}}}}\n    to: {{registry: \"oci:inside/out\"}}\n",
        stage.settings(),
        stage.source.address()
    );
    let ended = stage.run_workflow(&text, CALM).copied();
    plain_text(&ended.finished.stderr);
    assert!(stage.place.path().join("inside/out/team/app/index.json").exists());
    let inside: Vec<_> = std::fs::read_dir(stage.place.path().join("inside")).unwrap().collect();
    assert_eq!(inside.len(), 1, "{inside:?}");
    assert!(!stage.place.path().join("evil").exists());
    assert!(stage.source.seen().iter().all(|seen| !seen.path.contains("evil")), "{}", stage.source.transcript());
}

#[test]
fn what_a_registry_says_cannot_steer_the_terminal() {
    let message = "no\u{1b}[31m way \u{1b}]0;title\u{7}\r\n\u{202e}\u{9b}2J and\u{0} done";
    for status in [403, 500] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        let body = json!({"errors": [{"code": "DE\u{1b}NIED", "message": message, "detail": message}]});
        let challenge = "Basic realm=\"\u{1b}[31m\"";
        let answer = Reply::json(status, &body).with("WWW-Authenticate", challenge);
        stage.target.fault("POST", "/blobs/uploads/", Times::Always, Fault::Answer(answer));
        let ended = stage.run(CALM + 12);
        assert_eq!(ended.finished.code, Some(1));
        plain_text(&ended.finished.stderr);
        plain_text(&ended.finished.stdout);
        for target in ended.targets() {
            plain_text(target["error"]["message"].as_str().unwrap());
        }
        assert_eq!(stage.target.storage().tags(APP), [] as [&str; 0]);
    }
}
