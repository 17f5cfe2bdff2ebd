//! The report for CI systems, by a schema of its shape and another program's reader.

use std::path::Path;
use std::process::Command;

use crate::harness::graph::Graph;
use crate::harness::tools;
use crate::reports::MARKUP;
use crate::reports::eventful;
use crate::reports::run;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::stage::APP;

/// The answer of xmllint to this question.
fn xpath(file: &Path, question: &str) -> String {
    let output = Command::new(tools::find("xmllint")).args(["--xpath", question]).arg(file).output().unwrap();
    assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_report_has_the_shape_that_ci_systems_read() {
    let (stage, text) = eventful();
    run(&stage, &text, &["report.xml"]).expect(1);
    let file = stage.place.path().join("report.xml");
    let schema = tools::repository().join("tests/fixtures/junit/report.xsd");
    let valid = |file: &Path| {
        let mut xmllint = Command::new(tools::find("xmllint"));
        let output = xmllint.args(["--noout", "--nonet", "--schema"]).args([&schema, file]).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (fits, said) = valid(&file);
    assert!(fits, "{said}\n{}", stage.place.read("report.xml"));
    let slip = stage.place.read("report.xml").replacen(" tests=", " test=", 1);
    assert!(!valid(&stage.place.file("slip.xml", &slip)).0, "a slip fits as well");
    assert_eq!(xpath(&file, "count(//testcase)"), "14");
    for (number, attribute) in [("14", "tests"), ("2", "failures"), ("0", "errors"), ("0", "skipped")] {
        assert_eq!(xpath(&file, &format!("string(/testsuites/testsuite/@{attribute})")), number, "{attribute}");
    }
    assert_eq!(xpath(&file, "string(//testsuite/@name)"), MARKUP);
    assert_eq!(xpath(&file, "count(//testcase[@classname='everything'][failure])"), "2");
    assert_eq!(xpath(&file, "string(//failure[contains(../@name, 'team/gone:1')]/@type)"), "not-found");
    assert!(xpath(&file, "string(//failure[contains(../@name, 'team/refused:1')])").contains("<script>"));
    assert!(xpath(&file, "string(//failure[contains(../@name, 'team/gone:1')])").contains("hint: "));
}

#[test]
fn what_is_left_alone_is_skipped_and_what_broke_off_is_an_error() {
    let (stage, text) = eventful();
    run(&stage, &text, &[]).expect(1);
    let skipping = format!(
        "{text}    to: {{existing: skip}}\n  - name: broken\n    from: {{plugin: catalog, with: {{registry: \"{}\"}}}}\n    to: {{registry: \"oci:out\"}}\n",
        stage.source.address()
    );
    stage.source.fault("GET", "/_catalog", Times::Always, Fault::status(404));
    // Other content, so that the tags are there with another digest.
    for number in 1..=3 {
        let graph = Graph::usual(&format!("newer {number}"), &format!("v{number}"));
        graph.push(stage.source.storage().as_ref(), APP);
    }
    run(&stage, &skipping, &["report.xml"]).expect(3);
    let file = stage.place.path().join("report.xml");
    assert_eq!(xpath(&file, "string(//testsuite/@skipped)"), "3");
    assert_eq!(xpath(&file, "count(//testcase[skipped])"), "3");
    assert_eq!(xpath(&file, "string(//testsuite/@errors)"), "1");
    assert_eq!(xpath(&file, "string(//testcase[@classname='broken']/error/@type)"), "unlisted");
}
