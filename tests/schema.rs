//! The schema of workflow files accepts what the program accepts, and tells slips apart.

use std::fs;
use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::Value;

use crate::harness::command::Workplace;
use crate::harness::tools;

fn schema(arguments: &[&str]) -> Value {
    let said = Workplace::new().run(&[&["schema"], arguments].concat()).expect(0);
    serde_json::from_str(&said.stdout).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::meta::validate(schema).unwrap();
    jsonschema::validator_for(schema).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[track_caller]
fn accepts(validator: &Validator, what: &str, text: &str) {
    let problems: Vec<String> =
        validator.iter_errors(&yaml(text)).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert_eq!(problems, Vec::<String>::new(), "{what}");
}

#[test]
fn every_workflow_that_is_shipped_is_one_by_the_schema() {
    let validator = validator(&schema(&[]));
    let entries = fs::read_dir(tools::repository().join("workflows")).unwrap();
    let files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        accepts(&validator, &file.display().to_string(), &fs::read_to_string(&file).unwrap());
    }
}

#[test]
fn slips_in_the_reference_are_no_workflow_by_the_schema() {
    let validator = validator(&schema(&[]));
    let reference = fs::read_to_string(tools::repository().join("workflows/reference.yaml")).unwrap();
    for (right, wrong) in [
        ("version: 1 ", "version: 2 "),
        ("transfers: #", "transferz: #"),
        ("    qps: 50 ", "    qps: 0 "),
        ("bandwidth: 200MiB", "bandwidth: 200XB"),
        ("idle: 1m", "idle: 1 day"),
        ("rounds: 2", "rounds: two"),
        ("plain-http: true", "plain-http: maybe"),
        ("    username: \"${ACR_USER}\"", "    user: \"${ACR_USER}\""),
        ("by: semver", "by: age"),
        ("referrers: true", "referers: true"),
        ("with: { prefix: mirror }", "with: { prefiks: mirror }"),
        ("with: { registry: registry.cn", "with: { repositories: [], registry: registry.cn"),
        ("existing: skip", "existing: keep"),
        ("needs: [everything]", "needs: []\n    want: [everything]"),
        ("instance: team, region", "region"),
    ] {
        assert!(reference.contains(right), "{right}");
        assert!(!validator.is_valid(&yaml(&reference.replace(right, wrong))), "{wrong}");
    }
}

#[test]
fn what_check_accepts_the_schema_accepts() {
    let validator = validator(&schema(&[]));
    let place = Workplace::new();
    place.file("rules.yaml", "{a.example.com/x/y: b.example.com/x/y}\n");
    for text in [
        "version: \"1\"\ntransfers:\n  - from: {plugin: rules, with: {rules: {$file: rules.yaml}}}\n",
        "version: 1\nvars: {n: 3, names: [a/b]}\ntransfers:\n  - from: {plugin: catalog, with: {registry: a.example.com, repositories: \"${vars.names}\"}}\n    select: {tags: {newest: {count: \"${vars.n}\"}, include: [1.0]}}\n    map: {plugin: rewrite, with: {flatten: true, levels: \"${vars.n}\"}}\n    to: {registry: \"oci:out\", existing: \"${E:-skip}\"}\n",
        "version: 1\nlimits: {bandwidth: 1000, idle: 0.5h, minimum-rate: 0}\nregistries: {a.example.com: {anonymous: \"${A:-true}\"}}\nplugins: {catalog: {}}\ntransfers:\n  - {from: {plugin: catalog, with: {registry: a.example.com}}, to: [{registry: b.example.com}, {registry: \"oci:out\"}]}\n",
    ] {
        place.file("workflow.yaml", text);
        place.run(&["check", "workflow.yaml"]).expect(0);
        accepts(&validator, "workflow.yaml", text);
    }
}

#[test]
fn a_plugin_of_ones_own_brings_its_options() {
    let component = tools::repository().join("tests/fixtures/plugins/example-mapper.wasm");
    let place = Workplace::new();
    let text = |with: &str| {
        format!(
            "version: 1\nplugins: {{own: {{path: {}}}}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: a.example.com}}}}\n    map: {{plugin: own, with: {with}}}\n    to: {{registry: b.example.com}}\n",
            component.display()
        )
    };
    place.file("workflow.yaml", &text("{team: a}"));
    let said = place.run(&["schema", "workflow.yaml", "-o", "schema.json"]).expect(0);
    assert_eq!(said.stdout, "");
    let validator = validator(&serde_json::from_str(&place.read("schema.json")).unwrap());
    accepts(&validator, "workflow.yaml", &text("{team: a}"));
    assert!(!validator.is_valid(&yaml(&text("{team: a, no-such-option: 1}"))));
    place.run(&["schema", "-o", "schema.json"]).expect(2).says("schema.json is there already");
    place.run(&["schema", "missing.yaml"]).expect(2).says("missing.yaml");
}
