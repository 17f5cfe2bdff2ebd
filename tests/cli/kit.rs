//! Making, trying, pushing and pulling plugins, and plugins that are none.

use std::fs;

use crate::harness::graph::Graph;
use crate::harness::registry::Registry;

use super::Case;

/// A place with the example mapper beside the plugin that misbehaves.
fn case() -> Case {
    let case = Case::new();
    let mapper = crate::harness::tools::repository().join("tests/fixtures/plugins/example-mapper.wasm");
    fs::copy(mapper, case.place.path().join("mapper.wasm")).unwrap();
    case
}

/// The plugin that misbehaves, with `new` for each `old`, which has the same length, in the file `name`.
fn patched(case: &Case, name: &str, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let mut bytes = fs::read(case.place.path().join("hostile.wasm")).unwrap();
    let found: Vec<usize> =
        bytes.windows(old.len()).enumerate().filter(|(_, it)| *it == old.as_bytes()).map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "{old}");
    for at in found {
        bytes[at..at + old.len()].copy_from_slice(new.as_bytes());
    }
    fs::write(case.place.path().join(name), bytes).unwrap();
}

#[test]
fn names_and_places_that_a_new_plugin_cannot_have() {
    let case = case();
    let more = ["--lang", "rust", "--kind", "mapper"];
    case.file("taken/mine", "mine\n");
    case.says("new-name", &[&["plugin", "new", "1st"], &more[..]].concat());
    case.says("new-taken", &[&["plugin", "new", "taken"], &more[..]].concat());
}

#[test]
fn trials_that_do_not_say_what_is_to_be_tried() {
    let case = case();
    case.file("options.yaml", "- a\n").file("images.json", "[\"a.example.com/app:1\", 3]").file("broken.json", "[");
    case.says("trial-role", &["plugin", "test", "hostile.wasm", "--with", "behaviour=good"]);
    case.says("trial-input", &["plugin", "test", "mapper.wasm", "--with", "team=web"]);
    case.says("trial-with", &["plugin", "test", "mapper.wasm", "--with", "team=["]);
    case.says("trial-options", &["plugin", "test", "mapper.wasm", "--options", "options.yaml"]);
    let entry = ["plugin", "test", "mapper.wasm", "--with", "team=web", "--input"];
    case.says("trial-entry", &[&entry[..], &["images.json"]].concat());
    case.says("trial-broken", &[&entry[..], &["broken.json"]].concat());
    case.says("trial-nowhere", &[&entry[..], &["nowhere.json"]].concat());
    case.says("trial-unknown", &["plugin", "test", "harbour"]);
}

#[test]
fn components_that_are_no_plugins() {
    let case = case();
    fs::write(case.place.path().join("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    patched(&case, "later.wasm", "image-transfer:plugin/http@0.1.0", "image-transfer:plugin/http@0.7.0");
    patched(&case, "schema.wasm", "\"type\": \"object\"", "\"type\": \"thing!\"");
    case.says("plugin-empty", &["plugin", "inspect", "empty.wasm"]);
    case.says("plugin-later", &["plugin", "inspect", "later.wasm"]);
    case.says("plugin-schema", &["plugin", "inspect", "schema.wasm"]);
    case.says("plugin-role", &["plugin", "test", "mapper.wasm", "--as", "source", "--with", "team=web"]);
}

#[test]
fn plugins_that_are_not_in_a_registry_or_do_not_go_there() {
    let registry = Registry::open();
    Graph::single("image", "1").push(&registry.remote(), "team/app");
    let case = case().named("REGISTRY", registry.address());
    let digest = format!("REGISTRY/plugins/teams@sha256:{}", "0".repeat(64));
    let plain = ["--plain-http", "REGISTRY"];
    case.says("push-digest", &[&["plugin", "push", &digest, "mapper.wasm"], &plain[..]].concat());
    case.says("push-text", &[&["plugin", "push", "REGISTRY/Upper:1", "mapper.wasm"], &plain[..]].concat());
    case.says("pull-image", &[&["plugin", "pull", "REGISTRY/team/app:1"], &plain[..]].concat());
    case.says("pull-missing", &[&["plugin", "pull", "REGISTRY/plugins/teams:1"], &plain[..]].concat());
    case.file("workflow.yaml", "version: 1\nplugins:\n  both: {path: mapper.wasm, oci: REGISTRY/plugins/teams:1}\n  loose: {oci: REGISTRY/plugins/teams:1}\ntransfers:\n  - from: {plugin: catalog, with: {registry: a.example.com}}\n    to: {registry: \"oci:out\"}\n");
    case.says("file-plugin-places", &["check", "workflow.yaml"]);
    let missing = format!(
        "version: 1\nregistries:\n  \"REGISTRY\": {{plain-http: true}}\nplugins:\n  teams: {{oci: \"{digest}\"}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: a.example.com}}}}\n    to: {{registry: \"oci:out\"}}\n"
    );
    case.file("missing.yaml", &missing);
    case.says("file-plugin-missing", &["check", "missing.yaml"]);
}

/// A run of a plugin that gives names that are none.
#[track_caller]
fn told(name: &str, transfer: &str) {
    let text = format!(
        "version: 1\nretry: {{rounds: 0, patience: 1s}}\nplugins:\n  hostile: {{path: hostile.wasm}}\ntransfers:\n  - name: all\n    {transfer}\n"
    );
    Case::new().file("workflow.yaml", &text).says(name, &["run", "workflow.yaml", "--no-journal", "--quiet"]);
}

#[test]
fn names_from_plugins_that_are_none() {
    let to = "to: {registry: \"oci:out\"}";
    told("names-grammar", &format!("from: {{plugin: hostile, with: {{behaviour: short-answer}}}}\n    {to}"));
    // `oci:/etc`, read backwards.
    told(
        "names-directory",
        &format!("from: {{plugin: hostile, with: {{behaviour: elsewhere, text: \"cte/:ico\"}}}}\n    {to}"),
    );
    let good = "from: {plugin: hostile, with: {behaviour: good}}";
    told(
        "names-many",
        &format!("{good}\n    map: {{plugin: hostile, with: {{behaviour: huge-batch, count: 65}}}}\n    {to}"),
    );
}

#[test]
fn a_directory_of_compiled_plugins_that_is_not_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let case = case();
    let shared = case.place.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    case.file("taken", "a file");
    for (name, directory) in [("cache-shared", &shared), ("cache-taken", &case.place.path().join("taken"))] {
        let environment = [("IMAGE_TRANSFER_CACHE", directory.to_str().unwrap())];
        case.says_with(name, &["plugin", "test", "mapper.wasm", "--with", "team=web"], &environment);
    }
}

#[test]
fn an_api_that_asks_for_time_for_ever() {
    let case = Case::new();
    case.file(
        "recorded.json",
        "{\"http\": [{\"method\": \"GET\", \"url\": \"https://a.example.com/api/version\", \"status\": 429}]}",
    );
    let test = ["plugin", "test", "harbor", "--as", "source", "--with", "url=https://a.example.com"];
    case.says("trial-limited", &[&test[..], &["--http", "recorded.json"]].concat());
}
