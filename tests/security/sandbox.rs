//! Plugins: what they cannot reach, what they cannot use up, and who suffers if they try.

use serde_json::json;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::layout::Layout;
use crate::harness::store::Store;
use crate::security::hostile;

/// A workflow of these transfers, with the hostile component under several names and budgets.
fn workflow(place: &Workplace, transfers: &serde_json::Value) {
    let path = hostile();
    let plugins = json!({
        "mine": {"path": path},
        "busy": {"path": path, "cpu": "200ms"},
        "slow": {"path": path, "timeout": "300ms", "cpu": "1m"},
        "greedy": {"path": path, "memory": "16MiB"},
    });
    place.file(
        "workflow.yaml",
        &format!("version: 1\nretry: {{rounds: 0}}\nplugins: {plugins}\ntransfers: {transfers}\n"),
    );
}

#[test]
fn a_bad_plugin_fails_its_own_transfer_and_no_other() {
    let place = Workplace::new();
    Graph::single("sandbox", "1").push(&Layout::at(&place.path().join("in")), "app");
    let good = json!({"plugin": "catalog", "with": {"registry": "oci:in"}});
    let mut transfers = vec![json!({"name": "good", "from": good, "to": {"registry": "oci:out/good"}})];
    let bad = [
        ("mine", "trap", "trapped"),
        ("busy", "loop", "CPU time"),
        ("slow", "loop", "no answer within"),
        ("greedy", "memory", "of memory"),
        ("mine", "huge-batch", "handed back more than"),
    ];
    for (plugin, behaviour, _) in bad {
        let used = json!({"plugin": plugin, "with": {"behaviour": behaviour}});
        let name = |role: &str| format!("{plugin} {behaviour} {role}");
        let to = |role: &str| json!({"registry": format!("oci:out/{plugin}-{behaviour}-{role}")});
        transfers.push(json!({"name": name("source"), "from": used, "to": to("source")}));
        transfers.push(json!({"name": name("mapper"), "from": good, "map": [used], "to": to("mapper")}));
    }
    let trap = json!({"plugin": "mine", "with": {"behaviour": "trap"}});
    transfers
        .push(json!({"name": "unprepared", "from": good, "to": {"registry": "oci:out/unprepared", "prepare": trap}}));
    transfers.push(json!({"name": "also good", "from": good, "to": {"registry": "oci:out/also-good"}}));
    workflow(&place, &json!(transfers));
    let finished = place.run(&["run", "workflow.yaml", "--report", "report.json"]).expect(3);
    for name in ["good", "also-good"] {
        let (from, to) = (Layout::at(&place.path().join("in")), Layout::at(&place.path().join("out").join(name)));
        assert_eq!(to.content("app", "1"), from.content("app", "1"), "{name}");
    }
    for (plugin, behaviour, says) in bad {
        let line =
            finished.stderr.lines().find(|line| line.contains(&format!("plugin `{plugin}`")) && line.contains(says));
        assert!(line.is_some(), "{plugin} {behaviour}: {}", finished.stderr);
    }
    let report = place.report("report.json");
    assert_eq!(report["incomplete"].as_array().unwrap().len(), bad.len(), "each bad source, by name");
    assert_eq!(report["rejected"].as_array().unwrap().len(), bad.len(), "each image that a bad mapper was to map");
    let unprepared =
        report["images"].as_array().unwrap().iter().find(|image| image["transfer"] == "unprepared").unwrap();
    assert_eq!(unprepared["targets"][0]["status"], "failed");
}

#[test]
fn a_flood_of_log_lines_is_cut_off() {
    let place = Workplace::new();
    let flood = json!({"plugin": "mine", "with": {"behaviour": "flood", "text": "again and again", "count": 5000}});
    workflow(&place, &json!([{"from": flood, "to": {"registry": "oci:out"}}]));
    let finished = place.run(&["run", "workflow.yaml"]);
    let finished = finished.says("more than 1000 log lines in one call, the rest is dropped");
    let lines = finished.stderr.lines().filter(|line| line.contains("again and again")).count();
    assert!((1000..=2000).contains(&lines), "{lines} lines of two calls");
}
