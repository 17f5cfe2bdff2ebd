//! What a run says of what failed, and of sources that broke off.

use std::net::SocketAddr;
use std::net::TcpListener;

use crate::harness::certificates::Certificates;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::proxy::Action;
use crate::harness::registry::Registry;
use crate::support::lock::Kind;
use crate::support::registry::Scripted;

use super::Case;

/// Two registries, the first with `app:1` for one platform.
struct Stage {
    source: Registry,
    target: Registry,
    case: Case,
}

impl Stage {
    fn new() -> Self {
        let (source, target) = (Registry::open(), Registry::open());
        Graph::single("said", "1").push(&source.remote(), "app");
        let case = Case::new().named("SOURCE", source.address()).named("TARGET", target.address());
        Self { source, target, case }
    }

    /// A run of one rule, with more keys of the workflow and of its transfer.
    #[track_caller]
    fn says(&self, name: &str, rule: &str, keys: &str, more: &str) {
        let head = plain(&[self.source.address(), self.target.address()]);
        let text = format!(
            "{head}{keys}retry: {{rounds: 0, patience: 1s}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{{rule}}}}}}}\n{more}"
        );
        self.case.file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal"]);
    }
}

/// An answer without a body.
fn answer(status: u16) -> Action {
    Action::Answer { status, headers: Vec::new(), body: Vec::new() }
}

#[test]
fn an_image_that_is_not_there() {
    Stage::new().says("run-missing", "\"SOURCE/gone:1\": \"TARGET/gone:1\"", "", "");
}

#[test]
fn a_registry_that_is_not_there() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut stage = Stage::new();
    stage.case = stage.case.named("GONE", gone);
    stage.says("run-no-registry", "\"SOURCE/app:1\": \"GONE/app:1\"", "", "");
}

#[test]
fn a_certificate_of_nobody_who_is_known() {
    let secured = Registry::tls(&Certificates::new(), false);
    let mut stage = Stage::new();
    stage.case = stage.case.named("SECURED", secured.address());
    let head = plain(&[stage.source.address()]);
    let text = format!(
        "{head}  \"SECURED\": {{anonymous: true}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"SECURED/app:1\"}}}}}}\n"
    );
    stage.case.file("workflow.yaml", &text).says("run-certificate", &["run", "workflow.yaml", "--no-journal"]);
}

#[test]
fn a_wrong_password() {
    let locked = Registry::locked();
    let mut stage = Stage::new();
    stage.case = stage.case.named("LOCKED", locked.address());
    let head = plain(&[stage.source.address()]);
    let login = "username: test, password: wrong-placeholder, ";
    let text = format!(
        "{head}  \"LOCKED\": {{{login}plain-http: true}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"LOCKED/app:1\"}}}}}}\n"
    );
    stage.case.file("workflow.yaml", &text).says("run-wrong-password", &["run", "workflow.yaml", "--no-journal"]);
    let text = text.replace(login, "");
    stage.case.file("workflow.yaml", &text).says("run-no-password", &["run", "workflow.yaml", "--no-journal"]);
}

#[test]
fn logins_of_docker_that_cannot_be_read() {
    let locked = Registry::locked();
    let mut stage = Stage::new();
    stage.case = stage.case.named("LOCKED", locked.address());
    let head = plain(&[stage.source.address(), locked.address()]);
    let text = format!(
        "{head}retry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"LOCKED/app:1\"}}}}}}\n"
    );
    stage.case.file("workflow.yaml", &text);
    for (name, file) in [("run-helper", "{\"credHelpers\": {\"LOCKED\": \"nowhere\"}}"), ("run-logins-broken", "{")] {
        stage.case.file("docker/config.json", file).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
    }
}

#[test]
fn a_login_that_a_token_server_refuses() {
    let closed = Scripted::start(Kind::Token, None);
    let mut stage = Stage::new();
    stage.case = stage.case.named("CLOSED", closed.address());
    let head = plain(&[stage.source.address()]);
    let text = format!(
        "{head}  \"CLOSED\": {{plain-http: true, username: test, password: wrong-placeholder}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"CLOSED/app:1\"}}}}}}\n"
    );
    stage
        .case
        .file("workflow.yaml", &text)
        .says("run-login-refused", &["run", "workflow.yaml", "--no-journal", "--quiet"]);
}

#[test]
fn a_registry_that_leads_in_circles_or_breaks_off() {
    for name in ["run-redirects", "run-broken-connection"] {
        let mut stage = Stage::new();
        let proxy = stage.source.proxy();
        let location = format!("http://{}/v2/app/blobs/again", proxy.address());
        let circle = Action::Answer { status: 307, headers: vec![("Location".into(), location)], body: Vec::new() };
        let action = if name == "run-redirects" { circle } else { Action::CutResponse(10) };
        proxy.fault("GET", "/blobs/", usize::MAX, action);
        stage.case = stage.case.named("STRANGE", proxy.address());
        let head = plain(&[stage.target.address(), proxy.address()]);
        let text = format!(
            "{head}retry: {{rounds: 0}}\nlimits: {{blobs: 1}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"STRANGE/app:1\": \"TARGET/app:1\"}}}}}}\n"
        );
        stage.case.file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
    }
}

