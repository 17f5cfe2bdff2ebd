//! What is wrong is told with its place before anything is sent; what fails fails alone.

use std::net::SocketAddr;
use std::net::TcpListener;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::proxy::Proxy;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::harness::tools;

/// `check` and `run` both refuse `text` with exit code 2, point at `line` with a caret, say `message`, and send nothing.
/// `REGISTRY` is one that would notice.
#[track_caller]
fn refused(text: &str, line: usize, message: &str) {
    let registry = Registry::open();
    let proxy = registry.proxy();
    let place = Workplace::new();
    place.file("not-a-component.wasm", "these are no components");
    let fixtures = tools::repository().join("tests/fixtures/plugins");
    let text =
        text.replace("REGISTRY", &proxy.address().to_string()).replace("FIXTURES", &fixtures.display().to_string());
    place.file("workflow.yaml", &text);
    for command in ["check", "run"] {
        let finished = place.run(&[command, "workflow.yaml"]).expect(2);
        let finished = finished.says(&format!("workflow.yaml:{line}:")).says("^").says(message);
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    }
    assert_eq!(proxy.transcript(), "");
}

/// A workflow whose transfer, from line 3 on, is `text`.
fn transfer(text: &str) -> String {
    format!("version: 1\ntransfers:\n{text}")
}

#[test]
fn a_missing_file_is_named() {
    Workplace::new().run(&["run", "nowhere.yaml"]).expect(2).says("nowhere.yaml");
}

#[test]
fn broken_yaml_is_refused() {
    refused("version: 1\ntransfers: [\n", 2, "not YAML");
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    let text = transfer("  - from: {plugin: catalog, with: {registry: REGISTRY}}\n    too: {registry: \"oci:out\"}\n");
    refused(&text, 4, "did you mean `to`?");
}

