use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::workflow::load;
use crate::workflow::print_workflow;

fn env(name: &str) -> Option<String> {
    match name {
        "USER_NAME" => Some("robot".to_owned()),
        "REGISTRY_PASSWORD_A_IO" | "REGISTRY_PASSWORD_DOCKER_IO_TEAM" => Some("placeholder-password".to_owned()),
        _ => None,
    }
}

fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn classic(directory: &TempDir, security: Option<&str>, rules: &str) -> Classic {
    Classic {
        security_file: security.map(|name| directory.path().join(name)),
        rule_file: directory.path().join(rules),
        registry: None,
        namespace: None,
        routines: 5,
        retry: 2,
        qps: 100,
        overwrite_tags: true,
    }
}

fn read_classic(classic: &Classic, directory: &TempDir) -> Result<Plan, String> {
    let shown = |report: Report| report.to_string().replace(&format!("{}/", directory.path().display()), "");
    load_classic(classic, &env).map(|(plan, _)| plan).map_err(shown)
}

const SECURITY: &str = "\
a.io: {username: '${USER_NAME}', password: placeholder-one}
registry.hub.docker.com/team: {username: u, password: placeholder-two, insecure: true}
empty.io: {username: '', password: ''}
";

#[test]
fn the_classic_files_are_a_plan() {
    let directory = files(&[
        ("security.yaml", SECURITY),
        ("rules.yaml", "a.io/n/app:1,2: b.io/m/app\na.io/n/app: [b.io/m/app2, c.io/m/app]\na.io/n/x:1: ''\n"),
    ]);
    let mut classic = classic(&directory, Some("security.yaml"), "rules.yaml");
    classic.registry = Some("d.io".to_owned());
    classic.namespace = Some("ns".to_owned());
    classic.overwrite_tags = false;
    let plan = read_classic(&classic, &directory).unwrap();
    let keys: Vec<_> = plan.registries.iter().map(|entry| (entry.key.as_str(), entry.insecure)).collect();
    assert_eq!(keys, [("a.io", false), ("docker.io/team", true), ("empty.io", false)]);
    assert!(matches!(&plan.registries[0].login, LoginEntry::Basic { username, password }
        if username == "robot" && password.reveal() == "placeholder-one"));
    assert!(matches!(plan.registries[2].login, LoginEntry::Files));
    assert_eq!(
        plan.transfers[0].from.with,
        json!({
            "rules": {"a.io/n/app:1,2": "b.io/m/app", "a.io/n/app": ["b.io/m/app2", "c.io/m/app"], "a.io/n/x:1": ""},
            "registry": "d.io",
            "namespace": "ns"
        })
    );
    assert_eq!(plan.transfers[0].to[0].existing, Existing::Skip);
    assert_eq!((plan.limits.qps, plan.limits.images, plan.retry.rounds), (NonZeroU32::new(100), 5, 2));
}

#[test]
fn json_is_accepted_and_the_security_file_may_be_left_out() {
    let directory = files(&[("rules.json", "{\"a.io/n/app:1\": \"team/app\"}")]);
    let plan = read_classic(&classic(&directory, None, "rules.json"), &directory).unwrap();
    assert!(plan.registries.is_empty());
    assert!(plan.transfers[0].to[0].registry.as_ref().unwrap().is_docker_hub());
}

