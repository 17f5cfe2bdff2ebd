use std::path::Path;

use serde_json::json;

use super::*;
use crate::http::Patience;
use crate::workflow::Existing;
use crate::workflow::SECTIONS;

fn env(name: &str) -> Option<String> {
    match name {
        "ACR_USER" | "HARBOR_USER" => Some("robot".to_owned()),
        "ACR_PASSWORD" | "HARBOR_PASSWORD" | "TCR_SECRET_KEY" => Some("placeholder-password".to_owned()),
        _ => None,
    }
}

fn plan(text: &str) -> Result<Plan, String> {
    load_text(Path::new("w.yaml"), text, &[], &env).map(|(plan, _)| plan).map_err(|report| report.to_string())
}

/// The messages alone.
fn messages(text: &str) -> Vec<String> {
    let report = load_text(Path::new("w.yaml"), text, &[], &env).unwrap_err();
    report.diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()
}

/// A workflow whose only transfer has these keys besides `from`.
fn with_transfer(keys: &str) -> String {
    format!("version: 1\ntransfers:\n- from: {{plugin: catalog}}\n{keys}")
}

#[test]
fn a_small_workflow_is_a_plan() {
    let plan = plan(
        "version: 1\nregistries:\n  index.docker.io/team: {username: u, password: p, qps: 5}\ntransfers:\n- from: {plugin: catalog, \
         with: {registry: a.io}}\n  to: {registry: 'oci:out', namespace: mirror, existing: skip}\n",
    )
    .unwrap();
    assert_eq!(plan.name, "w");
    assert_eq!(plan.registries[0].key, "docker.io/team");
    assert_eq!(plan.registries[0].qps.map(std::num::NonZeroU32::get), Some(5));
    let transfer = &plan.transfers[0];
    assert_eq!((transfer.name.as_str(), transfer.from.plugin.as_str()), ("transfer-1", "catalog"));
    assert_eq!(transfer.from.with, json!({"registry": "a.io"}));
    let to = &transfer.to[0];
    assert_eq!(to.registry.as_ref().unwrap().to_string(), "oci:out");
    assert_eq!((to.namespace.as_ref().unwrap().as_str(), to.existing), ("mirror", Existing::Skip));
    assert_eq!((plan.limits.images, plan.limits.blobs, plan.retry.rounds), (32, 32, 2));
}

#[test]
fn a_plan_is_printed_without_its_secrets() {
    let plan = plan(
        "version: 1\nregistries:\n  a.io: {username: u, password: not-a-real-password, proxy: 'http://u:not-a-real-proxy@p.corp'}\n  \
         b.io: {identity-token: not-a-real-token}\n  c.io: {credentials: {plugin: tcr, with: {secret-key: not-a-real-key}}}\n\
         transfers:\n- from: {plugin: catalog, with: {password: not-a-real-option, other: not-a-real-either}}\n  \
         to: {registry: 'oci:out', prepare: {plugin: tcr, with: {secret-key: not-a-real-key}}}\n",
    )
    .unwrap();
    let shown = format!("{plan:?}");
    assert!(shown.contains("p.corp") && shown.contains("catalog"), "{shown}");
    assert!(!shown.contains("not-a-real"), "{shown}");
    assert!(plan.secrets.contains(&Secret::new("not-a-real-proxy")));
}

#[test]
fn patience_has_a_measure() {
    let text = |limits: &str| {
        format!("version: 1\nlimits: {{{limits}}}\n{}", &with_transfer("  to: {registry: b.io}\n")[11..])
    };
    let patience = |limits: &str| {
        let Patience { idle, minimum_rate } = plan(&text(limits)).unwrap().limits.patience;
        (idle.as_millis(), minimum_rate)
    };
    assert_eq!(patience(""), (60_000, 1024));
    assert_eq!(patience("idle: 500ms, minimum-rate: 2MiB"), (500, 2 << 20));
    assert_eq!(patience("minimum-rate: 0"), (60_000, 0));
    assert_eq!(messages(&text("idle: 0")), ["`idle` must not be 0"]);
    let [idle, rate] = messages(&text("idle: soon, minimum-rate: slow")).try_into().unwrap();
    assert!(idle.starts_with("`soon` is not a duration") && rate.starts_with("`slow` is not a size"), "{idle}; {rate}");
}

#[test]
fn layouts_are_relative_to_the_workflow_file() {
    let text = with_transfer("  to: {registry: 'oci:out'}\n");
    let (plan, _) = load_text(Path::new("flows/w.yaml"), &text, &[], &env).unwrap();
    assert_eq!(plan.transfers[0].to[0].registry.as_ref().unwrap().to_string(), "oci:flows/out");
    assert_eq!(plan.base, Path::new("flows"));
}

