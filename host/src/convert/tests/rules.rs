//! Sources and targets as pairs, and repositories by registry.

use serde_json::json;

use super::converted;
use super::one;

#[test]
fn rules_and_logins_of_image_transfer_are_kept_word_for_word() {
    let rules =
        "a.example.com/team/app:1: b.example.com/team/app\na.example.com/team/job:1,2: b.example.com/team/job\n";
    let security = "a.example.com: {username: robot, password: not-a-real-password, insecure: true}\nb.example.com/team:\n  username: u\n  password: \"${B}\"\n";
    let (workflow, notes) = converted(&[("rules.yaml", rules), ("security.yaml", security)], None, false).unwrap();
    assert_eq!(
        workflow,
        json!({
            "version": 1,
            "registries": {
                "a.example.com": {"username": "robot", "password": "${REGISTRY_PASSWORD_A_EXAMPLE_COM}", "insecure": true},
                "b.example.com/team": {"username": "u", "password": "${B}"},
            },
            "transfers": [{
                "from": {"plugin": "rules", "with": {"rules": {
                    "a.example.com/team/app:1": "b.example.com/team/app",
                    "a.example.com/team/job:1,2": "b.example.com/team/job",
                }}},
                "to": {"registry": "docker.io"},
            }],
        })
    );
    assert_eq!(
        notes,
        [
            "security.yaml:1:44: the secret of `a.example.com` is not written out: set REGISTRY_PASSWORD_A_EXAMPLE_COM in the environment"
        ]
    );
}

#[test]
fn what_image_transfer_took_for_a_registry_is_told() {
    let (_, notes) = one("rules.yaml", "myhost/team/app:1: b.example.com/team/app\n");
    assert_eq!(
        notes,
        ["rules.yaml:1:1: `myhost` is a namespace on Docker Hub here; as a registry it needs a dot or a port"]
    );
    let error = converted(&[("rules.yaml", "a.example.com/team/app:1: ''\n")], None, false).unwrap_err();
    assert!(error.contains("say --to HOST for those") && error.contains("rules.yaml:1:27"), "{error}");
}

#[test]
fn image_syncer_has_lists_expressions_digests_and_variables_of_the_shell() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let images = format!(
        r#"{{"quay.example.com/a/b": ["$TARGET/a/b", "c.example.com/a/b"], "quay.example.com/a/c:1,2": "c.example.com/a/c:x,y",
            "quay.example.com/a/d:/^v[0-9]+$/": "c.example.com/a/d", "quay.example.com/a/e@{digest}": "c.example.com/a/e",
            "quay.example.com/a/f:1": ""}}"#
    );
    let auth = r#"{"quay.example.com": {"username": "${QUAY_USER}", "password": "$QUAY_PASSWORD"}}"#;
    let (workflow, notes) =
        converted(&[("auth.json", auth), ("images.json", &images)], Some("d.example.com/mirror"), false).unwrap();
    let (login, transfers) = (&workflow["registries"]["quay.example.com"], &workflow["transfers"]);
    assert_eq!(login, &json!({"username": "${QUAY_USER}", "password": "${QUAY_PASSWORD}"}));
    assert_eq!(
        transfers[0]["from"]["with"]["rules"],
        json!({
            "quay.example.com/a/b": ["${TARGET}/a/b", "c.example.com/a/b"],
            "quay.example.com/a/c:1,2": "c.example.com/a/c:x,y",
            format!("quay.example.com/a/e@{digest}"): "c.example.com/a/e",
            "quay.example.com/a/f:1": "d.example.com/mirror/f",
        })
    );
    assert_eq!(transfers[1]["from"]["with"]["rules"], json!({"quay.example.com/a/d": "c.example.com/a/d"}));
    assert_eq!(transfers[1]["select"], json!({"tags": {"include": ["/v[0-9]+/"]}}));
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn one_file_of_image_syncer_may_hold_both() {
    let text =
        "auth:\n  quay.example.com: {username: u, password: $P}\nimages:\n  quay.example.com/a/b: c.example.com/a/b\n";
    let (workflow, _) = one("images.yaml", text);
    assert_eq!(workflow["registries"]["quay.example.com"]["password"], "${P}");
    assert_eq!(workflow["transfers"][0]["from"]["with"]["rules"], json!({"quay.example.com/a/b": "c.example.com/a/b"}));
}

#[test]
fn registries_of_skopeo_go_where_the_command_line_says() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let text = format!(
        "registry.example.com:\n  images:\n    busybox: []\n    team/redis: [\"1.0\", '{digest}']\n  images-by-tag-regex:\n    nginx: ^1\\.13\\.[12]$\n  images-by-semver:\n    alpine: '>= 3.12.0'\n  credentials: {{username: john, password: not-a-real-password}}\n  tls-verify: false\n  cert-dir: /certs\n"
    );
    let (workflow, notes) = converted(&[("sync.yml", &text)], Some("my.example.com/repo/"), false).unwrap();
    assert_eq!(
        workflow["registries"]["registry.example.com"],
        json!({"username": "john", "password": "${REGISTRY_PASSWORD_REGISTRY_EXAMPLE_COM}", "insecure": true})
    );
    assert_eq!(
        workflow["transfers"],
        json!([
            {"from": {"plugin": "rules", "with": {"rules": {
                "registry.example.com/busybox": "my.example.com/repo/busybox",
                "registry.example.com/team/redis:1.0": "my.example.com/repo/redis",
                format!("registry.example.com/team/redis@{digest}"): "my.example.com/repo/redis",
            }}}},
            {
                "from": {"plugin": "rules", "with": {"rules": {"registry.example.com/nginx": "my.example.com/repo/nginx"}}},
                "select": {"tags": {"include": ["/1\\.13\\.[12]/"]}},
            },
            {
                "from": {"plugin": "rules", "with": {"rules": {"registry.example.com/alpine": "my.example.com/repo/alpine"}}},
                "select": {"tags": {"semver": ">=3.12.0"}},
            },
        ])
    );
    assert!(notes[1].starts_with("sync.yml:11:3: `cert-dir` is left out: write the files in it as `ca`"), "{notes:?}");
    let (scoped, _) = converted(&[("sync.yml", &text)], Some("my.example.com"), true).unwrap();
    assert_eq!(
        scoped["transfers"][0]["from"]["with"]["rules"]["registry.example.com/busybox"],
        "my.example.com/registry.example.com/busybox"
    );
    let error = converted(&[("sync.yml", &text)], None, false).unwrap_err();
    assert!(error.contains("add --to HOST[:PORT][/NAMESPACE]"), "{error}");
}

#[test]
fn a_login_with_more_than_is_known_is_one_all_the_same() {
    let auth = "a.example.com: {username: u, password: $P, identityToken: true}\n";
    let images = "{\"a.example.com/x\": \"b.example.com/x\"}";
    let (workflow, notes) = converted(&[("auth.yaml", auth), ("images.json", images)], None, false).unwrap();
    assert_eq!(workflow["registries"]["a.example.com"], json!({"username": "u", "password": "${P}"}));
    assert_eq!(notes, ["auth.yaml:1:44: `identityToken` is not known here and is left out"]);
}