#[test]
fn everything_wrong_with_both_files_is_told_at_once() {
    let directory = files(&[
        ("security.yml", "a.io: {username: u, pasword: p}\nb.io: {insecure: maybe}\n"),
        (
            "rules.yml",
            "a.io/n/app:1: a.io/n/app:1\na.io/n/b:1: ''\na.io/n/c:1: d.io/x\na.io/n/d:1: d.io/x\na.io/n/e: {x: y}\n",
        ),
    ]);
    assert_eq!(
        read_classic(&classic(&directory, Some("security.yml"), "rules.yml"), &directory).unwrap_err(),
        "\
error: `username` needs a `password` beside it
 --> security.yml:1:8
  |
1 | a.io: {username: u, pasword: p}
  |        ^^^^^^^^

error: an entry of the security file has no key `pasword`
 --> security.yml:1:21
  |
1 | a.io: {username: u, pasword: p}
  |                     ^^^^^^^
  |
  = help: did you mean `password`?

error: `insecure` must be true or false, not a string
 --> security.yml:2:18
  |
2 | b.io: {insecure: maybe}
  |                  ^^^^^

error: the target is its own source
 --> rules.yml:1:15
  |
1 | a.io/n/app:1: a.io/n/app:1
  |               ^^^^^^^^^^^^

error: the target is empty and no registry was given
 --> rules.yml:2:1
  |
2 | a.io/n/b:1: ''
  | ^^^^^^^^^^
  |
  = help: write it out, or give --registry=HOST

error: `d.io/x:1` is a target of `a.io/n/c:1` already
 --> rules.yml:4:13
  |
4 | a.io/n/d:1: d.io/x
  |             ^^^^^^

error: a target must be a string or a list of strings, not a mapping
 --> rules.yml:5:11
  |
5 | a.io/n/e: {x: y}
  |           ^^^^^^

7 errors, nothing was started"
    );
}

#[test]
fn missing_and_misnamed_files_and_bad_flags_are_errors() {
    let directory = files(&[("rules.txt", ""), ("rules.yaml", "a.io/b: c.io/b\n")]);
    assert_eq!(
        read_classic(&classic(&directory, Some("absent.yaml"), "rules.txt"), &directory).unwrap_err(),
        "error: --securityFile: absent.yaml: no such file\n\nerror: --ruleFile: rules.txt must end in .yaml, .yml or \
         .json\n\n2 errors, nothing was started"
    );
    let mut classic = classic(&directory, None, "rules.yaml");
    classic.registry = Some("a b".to_owned());
    classic.namespace = Some("Upper".to_owned());
    let error = read_classic(&classic, &directory).unwrap_err();
    assert!(error.contains("--registry: \"a b\" is not a registry") && error.contains("--ns: \"Upper\""), "{error}");
}

#[test]
fn an_empty_target_that_is_its_source_is_refused() {
    let directory = files(&[("rules.yaml", "a.io/n/app:1: ''\n")]);
    let mut classic = classic(&directory, None, "rules.yaml");
    classic.registry = Some("a.io".to_owned());
    let error = read_classic(&classic, &directory).unwrap_err();
    assert!(error.contains("the target is its own source"), "{error}");
}

#[test]
fn the_printed_workflow_is_the_same_plan_without_its_passwords() {
    let directory =
        files(&[("security.yaml", SECURITY), ("rules.yaml", "a.io/n/app:1: b.io/m/app\na.io/n/x: '$${x}'\n")]);
    let mut classic = classic(&directory, Some("security.yaml"), "rules.yaml");
    std::fs::write(&classic.rule_file, "a.io/n/app:1: b.io/m/app\n").unwrap();
    classic.overwrite_tags = false;
    let printed = print_workflow(&read_classic(&classic, &directory).unwrap());
    assert_eq!(
        printed,
        "\
# Set these in the environment before running it:
#   REGISTRY_PASSWORD_A_IO
#   REGISTRY_PASSWORD_DOCKER_IO_TEAM
version: 1
name: rules
registries:
  a.io:
    username: robot
    password: ${REGISTRY_PASSWORD_A_IO}
  docker.io/team:
    username: u
    password: ${REGISTRY_PASSWORD_DOCKER_IO_TEAM}
    insecure: true
  empty.io:
    insecure: false
limits:
  qps: 100
  images: 5
  blobs: 32
retry:
  rounds: 2
transfers:
- name: rules
  from:
    plugin: rules
    with:
      rules:
        a.io/n/app:1: b.io/m/app
  to:
    registry: docker.io
    existing: skip
"
    );
    std::fs::write(directory.path().join("printed.yaml"), &printed).unwrap();
    let (plan, _) = load(&directory.path().join("printed.yaml"), &[], &env).unwrap();
    assert_eq!(print_workflow(&plan), printed);
}
