//! What a workflow asks for is what happens.

use serde_json::Value;
use serde_json::json;

use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::DOCKER_FOREIGN;
use crate::harness::graph::DOCKER_LAYER;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_CONFIG;
use crate::harness::graph::OCI_IMAGE;
use crate::harness::graph::OCI_INDEX;
use crate::harness::graph::OCI_LAYER;
use crate::harness::proxy::Action;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::harness::store::sha256;
use crate::harness::store::text;

/// Two open registries and a place for workflows about them.
struct Stage {
    source: Registry,
    target: Registry,
    place: Workplace,
}

impl Stage {
    fn new() -> Self {
        Self { source: Registry::open(), target: Registry::open(), place: Workplace::new() }
    }

    fn push(&self, repository: &str, graph: &Graph) {
        graph.push(&self.source.remote(), repository);
    }

    /// Runs the transfers in `text`, with `SOURCE` and `TARGET` replaced.
    fn run(&self, text: &str) -> Finished {
        let (source, target) = (self.source.address(), self.target.address());
        let text = text.replace("SOURCE", &source.to_string()).replace("TARGET", &target.to_string());
        self.place.workflow(&format!("{}retry: {{rounds: 0}}\n{text}", plain(&[source, target])))
    }

    fn first_target(&self) -> Value {
        self.place.report("report.json")["images"][0]["targets"][0].clone()
    }
}

const CATALOG: &str = "from: {plugin: catalog, with: {registry: \"SOURCE\"}}\n    to: {registry: \"TARGET\"}\n";

