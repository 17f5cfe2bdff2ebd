//! A plan says what a run then does, in a table, for programs, and by its exit code.

use serde_json::Value;
use serde_json::json;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::proxy::Action;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::harness::store::text;
use crate::harness::terminal::Terminal;

/// Two registries with a workflow between them that copies all to `mirror/`, one image after the other.
struct Stage {
    source: Registry,
    target: Registry,
    place: Workplace,
}

impl Stage {
    fn new() -> Self {
        Self::with("")
    }

    /// With more keys of the transfer.
    fn with(keys: &str) -> Self {
        let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
        let (from, to) = (source.address(), target.address());
        let text = format!(
            "{}limits: {{images: 1}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\"}}}}\n{keys}    to: {{registry: \"{to}\", namespace: mirror}}\n",
            plain(&[from, to])
        );
        place.file("workflow.yaml", &text);
        Self { source, target, place }
    }

    /// An image of these layers, each of as many bytes as it says.
    fn push(&self, repository: &str, tag: &str, layers: &[(u8, usize)]) {
        let mut graph = Graph::new();
        let layers: Vec<Value> = layers.iter().map(|(byte, size)| graph.blob(OCI_LAYER, vec![*byte; *size])).collect();
        let image = graph.image("linux/amd64", &layers);
        graph.tag(tag, &image);
        graph.push(&self.source.remote(), repository);
    }

    /// The plan as a program reads it: its targets by name, and its last line.
    fn plan(&self, code: i32) -> (Vec<Value>, Value) {
        let finished = self.place.run(&["plan", "workflow.yaml", "--json", "--exit-code"]).expect(code);
        let mut lines: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let total = lines.pop().unwrap();
        lines.sort_by_key(|line| text(&line["target"]));
        (lines, total)
    }

    /// What is printed, with `SOURCE` and `TARGET` for the registries.
    fn masked(&self, text: &str) -> String {
        text.replace(&self.source.address().to_string(), "SOURCE").replace(&self.target.address().to_string(), "TARGET")
    }
}

#[test]
fn the_table_is_grouped_and_totalled_and_says_why() {
    let stage = Stage::with("    select: {repositories: {include: [\"team/**\"]}}\n");
    stage.push("team/app", "1", &[(1, 3 << 20), (2, 1 << 10)]);
    stage.push("team/app", "2", &[(1, 3 << 20), (3, 2 << 10)]);
    stage.push("team/web", "1", &[(4, 5 << 20)]);
    stage.place.run(&["run", "workflow.yaml"]).expect(0);
    // One is as it was, one has moved on, one is new with a layer that its registry has.
    stage.push("team/app", "2", &[(1, 3 << 20), (5, 4 << 10)]);
    stage.push("team/web", "2", &[(1, 3 << 20), (6, 7 << 20)]);
    let finished = stage.place.run(&["plan", "workflow.yaml"]).expect(0);
    // Whose configuration is how long is no matter here.
    let printed =
        regex::Regex::new(r"\d+\.\d KiB").unwrap().replace_all(&stage.masked(&finished.stdout), "x.x KiB").into_owned();
    assert_eq!(
        printed,
        "\
ACTION        TO MOVE       THERE  TARGET, SOURCE AND WHY
TARGET/mirror/team/app: 1 to replace, 1 unchanged; 2 blobs to move, x.x KiB; 1 there already, 3.0 MiB
  unchanged          -           -  1  SOURCE/team/app:1  same digest
  replace      x.x KiB     3.0 MiB  2  SOURCE/team/app:2  the tag holds another digest
TARGET/mirror/team/web: 1 to copy, 1 unchanged; 2 blobs to move, 7.0 MiB; 1 to mount, 3.0 MiB
  unchanged          -           -  1  SOURCE/team/web:1  same digest
  copy         7.0 MiB     3.0 MiB  2  SOURCE/team/web:2  not there
2 to copy, 2 unchanged; 4 blobs to move, 7.0 MiB; 1 to mount, 3.0 MiB; 1 there already, 3.0 MiB
"
    );
}

