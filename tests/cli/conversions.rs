//! Errors of other tools' configurations.

use super::Case;

/// `convert` of this file, as that tool's, says what the snapshot `name` has.
#[track_caller]
fn told(name: &str, tool: &str, text: &str, more: &[&str]) {
    let arguments = [&["convert", "input.yaml", "--from", tool, "--output", "out.yaml"], more].concat();
    Case::new().file("input.yaml", text).says(name, &arguments);
}

#[test]
fn of_the_classic_tool_and_of_image_syncer() {
    told("convert-rules-empty-target", "image-transfer", "a.example.com/x/y: \"\"\n", &[]);
    told("convert-rules-list", "image-transfer", "- a\n", &[]);
    told("convert-syncer-forms", "image-syncer", "auth: [a]\nimages: [b]\n", &[]);
    told("convert-syncer-empty-target", "image-syncer", "images: {a.example.com/x/y: \"\"}\n", &[]);
    told(
        "convert-syncer-tags",
        "image-syncer",
        "images: {\"a.example.com/x/y:1,2\": \"b.example.com/x/y:1,2,3\"}\n",
        &[],
    );
}

#[test]
fn of_tags_that_are_listed() {
    told("convert-syncer-listed", "image-syncer", "images: {\"a.example.com/x/y\": \"b.example.com/x/y:1\"}\n", &[]);
}

#[test]
fn of_what_is_left_out() {
    told(
        "convert-left-out",
        "dregsy",
        "\
relay: skopeo
wibble: yes
tasks:
  - name: one
    interval: 60
    source: {registry: a.example.com}
    target: {registry: b.example.com}
    mappings: [{from: x/y}]
",
        &[],
    );
}

#[test]
fn of_regsync() {
    told(
        "convert-regsync",
        "regsync",
        "\
version: 1
creds:
  - {user: u}
  - {registry: a.example.com, tls: maybe}
sync:
  - {source: a.example.com/x/y, type: repository}
  - {source: a.example.com/x/y, target: b.example.com/x/y, type: everything}
  - {source: a.example.com/x/y, target: b.example.com/x/y, type: repository, unheard: of}
defaults: {parallel: many, backup: old}
",
        &[],
    );
}

#[test]
fn of_skopeo() {
    told("convert-skopeo-without-target", "skopeo", "a.example.com: {images: {app: [\"1\"]}}\n", &[]);
    told("convert-skopeo-list", "skopeo", "- a.example.com\n", &["--to", "b.example.com"]);
    told("convert-skopeo-nothing", "skopeo", "a.example.com: {}\n", &["--to", "b.example.com"]);
    let merges = format!("a.example.com: {}{{images: {{app: []}}}}{}\n", "{<<: ".repeat(20), "}".repeat(20));
    told("convert-skopeo-many-merges", "skopeo", &merges, &["--to", "b.example.com"]);
    told(
        "convert-skopeo-merges",
        "skopeo",
        "a.example.com: {<<: text, images: {app: {a: b}}, tls-verify: perhaps}\n",
        &["--to", "b.example.com"],
    );
}

#[test]
fn of_dregsy() {
    told(
        "convert-dregsy",
        "dregsy",
        "\
relay: skopeo
tasks:
  - name: one
    source: {auth: x}
    target: {registry: b.example.com}
    mappings:
      - to: x/y
  - name: two
    mappings: [{from: x/y}]
",
        &[],
    );
}

#[test]
fn of_mappings_without_a_source() {
    told(
        "convert-dregsy-mapping",
        "dregsy",
        "\
relay: skopeo
tasks:
  - name: one
    source: {registry: [a]}
    target: {registry: b.example.com}
    mappings: [{from: x/y}]
  - name: two
    source: {registry: a.example.com}
    target: {registry: b.example.com}
    mappings: [{to: x/y}]
",
        &[],
    );
}

#[test]
fn of_ocync() {
    told(
        "convert-ocync",
        "ocync",
        "\
registries:
  one: {auth_type: magic, url: a.example.com}
  two: {}
target_groups: [a]
mappings:
  - from: x/y
    source: three
    targets: [one]
  - source: one
",
        &[],
    );
    told("convert-ocync-registries", "ocync", "registries: [a]\nmappings: []\n", &[]);
}