#[test]
fn a_tag_that_is_taken() {
    let stage = Stage::new();
    Graph::single("other", "1").push(&stage.target.remote(), "app");
    let rule = "\"SOURCE/app:1\": \"\"";
    stage.says("run-exists", rule, "", "    to: {registry: TARGET, existing: fail}\n");
}

#[test]
fn a_platform_that_is_not_there() {
    let stage = Stage::new();
    Graph::usual("platforms", "2").push(&stage.source.remote(), "app");
    let rule = "\"SOURCE/app:2\": \"TARGET/app:2\"";
    stage.says("run-no-platform", rule, "", "    select: {platforms: [windows/amd64]}\n");
}

#[test]
fn a_target_that_nobody_named() {
    Stage::new().says("run-no-target", "\"SOURCE/app:1\": \"\"", "", "");
}

#[test]
fn a_registry_that_fails() {
    for (name, method, path, status) in [
        ("run-forbidden", "POST", "/blobs/uploads/", 403),
        ("run-server-error", "POST", "/blobs/uploads/", 500),
        ("run-quota", "POST", "/blobs/uploads/", 413),
        ("run-limited", "POST", "/blobs/uploads/", 429),
    ] {
        let mut stage = Stage::new();
        let proxy = stage.target.proxy();
        proxy.fault(method, path, usize::MAX, answer(status));
        stage.case = stage.case.named("BROKEN", proxy.address());
        let head = plain(&[stage.source.address(), proxy.address()]);
        let text = format!(
            "{head}retry: {{rounds: 0, patience: 0s}}\nlimits: {{blobs: 1}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"BROKEN/app:1\"}}}}}}\n"
        );
        stage.case.file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
    }
}

#[test]
fn bytes_that_are_not_what_they_should_be() {
    let mut stage = Stage::new();
    let proxy = stage.source.proxy();
    proxy.fault("GET", "/blobs/", usize::MAX, Action::FlipByte(3));
    stage.case = stage.case.named("DAMAGED", proxy.address());
    let head = plain(&[stage.target.address(), proxy.address()]);
    let text = format!(
        "{head}retry: {{rounds: 0}}\nlimits: {{blobs: 1}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"DAMAGED/app:1\": \"TARGET/app:1\"}}}}}}\n"
    );
    stage.case.file("workflow.yaml", &text).says("run-damaged", &["run", "workflow.yaml", "--no-journal", "--quiet"]);
}

#[test]
fn a_source_that_breaks_off() {
    for behaviour in ["break-off", "loop", "memory", "trap", "huge-batch"] {
        let stage = Stage::new();
        let text = format!(
            "version: 1\nretry: {{rounds: 0}}\nplugins:\n  hostile: {{path: \"hostile.wasm\", cpu: 1s, timeout: 2m, memory: 32MiB}}\ntransfers:\n  - name: all\n    from: {{plugin: hostile, with: {{behaviour: {behaviour}}}}}\n    map: {{plugin: rewrite, with: {{drop: [\"**\"]}}}}\n    to: {{registry: \"oci:out\"}}\n"
        );
        let name = format!("source-{behaviour}");
        stage.case.file("workflow.yaml", &text).says(&name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
    }
}

#[test]
fn a_registry_that_does_not_give_its_list() {
    for (status, name) in [(404, "source-no-catalog"), (403, "source-catalog-denied")] {
        let stage = Stage::new();
        let proxy = stage.source.proxy();
        proxy.fault("GET", "/v2/_catalog", usize::MAX, answer(status));
        list_of(proxy.address(), stage, name);
    }
    // One that wants a login, which is not there.
    let locked = Registry::locked();
    list_of(locked.address(), Stage::new(), "source-catalog-locked");
}

/// Runs what takes all that `registry` lists.
fn list_of(registry: SocketAddr, mut stage: Stage, name: &str) {
    stage.case = stage.case.named("UNLISTED", registry);
    let text = format!(
        "{}transfers:\n  - from: {{plugin: catalog, with: {{registry: \"UNLISTED\"}}}}\n    to: {{registry: \"oci:out\"}}\n",
        plain(&[registry])
    );
    stage.case.file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
}

#[test]
fn a_target_that_a_verification_finds_missing_or_different() {
    let stage = Stage::new();
    let head = plain(&[stage.source.address(), stage.target.address()]);
    let text = format!(
        "{head}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/app:1\": \"TARGET/app:1\"}}}}}}\n"
    );
    stage.case.file("workflow.yaml", &text).says("verify-missing", &["verify", "workflow.yaml", "--quiet"]);
    Graph::single("other", "1").push(&stage.target.remote(), "app");
    stage.case.says("verify-different", &["verify", "workflow.yaml", "--quiet"]);
}
