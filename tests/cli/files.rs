//! Errors of files, which `check` and `run` tell before anything is sent.

use super::Case;

/// `check` of this workflow says what the snapshot `name` has.
#[track_caller]
fn told(name: &str, text: &str) {
    let case = Case::new();
    case.file("not-a-component.wasm", "these are no components").file("workflow.yaml", text);
    case.says(name, &["check", "workflow.yaml"]);
}

/// The rest of a workflow in which nothing is wrong.
const TRANSFERS: &str = "\
transfers:
  - from: {plugin: catalog, with: {registry: a.example.com}}
    to: {registry: \"oci:out\"}
";

#[test]
fn a_file_that_is_not_there() {
    Case::new().says("file-missing", &["check", "nowhere.yaml"]);
}

#[test]
fn a_file_that_is_not_yaml() {
    told("file-not-yaml", "version: 1\ntransfers: [\n");
    told("file-two-documents", &format!("version: 1\n{TRANSFERS}---\nversion: 1\n"));
    told(
        "file-yaml-beyond-what-is-read",
        &format!("version: 1\n<<: {{name: x}}\nname: one\nname: two\n{{a: b}}: c\n{TRANSFERS}"),
    );
    told("file-tag", &format!("version: 1\nlimits: !secret {{qps: 5}}\n{TRANSFERS}"));
    told("file-alias", &format!("version: 1\nvars: &a {{x: *a}}\n{TRANSFERS}"));
    told("file-deep", &format!("version: 1\nvars: {}{}\n{TRANSFERS}", "[".repeat(200), "]".repeat(200)));
    told("file-text", "only a text\n");
}

#[test]
fn keys_that_are_unknown_missing_or_of_the_wrong_kind() {
    told(
        "file-keys",
        "\
version: 1
limts: {qps: 5}
retry: [1]
limits: {qps: none, images: 0, bandwidth: fast, idle: soon}
registries: {a.example.com: {plain-http: perhaps}}
transfers:
  - from: {plugin: catalog, with: {registry: a.example.com}}
    name: \"\"
    needs: {}
    to: {registry: \"oci:out\", existing: maybe}
  - from: {}
    to: {registry: [a]}
  - to: {registry: \"oci:out\"}
",
    );
    told("file-version", &format!("version: 2\n{TRANSFERS}"));
    told("file-nothing-to-move", "version: 1\ntransfers: []\n");
    told("file-without-version", TRANSFERS);
    told("file-without-transfers", "version: 1\n");
    told("file-transfers-mapping", "version: 1\ntransfers: {}\n");
    told(
        "file-zeros",
        &format!("version: 1\nlimits: {{bandwidth: 0, idle: 0s}}\n{TRANSFERS}    select: {{tags: {{newest: {{}}}}}}\n"),
    );
}

#[test]
fn registries_that_cannot_be_as_they_are() {
    told(
        "file-registries",
        &format!(
            "\
version: 1
registries:
  a.example.com: {{username: u}}
  A.example.com: {{anonymous: true, identity-token: t}}
  b.example.com:
  c.example.com: {{plain-http: true, insecure: true, client-cert: nowhere.pem}}
  https://d.example.com: {{anonymous: true}}
  \"oci:images\": {{anonymous: true}}
  e.example.com: {{proxy: \"no url\", password: p, qps: 0}}
{TRANSFERS}"
        ),
    );
}

#[test]
fn transfers_that_cannot_be_as_they_are() {
    told(
        "file-transfers",
        "\
version: 1
transfers:
  - name: one
    needs: [two, three]
    from: {plugin: catalog, with: {registry: a.example.com}}
    to: {registry: \"oci:out\"}
  - name: two
    needs: [one]
    from: {plugin: catalog, with: {registry: a.example.com}}
    to: []
  - name: one
    from: {plugin: catalog, with: {registry: a.example.com}}
    to: {registry: \"UP:x\", namespace: UP}
",
    );
    told(
        "file-selection",
        "\
version: 1
transfers:
  - from: {plugin: catalog, with: {registry: a.example.com}}
    select:
      repositories: {include: [\"/a(/\", \"\"]}
      tags: {include: [\"[\"], semver: \">=x\", newest: {count: 0}}
      platforms: [linux]
    to: {registry: \"oci:out\"}
",
    );
    told(
        "file-rules",
        "\
version: 1
transfers:
  - from:
      plugin: rules
      with:
        rules:
          a.example.com/x/y:1: a.example.com/x/y:1
          a.example.com/x/one:1: b.example.com/x/y:1
          a.example.com/x/two:1: b.example.com/x/y:1
          a.example.com/Upper/case:1: b.example.com/x/z
          a.example.com/x/tag:-1: b.example.com/x/z
",
    );
}

#[test]
fn plugins_that_cannot_be_used() {
    told(
        "file-plugins",
        &format!(
            "\
version: 1
plugins:
  not-one: {{path: not-a-component.wasm}}
  gone: {{path: nowhere.wasm}}
  other: {{path: hostile.wasm, sha256: \"{}\"}}
  Upper: {{path: hostile.wasm}}
  built-in: {{sha256: \"{}\"}}
  wide: {{path: hostile.wasm, network: [\"http://a b\"]}}
transfers:
  - from: {{plugin: catalgo}}
    to: {{registry: \"oci:out\"}}
  - from: {{plugin: not-one}}
    to: {{registry: \"oci:out\"}}
  - from: {{plugin: gone}}
    to: {{registry: \"oci:out\"}}
  - from: {{plugin: other, with: {{behaviour: good}}}}
    to: {{registry: \"oci:out\"}}
",
            "0".repeat(64),
            "0".repeat(64)
        ),
    );
    told(
        "file-plugin-options",
        "\
version: 1
transfers:
  - from: {plugin: rewrite, with: {prefix: a/}}
    to: {registry: \"oci:out\"}
  - from:
      plugin: catalog
      with:
        registri: a.example.com
        repositories: everything
    to: {registry: \"oci:out\"}
  - from: {plugin: somewhere-else}
    to: {registry: \"oci:out\"}
",
    );
    told("file-plugin-names", &format!("version: 1\nplugins: {{mine: {{path: not-a-component.wasm}}}}\n{TRANSFERS}"));
}

#[test]
fn variables_without_a_value() {
    let case = Case::new();
    case.file(
        "workflow.yaml",
        &format!("version: 1\nvars: {{region: }}\nregistries: {{a.example.com: {{username: \"${{NOT_SET}}\", password: \"${{open\"}}}}\n{TRANSFERS}"),
    );
    case.says("file-variables", &["check", "workflow.yaml", "--set", "zone=a"]);
    told(
        "file-variables-key",
        &format!(
            "version: 1\nvars: {{hosts: [a]}}\nregistries: {{\"${{vars.hosts}}\": {{anonymous: true}}, \"${{vars.host}}\": {{anonymous: true}}}}\n{TRANSFERS}"
        ),
    );
    told("file-variables-list", &format!("version: 1\nvars: [a]\n{TRANSFERS}"));
}
