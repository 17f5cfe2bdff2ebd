//! Another tool's configuration becomes a workflow that moves the same.

use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;

/// Two registries with passwords; `team/app` with versions and `latest`, and `team/web`, in the first.
struct Stage {
    source: Registry,
    target: Registry,
    place: Workplace,
}

impl Stage {
    fn new() -> Self {
        let (source, target, place) = (Registry::locked(), Registry::locked(), Workplace::new());
        for tag in ["1.0.0", "1.1.0", "2.0.0", "latest"] {
            Graph::single(&format!("converted {tag}"), tag).push(&source.remote(), "team/app");
        }
        Graph::single("converted web", "1.0.0").push(&source.remote(), "team/web");
        Self { source, target, place }
    }

    /// `text` with the registries, the user and the password in place of `SOURCE`, `TARGET`, `USER` and `PASSWORD`.
    fn file(&self, name: &str, text: &str) {
        let text = text
            .replace("SOURCE", &self.source.address().to_string())
            .replace("TARGET", &self.target.address().to_string())
            .replace("USER", USER)
            .replace("PASSWORD", PASSWORD);
        self.place.file(name, &text);
    }

    /// Converts the files, has the result checked and run, and hands out what was said by the conversion.
    #[track_caller]
    fn moved(&self, arguments: &[&str]) -> Finished {
        let target = self.target.address().to_string();
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("TARGET", &target)).collect();
        let mut all = vec!["convert", "-o", "workflow.yaml"];
        all.extend(arguments.iter().map(String::as_str));
        let converted = self.place.run(&all).expect(0);
        self.run();
        converted
    }

    /// Every variable of the workflow is the password.
    #[track_caller]
    fn run(&self) {
        let text = self.place.read("workflow.yaml");
        assert!(!text.contains(PASSWORD), "{text}");
        let names = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
        let environment: Vec<(&str, &str)> = names.map(|name| (name, PASSWORD)).collect();
        self.place.run_with(&["check", "workflow.yaml"], &environment).expect(0);
        self.place.run_with(&["run", "workflow.yaml"], &environment).expect(0);
    }

    #[track_caller]
    fn arrived(&self, repository: &str, tags: &[&str]) {
        assert_eq!(self.target.remote().tags(repository), tags, "{repository}");
        for tag in tags {
            self.target.remote().content(repository, tag).unwrap();
        }
    }
}

const LOGINS: &str = "\"SOURCE\": {username: USER, password: PASSWORD, insecure: true}\n\"TARGET\": {username: USER, password: PASSWORD, insecure: true}\n";

#[test]
fn rules_of_image_transfer_move_the_same_images() {
    let stage = Stage::new();
    stage.file("rules.yaml", "SOURCE/team/app:1.0.0,1.1.0: TARGET/mirror/app\nSOURCE/team/web: TARGET/mirror/web\n");
    stage.file("security.yaml", LOGINS);
    let said = stage.moved(&["rules.yaml", "security.yaml"]);
    assert!(!said.stderr.contains(PASSWORD), "{}", said.stderr);
    said.says("security.yaml:1:").says("is not written out: set REGISTRY_PASSWORD_127_0_0_1_");
    stage.arrived("mirror/app", &["1.0.0", "1.1.0"]);
    stage.arrived("mirror/web", &["1.0.0"]);
}

#[test]
fn images_of_image_syncer_move_the_same_images() {
    let stage = Stage::new();
    let images = r#"{"SOURCE/team/app:/^1/": ["TARGET/one/app", "TARGET/two/app"], "SOURCE/team/web:1.0.0": ""}"#;
    stage.file("images.json", images);
    stage.file("auth.yaml", LOGINS);
    stage.moved(&["images.json", "auth.yaml", "--to", "TARGET/rest"]);
    stage.arrived("one/app", &["1.0.0", "1.1.0"]);
    stage.arrived("two/app", &["1.0.0", "1.1.0"]);
    stage.arrived("rest/web", &["1.0.0"]);
}