#[test]
fn the_errors_of_the_file_and_of_its_plugins_come_together() {
    let text = "\
version: 1
limts: {qps: 5}
transfers:
  - from: {plugin: rules, with: {rules: {REGISTRY/Upper/case: REGISTRY/x/y, REGISTRY/a/b: REGISTRY/c/D}}}
  - from: {plugin: catalgo, with: {}}
    to: {registry: \"oci:out\"}
  - from: {plugin: catalog, with: {registri: REGISTRY}}
    to: {registry: \"oci:out\", existing: maybe}
";
    for (line, message) in [
        (2, "did you mean `limits`?"),
        (4, "`Upper/case` is not a repository"),
        (4, "`c/D` is not a repository"),
        (5, "did you mean `catalog`?"),
        (7, "did you mean `registry`?"),
        (8, "`existing` must be one of"),
    ] {
        refused(text, line, message);
    }
}

#[test]
fn an_unknown_plugin_is_refused() {
    let text = transfer("  - from: {plugin: catalogue, with: {registry: REGISTRY}}\n    to: {registry: \"oci:out\"}\n");
    refused(&text, 3, "catalogue");
}

#[test]
fn an_unknown_option_of_a_plugin_is_refused() {
    let text = transfer(
        "  - from:\n      plugin: catalog\n      with:\n        registry: REGISTRY\n        repos: [a]\n    to: {registry: \"oci:out\"}\n",
    );
    refused(&text, 7, "repos");
}

#[test]
fn an_option_of_the_wrong_type_is_refused() {
    let text = transfer(
        "  - from:\n      plugin: catalog\n      with:\n        registry: REGISTRY\n        repositories: everything\n    to: {registry: \"oci:out\"}\n",
    );
    refused(&text, 7, "array");
}

#[test]
fn a_bad_reference_is_refused() {
    let text = transfer(
        "  - from:\n      plugin: rules\n      with:\n        rules:\n          \"REGISTRY/Upper/case:1\": \"REGISTRY/x/y\"\n",
    );
    refused(&text, 7, "Upper/case:1");
}

#[test]
fn a_bad_regular_expression_is_refused() {
    let text = transfer(
        "  - from: {plugin: catalog, with: {registry: REGISTRY}}\n    select: {tags: {include: [\"/a(/\"]}}\n    to: {registry: \"oci:out\"}\n",
    );
    refused(&text, 4, "regular expression");
}

#[test]
fn a_bad_range_of_versions_is_refused() {
    let text = transfer(
        "  - from: {plugin: catalog, with: {registry: REGISTRY}}\n    select: {tags: {semver: \">=x\"}}\n    to: {registry: \"oci:out\"}\n",
    );
    refused(&text, 4, ">=x");
}

#[test]
fn a_target_that_is_its_source_is_refused() {
    let text = transfer("  - from: {plugin: rules, with: {rules: {\n      \"REGISTRY/a/b:1\": \"REGISTRY/a/b:1\"}}}\n");
    refused(&text, 4, "its own source");
}

#[test]
fn a_duplicate_target_is_refused() {
    let text = transfer(
        "  - from:\n      plugin: rules\n      with:\n        rules:\n          \"REGISTRY/a/b:1\": \"REGISTRY/c/d:1\"\n          \"REGISTRY/a/e:1\": \"REGISTRY/c/d:1\"\n",
    );
    refused(&text, 8, "c/d:1");
}

#[test]
fn a_component_that_is_none_is_refused() {
    let text = "version: 1\nplugins:\n  mine: {path: not-a-component.wasm}\ntransfers:\n  - from: {plugin: mine}\n    to: {registry: \"oci:out\"}\n";
    refused(text, 3, "not-a-component.wasm");
}

#[test]
fn a_component_of_another_hash_is_refused() {
    let zeros = "0".repeat(64);
    let text = format!(
        "version: 1\nplugins:\n  mine:\n    path: FIXTURES/hostile.wasm\n    sha256: {zeros}\ntransfers:\n  - from: {{plugin: mine, with: {{behaviour: good}}}}\n    to: {{registry: \"oci:out\"}}\n"
    );
    let place = Workplace::new();
    let fixtures = tools::repository().join("tests/fixtures/plugins");
    place.file("workflow.yaml", &text.replace("FIXTURES", &fixtures.display().to_string()));
    place.run(&["check", "workflow.yaml"]).expect(2).says("workflow.yaml:").says(&zeros[..12]);
}

#[test]
fn a_component_without_the_export_is_refused() {
    let text = transfer("  - from: {plugin: rewrite, with: {prefix: a/}}\n    to: {registry: \"oci:out\"}\n");
    refused(&text, 3, "source");
}

#[test]
fn all_errors_are_told_at_once() {
    let place = Workplace::new();
    place.file("workflow.yaml", "version: 1\nlimits: {qps: none}\ntransfers:\n  - from: {plugin: catalog, with: {}}\n    needs: [ghost]\n    to: {registry: \"oci:out\"}\n");
    place.run(&["check", "workflow.yaml"]).expect(2).says("workflow.yaml:2:").says("workflow.yaml:5:");
}

/// A workflow with these rules that tries each image once.
fn rules(addresses: &[SocketAddr], rules: &[(String, String)]) -> String {
    let rules: String = rules.iter().map(|(left, right)| format!("          \"{left}\": \"{right}\"\n")).collect();
    format!(
        "{}retry: {{rounds: 0}}\ntransfers:\n  - from:\n      plugin: rules\n      with:\n        rules:\n{rules}",
        plain(addresses)
    )
}

#[test]
fn an_unreachable_registry_fails_its_images_and_the_others_go_on() {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("reachable", "1").push(&source.remote(), "app");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (from, to) = (source.address(), target.address());
    let text = rules(
        &[from, to, gone],
        &[(format!("{gone}/app:1"), format!("{to}/gone:1")), (format!("{from}/app:1"), format!("{to}/app:1"))],
    );
    let place = Workplace::new();
    place.workflow(&text).expect(1).says(&gone.to_string());
    assert_eq!(target.remote().tags("app"), ["1"]);
    assert_eq!(place.report("report.json")["summary"]["failed"], 1);
}

#[test]
fn a_wrong_password_fails_its_images_and_says_what_to_do() {
    let (source, locked, target) = (Registry::open(), Registry::locked(), Registry::open());
    Graph::single("open", "1").push(&source.remote(), "app");
    Graph::single("locked", "1").push(&locked.remote(), "app");
    let (from, closed, to) = (source.address(), locked.address(), target.address());
    let text = rules(
        &[from, to],
        &[(format!("{closed}/app:1"), format!("{to}/closed:1")), (format!("{from}/app:1"), format!("{to}/app:1"))],
    );
    let login =
        format!("registries:\n  \"{closed}\": {{plain-http: true, username: test, password: wrong-placeholder}}\n");
    let finished = Workplace::new().workflow(&text.replacen("registries:\n", &login, 1)).expect(1);
    finished.says("hint").says("password");
    assert_eq!(target.remote().tags("app"), ["1"]);
}

#[test]
fn a_missing_image_fails_alone() {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("here", "1").push(&source.remote(), "app");
    let (from, to) = (source.address(), target.address());
    let text = rules(
        &[from, to],
        &[(format!("{from}/missing:1"), format!("{to}/missing:1")), (format!("{from}/app:1"), format!("{to}/app:1"))],
    );
    Workplace::new().workflow(&text).expect(1).says("missing:1");
    assert_eq!(target.remote().tags("app"), ["1"]);
}

/// A workflow whose source is the guest that misbehaves.
fn hostile(registry: &Proxy, with: &str) -> String {
    let guest = tools::repository().join("tests/fixtures/plugins/hostile.wasm");
    format!(
        "{}retry: {{rounds: 0}}\nplugins:\n  hostile: {{path: \"{}\", cpu: 1s, timeout: 5s, memory: 32MiB}}\ntransfers:\n  - name: hostile\n    from: {{plugin: hostile, with: {with}}}\n    map: {{plugin: rewrite, with: {{drop: [\"**\"]}}}}\n    to: {{registry: \"oci:out\"}}\n  - name: good\n    from: {{plugin: rules, with: {{rules: {{\"{2}/app:1\": \"\"}}}}}}\n    to: {{registry: \"oci:good\"}}\n",
        plain(&[registry.address()]),
        guest.display(),
        registry.address()
    )
}

/// The guest's transfer ends as incomplete, and the other one is done.
fn breaks_off(with: &str) {
    let registry = Registry::open();
    Graph::single("good", "1").push(&registry.remote(), "app");
    let proxy = registry.proxy();
    let place = Workplace::new();
    place.workflow(&hostile(&proxy, with)).expect(3);
    let report = place.report("report.json");
    assert_eq!(report["incomplete"][0]["transfer"], "hostile");
    assert!(place.path().join("good/app/index.json").is_file());
}

#[test]
fn a_source_that_breaks_off_half_way_is_exit_code_3() {
    breaks_off("{behaviour: break-off}");
}

#[test]
fn a_looping_plugin_is_stopped() {
    breaks_off("{behaviour: loop}");
}

#[test]
fn a_bombing_plugin_is_stopped() {
    breaks_off("{behaviour: memory}");
}

#[test]
fn a_trapping_plugin_is_an_incomplete_source() {
    breaks_off("{behaviour: trap}");
}

#[test]
fn a_flooding_plugin_is_stopped() {
    breaks_off("{behaviour: huge-batch}");
}

#[test]
fn a_plugin_reaches_no_host_that_it_was_not_granted() {
    let (registry, forbidden) = (Registry::open(), Registry::open());
    let (proxy, guarded) = (registry.proxy(), forbidden.proxy());
    Graph::single("good", "1").push(&registry.remote(), "app");
    let with = format!("{{behaviour: fetch, url: \"http://{}/v2/\"}}", guarded.address());
    let place = Workplace::new();
    place.workflow(&hostile(&proxy, &with)).expect(0);
    assert_eq!(guarded.transcript(), "");
    assert!(place.path().join("good/app/index.json").is_file());
}