#[test]
fn several_errors_are_told_at_once_each_at_its_line() {
    let text = "\
version: 1
limits: {imges: 3}
registries:
  a.io: {username: u}
transfers:
  - name: all
    from: {plugin: catalog}
    select:
      repositories: {include: ['/a(/']}
      tags: {semver: '>=x', newest: {count: 0, by: date}}
      platforms: [linux]
    to: {registry: 'b.io', existing: owerwrite}
    needs: [al]
";
    assert_eq!(
        plan(text).unwrap_err(),
        "\
error: `limits` has no key `imges`
 --> w.yaml:2:10
  |
2 | limits: {imges: 3}
  |          ^^^^^
  |
  = help: did you mean `images`?

error: `username` needs a `password` beside it
 --> w.yaml:4:10
  |
4 |   a.io: {username: u}
  |          ^^^^^^^^

error: `/a(/` is not a regular expression: unclosed group
 --> w.yaml:9:32
  |
9 |       repositories: {include: ['/a(/']}
  |                                ^^^^^^

error: `>=x` is not a range of versions: unexpected character 'x' while parsing major version number
  --> w.yaml:10:22
   |
10 |       tags: {semver: '>=x', newest: {count: 0, by: date}}
   |                      ^^^^^

error: `count` must be a whole number, one or more, not `0`
  --> w.yaml:10:45
   |
10 |       tags: {semver: '>=x', newest: {count: 0, by: date}}
   |                                             ^

error: `by` must be one of `semver`, `name` and `created`, not `date`
  --> w.yaml:10:52
   |
10 |       tags: {semver: '>=x', newest: {count: 0, by: date}}
   |                                                    ^^^^

error: \"linux\" is not a platform: expected os/architecture or os/architecture/variant, such as linux/arm64
  --> w.yaml:11:19
   |
11 |       platforms: [linux]
   |                   ^^^^^

error: `existing` must be one of `overwrite`, `skip` and `fail`, not `owerwrite`
  --> w.yaml:12:38
   |
12 |     to: {registry: 'b.io', existing: owerwrite}
   |                                      ^^^^^^^^^
   |
   = help: did you mean `overwrite`?

error: there is no transfer named `al`
  --> w.yaml:13:13
   |
13 |     needs: [al]
   |             ^^
   |
   = help: did you mean `all`?

9 errors, nothing was started"
    );
}

#[test]
fn transfers_that_wait_for_each_other_are_refused_once() {
    let text = "\
version: 1
transfers:
- {name: a, from: {plugin: catalog}, needs: [b]}
- {name: b, from: {plugin: catalog}, needs: c}
- {name: c, from: {plugin: catalog}, needs: [a]}
- {name: d, from: {plugin: catalog}, needs: [d]}
- {name: e, from: {plugin: catalog}, needs: [a]}
";
    assert_eq!(
        messages(text),
        ["these transfers wait for each other: a -> b -> c -> a", "these transfers wait for each other: d -> d"]
    );
}

#[test]
fn needs_are_indices() {
    let plan =
        plan("version: 1\ntransfers:\n- {name: a, from: {plugin: x}, needs: [b]}\n- {name: b, from: {plugin: x}}\n")
            .unwrap();
    assert_eq!((&plan.transfers[0].needs, &plan.transfers[1].needs), (&vec![1], &vec![]));
}

#[test]
fn what_is_missing_is_told() {
    for (text, expected) in [
        ("", vec!["a workflow must be a mapping, not nothing"]),
        ("[]", vec!["a workflow must be a mapping, not a list"]),
        ("name: x", vec!["the workflow has no `version`", "the workflow has no `transfers`"]),
        (
            "version: 2\ntransfers: []",
            vec!["this program knows version 1 of workflow files only", "`transfers` is empty: nothing would be moved"],
        ),
        ("version: 1\ntransfers: [{to: {}}]", vec!["the transfer has no `from`"]),
        ("version: 1\ntransfers: [{from: {with: {}}}]", vec!["`from` names no plugin"]),
        ("version: 1\ntransfers: [{from: catalog}]", vec!["`from` must be a mapping, not a string"]),
    ] {
        assert_eq!(messages(text), expected, "{text}");
    }
}

