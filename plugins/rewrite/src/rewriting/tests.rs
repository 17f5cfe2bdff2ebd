use image_transfer_sdk::Destination;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::config::parse;

use super::*;
use crate::Config;

fn rewriting(config: &str) -> Result<Rewriting> {
    parse::<Config>(config)?.rewriting()
}

fn image(repository: &str, tag: &str, targets: Vec<Destination>) -> Image {
    let source = Reference {
        registry: "src.example:5000".to_owned(),
        repository: repository.to_owned(),
        tag: (!tag.is_empty()).then(|| tag.to_owned()),
        digest: None,
    };
    Image { source, targets, attributes: Vec::new() }
}

fn to(registry: &str, repository: &str, tag: &str) -> Destination {
    let part = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    Destination { registry: part(registry), repository: part(repository), tag: part(tag) }
}

/// Where `repository:1` lands.
fn lands(config: &str, repository: &str) -> Result<Vec<Destination>> {
    rewriting(config).expect("a configuration").destinations(&image(repository, "1", Vec::new()))
}

#[test]
fn each_option_does_one_thing() {
    let cases = [
        ("{}", "team/app", to("", "", "")),
        (r#"{"registry": "dst.example"}"#, "team/app", to("dst.example", "", "")),
        (r#"{"registry": "index.docker.io/"}"#, "team/app", to("docker.io", "", "")),
        (r#"{"strip-prefix": "team"}"#, "team/app", to("", "app", "")),
        (r#"{"strip-prefix": "team/"}"#, "team/a/app", to("", "a/app", "")),
        (r#"{"strip-prefix": "team"}"#, "teams/app", to("", "teams/app", "")),
        (r#"{"strip-prefix": "team"}"#, "team", to("", "team", "")),
        (r#"{"regex": [{"match": "^(\\w+)/(?<rest>.*)$", "replace": "${rest}/$1"}]}"#, "a/b/c", to("", "b/c/a", "")),
        (r#"{"regex": [{"match": "a", "replace": "x"}, {"match": "x", "replace": "yy"}]}"#, "a/a", to("", "yy/yy", "")),
        (r#"{"levels": 1}"#, "a/b/c", to("", "c", "")),
        (r#"{"levels": 2}"#, "a/b/c", to("", "b/c", "")),
        (r#"{"levels": 5}"#, "a/b/c", to("", "a/b/c", "")),
        (r#"{"flatten": true}"#, "a/b/c", to("", "a-b-c", "")),
        (r#"{"flatten": "_"}"#, "a/b", to("", "a_b", "")),
        (r#"{"flatten": false}"#, "a/b", to("", "", "")),
        (r#"{"levels": 2, "flatten": true}"#, "a/b/c", to("", "b-c", "")),
        (r#"{"lowercase": true}"#, "a/B", to("", "a/b", "")),
        (r#"{"namespace": "mirror"}"#, "team/app", to("", "mirror/app", "")),
        (r#"{"namespace": "mirror/x"}"#, "a/b/c", to("", "mirror/x/b/c", "")),
        (r#"{"namespace": "mirror"}"#, "app", to("", "mirror/app", "")),
        (r#"{"prefix": "mirror/"}"#, "team/app", to("", "mirror/team/app", "")),
        (r#"{"prefix": "old-"}"#, "app", to("", "old-app", "")),
        (r#"{"tag-prefix": "v", "tag-suffix": "-amd64"}"#, "app", to("", "", "v1-amd64")),
        (r#"{"tag-regex": [{"match": "^(\\d)$", "replace": "$1.0"}]}"#, "app", to("", "", "1.0")),
    ];
    for (config, repository, expected) in cases {
        assert_eq!(lands(config, repository), Ok(vec![expected]), "{config} on {repository}");
    }
}

#[test]
fn the_options_have_an_order() {
    let config = r#"{
        "prefix": "p-", "namespace": "ns", "lowercase": true, "flatten": true, "levels": 3,
        "regex": [{"match": "b", "replace": "B/x"}], "strip-prefix": "a", "tag-suffix": "-s",
        "tag-regex": [{"match": "1", "replace": "one"}], "registry": "dst.example",
        "template": "{registry}/t/{repository}:{tag}.{name}"
    }"#;
    assert_eq!(lands(config, "a/b/c"), Ok(vec![to("dst.example", "t/p-ns/b-x-c", "one-s.b-x-c")]));
}

#[test]
fn a_template_is_the_whole_target() {
    let cases = [
        ("{registry-host}/{repository}", "team/app", to("src.example", "team/app", "")),
        ("m/{namespace}/{name}-{tag}:latest", "x/team/app", to("", "m/x/team/app-1", "latest")),
        ("dst.example:5000/{name}", "team/app", to("dst.example:5000", "app", "")),
        ("oci:./out//{name}:{tag}", "team/app", to("oci:./out", "app", "1")),
    ];
    for (template, repository, expected) in cases {
        assert_eq!(lands(&format!(r#"{{"template": "{template}"}}"#), repository), Ok(vec![expected]), "{template}");
    }
}

#[test]
fn a_digest_for_a_template_comes_from_the_source_or_its_attributes() {
    let rewriting = rewriting(r#"{"template": "{name}:{digest-short}"}"#).expect("a configuration");
    let mut image = image("app", "1", Vec::new());
    let unknown = "src.example:5000/app:1: its digest is not known for {digest-short}";
    assert_eq!(rewriting.destinations(&image), Err(Error::Fatal(unknown.to_owned())));
    image.attributes.push(("digest".to_owned(), format!("sha256:{}", "ab".repeat(32))));
    assert_eq!(rewriting.destinations(&image), Ok(vec![to("", "app", "abababababab")]));
    image.source.digest = Some(format!("sha256:{}", "cd".repeat(32)));
    assert_eq!(rewriting.destinations(&image), Ok(vec![to("", "app", "cdcdcdcdcdcd")]));
}

#[test]
fn each_target_that_is_there_is_rewritten() {
    let rewriting = rewriting(r#"{"prefix": "mirror/", "tag-suffix": "-x"}"#).expect("a configuration");
    let targets = vec![to("a.example", "one/app", "7"), to("", "", "")];
    assert_eq!(
        rewriting.destinations(&image("team/app", "1", targets)),
        Ok(vec![to("a.example", "mirror/one/app", "7-x"), to("", "mirror/team/app", "1-x")]),
    );
}

#[test]
fn an_image_without_a_tag_gets_none() {
    let rewriting = rewriting(r#"{"prefix": "m/", "tag-suffix": "-x"}"#).expect("a configuration");
    assert_eq!(rewriting.destinations(&image("app", "", Vec::new())), Ok(vec![to("", "m/app", "")]));
}

#[test]
fn images_are_dropped_by_repository_or_with_their_tag() {
    let rewriting = rewriting(r#"{"drop": ["**/cache", "team/*:*-rc*", "/:0\\./"]}"#).expect("a configuration");
    let drops =
        |repository: &str, tag: &str| rewriting.destinations(&image(repository, tag, Vec::new())) == Ok(Vec::new());
    assert!(drops("a/b/cache", "1"));
    assert!(drops("team/app", "1-rc2"));
    assert!(drops("any/app", "0.9"));
    assert!(!drops("other/app", "1-rc2"));
    assert!(!drops("team/app", "1"));
}

#[test]
fn a_bad_result_fails_its_image_and_says_from_what() {
    assert_eq!(
        lands(r#"{"prefix": "Mirror/"}"#, "team/app"),
        Err(Error::Fatal(
            "src.example:5000/team/app:1: `Mirror/team/app` is not a repository: uppercase letters are not allowed"
                .to_owned()
        )),
    );
    assert_eq!(
        lands(r#"{"template": "{registry}/{name}"}"#, "app"),
        Err(Error::Fatal(
            "src.example:5000/app:1: no target registry is known for {registry}; set `registry`".to_owned()
        )),
    );
    assert!(matches!(lands(r#"{"tag-suffix": " x"}"#, "app"), Err(Error::Fatal(_))));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let config = r#"{
        "registry": "a b", "strip-prefix": "A", "namespace": "-", "regex": [{"match": "(", "replace": ""}],
        "levels": 0, "drop": ["{"], "template": "{nam}"
    }"#;
    let Err(Error::InvalidConfig(text)) = rewriting(config) else { panic!("accepted") };
    let starts = ["registry: ", "strip-prefix: ", "namespace: ", "regex: ", "drop: ", "template: ", "levels: "];
    let lines: Vec<&str> = text.lines().filter(|line| starts.iter().any(|start| line.starts_with(start))).collect();
    assert_eq!(lines.len(), starts.len(), "{text}");
}

#[test]
fn an_option_of_the_wrong_type_is_refused() {
    assert_eq!(
        rewriting(r#"{"flatten": 3}"#).err(),
        Some(Error::InvalidConfig(
            "invalid type: integer `3`, expected true, false or the text to join with, for `flatten`".to_owned()
        )),
    );
    assert!(rewriting(r#"{"flaten": true}"#).is_err());
}

#[test]
fn each_image_is_renamed_by_its_own_name_whatever_came_before_it() {
    let rewriting = rewriting(r#"{"regex": [{"match": "^a", "replace": "x"}], "tag-suffix": "-t"}"#).expect("good");
    let repository = |name: &str| {
        let landed = rewriting.destinations(&image(name, "1", Vec::new())).expect("renamed");
        landed.into_iter().find_map(|destination| destination.repository).expect("a repository")
    };
    assert_eq!(["a/1", "a/1", "b/1", "a/2", "a/1"].map(repository), ["x/1", "x/1", "b/1", "x/2", "x/1"]);
}