#[test]
fn steps_of_regsync_move_the_same_images() {
    let stage = Stage::new();
    stage.file(
        "regsync.yml",
        r#"
version: 1
x-login: &login {user: USER, pass: PASSWORD, tls: disabled}
creds:
  - {registry: "SOURCE", <<: *login}
  - {registry: "TARGET", <<: *login}
defaults: {interval: 60m, parallel: 2}
sync:
  - {source: "SOURCE/team/app", target: "TARGET/image/app", type: image}
  - source: "SOURCE/team/app"
    target: "TARGET/repository/app"
    type: repository
    tagSets:
      - allow: [latest]
      - semverRange: [">=1.1 <2"]
  - {source: "SOURCE", target: "TARGET/all", type: registry, repos: {deny: [".*/web"]}, tags: {deny: ["latest", '1\..*']}}
"#,
    );
    stage.moved(&["regsync.yml"]).says("regsync.yml:7:12: `interval` is left out");
    stage.arrived("image/app", &["latest"]);
    stage.arrived("repository/app", &["1.1.0", "latest"]);
    stage.arrived("all/team/app", &["2.0.0"]);
    stage.arrived("all/team/web", &[]);
}

#[test]
fn registries_of_skopeo_move_the_same_images() {
    let stage = Stage::new();
    let digest = stage.source.remote().manifest("team/app", "latest").unwrap().digest;
    let text = format!(
        "\"SOURCE\":\n  images: {{team/web: [], team/app: [\"2.0.0\", \"{digest}\"]}}\n  images-by-semver: {{team/app: '1.0 - 1.1'}}\n  credentials: {{username: USER, password: PASSWORD}}\n  tls-verify: false\n"
    );
    stage.file("sync.yaml", &text);
    let target = stage.target.address().to_string();
    stage.place.run(&["convert", "sync.yaml", "--to", &format!("{target}/repo"), "-o", "workflow.yaml"]).expect(0);
    // The target's login is not in that file.
    let text = stage.place.read("workflow.yaml");
    let login = format!("registries:\n  '{target}': {{username: {USER}, password: '${{P}}', plain-http: true}}\n");
    stage.place.file("workflow.yaml", &text.replace("registries:\n", &login));
    stage.run();
    stage.arrived("repo/app", &["1.0.0", "1.1.0", "2.0.0"]);
    stage.arrived("repo/web", &["1.0.0"]);
    assert!(stage.target.remote().manifest("repo/app", &digest).is_some());
}

#[test]
fn tasks_of_dregsy_move_the_same_images() {
    let stage = Stage::new();
    // {"username": "test", "password": "not-a-real-password"}
    let auth = "eyJ1c2VybmFtZSI6ICJ0ZXN0IiwgInBhc3N3b3JkIjogIm5vdC1hLXJlYWwtcGFzc3dvcmQifQ==";
    let text = r#"
relay: skopeo
tasks:
  - name: named
    source: &source {registry: "SOURCE", auth: AUTH, skip-tls-verify: true}
    target: &target {registry: "TARGET", auth: AUTH, skip-tls-verify: true}
    mappings:
      - {from: team/app, to: named/app, tags: ["latest", "semver: >=1.0.0 <1.1.0", "regex: 2\\..*"]}
  - name: matching
    source: *source
    target: *target
    mappings:
      - {from: "regex:team/w.*", to: prefixed}
      - {from: "regex:team/w.*", to: "regex:^/team/(.+),/renamed/$1"}
"#;
    stage.file("dregsy.yaml", &text.replace("AUTH", auth));
    let said = stage.moved(&["dregsy.yaml"]);
    assert!(!said.stderr.contains(auth), "{}", said.stderr);
    said.says("dregsy.yaml:2:1: `relay` is left out");
    stage.arrived("named/app", &["1.0.0", "2.0.0", "latest"]);
    stage.arrived("prefixed/team/web", &["1.0.0"]);
    stage.arrived("renamed/web", &["1.0.0"]);
}

