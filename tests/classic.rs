//! The classic flags and files, drop-in.

use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;

/// Two registries with passwords, the images `team/app:1`, `:2` and `:3` in the first, and a security file for both.
struct Stage {
    source: Registry,
    target: Registry,
    place: Workplace,
}

impl Stage {
    fn new() -> Self {
        let (source, target, place) = (Registry::locked(), Registry::locked(), Workplace::new());
        for tag in ["1", "2", "3"] {
            Graph::single(&format!("classic {tag}"), tag).push(&source.remote(), "team/app");
        }
        let entry = |registry: &Registry| {
            format!("\"{}\":\n  username: {USER}\n  password: {PASSWORD}\n  insecure: true\n", registry.address())
        };
        place.file("security.yaml", &format!("{}{}", entry(&source), entry(&target)));
        Self { source, target, place }
    }

    /// `text` with `SOURCE` and `TARGET` replaced.
    fn text(&self, text: &str) -> String {
        text.replace("SOURCE", &self.source.address().to_string()).replace("TARGET", &self.target.address().to_string())
    }

    fn run(&self, rules: &str, flags: &[&str]) -> Finished {
        self.place.file("rules.yaml", &self.text(rules));
        let flags: Vec<String> = flags.iter().map(|flag| self.text(flag)).collect();
        let mut arguments = vec!["--securityFile=security.yaml", "--ruleFile=rules.yaml"];
        arguments.extend(flags.iter().map(String::as_str));
        self.place.run(&arguments)
    }

    #[track_caller]
    fn arrived(&self, repository: &str, tags: &[&str]) {
        assert_eq!(self.target.remote().tags(repository), tags, "{repository}");
        for tag in tags {
            self.target.remote().content(repository, tag).unwrap();
        }
    }
}

#[test]
fn every_form_of_a_rule_is_understood() {
    let stage = Stage::new();
    let digest = stage.source.remote().manifest("team/app", "3").unwrap().digest;
    let rules = format!(
        "\
SOURCE/team/app:1: TARGET/one/tag:x
SOURCE/team/app:2: TARGET/kept/tag
SOURCE/team/app:1,2: TARGET/tag/list
SOURCE/team/app: TARGET/all/tags
SOURCE/team/app@{digest}: TARGET/by/digest:d
\"SOURCE/team/app:/^[13]$/\": [TARGET/list/first, TARGET/list/second]
"
    );
    stage.run(&rules, &[]).expect(0);
    stage.arrived("one/tag", &["x"]);
    stage.arrived("kept/tag", &["2"]);
    stage.arrived("tag/list", &["1", "2"]);
    stage.arrived("all/tags", &["1", "2", "3"]);
    stage.arrived("by/digest", &["d"]);
    stage.arrived("list/first", &["1", "3"]);
    stage.arrived("list/second", &["1", "3"]);
}

#[test]
fn an_empty_target_is_the_same_name_in_the_default_registry() {
    let stage = Stage::new();
    stage.run("SOURCE/team/app:1: \"\"\n", &["--registry=TARGET"]).expect(0);
    stage.arrived("team/app", &["1"]);
}

#[test]
fn a_name_without_namespace_goes_into_the_default_one() {
    let stage = Stage::new();
    Graph::single("bare", "1").push(&stage.source.remote(), "bare");
    stage.run("SOURCE/bare:1: \"\"\n", &["--registry=TARGET", "--ns=mirror"]).expect(0);
    stage.arrived("mirror/bare", &["1"]);
}

