//! Names and messages from outside, on their way to a terminal, a path, a file.

use std::fs;

use serde_json::json;

use crate::harness::api::Reply;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::layout::Layout;
use crate::harness::store::Store;
use crate::security::Host;
use crate::security::hostile;
use crate::security::refusal;

/// Clears a screen, sets a title, ends a line and begins one that looks like ours, turns writing around, leaves a directory.
const NASTY: &str = "x\u{1b}[2J\u{1b}]0;title\u{7}\r\n################# Finished, 0 transfer jobs failed #################\r\n\u{202e}txt.\u{2066}\u{061c}\u{85}\u{2028}\u{9b}31m../../escape";

/// Fails the test if a text would steer a terminal, or has a line that nobody but the registry or the plugin wrote.
#[track_caller]
fn is_tame(what: &str, text: &str) {
    for (at, character) in text.char_indices() {
        let control = character.is_control() && character != '\n';
        let turns = matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let near: String = text[..at].chars().rev().take(60).collect::<String>().chars().rev().collect();
        assert!(!control && !turns, "{what} has {character:?} after {near:?}");
    }
    assert!(
        !text.lines().any(|line| line == "################# Finished, 0 transfer jobs failed #################"),
        "{what}: {text}"
    );
}

/// Runs, and looks at everything that was said or written.
#[track_caller]
fn tame(place: &Workplace, arguments: &[&str]) -> Finished {
    let finished = place
        .run(&[&["run", "workflow.yaml", "--report", "report.json", "--failed", "failed.yaml"], arguments].concat());
    is_tame("standard output", &finished.stdout);
    is_tame("standard error", &finished.stderr);
    for name in ["report.json", "failed.yaml"] {
        if place.path().join(name).exists() {
            is_tame(name, &place.read(name));
        }
    }
    finished
}

#[test]
fn what_a_plugin_says_steers_no_terminal_and_forges_no_line() {
    let place = Workplace::new();
    Graph::single("names", "1").push(&Layout::at(&place.path().join("in")), "app");
    let say = json!({"plugin": "mine", "with": {"behaviour": "say", "text": NASTY}});
    let transfers = json!([
        {"name": "source", "from": say, "to": {"registry": "oci:out"}},
        {"name": "mapper", "from": {"plugin": "catalog", "with": {"registry": "oci:in"}}, "map": [say], "to": {"registry": "oci:out"}},
    ]);
    place.file(
        "workflow.yaml",
        &format!(
            "version: 1\nretry: {{rounds: 0}}\nplugins: {{mine: {{path: {}}}}}\ntransfers: {transfers}\n",
            hostile()
        ),
    );
    for arguments in [&[][..], &["--log-level", "trace"], &["--log-format", "json"]] {
        let finished = tame(&place, arguments).expect(3);
        assert!(finished.stderr.contains("escape"), "it said something: {}", finished.stderr);
        // The image that has no name, and the one that the mapper refused, are told, and make no rule.
        assert!(place.read("failed.yaml").lines().all(|line| line.starts_with('#') || line == "{}"));
    }
}

#[test]
fn what_a_registry_says_steers_no_terminal_and_forges_no_line() {
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "layer");
    let strange = graph.manifest(&json!({"schemaVersion": 2, "mediaType": NASTY, "x": [layer]}));
    graph.tag("1", &strange);
    let media_type = graph.manifests[0].clone();
    for refuse in ["login", "denied", "text", "manifest"] {
        let manifest = media_type.clone();
        let source = Host::start(move |call| match refuse {
            "login" => {
                Reply::empty(401).with("WWW-Authenticate", format!("Bearer realm=\"{}\"", "http://[::1/\\u001b[2J"))
            }
            "denied" if call.path != "/v2/" => refusal(403, NASTY, NASTY),
            "text" if call.path != "/v2/" => Reply { body: NASTY.into(), ..Reply::empty(403) },
            "manifest" if call.path.contains("/manifests/") => {
                let reply = Reply { body: manifest.bytes.clone(), ..Reply::empty(200) };
                reply.with("Docker-Content-Digest", manifest.digest.clone())
            }
            _ => Reply::empty(200),
        });
        let place = Workplace::new();
        let address = source.address();
        place.file(
            "workflow.yaml",
            &format!("version: 1\nregistries: {{\"{address}\": {{plain-http: true}}}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{address}/app:1\": \"oci:out//app\"}}}}}}\n"),
        );
        for arguments in [&[][..], &["--log-level", "trace"]] {
            let finished = tame(&place, arguments).expect(1);
            assert!(finished.stderr.contains("failed"), "{refuse}: {}", finished.stderr);
        }
    }
}

#[test]
fn names_that_a_registry_lists_lead_to_no_path_outside_of_the_target() {
    let graph = Graph::single("paths", "1");
    let source = Host::start(move |call| {
        let names = ["../../escape", "/etc/x", "app/../../escape", "..", "app\u{0}x", "a\\b", "app"];
        let last = call.path.rsplit('/').next().unwrap_or_default().replace("%3A", ":");
        match call.path.as_str() {
            "/v2/_catalog" => Reply::json(200, &json!({"repositories": names})),
            "/v2/app/tags/list" => Reply::json(200, &json!({"tags": ["../../escape", "1", "a/b", "\r\nx: y", "."]})),
            "/v2/" => Reply::empty(200),
            _ => super::manifest(&graph, &last).unwrap_or_else(|| {
                graph
                    .blobs
                    .get(&last)
                    .map_or_else(|| Reply::empty(404), |blob| Reply { body: blob.clone(), ..Reply::empty(200) })
            }),
        }
    });
    let place = Workplace::new();
    let address = source.address();
    place.file(
        "workflow.yaml",
        &format!("version: 1\nregistries: {{\"{address}\": {{plain-http: true}}}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{address}\"}}}}\n    to: {{registry: \"oci:deep/down/out\"}}\n"),
    );
    tame(&place, &[]).expect(0).says("left out: not a valid name");
    let found = |directory: &str| {
        let entries = fs::read_dir(place.path().join(directory)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(found("deep/down/out"), ["app"]);
    assert_eq!(found("deep/down"), ["out"]);
    assert_eq!(found("deep"), ["down"]);
    assert_eq!(Layout::at(&place.path().join("deep/down/out")).tags("app"), ["1"]);
    // Nothing that was no name was put into a request.
    for call in source.calls() {
        assert!(!call.path.contains("..") && !call.path.contains("escape"), "{}", call.path);
    }
}

#[test]
fn a_name_that_a_plugin_gives_leads_to_no_path_outside_of_the_target() {
    let place = Workplace::new();
    let names = ["../../escape", "app/../../../escape", "/tmp/escape", "blobs/sha256", "..", "a//b"];
    let transfers: Vec<_> = names
        .iter()
        .map(|name| json!({"from": {"plugin": "mine", "with": {"behaviour": "say", "text": name}}, "to": {"registry": "oci:deep/out"}}))
        .collect();
    place.file(
        "workflow.yaml",
        &format!(
            "version: 1\nretry: {{rounds: 0}}\nplugins: {{mine: {{path: {}}}}}\ntransfers: {}\n",
            hostile(),
            json!(transfers)
        ),
    );
    tame(&place, &[]).expect(3);
    assert!(!place.path().join("deep").exists(), "nothing was written");
    assert!(!place.path().join("escape").exists());
}