#[test]
fn mappings_of_ocync_move_the_same_images() {
    let stage = Stage::new();
    stage.file(
        "ocync.yaml",
        r#"
registries:
  from: {url: "SOURCE", auth_type: basic, credentials: {username: USER, password: "${FROM}"}}
  to: {url: "TARGET", auth_type: basic, credentials: {username: USER, password: PASSWORD}}
defaults: {source: from, targets: to}
mappings:
  - {from: team/app, to: app, tags: {semver: "<2", sort: semver, latest: 1, include: [latest]}}
  - {from: team/web, tags: {glob: "*"}}
"#,
    );
    stage.place.run(&["convert", "ocync.yaml", "-o", "workflow.yaml"]).expect(0).says("ocync.yaml:7:");
    // That tool speaks https alone, and these registries do not.
    let text = stage.place.read("workflow.yaml");
    stage.place.file("workflow.yaml", &text.replace("    username:", "    plain-http: true\n    username:"));
    stage.run();
    stage.arrived("app", &["1.1.0", "latest"]);
    stage.arrived("team/web", &["1.0.0"]);
}

#[test]
fn a_workflow_goes_to_standard_output_and_notes_do_not() {
    let place = Workplace::new();
    place.file("r.yml", "sync: [{source: a.example.com/x, target: b.example.com/x, type: image, interval: 1h}]\n");
    let said = place.run(&["convert", "r.yml"]).expect(0);
    assert_eq!(
        said.stdout,
        "\
# Made by `image-transfer convert` from r.yml (regsync).
#
# What is not as it was:
#   r.yml:1:72: `interval` is left out: a workflow runs when it is started: have cron or a CronJob start it

version: 1
transfers:
- from:
    plugin: rules
    with:
      rules:
        a.example.com/x:latest: b.example.com/x:latest
"
    );
    assert_eq!(
        said.stderr,
        "note: r.yml:1:72: `interval` is left out: a workflow runs when it is started: have cron or a CronJob start it\n"
    );
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let place = Workplace::new();
    place.file("rules.yaml", "a.example.com/x/y:1: b.example.com/x/y\n");
    place.file("workflow.yaml", "mine\n");
    place
        .run(&["convert", "rules.yaml", "-o", "workflow.yaml"])
        .expect(2)
        .says("workflow.yaml is there already; --force");
    assert_eq!(place.read("workflow.yaml"), "mine\n");
    place.run(&["convert", "rules.yaml", "-o", "workflow.yaml", "--force"]).expect(0);
    place.run(&["check", "workflow.yaml"]).expect(0);
}

#[test]
fn what_cannot_be_converted_ends_with_exit_code_2_at_its_line() {
    let place = Workplace::new();
    place.file("sync.yaml", "a.example.com: {images: {x: [1]}}\n");
    place.run(&["convert", "sync.yaml"]).expect(2).says("add --to HOST[:PORT][/NAMESPACE]").says("sync.yaml:1:1");
    place.run(&["convert", "sync.yaml", "--from", "dregsy"]).expect(2).says("nothing in it can be carried over");
    place.run(&["convert", "missing.yaml"]).expect(2).says("missing.yaml: no such file");
    place.file("tasks.yaml", "tasks: [{name: t, source: {}}]\n");
    let said = place.run(&["convert", "tasks.yaml", "-o", "w.yaml"]).expect(2);
    said.says("tasks.yaml:1:27").says("`source` has no `registry`").says("a task has no `target`");
    assert!(!place.path().join("w.yaml").exists());
    // What only the plugins can tell is told of what came out.
    place.file("rules.yaml", "a.example.com/Upper/case:1: b.example.com/x/y\n");
    place.run(&["convert", "rules.yaml"]).expect(2).says("`Upper/case` is not a repository");
}

#[test]
fn an_error_shows_its_line_without_the_password_in_it() {
    let place = Workplace::new();
    place.file("r.yml", &format!("creds: [{{registry: \"a b\", user: u, pass: {PASSWORD}}}]\nsync: []\n"));
    let said = place.run(&["convert", "r.yml"]).expect(2).says("r.yml:1:20").says("pass: ****");
    assert!(!said.stderr.contains(PASSWORD), "{}", said.stderr);
}
