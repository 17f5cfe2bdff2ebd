use image_transfer_sdk::Destination;
use image_transfer_sdk::Reference;
use image_transfer_sdk::registry::Table;
use serde_json::Value;
use serde_json::json;

use super::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn config(value: Value) -> Config {
    serde_json::from_value(value).expect("a configuration")
}

fn table() -> Table {
    Table::new(2)
        .with("a.example", "ns/app", &["v1.0", "v1.1", "v2", "latest"])
        .with("a.example", "ns/deep/tool", &["1"])
        .with("a.example", "other/app", &["x"])
}

/// `source -> target, target` for each image of a walk, until it ends.
fn images(config: &Config, position: Option<&str>, table: Table) -> Vec<String> {
    let mut walk = Walk::open(config, position, table).expect("opened");
    let mut lines = Vec::new();
    while let Some(batch) = walk.next_batch().expect("a batch") {
        assert!(batch.len() <= BATCH);
        lines.extend(batch.iter().map(line));
    }
    lines
}

fn line(image: &Image) -> String {
    let Reference { registry, repository, tag, digest } = &image.source;
    let part = |mark: &str, part: &Option<String>| part.as_ref().map_or(String::new(), |part| format!("{mark}{part}"));
    let target = |Destination { registry, repository, tag }: &Destination| {
        let registry = registry.as_ref().map_or(String::new(), |registry| format!("{registry}/"));
        format!("{registry}{}{}", repository.as_deref().unwrap_or_default(), part(":", tag))
    };
    let targets: Vec<String> = image.targets.iter().map(target).collect();
    format!("{registry}/{repository}{}{} -> {}", part(":", tag), part("@", digest), targets.join(", "))
}

fn rules(rules: Value) -> Config {
    config(Value::from_iter([("rules", rules)]))
}

/// The images of one rule.
fn of(source: &str, target: Value) -> Vec<String> {
    images(&rules(Value::from_iter([(source, target)])), None, table())
}

