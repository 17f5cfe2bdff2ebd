//! Errors of the command line, and of what it names.

use std::net::TcpListener;

use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::registry::Registry;

use super::Case;

#[test]
fn arguments_that_there_are_not() {
    let case = Case::new();
    case.says("line-command", &["rnu", "workflow.yaml"]);
    case.says("line-argument", &["run", "workflow.yaml", "--quite"]);
    case.says("line-missing", &["run"]);
    case.says("line-value", &["run", "workflow.yaml", "--log-level", "loud"]);
    case.says("line-duration", &["run", "workflow.yaml", "--deadline", "soon"]);
    case.says("line-set", &["run", "workflow.yaml", "--set", "region"]);
    case.says("line-together", &["run", "workflow.yaml", "--no-journal", "--resume"]);
}

#[test]
fn names_of_images_that_are_none() {
    let case = Case::new();
    case.says("copy-source", &["copy", "a.example.com/Upper:1", "b.example.com/app"]);
    case.says("copy-tag", &["copy", "a.example.com/app:-x", "b.example.com/app"]);
    case.says("copy-digest", &["copy", "a.example.com/app@sha256:abc", "b.example.com/app"]);
    case.says("copy-layout", &["copy", "oci:images", "b.example.com/app"]);
    case.says("copy-platform", &["copy", "a.example.com/app:1", "b.example.com/app", "--platform", "linux"]);
    case.says("copy-itself", &["copy", "a.example.com/app:1", "a.example.com/app:1"]);
}

#[test]
fn what_init_cannot_write() {
    let case = Case::new();
    case.says("init-nobody-to-ask", &["init"]);
    case.says("init-registry", &["init", "--from", "a b", "--to", "c.example.com"]);
    case.says("init-whole-hub", &["init", "--from", "docker.io", "--to", "c.example.com"]);
    case.says("init-tags", &["init", "--from", "a.example.com", "--to", "c.example.com", "--tags", "["]);
    let plain = ["init", "--from", "a.example.com", "--to", "c.example.com", "--plain-http", "a b"];
    case.says("init-plain-http", &plain);
    case.file("workflow.yaml", "mine\n");
    case.says("init-there-already", &["init", "--from", "a.example.com", "--to", "c.example.com"]);
    case.says("init-no-directory", &["init", "no/workflow.yaml", "--from", "a.example.com", "--to", "c.example.com"]);
}

#[test]
fn what_convert_cannot_read() {
    let case = Case::new();
    case.file("unknown.yaml", "- a\n").file("workflow.yaml", "version: 1\ntransfers: []\n");
    case.file("logins.yaml", "a.example.com: {username: u, password: p}\n");
    case.says("convert-unknown", &["convert", "unknown.yaml", "--output", "out.yaml"]);
    case.says("convert-workflow", &["convert", "workflow.yaml", "--output", "out.yaml"]);
    case.says("convert-logins", &["convert", "logins.yaml", "--output", "out.yaml"]);
}

#[test]
fn what_the_classic_flags_lack() {
    let case = Case::new();
    case.file("rules.yaml", "a.example.com/x/y: b.example.com/x/y\n").file("rules.txt", "");
    case.file("bad.yaml", "a.example.com/x/y: {a: b}\n").file("half.yaml", "a.example.com: {username: u}\n");
    case.says("classic-routines", &["--ruleFile=rules.yaml", "--routines=0"]);
    case.says("classic-no-rules", &["--securityFile=half.yaml"]);
    case.says("classic-suffix", &["--ruleFile=rules.txt"]);
    case.says("classic-missing", &["--ruleFile=nowhere.yaml"]);
    case.says("classic-target", &["--ruleFile=bad.yaml", "--securityFile=half.yaml"]);
    case.says("classic-names", &["--ruleFile=rules.yaml", "--registry=a b", "--ns=Upper"]);
    case.says("classic-migration", &["--ccrToTcr"]);
    case.file("keys.yaml", "ccr: {}\n");
    case.says("classic-migration-keys", &["--ccrToTcr", "--secretFile=keys.yaml", "--tcrName=name"]);
    case.file("other.yaml", "other: {}\n").file("nowhere.yaml", "a.example.com/x/y: \"\"\n");
    case.says("classic-other-keys", &["--ccrToTcr", "--secretFile=other.yaml", "--tcrName=name"]);
    case.says("classic-layout", &["--ccrToTcr", "--secretFile=other.yaml", "--tcrName=name", "--registry=oci:x"]);
    case.file("variables.yaml", "a.example.com/x/y: \"${vars.target}\"\n");
    case.says("classic-variables", &["--ruleFile=variables.yaml"]);
    case.says("classic-nowhere", &["--ruleFile=nowhere.yaml"]);
    case.says("classic-log-file", &["--ruleFile=rules.yaml", "--log-output-paths=no/where.log"]);
}

