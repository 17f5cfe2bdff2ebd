//! Servers that answer as they should not, or not at all. Each registry is a scripted one.

use std::time::Duration;

use serde_json::json;

use crate::harness::api::Reply;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::store::sha256;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::fault::set;
use crate::support::lock::Kind;
use crate::support::registry::Scripted;

use super::Case;

/// One image of one rule.
const ONE: &str = "transfers:\n  - from: {plugin: rules, with: {rules: {\"SOURCE/app:1\": \"TARGET/app:1\"}}}\n";

/// Two scripted registries, the first with `app:1`.
struct Stage {
    source: Scripted,
    target: Scripted,
    case: Case,
    /// More of the source's and of the target's entry.
    entries: [String; 2],
    limits: &'static str,
    patience: &'static str,
}

impl Stage {
    fn of(kind: Kind, graph: &Graph) -> Self {
        let (source, target) = (Scripted::start(kind, None), Scripted::start(Kind::Open, None));
        graph.push(source.storage().as_ref(), "app");
        let case = Case::new().named("SOURCE", source.address()).named("TARGET", target.address());
        Self { source, target, case, entries: [String::new(), String::new()], limits: "blobs: 1", patience: "1s" }
    }

    fn new() -> Self {
        Self::of(Kind::Open, &Graph::single("served", "1"))
    }

    /// Every request of `method` at the source whose path matches has this fault.
    fn source(self, method: &str, path: &str, fault: Fault) -> Self {
        self.source.fault(method, path, Times::Always, fault);
        self
    }

    fn limits(mut self, limits: &'static str) -> Self {
        self.limits = limits;
        self
    }

    /// The head of a workflow of both registries.
    fn head(&self) -> String {
        let [source, target] = &self.entries;
        format!(
            "version: 1\nregistries:\n  \"SOURCE\": {{plain-http: true{source}}}\n  \"TARGET\": {{plain-http: true{target}}}\nplugins:\n  hostile: {{path: hostile.wasm, timeout: 1s}}\nlimits: {{{}}}\nretry: {{rounds: 0, patience: {}}}\n",
            self.limits, self.patience
        )
    }

    /// A run that copies `app:1`.
    #[track_caller]
    fn says(&self, name: &str) {
        self.says_of(name, ONE);
    }

    #[track_caller]
    fn says_of(&self, name: &str, transfers: &str) {
        let text = self.head() + transfers;
        self.case.file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
    }
}

#[test]
fn a_registry_that_says_nothing_or_hardly_anything() {
    let silent = Stage::new().source("GET", "/manifests/", Fault::Silent).source("HEAD", "/manifests/", Fault::Silent);
    silent.limits("blobs: 1, idle: 1s").says("server-silent");
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, vec![7; 20_000]);
    let image = graph.image("linux/amd64", std::slice::from_ref(&layer));
    graph.tag("1", &image);
    let drop_by_drop = Fault::SlowBody(20, Duration::from_millis(100));
    let digest = layer["digest"].as_str().unwrap();
    Stage::of(Kind::Open, &graph)
        .source("GET", &format!("/blobs/{digest}"), drop_by_drop)
        .limits("blobs: 1, idle: 500ms, minimum-rate: 10KiB")
        .says("server-slow");
}

#[test]
fn a_registry_that_serves_nothing_for_as_long_as_is_waited() {
    let busy = Fault::Answer(Reply::empty(503).with("Retry-After", "1"));
    let mut stage = Stage::new().source("*", "^/v2/", busy);
    stage.patience = "0s";
    stage.says("server-down");
}

#[test]
fn a_registry_that_answers_compressed() {
    Stage::new().source("GET", "/blobs/", Fault::header("Content-Encoding", "gzip")).says("server-encoding");
}

#[test]
fn a_registry_that_leads_to_a_private_address() {
    let away = Fault::act(|_| Reply::empty(307).with("Location", "http://169.254.169.254/blob"));
    Stage::new().source("GET", "/blobs/", away).says("server-private");
    let stage = Stage::new();
    let away = Fault::header("Location", "http://169.254.169.254/upload");
    stage.target.fault("POST", "/blobs/uploads/", Times::Always, away);
    stage.says("server-private-upload");
}

#[test]
fn a_registry_that_hands_out_another_manifest() {
    let other = Fault::change(|_, reply| {
        reply.body.push(b' ');
        let length = reply.body.len().to_string();
        if reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            set(reply, "Content-Length", &length);
        }
    });
    Stage::new().source("GET", "/manifests/", other).says("server-manifest");
}

#[test]
fn a_host_whose_name_can_have_no_address() {
    // No label has more than 63 letters, so that nobody needs to be asked.
    let host = format!("{}.example.com", "x".repeat(64));
    let text = format!(
        "version: 1\nregistries: {{\"{host}\": {{plain-http: true}}}}\nretry: {{rounds: 0, patience: 1s}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{host}/app:1\": \"oci:out//app:1\"}}}}}}\n"
    );
    Case::new().file("workflow.yaml", &text).says("server-name", &["run", "workflow.yaml", "--no-journal", "--quiet"]);
}