#[test]
fn a_plan_says_what_the_run_then_does_and_afterwards_that_there_is_nothing_to_do() {
    let stage = Stage::new();
    for (repository, tag, layers) in [
        ("team/app", "1", &[(1, 2 << 20), (2, 100)][..]),
        ("team/app", "2", &[(1, 2 << 20), (3, 3 << 20)]),
        ("team/web", "1", &[(1, 2 << 20), (4, 200)]),
        ("other", "1", &[(5, 4 << 20)]),
    ] {
        stage.push(repository, tag, layers);
    }
    Graph::usual("plan", "multi").push(&stage.source.remote(), "team/app");
    for round in ["everything is new", "some is new"] {
        if round == "some is new" {
            stage.push("team/app", "2", &[(1, 2 << 20), (6, 2 << 20)]);
            stage.push("team/new", "1", &[(3, 3 << 20), (7, 10)]);
        }
        let (targets, total) = stage.plan(4);
        stage.place.run(&["run", "workflow.yaml", "--report", "report.json"]).expect(0);
        let report = stage.place.report("report.json");
        let moved = &report["summary"]["bytes"];
        assert_eq!(
            total["bytes"],
            json!({"move": moved["copied"], "mount": moved["mounted"], "there": moved["present"]}),
            "{round}"
        );
        for target in &targets {
            let done = report["images"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|image| image["targets"].as_array().unwrap())
                .find(|done| done["reference"] == target["target"])
                .unwrap();
            let status =
                if matches!(text(&target["action"]).as_str(), "copy" | "replace") { "copied" } else { "unchanged" };
            assert_eq!(done["status"], status, "{target}");
            assert_eq!(done["digest"], target["digest"], "{target}");
        }
        assert_eq!(report["images"].as_array().unwrap().len(), targets.len(), "{round}");
        let (again, total) = stage.plan(0);
        assert!(again.iter().all(|target| target["action"] == "unchanged"), "{again:?}");
        assert_eq!((&total["copy"], &total["bytes"]["move"]), (&json!(0), &json!(0)));
        let said = stage.place.run(&["plan", "workflow.yaml"]).expect(0);
        assert_eq!(said.last_line(), format!("nothing to do: {} unchanged", again.len()));
    }
}

#[test]
fn a_program_reads_a_line_for_each_target_and_one_for_all() {
    let stage = Stage::new();
    stage.push("team/app", "1", &[(1, 1000)]);
    stage.place.run(&["run", "workflow.yaml"]).expect(0);
    stage.push("team/app", "1", &[(1, 1000), (2, 500)]);
    let (targets, total) = stage.plan(4);
    let [target] = &targets[..] else { panic!("{targets:?}") };
    let (from, to) = (stage.source.address(), stage.target.address());
    let digest = |stage: &Registry, name: &str| stage.remote().manifest(name, "1").unwrap().digest;
    let (wanted, found) = (digest(&stage.source, "team/app"), digest(&stage.target, "mirror/team/app"));
    let config = target["bytes"]["move"].as_u64().unwrap() - 500;
    assert_eq!(
        *target,
        json!({
            "kind": "target", "action": "replace", "transfer": "transfer-1",
            "source": format!("{from}/team/app:1"), "target": format!("{to}/mirror/team/app:1"),
            "why": "the tag holds another digest", "hint": null, "digest": wanted, "found": found,
            "bytes": {"move": 500 + config, "mount": 0, "there": 1000}, "notes": [],
        })
    );
    assert_eq!(
        total,
        json!({
            "kind": "total", "copy": 1, "unchanged": 0, "skip": 0, "name": 0, "fail": 0, "rejected": 0, "incomplete": 0,
            "bytes": {"move": 500 + config, "mount": 0, "there": 1000}, "stopped": false,
        })
    );
    let names = stage.place.run(&["plan", "workflow.yaml", "--names", "--json"]).expect(0);
    let first: Value = serde_json::from_str(names.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["action"], &first["bytes"]), (&json!("name"), &Value::Null));
}

