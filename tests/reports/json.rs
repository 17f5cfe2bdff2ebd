//! The report for scripts, and its schema.

use serde_json::Value;
use serde_json::json;

use crate::harness::command::Workplace;
use crate::harness::tools;
use crate::reports::eventful;
use crate::reports::run;

/// What the schema has against a report.
fn problems(report: &Value) -> Vec<String> {
    let said = Workplace::new().run(&["schema", "--report"]).expect(0);
    let schema: Value = serde_json::from_str(&said.stdout).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(report).map(|it| format!("{}: {it}", it.instance_path())).collect()
}

#[test]
fn a_report_is_one_by_its_schema_and_has_the_figures_of_the_run() {
    let (stage, text) = eventful();
    run(&stage, &text, &["report.json"]).expect(1);
    let report = stage.place.report("report.json");
    assert_eq!(problems(&report), Vec::<String>::new());

    assert_eq!(report["summary"]["copied"], 12);
    assert_eq!(report["images"].as_array().unwrap().len(), 14);
    let classes: Vec<_> =
        report["failures"].as_array().unwrap().iter().map(|it| (it["class"].as_str().unwrap(), &it["count"])).collect();
    assert_eq!(classes, [("not-found", &json!(1)), ("permanent", &json!(1))]);

    let host = |address: &str| {
        let hosts = report["hosts"].as_array().unwrap();
        hosts.iter().find(|host| host["host"] == address).unwrap_or_else(|| panic!("no {address} in {hosts:?}"))
    };
    let (source, target) = (host(&stage.source.address().to_string()), host(&stage.target.address().to_string()));
    assert!(source["retries"].as_u64().unwrap() >= 1, "{source}");
    assert!(target["throttled"].as_u64().unwrap() >= 1 && target["pauses"].as_u64().unwrap() >= 1, "{target}");
    assert!(target["paused-seconds"].as_f64().unwrap() >= 1.0, "{target}");
    let sent = |of: &Value, direction: &str| of[direction].as_u64().unwrap();
    assert!(sent(source, "received") > 12 * 1000 && sent(target, "sent") > 12 * 1000, "{source} {target}");
    let answered: u64 = target["answers"].as_array().unwrap().iter().map(|it| it["count"].as_u64().unwrap()).sum();
    assert_eq!(answered, stage.target.seen().len() as u64);
    assert_eq!(target["requests"], report["requests"][stage.target.address().to_string()]);

    let spans = report["throughput"]["spans"].as_array().unwrap();
    let sum = |key: &str| spans.iter().map(|span| span[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("images"), 14);
    assert_eq!(sum("sent"), sent(source, "sent") + sent(target, "sent"));
    assert_eq!(sum("received"), sent(source, "received") + sent(target, "received"));

    let slowest = report["slowest"].as_array().unwrap();
    assert!(slowest.is_sorted_by_key(|row| std::cmp::Reverse(row["milliseconds"].as_u64().unwrap())), "{slowest:?}");
    let largest = report["largest"].as_array().unwrap();
    assert!(largest.len() >= 12, "{largest:?}");
    assert!(largest.is_sorted_by_key(|row| std::cmp::Reverse(row["bytes"].as_u64().unwrap())), "{largest:?}");
}

#[test]
fn a_report_with_a_slip_is_none_by_the_schema() {
    let (stage, text) = eventful();
    run(&stage, &text, &["report.json"]).expect(1);
    let report = stage.place.report("report.json");
    for (place, value) in [
        ("/version", json!(2)),
        ("/images/0/targets/0/status", json!("fine")),
        ("/failures/0/class", json!("bad luck")),
        ("/hosts/0/received", json!(-1)),
        ("/hosts", Value::Null),
    ] {
        let mut wrong = report.clone();
        *wrong.pointer_mut(place).unwrap() = value;
        assert!(!problems(&wrong).is_empty(), "{place}");
    }
    let mut wrong = report.clone();
    wrong.as_object_mut().unwrap().remove("throughput");
    assert!(!problems(&wrong).is_empty());
}

#[test]
fn reports_of_plans_and_verifications_are_ones_by_the_schema_too() {
    let (stage, text) = eventful();
    stage.place.file("workflow.yaml", &text);
    for (arguments, code) in [
        (&["plan", "workflow.yaml"][..], 1),
        (&["plan", "workflow.yaml", "--names"], 0),
        (&["verify", "workflow.yaml"], 1),
    ] {
        let _ = stage.place.run(&[arguments, &["--report", "report.json"]].concat()).expect(code);
        assert_eq!(problems(&stage.place.report("report.json")), Vec::<String>::new(), "{arguments:?}");
    }
}

#[test]
fn the_schema_that_is_printed_is_the_one_of_the_documentation() {
    let printed = Workplace::new().run(&["schema", "--report"]).expect(0).stdout;
    let documented = std::fs::read_to_string(tools::repository().join("docs/report.schema.json")).unwrap();
    assert_eq!(printed.trim_end(), documented.trim_end());
    Workplace::new().run(&["schema", "workflow.yaml", "--report"]).expect(2).says("cannot be used with");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let (stage, text) = eventful();
    for report in ["missing/report.json", "missing/report.html", "missing/report.xml"] {
        run(&stage, &text, &["report.json", report]).expect(2).says(report);
    }
    assert_eq!((stage.source.seen().len(), stage.target.seen().len()), (0, 0));
    assert!(!stage.place.path().join("report.json").exists());
}
