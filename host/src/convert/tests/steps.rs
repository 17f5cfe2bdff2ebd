//! Steps, tasks and mappings with a choice of tags.

use serde_json::Value;
use serde_json::json;

use super::converted;
use super::one;

#[test]
fn steps_of_regsync_become_rules_catalogs_and_choices() {
    let text = r#"
x-set: &set {type: repository, interval: 60m, tags: {allow: ["latest", 'v\d+'], deny: [".*-rc"]}}
creds:
  - {registry: docker.io, user: me, pass: '{{env "HUB"}}'}
  - {registry: "localhost:5000", tls: disabled, reqPerSec: 20}
defaults: {parallel: 3, referrers: true}
sync:
  - {source: "busybox", target: "reg.example.com/library/busybox", type: image, referrers: false}
  - {<<: *set, source: ghcr.example.com/a/b, target: reg.example.com/a/b}
  - {source: "localhost:5000", target: reg.example.com/mirror, type: registry, repos: {allow: ["team/.*"], deny: ["team/old"]}}
  - {source: c.example.com/d, target: reg.example.com/d, type: repository, tagSets: [{semverRange: [">=1.2 <2", "^3"]}]}
"#;
    let (workflow, notes) = one("regsync.yml", text);
    assert_eq!(
        workflow,
        json!({
            "version": 1,
            "registries": {
                "docker.io": {"username": "me", "password": "${HUB}"},
                "localhost:5000": {"plain-http": true, "qps": 20},
            },
            "limits": {"images": 3},
            "transfers": [
                {"from": {"plugin": "rules", "with": {"rules": {
                    "docker.io/library/busybox:latest": "reg.example.com/library/busybox:latest",
                }}}},
                {
                    "from": {"plugin": "rules", "with": {"rules": {"ghcr.example.com/a/b": "reg.example.com/a/b"}}},
                    "select": {"referrers": true, "tags": {"include": ["latest", "/v\\d+/"], "exclude": ["/.*-rc/"]}},
                },
                {
                    "from": {"plugin": "catalog", "with": {
                        "registry": "localhost:5000", "repositories": ["/^team/.*$/"], "exclude": ["/^team/old$/"],
                    }},
                    "select": {"referrers": true},
                    "to": {"registry": "reg.example.com", "namespace": "mirror"},
                },
                {
                    "from": {"plugin": "rules", "with": {"rules": {"c.example.com/d": "reg.example.com/d"}}},
                    "select": {"referrers": true, "tags": {"semver": ">=1.2, <2"}},
                },
                {
                    "from": {"plugin": "rules", "with": {"rules": {"c.example.com/d": "reg.example.com/d"}}},
                    "select": {"referrers": true, "tags": {"semver": "^3"}},
                },
            ],
        })
    );
    assert_eq!(
        notes,
        [
            "regsync.yml:2:32: `interval` is left out: a workflow runs when it is started: have cron or a CronJob start it"
        ]
    );
}

#[test]
fn what_regsync_has_and_a_workflow_has_not_is_told_at_its_line() {
    let text = "\
creds:
  - registry: a.example.com
    user: u
    pass: '{{file \"/run/secrets/p\"}}'
    mirrors: [m.example.com]
    reqPerSec: 0.5
sync:
  - source: a.example.com/x
    target: b.example.com/x
    type: repository
    targetTag: '{{.Tag}}-mirror'
  - source: '{{file \"/etc/source\"}}'
    target: b.example.com/y
    type: image
  - {source: a.example.com/z, target: b.example.com/z, type: image, backup: old, wibble: 1}
";
    let (workflow, notes) = one("r.yml", text);
    assert_eq!(
        workflow["transfers"][0]["from"]["with"]["rules"],
        json!({"a.example.com/z:latest": "b.example.com/z:latest"})
    );
    assert_eq!(workflow["transfers"].as_array().unwrap().len(), 1);
    let begin = |line: &str| line.split(": ").take(2).collect::<Vec<_>>().join(": ");
    assert_eq!(
        notes.iter().map(|note| begin(note)).collect::<Vec<_>>(),
        [
            "r.yml:4:11: the secret of `a.example.com` is not written out",
            "r.yml:5:5: `mirrors` is left out",
            "r.yml:6:16: `reqPerSec",
            "r.yml:11:16: this step is left out",
            "r.yml:12:13: this step is left out",
            "r.yml:15:69: `backup` is left out",
            "r.yml:15:82: `wibble` is not known here and is left out",
        ]
    );
}