#[test]
fn logins_that_are_sent_elsewhere_or_bring_nothing() {
    let challenge = |realm: &str| {
        Fault::Answer(Reply::empty(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"x\"")))
    };
    let stage = || {
        let mut stage = Stage::of(Kind::Token, &Graph::single("served", "1"));
        stage.entries[0] = ", username: test, password: wrong-placeholder".to_owned();
        stage
    };
    stage().source("GET", "^/v2/$", challenge("http://169.254.169.254/token")).says("login-elsewhere");
    stage().source("GET", "^/token", Fault::Answer(Reply::json(200, &json!({})))).says("login-no-token");
    let mut trapped = stage();
    trapped.entries[0] = ", credentials: {plugin: hostile, with: {behaviour: trap}}".to_owned();
    trapped.says("login-plugin");
}

#[test]
fn a_repository_that_is_refused_by_who_prepares_it() {
    let stage = Stage::new();
    stage.says_of(
        "prepare-refused",
        "transfers:\n  - from: {plugin: rules, with: {rules: {\"SOURCE/app:1\": \"TARGET/denied:1\"}}}\n    to: {registry: \"TARGET\", prepare: {plugin: hostile, with: {behaviour: good, password: not-a-secret}}}\n",
    );
    assert_eq!(stage.target.count("POST", "/blobs/"), 0);
}

#[test]
fn tags_whose_age_cannot_be_read() {
    let transfers = "transfers:\n  - from: {plugin: rules, with: {rules: {\"SOURCE/app\": \"TARGET/app\"}}}\n    select: {tags: {newest: {count: 1, by: created}}}\n";
    let stage = Stage::of(Kind::Open, &{
        let mut graph = Graph::single("served", "1");
        let image = graph.tags["1"].clone();
        graph.tags.insert("2".to_owned(), image);
        graph
    });
    stage.source("GET", "/blobs/", Fault::status(403)).says_of("newest-unread", transfers);
}

#[test]
fn images_that_get_no_name_or_one_that_is_taken() {
    let long = "a".repeat(150);
    let namespace = format!(
        "transfers:\n  - from: {{plugin: catalog, with: {{registry: \"SOURCE\", repositories: [{long}]}}}}\n    to: {{registry: \"TARGET\", namespace: {long}}}\n"
    );
    let mut stage = Stage::new();
    Graph::single("served", "1").push(stage.source.storage().as_ref(), &long);
    stage.limits = "blobs: 1, images: 1";
    stage.says_of("name-too-long", &namespace);
    Graph::single("other", "1").push(stage.source.storage().as_ref(), "other");
    let rule = |from: &str| {
        format!("  - from: {{plugin: rules, with: {{rules: {{\"SOURCE/{from}:1\": \"TARGET/one:1\"}}}}}}\n")
    };
    stage.says_of("name-taken", &format!("transfers:\n{}{}    needs: [transfer-1]\n", rule("app"), rule("other")));
}

#[test]
fn an_index_of_more_manifests_than_any_image_has() {
    let mut graph = Graph::new();
    // `plan` counts what is no manifest, and leaves it alone.
    let children: Vec<_> = (0..3)
        .map(|part| {
            let digest = |leaf: usize| sha256(format!("{part} {leaf}").as_bytes());
            let leaf = |leaf| json!({"mediaType": OCI_LAYER, "digest": digest(leaf), "size": 2});
            graph.index(&(0..9_000).map(leaf).collect::<Vec<_>>())
        })
        .collect();
    let index = graph.index(&children);
    graph.tag("1", &index);
    let stage = Stage::of(Kind::Open, &graph);
    stage.case.file("workflow.yaml", &(stage.head() + ONE)).says("manifest-many", &["plan", "workflow.yaml"]);
}

#[test]
fn a_list_that_is_asked_for_too_often_is_not_taken_for_an_empty_one() {
    let transfers =
        "transfers:\n  - from: {plugin: catalog, with: {registry: \"SOURCE\"}}\n    to: {registry: \"oci:out\"}\n";
    let mut stage = Stage::new().source("GET", "^/v2/_catalog", Fault::status(429));
    stage.patience = "0s";
    stage.says_of("source-limited", transfers);
}

#[test]
fn an_api_that_does_not_answer_a_plugin() {
    let stage = Stage::new().source("GET", "^/slow", Fault::Silent);
    stage.says_of(
        "source-timeout",
        "transfers:\n  - from: {plugin: hostile, with: {behaviour: slow-host, endpoint: \"http://SOURCE/slow\"}}\n    to: {registry: \"oci:out\"}\n",
    );
}

#[test]
fn a_target_that_has_lost_a_layer() {
    let graph = Graph::single("lost", "1");
    let stage = Stage::of(Kind::Open, &graph);
    stage.case.file("workflow.yaml", &(stage.head() + ONE));
    graph.push(stage.target.storage().as_ref(), "app");
    stage.target.storage().lock().repository("app").blobs.pop_first();
    stage.case.says("verify-gone", &["verify", "workflow.yaml", "--deep", "--quiet"]);
}