fn problems(config: &Config) -> Vec<String> {
    match Walk::open(config, None, table()) {
        Err(Error::InvalidConfig(text)) => text.lines().map(str::to_owned).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn a_tag_is_kept_or_changed() {
    assert_eq!(of("a.io/n/app:1", json!("b.io/m/app")), ["a.io/n/app:1 -> b.io/m/app:1"]);
    assert_eq!(of("a.io/n/app:1", json!("b.io/m/app:2")), ["a.io/n/app:1 -> b.io/m/app:2"]);
}

#[test]
fn a_list_of_tags_is_kept_repeated_or_changed_place_by_place() {
    let kept = ["a.io/n/app:1 -> b.io/m/app:1", "a.io/n/app:2 -> b.io/m/app:2"];
    assert_eq!(of("a.io/n/app:1,2", json!("b.io/m/app")), kept);
    assert_eq!(of("a.io/n/app:1,2", json!("b.io/m/app:1,2")), kept);
    assert_eq!(
        of("a.io/n/app:1,2", json!("b.io/m/app:x,y")),
        ["a.io/n/app:1 -> b.io/m/app:x", "a.io/n/app:2 -> b.io/m/app:y"],
    );
}

#[test]
fn a_source_without_a_tag_is_all_its_tags() {
    assert_eq!(
        of("a.example/ns/app", json!("b.io/m/app")),
        [
            "a.example/ns/app:v1.0 -> b.io/m/app:v1.0",
            "a.example/ns/app:v1.1 -> b.io/m/app:v1.1",
            "a.example/ns/app:v2 -> b.io/m/app:v2",
            "a.example/ns/app:latest -> b.io/m/app:latest",
        ],
    );
}

#[test]
fn tags_are_chosen_by_globs_and_expressions_and_names_each_once() {
    let tags = |source: &str| -> Vec<String> {
        let tag = |line: String| line.rsplit(':').next().unwrap_or_default().to_owned();
        of(source, json!("b.io/app")).into_iter().map(tag).collect()
    };
    assert_eq!(tags("a.example/ns/app:v1.*"), ["v1.0", "v1.1"]);
    assert_eq!(tags(r"a.example/ns/app:/^v\d+$/"), ["v2"]);
    assert_eq!(tags(r"a.example/ns/app:latest,/^v\d{1,2}$/,l*"), ["latest", "v2"]);
    assert_eq!(tags("a.example/ns/app:{v2,latest}"), ["v2", "latest"]);
}

#[test]
fn a_digest_wins_over_a_tag() {
    let source = |source: &str| of(source, json!("b.io/m/app"));
    assert_eq!(source(&format!("a.io/n/app@{DIGEST}")), [format!("a.io/n/app@{DIGEST} -> b.io/m/app")]);
    assert_eq!(source(&format!("a.io/n/app:1@{DIGEST}")), [format!("a.io/n/app:1@{DIGEST} -> b.io/m/app:1")]);
    assert_eq!(
        of(&format!("a.io/n/app@{DIGEST}"), json!(["b.io/m/app:1", format!("b.io/m/app@{DIGEST}")])),
        [format!("a.io/n/app@{DIGEST} -> b.io/m/app:1, b.io/m/app")],
    );
}

#[test]
fn a_glob_takes_the_repositories_of_the_catalog_under_the_target() {
    assert_eq!(
        of("a.example/ns/**:1,v2,x", json!("b.io/dst/other")),
        ["a.example/ns/app:v2 -> b.io/dst/other/app:v2", "a.example/ns/deep/tool:1 -> b.io/dst/other/deep/tool:1",],
    );
    assert_eq!(
        of("a.example/ns/*", json!("b.io/")),
        [
            "a.example/ns/app:v1.0 -> b.io/app:v1.0",
            "a.example/ns/app:v1.1 -> b.io/app:v1.1",
            "a.example/ns/app:v2 -> b.io/app:v2",
            "a.example/ns/app:latest -> b.io/app:latest",
        ],
    );
    assert_eq!(of("a.example/o*/app", Value::Null), ["a.example/other/app:x -> other/app:x"]);
}

#[test]
fn gaps_of_targets_are_filled_from_the_defaults() {
    let with = |rules: Value| {
        images(&config(json!({"rules": rules, "registry": "dst.io", "namespace": "team"})), None, table())
    };
    assert_eq!(with(json!({"a.io/n/app:1": null})), ["a.io/n/app:1 -> dst.io/n/app:1"]);
    assert_eq!(with(json!({"a.io/n/app:1": ""})), ["a.io/n/app:1 -> dst.io/n/app:1"]);
    assert_eq!(with(json!({"a.io/app:1": ""})), ["a.io/app:1 -> dst.io/team/app:1"]);
    assert_eq!(with(json!({"nginx:1": ""})), ["docker.io/library/nginx:1 -> dst.io/team/nginx:1"]);
    assert_eq!(with(json!({"a.io/n/app:1": "m/app"})), ["a.io/n/app:1 -> dst.io/m/app:1"]);
    assert_eq!(with(json!({"a.io/n/app:1": "app:2"})), ["a.io/n/app:1 -> dst.io/team/app:2"]);
    assert_eq!(with(json!({"a.io/n/app:1": "b.io/"})), ["a.io/n/app:1 -> b.io/n/app:1"]);
}

#[test]
fn without_defaults_a_target_leaves_its_registry_open() {
    assert_eq!(of("a.io/n/app:1", Value::Null), ["a.io/n/app:1 -> n/app:1"]);
    assert_eq!(of("a.io/n/app:1", json!("m/app")), ["a.io/n/app:1 -> m/app:1"]);
}

#[test]
fn docker_hub_has_one_name_and_its_short_names_a_namespace() {
    for source in ["nginx:1", "library/nginx:1", "docker.io/nginx:1", "registry.hub.docker.com/library/nginx:1"] {
        assert_eq!(of(source, json!("b.io/m/nginx")), ["docker.io/library/nginx:1 -> b.io/m/nginx:1"], "{source}");
    }
    assert_eq!(of("a.io/n/app:1", json!("docker.io/app")), ["a.io/n/app:1 -> docker.io/library/app:1"]);
    assert_eq!(of("host/ns/app:1", json!("b.io/app")), ["docker.io/host/ns/app:1 -> b.io/app:1"]);
}

#[test]
fn a_registry_with_a_port_is_a_registry() {
    assert_eq!(
        of("localhost:5000/app:1", json!("127.0.0.1:5001/app")),
        ["localhost:5000/app:1 -> 127.0.0.1:5001/app:1"],
    );
    assert_eq!(of("host:5000/n/app:1", json!("localhost/app")), ["host:5000/n/app:1 -> localhost/app:1"]);
}

#[test]
fn directories_are_registries_on_either_side() {
    assert_eq!(of("oci:./in//n/app:1", json!("oci:/out//m/app:2")), ["oci:./in/n/app:1 -> oci:/out/m/app:2"]);
    assert_eq!(of("a.io/n/app:1", json!("oci:/out")), ["a.io/n/app:1 -> oci:/out/n/app:1"]);
}

#[test]
fn a_rule_may_have_several_targets() {
    assert_eq!(
        of("a.io/n/app:1", json!(["b.io/m/app", "c.io/x/app:2", null])),
        ["a.io/n/app:1 -> b.io/m/app:1, c.io/x/app:2, n/app:1"],
    );
}

#[test]
fn each_image_names_its_rule() {
    let mut walk = Walk::open(&rules(json!({"a.io/n/app:1": ""})), None, table()).expect("opened");
    let batch = walk.next_batch().expect("a batch").expect("an image");
    assert_eq!(batch[0].attributes, [("rule".to_owned(), "a.io/n/app:1".to_owned())]);
}

#[test]
fn all_malformed_rules_are_told_at_once() {
    let wrong = config(json!({
        "registry": "https://dst.io",
        "namespace": "Team",
        "rules": {
            "a.io/n/App:1": "b.io/m/app",
            "a.io/n/app:1,2": "b.io/m/app:3",
            "a.io/n/app": "b.io/m/app:1",
            "a.io/n/app:": "b.io/m/app",
            "a.io/n/app@sha256:12": "b.io/m/app",
            "a.io/n/app:1": [],
            "a.io/n/app:2": 7,
            "a.io/n/*:1": "dst.io",
            "a.io/n/good:1": "b.io/m/app:-x",
            "a.io/n/app:/(/": "",
            "a.io/n/app:1,2,3": "b.io/m/app:x,y",
            "a.io/n/app:4": "b.io/m/app:x,y",
            "a.io/n/**@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef": "",
            "https://a.io/n/app:1": "docker://b.io/m/app",
            "": "b.io/m/app",
            "good.io/n/app:1": "b.io/m/app"
        }
    }));
    let told = problems(&wrong);
    assert!(told[2].starts_with("/rules/a.io~1n~1App:1: a.io/n/App:1: "), "each at its place: {}", told[2]);
    let expected = [
        "registry: `https://dst.io` is not a registry",
        "namespace: `Team` is not a repository: uppercase",
        "a.io/n/App:1: `n/App` is not a repository: uppercase letters are not allowed",
        "a.io/n/app:1,2 -> b.io/m/app:3: 2 tags cannot all become `3`; leave the target's tag out",
        "a.io/n/app -> b.io/m/app:1: a target with a tag needs a source with one",
        "a.io/n/app:: the tag behind `:` is missing",
        "a.io/n/app@sha256:12: `sha256:12` is not a digest",
        "a.io/n/app:1: the list of targets is empty",
        "a.io/n/app:2: `7` is not a target",
        "a.io/n/*:1 -> dst.io: `dst.io` reads as a repository; write `dst.io/` for a registry",
        "a.io/n/good:1 -> b.io/m/app:-x: `-x` is not a tag",
        "a.io/n/app:/(/: `(` is not a regular expression",
        "a.io/n/app:1,2,3 -> b.io/m/app:x,y: 3 tags on the left, 2 on the right",
        "a.io/n/app:4 -> b.io/m/app:x,y: 1 tags on the left, 2 on the right",
        "a.io/n/**@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef: a digest needs one",
        "https://a.io/n/app:1: leave `https://` out",
        "https://a.io/n/app:1 -> docker://b.io/m/app: leave `docker://` out",
        ": the repository is missing",
    ];
    for (line, start) in told.iter().zip(expected) {
        let line = match line.split_once(": ") {
            Some((place, line)) if place.starts_with("/rules/") => line,
            _ => line,
        };
        assert!(line.starts_with(start), "expected {start}\n     got {line}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[test]
fn batches_are_bounded() {
    let rules: serde_json::Map<String, Value> = (0..1200).map(|n| (format!("a.io/n/app:{n}"), Value::Null)).collect();
    let mut walk = Walk::open(&config(json!({ "rules": rules })), None, table()).expect("opened");
    let mut lengths = Vec::new();
    while let Some(batch) = walk.next_batch().expect("a batch") {
        lengths.push(batch.len());
    }
    assert_eq!(lengths, [500, 500, 200]);
}

#[test]
fn a_walk_goes_on_from_every_position() {
    let config = rules(json!({
        "a.io/n/first:1,2,3": "",
        "a.example/ns/app": "",
        "a.example/**:v*,1,x": "b.io/all",
        "a.io/n/last:1": "",
    }));
    let whole = images(&config, None, table());
    assert_eq!(whole.len(), 3 + 4 + 5 + 1);
    let mut walk = Walk::open(&config, None, table()).expect("opened");
    let mut given = Vec::new();
    loop {
        let rest = images(&config, Some(&walk.position()), table());
        assert_eq!([given.clone(), rest].concat(), whole, "from {}", walk.position());
        match walk.next_batch().expect("a batch") {
            Some(batch) => given.extend(batch.iter().map(line)),
            None => break,
        }
    }
}

#[test]
fn a_place_that_is_gone_begins_its_rule_again() {
    let config = rules(json!({"a.example/ns/app": "", "a.example/o*/*": ""}));
    let position = |rule: usize, repository: &str| {
        json!({"rule": rule, "last": {"repository": repository, "tag": "deleted"}}).to_string()
    };
    assert_eq!(images(&config, Some(&position(0, "ns/app")), table()).len(), 5);
    assert_eq!(images(&config, Some(&position(1, "other/gone")), table()).len(), 1);
    assert_eq!(images(&config, Some(&position(1, "other/app")), table()).len(), 1);
}

#[test]
fn a_position_of_other_rules_is_refused() {
    let opened = Walk::open(&rules(json!({})), Some(r#"{"rule":7}"#), table());
    assert_eq!(opened.err(), Some(Error::InvalidConfig("the position is not of these rules".to_owned())));
}

#[test]
fn a_rule_that_fails_is_told_after_all_others() {
    let config = rules(json!({"a.example/gone/app": "", "a.example/other/app": ""}));
    let mut walk = Walk::open(&config, None, table()).expect("opened");
    let mut lines = Vec::new();
    let error = loop {
        match walk.next_batch() {
            Ok(Some(batch)) => lines.extend(batch.iter().map(line)),
            Ok(None) => panic!("a failed rule was not told"),
            Err(error) => break error,
        }
    };
    assert_eq!(lines, ["a.example/other/app:x -> other/app:x"]);
    let text = "rule a.example/gone/app: a.example/gone/app does not exist";
    assert_eq!(error, Error::NotFound(text.to_owned()));
    assert_eq!(walk.next_batch(), Err(error));
    assert_eq!(walk.position(), r#"{"rule":0}"#);
}

#[test]
fn what_may_pass_is_tried_when_the_host_asks_again() {
    let config = rules(json!({"down.example/n/app": "", "a.example/other/app": ""}));
    let mut walk = Walk::open(&config, None, table()).expect("opened");
    let text = "rule down.example/n/app: down.example cannot be reached".to_owned();
    let mut errors = Vec::new();
    while errors.len() < 2 {
        errors.extend(walk.next_batch().err());
    }
    assert_eq!(errors, [Error::Unavailable(text.clone()), Error::Unavailable(text)]);
}

#[test]
fn one_refused_repository_of_a_glob_does_not_hide_the_others() {
    let table = table()
        .with_error("a.example", "ns/secret", Error::Unauthorized("pull access denied".to_owned()))
        .with_error("a.example", "ns/vanished", Error::NotFound("does not exist".to_owned()))
        .with("a.example", "ns/zzz", &["1"]);
    let mut walk = Walk::open(&rules(json!({"a.example/ns/*:l*,1*": "b.io/"})), None, table).expect("opened");
    let mut lines = Vec::new();
    let error = loop {
        match walk.next_batch() {
            Ok(Some(batch)) => lines.extend(batch.iter().map(line)),
            Ok(None) => panic!("a refused repository was not told"),
            Err(error) => break error,
        }
    };
    assert_eq!(lines, ["a.example/ns/app:latest -> b.io/app:latest", "a.example/ns/zzz:1 -> b.io/zzz:1"]);
    assert_eq!(error, Error::Unauthorized("rule a.example/ns/*:l*,1*: pull access denied".to_owned()));
}

#[test]
fn the_schema_is_json_and_names_every_option() {
    let schema: Value = serde_json::from_str(include_str!("../../config.schema.json")).expect("JSON");
    let options: Vec<&String> = schema["properties"].as_object().expect("an object").keys().collect();
    assert_eq!(options, ["rules", "registry", "namespace"]);
    assert_eq!(schema["additionalProperties"], json!(false));
}