#[test]
fn tasks_of_dregsy_keep_their_names_and_their_choices() {
    use base64::Engine as _;
    let auth =
        base64::engine::general_purpose::STANDARD.encode(r#"{"username": "alex", "password": "not-a-real-password"}"#);
    let text = format!(
        r"
relay: skopeo
tasks:
  - name: first
    interval: 60
    source: {{registry: a.example.com, auth: {auth}}}
    target: {{registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com, auth-refresh: 10h}}
    mappings:
      - {{from: test/image, to: archive/test/image, tags: ['0.1.0', '0.1.1']}}
      - {{from: test/other, tags: ['semver: >=1.31.0 <1.31.9', 'regex: 1\.26\..*', 'keep: !.*-rc']}}
      - {{from: test/job, to: 'regex:test/(.+),old/$1'}}
  - name: second
    source: {{registry: a.example.com}}
    target: {{registry: '127.0.0.1:5000', auth: none, skip-tls-verify: true}}
    mappings:
      - {{from: 'regex:my/.*', to: dh, tags: [latest]}}
      - {{from: 'regex:your/.*', to: 'regex:^/your/(.+),/their/$1'}}
"
    );
    let (workflow, notes) = one("dregsy.yaml", &text);
    let ecr = json!({"plugin": "ecr", "with": {
        "access-key-id": "${AWS_ACCESS_KEY_ID}", "secret-access-key": "${AWS_SECRET_ACCESS_KEY}",
        "session-token": "${AWS_SESSION_TOKEN:-}", "region": "eu-west-1",
    }});
    let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    assert_eq!(
        workflow["registries"],
        json!({
            "a.example.com": {"username": "alex", "password": "${REGISTRY_PASSWORD_A_EXAMPLE_COM}"},
            host: {"credentials": ecr},
            "127.0.0.1:5000": {"anonymous": true, "insecure": true},
        })
    );
    let rules = |index: usize| workflow["transfers"][index]["from"]["with"]["rules"].clone();
    let tags = |index: usize| workflow["transfers"][index]["select"]["tags"].clone();
    assert_eq!(
        rules(0),
        json!({
            "a.example.com/test/image:0.1.0,0.1.1": format!("{host}/archive/test/image"),
            "a.example.com/test/job": format!("{host}/old/job"),
        })
    );
    assert_eq!(
        (rules(1), tags(1)),
        (
            json!({"a.example.com/test/other": format!("{host}/test/other")}),
            json!({"semver": ">=1.31.0, <1.31.9", "exclude": ["/.*-rc/"]})
        )
    );
    assert_eq!(tags(2), json!({"include": ["/1\\.26\\..*/"], "exclude": ["/.*-rc/"]}));
    let names: Vec<&Value> = workflow["transfers"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["first", "first-2", "first-3", "second", "second-2"]);
    assert_eq!(workflow["transfers"][0]["to"], json!({"prepare": ecr}));
    assert_eq!(
        workflow["transfers"][3],
        json!({
            "name": "second",
            "from": {"plugin": "catalog", "with": {"registry": "a.example.com", "repositories": ["/^my/.*$/"]}},
            "select": {"tags": {"include": ["latest"]}},
            "to": {"registry": "127.0.0.1:5000", "namespace": "dh"},
        })
    );
    assert_eq!(
        workflow["transfers"][4]["map"],
        json!([{"plugin": "rewrite", "with": {"regex": [{"match": "^your/(.+)", "replace": "their/$1"}]}}])
    );
    assert!(notes.iter().any(|note| note.starts_with("dregsy.yaml:5:5: `interval` is left out")), "{notes:?}");
    assert!(!format!("{workflow}{notes:?}").contains("not-a-real-password"));
}

#[test]
fn what_dregsy_cannot_hand_on_is_told() {
    let text = r"
tasks:
  - name: t
    source: {registry: a.example.com, auth: '!', lister: {type: dockerhub}}
    target: {registry: b.example.com}
    mappings:
      - {from: x, tags: ['regex: v.*', 'keep: .*-lts']}
      - {from: 'regex:y/.*', digests: ['sha256:0']}
      - {from: 'regex:('}
      - {from: z, tags: ['semver: !=1.2.3']}
      - {from: w}
";
    let (workflow, notes) = one("d.yaml", text);
    assert_eq!(workflow["transfers"][0]["from"]["with"]["rules"], json!({"a.example.com/w": "b.example.com/w"}));
    let lines: Vec<&str> = notes.iter().filter_map(|note| note.split(": ").next()).collect();
    assert_eq!(
        lines,
        ["d.yaml:4:45", "d.yaml:4:65", "d.yaml:7:40", "d.yaml:8:9", "d.yaml:9:9", "d.yaml:10:26", "d.yaml:10:26"]
    );
}

#[test]
fn mappings_of_ocync_have_groups_and_two_ways_to_choose() {
    let text = r#"
global: {max_concurrent_transfers: 20, cache_ttl: 12h}
registries:
  cg: {url: cgr.example.com}
  east: {url: "${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"}
  hub: {url: docker.io, auth_type: basic, credentials: {username: "${U}", password: "${P}"}, head_first: true}
target_groups: {prod: [east, hub]}
defaults:
  source: cg
  targets: prod
  platforms: [linux/amd64]
  tags: {include: [latest], semver: ">=1.0", sort: semver, latest: 5, exclude: "*-debug"}
mappings:
  - {from: chainguard/nginx, to: nginx}
  - {from: a/b, targets: [hub], tags: {glob: ["1.0", "1.1"]}, artifacts: {enabled: false}}
"#;
    let (workflow, notes) = one("ocync.yaml", text);
    assert_eq!(workflow["limits"], json!({"images": 20}));
    assert_eq!(workflow["registries"]["docker.io"], json!({"username": "${U}", "password": "${P}"}));
    let east = "${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com";
    assert_eq!(workflow["registries"][east]["credentials"]["with"]["region"], "us-east-1");
    let rules = json!({"cgr.example.com/chainguard/nginx": [format!("{east}/nginx"), "docker.io/library/nginx"]});
    let semver = json!({
        "exclude": ["*-debug", "/(?i:.*-(?:rc|alpha|beta|pre|snapshot|nightly).*)/"], "semver": ">=1.0",
        "newest": {"count": 5, "by": "semver"},
    });
    let all = json!({"platforms": ["linux/amd64"], "referrers": true});
    let with = |tags: Value| {
        let mut select = all.clone();
        select["tags"] = tags;
        select
    };
    assert_eq!(
        workflow["transfers"],
        json!([
            {"from": {"plugin": "rules", "with": {"rules": rules}}, "select": with(semver)},
            {
                "from": {"plugin": "rules", "with": {"rules": rules}},
                "select": with(json!({"include": ["latest"], "exclude": ["*-debug"]})),
            },
            {
                "from": {"plugin": "rules", "with": {"rules": {"cgr.example.com/a/b:1.0,1.1": "docker.io/a/b"}}},
                "select": {"platforms": ["linux/amd64"]},
            },
        ])
    );
    assert!(notes.iter().any(|note| note.starts_with("ocync.yaml:2:40: `cache_ttl` is left out")), "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("ocync.yaml:6:94: `head_first` is left out")), "{notes:?}");
}

#[test]
fn a_name_that_a_file_does_not_define_is_an_error() {
    let text = "registries: {a: {url: a.example.com}}\nmappings: [{from: x, source: a, targets: nowhere}]\n";
    let error = converted(&[("o.yaml", text)], None, false).unwrap_err();
    assert!(error.contains("there is no registry named `nowhere`\n --> o.yaml:2:42"), "{error}");
}

#[test]
fn referrers_and_tags_of_digests_are_inherited_each_for_itself() {
    let select = |defaults: &str, step: &str| {
        let text = format!(
            "defaults: {{{defaults}}}\nsync: [{{source: a.example.com/x, target: b.example.com/x, type: image, {step}}}]\n"
        );
        one("r.yml", &text).0["transfers"][0]["select"]["referrers"] == true
    };
    assert!(select("referrers: true", "digestTags: false") && select("digestTags: true", "referrers: false"));
    assert!(!select("referrers: true", "referrers: false") && !select("", "referrers: false"));
}

#[test]
fn a_login_that_is_given_at_amazon_makes_no_repositories() {
    let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let text = format!(
        "tasks: [{{name: t, source: {{registry: a.example.com}}, target: {{registry: {host}, auth: none}}, mappings: [{{from: x, to: 'regex:/x,/y'}}]}}]\n"
    );
    let (workflow, notes) = one("d.yaml", &text);
    assert_eq!(workflow["transfers"][0]["from"]["with"]["rules"], json!({"a.example.com/x": format!("{host}/y")}));
    assert!(notes[0].contains("repositories that are missing there are not made"), "{notes:?}");
}

#[test]
fn keys_of_ones_own_are_nothing_to_regsync_alone() {
    let step = "{source: a.example.com/x, target: b.example.com/x, type: image, x-own: 1}";
    assert_eq!(one("r.yml", &format!("sync: [{step}]\nx-more: 1\n")).1, Vec::<String>::new());
    let task = "{name: t, source: {registry: a.example.com}, target: {registry: b.example.com}, mappings: [{from: x}], x-own: 1}";
    assert_eq!(one("d.yaml", &format!("tasks: [{task}]\n")).1.len(), 1);
}