#[test]
fn the_exit_code_tells_whether_there_is_something_to_do_only_if_asked() {
    let stage = Stage::new();
    stage.push("team/app", "1", &[(1, 1000)]);
    stage.place.run(&["plan", "workflow.yaml"]).expect(0).says("1 to copy");
    stage.place.run(&["plan", "workflow.yaml", "--exit-code"]).expect(4).says("1 to copy");
    stage.place.run(&["run", "workflow.yaml"]).expect(0);
    stage.place.run(&["plan", "workflow.yaml", "--exit-code"]).expect(0).says("nothing to do: 1 unchanged");
    // What fails is told before what there is to do.
    stage.push("team/app", "2", &[(2, 1000)]);
    let proxy = stage.source.proxy();
    let answer = Action::Answer { status: 404, headers: Vec::new(), body: Vec::new() };
    for method in ["GET", "HEAD"] {
        proxy.fault(method, "/manifests/1$", usize::MAX, answer.clone());
    }
    let workflow = stage.place.read("workflow.yaml");
    let through = workflow.replace(&stage.source.address().to_string(), &proxy.address().to_string());
    stage.place.file("workflow.yaml", &through);
    let finished = stage.place.run(&["plan", "workflow.yaml", "--exit-code"]).expect(1);
    finished.says("1 to copy, 1 failed").says("1 failed:");
    stage.place.run(&["plan", "workflow.yaml", "--exit-code", "--names"]).expect(2);
}

#[test]
fn signatures_that_are_missing_are_something_to_do() {
    let stage = Stage::with("    select: {referrers: true}\n");
    let mut graph = Graph::single("signed", "1");
    graph.push(&stage.source.remote(), "team/app");
    stage.place.run(&["run", "workflow.yaml"]).expect(0);
    assert_eq!(stage.plan(0).1["copy"], 0);
    let digest = graph.tags["1"].clone();
    let image = graph.manifests.iter().find(|stored| stored.digest == digest).unwrap();
    let subject = json!({"mediaType": image.media_type, "digest": image.digest, "size": image.bytes.len()});
    let signature = graph.artifact("application/vnd.example.signature", "signed", Some(&subject));
    // This registry has no list of referrers, so they are listed under a tag.
    let index = graph.index(&[signature]);
    graph.tag(&digest.replace(':', "-"), &index);
    graph.push(&stage.source.remote(), "team/app");
    let (targets, total) = stage.plan(4);
    assert_eq!(targets[0]["why"], "what refers to it is not there");
    assert_eq!((&targets[0]["action"], &total["copy"]), (&json!("copy"), &json!(1)));
    stage.place.run(&["run", "workflow.yaml"]).expect(0);
    stage.plan(0);
}

#[test]
fn a_plan_at_a_terminal_shows_its_progress_and_leaves_a_whole_table() {
    let stage = Stage::new();
    for tag in ["1", "2", "3"] {
        stage.push("team/app", tag, &[(tag.as_bytes()[0], 1000)]);
    }
    let terminal = Terminal::whole(&stage.place, (60, 200), &["plan", "workflow.yaml"], &[("NO_COLOR", "1")]);
    let (finished, screen, all) = terminal.finish();
    finished.expect(0);
    assert!(all.contains(" images, "), "{all:?}");
    let table = screen.iter().position(|line| line.starts_with("ACTION")).unwrap();
    let lines: Vec<String> = screen[table..].iter().map(|line| stage.masked(line)).collect();
    assert_eq!(lines[1].split(';').next().unwrap(), "TARGET/mirror/team/app: 3 to copy");
    assert!(lines[2..5].iter().all(|line| line.starts_with("  copy ") && line.ends_with("not there")), "{lines:?}");
    assert!(lines[5].starts_with("3 to copy; 6 blobs to move"), "{lines:?}");
    assert_eq!(lines.len(), 6, "{lines:?}");
}