#[test]
fn plugins_that_there_are_not() {
    let case = Case::new();
    case.file("not-a-component.wasm", "these are no components");
    case.says("plugin-unknown", &["plugin", "inspect", "catalogue"]);
    case.says("plugin-no-component", &["plugin", "inspect", "not-a-component.wasm"]);
    case.says("plugin-no-file", &["plugin", "inspect", "nowhere.wasm"]);
}

#[test]
fn reports_and_journals_that_cannot_be_kept() {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("journal", "1").push(&source.remote(), "app");
    let case = Case::new().named("SOURCE", source.address()).named("TARGET", target.address());
    let head = plain(&[source.address(), target.address()]);
    let workflow = |repository: &str| {
        format!(
            "{head}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"TARGET/{repository}:1\"}}}}}}\n"
        )
    };
    case.file("workflow.yaml", &workflow("app")).file("taken", "a file");
    case.says("run-report", &["run", "workflow.yaml", "--report", "no/report.json"]);
    case.says("journal-no-directory", &["run", "workflow.yaml", "--state", "taken"]);
    case.says("journal-no-run", &["history", "workflow/9", "--state", "state"]);
    // One that did not end whole, and is then not the one that it was.
    case.file("workflow.yaml", &workflow("app").replace("app:1\": ", "gone:1\": "));
    case.place.run(&["run", "workflow.yaml", "--state", "state"]).expect(1);
    case.file("workflow.yaml", &workflow("other"));
    case.says("journal-changed", &["run", "workflow.yaml", "--state", "state", "--resume"]);
    // Two of them would be one too many.
    let gate = Gate::default();
    let proxy = source.proxy();
    proxy.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    let held = workflow("app")
        .replace("SOURCE", &proxy.address().to_string())
        .replace(&source.address().to_string(), &proxy.address().to_string());
    case.file("workflow.yaml", &held);
    let running = case.place.start(&["run", "workflow.yaml", "--state", "held"], &[]);
    gate.await_arrivals(1);
    case.says("journal-held", &["run", "workflow.yaml", "--state", "held"]);
    gate.open();
    running.finish().expect(0);
    case.says_with("journal-no-home", &["run", "workflow.yaml", "--resume"], &[("HOME", "")]);
}

#[test]
fn metrics_and_traces_that_cannot_be_had() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let case = Case::new().named("TAKEN", taken.local_addr().unwrap());
    case.file(
        "workflow.yaml",
        "version: 1\ntransfers:\n  - from: {plugin: catalog, with: {registry: \"oci:in\"}}\n    to: {registry: \"oci:out\"}\n",
    );
    case.says("metrics-taken", &["run", "workflow.yaml", "--no-journal", "--metrics", "TAKEN"]);
    let traces = |snapshot: &str, name: &str, value: &str| {
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), (name, value)];
        case.says_with(snapshot, &["run", "workflow.yaml", "--no-journal"], &environment);
    };
    traces("traces-protocol", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    traces("traces-exporter", "OTEL_TRACES_EXPORTER", "zipkin");
    traces("traces-certificate", "OTEL_EXPORTER_OTLP_CERTIFICATE", "nowhere.pem");
}