#[test]
fn what_needs_another_transfer_waits_for_it() {
    let stage = Stage::new();
    for number in 0..5 {
        stage.push(&format!("app{number}"), &Graph::usual(&format!("needs {number}"), "1"));
    }
    let text = "\
transfers:
  - name: second
    needs: [first]
    from: {plugin: catalog, with: {registry: \"oci:middle\"}}
    to: {registry: \"TARGET\"}
  - name: first
    from: {plugin: catalog, with: {registry: \"SOURCE\"}}
    to: {registry: \"oci:middle\"}
";
    stage.run(text).expect(0);
    for number in 0..5 {
        let name = format!("app{number}");
        assert_eq!(stage.target.remote().content(&name, "1"), stage.source.remote().content(&name, "1"));
    }
}

#[test]
fn only_what_is_selected_moves() {
    let stage = Stage::new();
    for tag in ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0-rc1", "v2.0.0", "latest"] {
        for repository in ["team-a/app", "team-a/cache", "team-b/app"] {
            stage.push(repository, &Graph::single(tag, tag));
        }
    }
    let select = "    select:
      repositories: {include: [\"team-a/**\"], exclude: [\"**/cache\"]}
      tags: {include: [\"v*\"], exclude: [\"*-rc*\"], semver: \"<2\", newest: {count: 2, by: semver}}
";
    stage.run(&format!("transfers:\n  - {CATALOG}{select}")).expect(0);
    assert_eq!(stage.target.remote().tags("team-a/app"), ["v1.1.0", "v1.2.0"]);
    for repository in ["team-a/cache", "team-b/app"] {
        assert_eq!(stage.target.remote().tags(repository), Vec::<String>::new());
    }
}

#[test]
fn the_newest_by_date_are_found_in_the_configurations() {
    let stage = Stage::new();
    for (tag, created) in [("a", "2024-03-01"), ("b", "2024-01-01"), ("c", "2024-02-01"), ("d", "2023-12-31")] {
        let mut graph = Graph::new();
        let config = json!({"architecture": "amd64", "os": "linux", "created": format!("{created}T00:00:00Z")});
        let config = graph.blob(OCI_CONFIG, config.to_string());
        let layer = graph.blob(OCI_LAYER, format!("layer of {tag}"));
        let image =
            graph.manifest(&json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": config, "layers": [layer]}));
        graph.tag(tag, &image);
        stage.push("app", &graph);
    }
    let select = "    select: {tags: {newest: {count: 2, by: created}}}\n";
    stage.run(&format!("transfers:\n  - {CATALOG}{select}")).expect(0);
    assert_eq!(stage.target.remote().tags("app"), ["a", "c"]);
}

#[test]
fn mappers_follow_one_another() {
    let stage = Stage::new();
    stage.push("team/app", &Graph::single("mapped", "1"));
    let map = "    map:\n      - {plugin: rewrite, with: {namespace: mirror}}\n      - {plugin: rewrite, with: {tag-suffix: -copy}}\n";
    stage.run(&format!("transfers:\n  - {CATALOG}{map}")).expect(0);
    assert_eq!(stage.target.remote().tags("mirror/app"), ["1-copy"]);
}

#[test]
fn a_tag_that_is_there_is_overwritten_skipped_or_an_error() {
    let stage = Stage::new();
    let old = Graph::single("old", "1");
    old.push(&stage.target.remote(), "app");
    stage.push("app", &Graph::single("new", "1"));
    let with = |existing: &str| {
        format!(
            "transfers:\n  - from: {{plugin: catalog, with: {{registry: \"SOURCE\"}}}}\n    to: {{registry: \"TARGET\", existing: {existing}}}\n"
        )
    };
    let tagged = || stage.target.remote().manifest("app", "1").unwrap().digest;
    stage.run(&with("skip")).expect(0);
    assert_eq!((stage.first_target()["status"].clone(), tagged()), (json!("skipped"), old.tags["1"].clone()));
    stage.run(&with("fail")).expect(1);
    assert_eq!((stage.first_target()["status"].clone(), tagged()), (json!("failed"), old.tags["1"].clone()));
    stage.run(&with("overwrite")).expect(0);
    assert_eq!(tagged(), stage.source.remote().manifest("app", "1").unwrap().digest);
    stage.run(&with("fail")).expect(0);
    assert_eq!(stage.first_target()["status"], "unchanged");
}

#[test]
fn only_the_platforms_that_are_asked_for_move_and_the_report_says_so() {
    let stage = Stage::new();
    stage.push("app", &Graph::usual("platforms", "1"));
    stage.run(&format!("transfers:\n  - {CATALOG}    select: {{platforms: [linux/arm64]}}\n")).expect(0);
    let index: Value = serde_json::from_slice(&stage.target.remote().manifest("app", "1").unwrap().bytes).unwrap();
    let children = index["manifests"].as_array().unwrap();
    assert_eq!((children.len(), &children[0]["platform"]["architecture"]), (1, &json!("arm64")));
    stage.target.remote().content("app", "1").unwrap();
    assert_ne!(stage.first_target()["notes"], json!([]));
    stage.run(&format!("transfers:\n  - {CATALOG}    select: {{platforms: [linux/arm64]}}\n")).expect(0);
    assert_eq!(stage.first_target()["status"], "unchanged");
}

/// An image `v1`, an SBOM that refers to it, a signature that refers to that, and cosign's tag.
fn signed() -> (Graph, Value, Value) {
    let mut graph = Graph::usual("signed", "v1");
    let digest = graph.tags["v1"].clone();
    let size = graph.manifests.iter().find(|manifest| manifest.digest == digest).unwrap().bytes.len();
    let image = json!({"mediaType": OCI_INDEX, "digest": digest, "size": size});
    let statement = graph.artifact("application/vnd.example.sbom", "{\"sbom\": true}", Some(&image));
    let signature = graph.artifact("application/vnd.example.cosign", "signature", None);
    graph.tag(&format!("{}.sig", digest.replace(':', "-")), &signature);
    (graph, image, statement)
}

const SIGNED: &str = "    select: {tags: {include: [v1]}, referrers: true}\n";

#[test]
fn referrers_and_signatures_come_along_by_fallback_tags() {
    let stage = Stage::new();
    let (mut graph, image, statement) = signed();
    let fallback = graph.index(std::slice::from_ref(&statement));
    let name = text(&image["digest"]).replace(':', "-");
    graph.tag(&name, &fallback);
    stage.push("app", &graph);
    stage.run(&format!("transfers:\n  - {CATALOG}{SIGNED}")).expect(0);
    let target = stage.target.remote();
    assert_eq!(target.tags("app"), [name.clone(), format!("{name}.sig"), "v1".to_owned()]);
    let listed: Value = serde_json::from_slice(&target.manifest("app", &name).unwrap().bytes).unwrap();
    assert_eq!(listed["manifests"][0]["digest"], statement["digest"]);
    assert_eq!(listed["manifests"][0]["artifactType"], "application/vnd.example.sbom");
    for tag in target.tags("app") {
        target.content("app", &tag).unwrap();
    }
}

#[test]
fn referrers_are_found_by_the_referrers_api() {
    let stage = Stage::new();
    let (graph, image, statement) = signed();
    stage.push("app", &graph);
    let proxy = stage.source.proxy();
    let listed = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [statement]}).to_string().into_bytes();
    let headers = vec![("Content-Type".to_owned(), OCI_INDEX.to_owned())];
    let subject = text(&image["digest"]);
    let answer = Action::Answer { status: 200, headers, body: listed };
    proxy.fault("GET", &format!("/referrers/({subject}|{})", subject.replace(':', "%3A")), usize::MAX, answer);
    let (from, to) = (proxy.address(), stage.target.address());
    let transfer = CATALOG.replace("SOURCE", &from.to_string()).replace("TARGET", &to.to_string());
    stage.place.workflow(&format!("{}transfers:\n  - {transfer}{SIGNED}", plain(&[from, to]))).expect(0);
    let copied = stage.target.remote().content("app", &text(&statement["digest"])).unwrap();
    assert_eq!(Ok(copied), stage.source.remote().content("app", &text(&statement["digest"])));
    let fallback = stage.target.remote().manifest("app", &subject.replace(':', "-")).unwrap();
    assert!(String::from_utf8_lossy(&fallback.bytes).contains(&text(&statement["digest"])));
}

#[test]
fn a_foreign_layer_is_left_out_and_the_report_says_so() {
    let stage = Stage::new();
    let mut graph = Graph::new();
    let own = graph.blob(DOCKER_LAYER, "own layer");
    let foreign = json!({
        "mediaType": DOCKER_FOREIGN, "digest": sha256(b"elsewhere"), "size": 9, "urls": ["https://example.com/layer"],
    });
    let image = graph.docker_image("windows/amd64", &[foreign, own]);
    graph.tag("1", &image);
    stage.push("app", &graph);
    stage.run(&format!("transfers:\n  - {CATALOG}")).expect(0);
    assert_eq!(stage.target.remote().content("app", "1"), stage.source.remote().content("app", "1"));
    assert!(stage.first_target()["notes"].to_string().contains("foreign"), "{}", stage.first_target());
}

#[test]
fn a_schema_1_image_is_a_clear_error_and_the_others_go_on() {
    let stage = Stage::new();
    stage.push("app", &Graph::single("old", "1"));
    stage.push("app", &Graph::single("good", "2"));
    let proxy = stage.source.proxy();
    let body = br#"{"schemaVersion": 1, "name": "app", "tag": "1", "fsLayers": [], "history": []}"#.to_vec();
    let headers = vec![
        ("Content-Type".to_owned(), "application/vnd.docker.distribution.manifest.v1+prettyjws".to_owned()),
        ("Docker-Content-Digest".to_owned(), sha256(&body)),
    ];
    for method in ["HEAD", "GET"] {
        let answer = Action::Answer { status: 200, headers: headers.clone(), body: body.clone() };
        proxy.fault(method, "/manifests/(1|sha256:)$", usize::MAX, answer);
    }
    let digest = sha256(&body);
    let answer = Action::Answer { status: 200, headers, body };
    proxy.fault("GET", &format!("/manifests/{digest}"), usize::MAX, answer);
    let (from, to) = (proxy.address(), stage.target.address());
    let transfer = CATALOG.replace("SOURCE", &from.to_string()).replace("TARGET", &to.to_string());
    let text = format!("{}retry: {{rounds: 0}}\ntransfers:\n  - {transfer}", plain(&[from, to]));
    stage.place.workflow(&text).expect(1).says("schema 1");
    assert_eq!(stage.target.remote().tags("app"), ["2"]);
}

#[test]
fn a_plan_writes_nothing() {
    let stage = Stage::new();
    stage.push("app", &Graph::usual("plan", "1"));
    let proxy = stage.target.proxy();
    let (from, to) = (stage.source.address(), proxy.address());
    let transfer = CATALOG.replace("SOURCE", &from.to_string()).replace("TARGET", &to.to_string());
    stage.place.file("workflow.yaml", &format!("{}transfers:\n  - {transfer}", plain(&[from, to])));
    stage.place.run(&["plan", "workflow.yaml", "--report", "report.json"]).expect(0);
    assert_eq!(stage.first_target()["status"], "planned");
    stage.place.run(&["run", "--dry-run", "workflow.yaml"]).expect(0);
    let written = proxy.requests().into_iter().filter(|one| !matches!(one.method.as_str(), "GET" | "HEAD")).count();
    assert_eq!(written, 0, "{}", proxy.transcript());
}

#[test]
fn a_plan_of_names_maps_every_tag_and_asks_nobody_about_an_image() {
    let stage = Stage::new();
    let graph = Graph::single("names", "1");
    stage.push("app", &graph);
    stage.source.multiply_tag("app", "1", 3);
    let (source, target) = (stage.source.proxy(), stage.target.proxy());
    let (from, to) = (source.address(), target.address());
    let transfer = CATALOG.replace("SOURCE", &from.to_string()).replace("TARGET", &to.to_string());
    let map = "    map: [{plugin: rewrite, with: {tag-suffix: -x}}]\n";
    stage.place.file("workflow.yaml", &format!("{}transfers:\n  - {transfer}{map}", plain(&[from, to])));
    let finished = stage.place.run(&["plan", "--names", "workflow.yaml", "--report", "report.json"]).expect(0);
    let mut tags = stage.source.remote().tags("app");
    tags.sort();
    let lines: Vec<String> = tags.iter().map(|tag| format!("image     {from}/app:{tag} -> {to}/app:{tag}-x")).collect();
    let mut told: Vec<&str> = finished.stdout.lines().filter(|line| line.starts_with("image ")).collect();
    told.sort_unstable();
    assert_eq!(told, lines);
    assert_eq!(finished.last_line(), format!("{} named", tags.len()));
    assert_eq!(stage.first_target()["status"], "named");
    assert!(!source.requests().iter().any(|one| one.path.contains("/manifests/")), "{}", source.transcript());
    assert_eq!(target.requests().len(), 0, "{}", target.transcript());
}

#[test]
fn one_image_is_copied_without_a_file() {
    let stage = Stage::new();
    stage.push("app", &Graph::usual("copy", "1"));
    let (source, target) = (stage.source.address().to_string(), stage.target.address().to_string());
    let (from, to) = (format!("{source}/app:1"), format!("{target}/copied/app:2"));
    let plain = [format!("--plain-http={source}"), format!("--plain-http={target}")];
    stage.place.run(&["copy", &from, &to, "oci:out//app:1", &plain[0], &plain[1]]).expect(0);
    let wanted = stage.source.remote().content("app", "1");
    assert_eq!(stage.target.remote().content("copied/app", "2"), wanted);
    assert_eq!(crate::harness::layout::Layout::at(&stage.place.path().join("out")).content("app", "1"), wanted);
}

#[test]
fn variables_come_from_the_file_the_command_line_and_the_environment() {
    let stage = Stage::new();
    stage.push("app", &Graph::single("variables", "1"));
    let (from, to) = (stage.source.address(), stage.target.address());
    let text = format!(
        "{}vars: {{prefix: unset/}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"${{FROM:?say where from}}\"}}}}\n    map: [{{plugin: rewrite, with: {{prefix: \"${{vars.prefix}}\"}}}}]\n    to: {{registry: \"${{TO:-{to}}}\"}}\n",
        plain(&[from, to])
    );
    stage.place.file("workflow.yaml", &text);
    stage.place.run(&["run", "workflow.yaml"]).expect(2).says("say where from");
    let run = ["run", "workflow.yaml", "--set", "prefix=set/"];
    stage.place.run_with(&run, &[("FROM", &from.to_string())]).expect(0);
    assert_eq!(stage.target.remote().tags("set/app"), ["1"]);
}

#[test]
fn the_failures_are_a_rule_file_that_runs_as_it_is() {
    let stage = Stage::new();
    stage.push("app", &Graph::single("there", "1"));
    let text = "transfers:\n  - from: {plugin: rules, with: {rules: {\"SOURCE/app:1,2\": \"TARGET/app\"}}}\n";
    let (source, target) = (stage.source.address(), stage.target.address());
    let text = text.replace("SOURCE", &source.to_string()).replace("TARGET", &target.to_string());
    stage.place.file("workflow.yaml", &format!("{}retry: {{rounds: 0}}\n{text}", plain(&[source, target])));
    stage.place.run(&["run", "workflow.yaml", "--failed", "failed.yaml"]).expect(1);
    assert_eq!(stage.target.remote().tags("app"), ["1"]);
    stage.push("app", &Graph::single("here now", "2"));
    stage.place.file("security.yaml", &format!("\"{source}\": {{insecure: true}}\n\"{target}\": {{insecure: true}}\n"));
    stage.place.run(&["--ruleFile=failed.yaml", "--securityFile=security.yaml"]).expect(0);
    assert_eq!(stage.target.remote().tags("app"), ["1", "2"]);
}

#[test]
fn a_log_for_machines_is_json_on_every_line() {
    let stage = Stage::new();
    stage.push("app", &Graph::single("log", "1"));
    let (from, to) = (stage.source.address(), stage.target.address());
    let transfer = CATALOG.replace("SOURCE", &from.to_string()).replace("TARGET", &to.to_string());
    stage.place.file("workflow.yaml", &format!("{}transfers:\n  - {transfer}", plain(&[from, to])));
    let finished = stage.place.run(&["run", "workflow.yaml", "--log-format", "json", "--log-level", "debug"]).expect(0);
    assert!(!finished.stderr.is_empty());
    for line in finished.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn plugins_are_listed_with_their_options() {
    let place = Workplace::new();
    let list = place.run(&["plugin", "list"]).expect(0);
    for name in ["rules", "catalog", "rewrite"] {
        assert!(list.stdout.contains(name), "{}", list.stdout);
    }
    place.run(&["plugin", "inspect", "rewrite"]).expect(0).says("strip-prefix");
}