#[test]
fn contradictions_between_settings_are_told() {
    for (registry, expected) in [
        ("{password: p}", "`password` needs a `username` beside it"),
        ("{username: u, password: p, anonymous: true}", "`anonymous` and `username` are two ways to log in: keep one"),
        ("{client-cert: Cargo.toml}", "`client-cert` needs a `client-key` beside it"),
        ("{plain-http: true, ca: Cargo.toml}", "`ca` has no effect beside `plain-http: true`"),
        ("{ca: absent.pem}", "`ca`: absent.pem does not exist"),
        ("{proxy: 'corp:3128'}", "`proxy` must be a URL that begins with http://, https://, socks5:// or socks5h://"),
        ("{qps: fast}", "`qps` must be a whole number, one or more, not `fast`"),
        ("{skip-verify: maybe}", "`skip-verify` must be true or false, not a string"),
        ("", "this registry has no settings"),
    ] {
        let text = format!("version: 1\nregistries:\n  a.io: {registry}\ntransfers: [{{from: {{plugin: x}}}}]\n");
        assert_eq!(messages(&text), [expected], "{registry}");
    }
}

#[test]
fn aliases_of_one_registry_are_one() {
    let text = "version: 1\nregistries:\n  docker.io: {qps: 1}\n  index.docker.io: {qps: 2}\n  'a b': {qps: 1}\ntransfers: [{from: {plugin: x}}]\n";
    assert_eq!(
        messages(text),
        [
            "`index.docker.io` is the same registry as `docker.io`",
            "\"a b\" is not a registry: expected host, host:port or oci:DIRECTORY"
        ]
    );
}

#[test]
fn passwords_are_remembered_and_never_shown() {
    let text = "version: 1\nregistries:\n  a.io: {username: u, password: '${ACR_PASSWORD}'}\n  b.io: {username: u, password: literal-one, qqs: 1}\n";
    let shown = plan(&format!("{text}transfers: [{{from: {{plugin: x}}}}]\n")).unwrap_err();
    assert!(shown.contains("b.io: {username: u, password: ***********, qqs: 1}"), "{shown}");
    let secrets = plan(&format!(
        "{}transfers: [{{from: {{plugin: x, with: {{secretKey: k-e-y}}}}}}]\n",
        text.replace(", qqs: 1", "")
    ))
    .unwrap()
    .secrets;
    let secrets: Vec<_> = secrets.iter().map(Secret::reveal).collect();
    assert_eq!(secrets, ["k-e-y", "literal-one", "placeholder-password"]);
}

#[test]
fn options_can_come_from_a_file_and_their_errors_are_shown_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("rules.yaml"), "a.io/b:1: c.io/b\na.io/x:1: a.io/x:1\n").unwrap();
    let path = directory.path().join("w.yaml");
    std::fs::write(&path, "version: 1\ntransfers: [{from: {plugin: rules, with: {rules: {$file: rules.yaml}}}}]\n")
        .unwrap();
    let report = load(&path, &[], &env).unwrap_err();
    assert_eq!(report.diagnostics[0].message, "the target is its own source");
    assert!(report.to_string().contains("rules.yaml:2:11"), "{report}");

    std::fs::write(directory.path().join("rules.yaml"), "a.io/b:1: c.io/b\n").unwrap();
    let (plan, source) = load(&path, &[], &env).unwrap();
    let from = &plan.transfers[0].from;
    assert_eq!(from.with, json!({"rules": {"a.io/b:1": "c.io/b"}}));
    assert_eq!(source.text(from.with_at.locate("/rules/a.io~1b:1")), "c.io/b");
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_its_own() {
    let report = load(Path::new("absent.yaml"), &[], &env).unwrap_err();
    assert_eq!(report.to_string(), "error: absent.yaml: no such file\n\n1 error, nothing was started");
    let text = "version: 1\ntransfers: [{from: {plugin: x, with: {a: {$file: absent.yaml}}}}]\n";
    assert_eq!(messages(text), ["absent.yaml: no such file"]);
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let report = load(Path::new("/dev/zero"), &[], &env).unwrap_err();
    assert_eq!(report.diagnostics[0].message, "/dev/zero: the file is larger than 16 MiB");
}

#[test]
fn two_rules_with_one_target_are_refused() {
    let text = with_transfer("").replace(
        "{plugin: catalog}",
        "{plugin: rules, with: {rules: {'a.io/b:1': [c.io/b, d.io/b], 'a.io/x:1': 'd.io/b:1', 'a.io/b': c.io/b}}}",
    );
    assert_eq!(messages(&text), ["`d.io/b:1` is a target of `a.io/b:1` already"]);
}

#[test]
fn the_reference_is_a_plan_and_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/reference.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    if let Err(report) = load(&path, &[], &env) {
        panic!("{report}");
    }
    for (section, keys) in SECTIONS {
        for key in *keys {
            let written = text.lines().any(|line| {
                let line = line.trim_start().trim_start_matches("# ").trim_start_matches("- ");
                line.starts_with(&format!("{key}:"))
            }) || text.contains(&format!("{{{key}:"))
                || text.contains(&format!(", {key}:"));
            assert!(written, "{section} has the key `{key}`, the reference has not");
        }
    }
}