#[test]
fn rules_and_passwords_may_be_json() {
    let stage = Stage::new();
    stage.place.file("rules.json", &stage.text(r#"{"SOURCE/team/app:1": "TARGET/json/app:1"}"#));
    let security = r#"{"SOURCE": {"username": "test", "password": "${SECRET}", "insecure": true},
        "TARGET/json": {"username": "test", "password": "${SECRET}", "insecure": true}}"#;
    stage.place.file("security.json", &stage.text(security));
    let arguments = ["--registry-secret-file=security.json", "--transfer-rule-file=rules.json"];
    stage.place.run_with(&arguments, &[("SECRET", PASSWORD)]).expect(0);
    stage.arrived("json/app", &["1"]);
}

#[test]
fn a_tag_that_exists_is_replaced_unless_it_must_not() {
    let stage = Stage::new();
    stage.run("SOURCE/team/app:1: TARGET/app/app:t\n", &[]).expect(0);
    let first = stage.target.remote().manifest("app/app", "t").unwrap();
    stage.run("SOURCE/team/app:2: TARGET/app/app:t\n", &["--tag-exist-overridden=false"]).expect(0);
    assert_eq!(stage.target.remote().manifest("app/app", "t").unwrap(), first);
    stage.run("SOURCE/team/app:2: TARGET/app/app:t\n", &["--tag-exist-overridden=true"]).expect(0);
    assert_eq!(stage.target.remote().manifest("app/app", "t"), stage.source.remote().manifest("team/app", "2"));
}

#[test]
fn the_last_line_counts_the_failures() {
    let stage = Stage::new();
    let finished = stage.run("SOURCE/team/app:1: TARGET/app/app\n", &[]).expect(0);
    assert_eq!(
        finished.last_line(),
        "################# Finished, 0 transfer jobs failed, 0 jobs generate failed #################"
    );
    let rules = "SOURCE/team/app:1: TARGET/app/app\nSOURCE/team/app:missing: TARGET/app/missing\n";
    let finished = stage.run(rules, &["--retry=0"]).expect(1);
    assert_eq!(
        finished.last_line(),
        "################# Finished, 1 transfer jobs failed, 0 jobs generate failed #################"
    );
}

#[test]
fn flags_and_their_aliases_are_accepted() {
    let stage = Stage::new();
    let flags =
        ["--proc=3", "--retry=1", "--qps=500", "--log-level=debug", "--log-format=json", "--log-enable-color=false"];
    stage.run("SOURCE/team/app: TARGET/flags/app\n", &flags).expect(0);
    stage.arrived("flags/app", &["1", "2", "3"]);
}

#[test]
fn the_log_goes_where_its_flags_say_at_the_level_that_they_say() {
    let stage = Stage::new();
    let rules = "SOURCE/team/app:1: TARGET/log/app\nSOURCE/team/app:missing: TARGET/log/missing\n";
    let flags = ["--retry=0", "--log-output-paths=first.log,second.log", "--log-format=json", "--log-level=info"];
    let finished = stage.run(rules, &flags).expect(1);
    assert_eq!(finished.stderr, "");
    let text = stage.place.read("first.log");
    assert_eq!(text, stage.place.read("second.log"));
    let levels: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["level"].as_str().unwrap().to_owned())
        .collect();
    assert!(levels.contains(&"INFO".to_owned()) && levels.contains(&"ERROR".to_owned()), "{text}");
    let finished = stage.run(rules, &["--retry=0", "--log-level=error"]).expect(1);
    assert!(!finished.stderr.contains("INFO") && finished.stderr.contains("team/app:missing"), "{}", finished.stderr);
}

#[test]
fn the_printed_workflow_does_the_same() {
    let stage = Stage::new();
    let printed =
        stage.run("SOURCE/team/app:1,2: TARGET/printed/app\n", &["--print-workflow", "--routines=2"]).expect(0);
    assert!(!printed.stdout.contains(PASSWORD), "{}", printed.stdout);
    assert_eq!(stage.target.remote().tags("printed/app"), Vec::<String>::new());
    stage.place.file("workflow.yaml", &printed.stdout);
    // Passwords are asked of the environment.
    let names: Vec<&str> = printed.stdout.split("${").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let environment: Vec<(&str, &str)> = names.into_iter().map(|name| (name, PASSWORD)).collect();
    stage.place.run_with(&["check", "workflow.yaml"], &environment).expect(0);
    stage.place.run_with(&["run", "workflow.yaml"], &environment).expect(0);
    stage.arrived("printed/app", &["1", "2"]);
}

#[test]
fn wrong_files_end_with_exit_code_2_before_anything_is_sent() {
    let stage = Stage::new();
    stage.run("- no\n- mapping\n", &[]).expect(2).says("rules.yaml");
    stage.run("SOURCE/team/app:1: [TARGET/a/b\n", &[]).expect(2).says("rules.yaml");
    stage.run("SOURCE/Team/app:1: TARGET/a/b\n", &[]).expect(2).says("rules.yaml:1");
    stage.run("SOURCE/team/app:1: SOURCE/team/app:1\n", &[]).expect(2).says("rules.yaml:1");
    stage.place.run(&["--ruleFile=missing.yaml", "--securityFile=security.yaml"]).expect(2).says("missing.yaml");
    stage.place.run(&["--no-such-flag"]).expect(2);
}

#[test]
fn a_classic_run_is_gone_on_with_too() {
    let stage = Stage::new();
    let rules = "SOURCE/team/app:1: TARGET/team/app\nSOURCE/team/app:4: TARGET/team/app\n";
    let failed = stage.run(rules, &["--retry=0"]).expect(1);
    assert!(failed.last_line().contains("Finished, 1 transfer jobs failed"), "{}", failed.last_line());
    Graph::single("classic 4", "4").push(&stage.source.remote(), "team/app");
    let resumed = stage.run(rules, &["--retry=0", "--resume"]).expect(0);
    assert!(resumed.stdout.starts_with("1 copied, 1 done before"), "{}", resumed.stdout);
    stage.arrived("team/app", &["1", "4"]);
}
