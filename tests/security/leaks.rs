//! No secret is printed, whatever happens and however much is logged.

use std::fs;

use base64::Engine as _;
use serde_json::json;

use crate::harness::api::Reply;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::proxy::Action;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::security::Host;
use crate::security::hostile;
use crate::security::manifest;
use crate::security::refusal;
use crate::security::storage;

const SIGNATURE: &str = "not-a-real-signature";
const TOKEN: &str = "not-a-real-bearer-token";
const REFRESH: &str = "not-a-real-refresh-token";
const OPTION: &str = "not-a-real-option";
const ISSUED: &str = "not-a-real-issued-password";
const PROXY: &str = "not-a-real-proxy%20password";
const VARIABLE: &str = "not-a-real-variable";
const STORED: &str = "not-a-real-stored-password";

/// All of them, and what they look like on a wire.
fn secrets() -> Vec<String> {
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let plain = [PASSWORD, SIGNATURE, TOKEN, REFRESH, OPTION, ISSUED, PROXY, VARIABLE, STORED].map(str::to_owned);
    let meant = PROXY.replace("%20", " ");
    let pairs = [("test", PASSWORD), ("test", ISSUED), ("test", STORED), ("someone", &meant)];
    let pairs = pairs.map(|(user, password)| encode(format!("{user}:{password}")));
    [plain.to_vec(), pairs.to_vec(), vec![meant.clone()]].concat()
}

/// Fails the test if `text` has a secret.
#[track_caller]
fn has_none(what: &str, text: &str) {
    for secret in secrets() {
        if let Some(at) = text.find(&secret) {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            panic!("{what} has {secret}: {}", text[line..].lines().next().unwrap_or_default());
        }
    }
}

/// A registry that takes tokens of its own token server for the refresh token, and has the image of `graph`.
fn with_tokens(graph: Graph) -> Host {
    Host::start(move |call| match (call.path.as_str(), call.header("authorization")) {
        ("/token", _) if String::from_utf8_lossy(&call.body).contains(REFRESH) => {
            Reply::json(200, &json!({"token": TOKEN}))
        }
        ("/token", _) => refusal(
            401,
            "UNAUTHORIZED",
            &format!("you sent {:?} {}", call.headers, String::from_utf8_lossy(&call.body)),
        ),
        (_, None) => Reply::empty(401).with("WWW-Authenticate", "Bearer realm=\"/token\",service=\"here\""),
        ("/v2/", _) => Reply::empty(200),
        (path, Some(sent)) => {
            let last = path.rsplit('/').next().unwrap_or_default().replace("%3A", ":");
            let blob = || graph.blobs.get(&last).map(|blob| Reply { body: blob.clone(), ..Reply::empty(200) });
            // An answer for debugging, as some proxies give it: what was sent, in words.
            manifest(&graph, &last).or_else(blob).unwrap_or_else(|| refusal(403, "DENIED", &format!("you sent {sent}")))
        }
    })
}

/// A registry that refuses everyone, and repeats what was sent.
fn repeating() -> Host {
    Host::start(|call| {
        let sent = call.header("authorization").unwrap_or_default().to_owned();
        let decoded =
            sent.strip_prefix("Basic ").and_then(|pair| base64::engine::general_purpose::STANDARD.decode(pair).ok());
        let words = format!("{sent} which is {}", String::from_utf8_lossy(&decoded.unwrap_or_default()));
        refusal(401, "UNAUTHORIZED", &words).with("WWW-Authenticate", "Basic realm=\"here\"")
    })
}

#[test]
fn no_secret_is_printed_on_the_most_talkative_level() {
    let graph = Graph::single("leaks", "1");
    let (source, behind) = (Registry::locked(), Registry::open());
    graph.push(&source.remote(), "app");
    let storage = storage(&graph);
    let (tokens, repeats) = (with_tokens(graph.clone()), repeating());
    let (here, secret_proxy) = (source.proxy(), behind.proxy());
    for digest in graph.blobs.keys() {
        let location = format!("http://{}/{digest}?X-Amz-Signature={SIGNATURE}", storage.address());
        let headers = vec![("Location".to_owned(), location)];
        here.fault("GET", &format!("/blobs/{digest}"), 1000, Action::Answer { status: 307, headers, body: Vec::new() });
    }
    let place = Workplace::new();
    let (here, tokens, repeats, proxy) = (here.address(), tokens.address(), repeats.address(), secret_proxy.address());
    let stored = base64::engine::general_purpose::STANDARD.encode(format!("test:{STORED}"));
    let other = Host::start(|call| {
        let sent = call.header("authorization").unwrap_or("nothing").to_owned();
        refusal(401, "UNAUTHORIZED", &sent).with("WWW-Authenticate", "Basic realm=\"here\"")
    });
    place.file("docker/config.json", &json!({"auths": {other.address(): {"auth": stored}}}).to_string());
    let registries = json!({
        here.to_string(): {"plain-http": true, "username": "test", "password": PASSWORD},
        "behind.invalid": {"plain-http": true, "proxy": format!("http://someone:{PROXY}@{proxy}")},
        tokens.clone(): {"plain-http": true, "identity-token": REFRESH},
        format!("{tokens}/wrong"): {"plain-http": true, "identity-token": format!("{STORED}-refresh")},
        repeats.clone(): {"plain-http": true, "credentials": {"plugin": "mine", "with": {"behaviour": "good", "password": ISSUED}}},
        other.address(): {"plain-http": true},
    });
    let rules = json!({
        format!("{here}/app:1"): ["behind.invalid/copied", format!("{tokens}/refused"), format!("{repeats}/refused")],
        format!("{tokens}/app:1"): "behind.invalid/by-token",
        format!("{tokens}/wrong/app:1"): "behind.invalid/wrong",
        format!("{tokens}/app:none"): "behind.invalid/none",
        format!("{other}/app:1", other = other.address()): "behind.invalid/stored",
    });
    let with = |behaviour: &str| json!({"behaviour": behaviour, "password": OPTION});
    let variable = json!({"behaviour": "secret-log", "password": "${SECRET_VARIABLE}"});
    let transfers = json!([
        {"from": {"plugin": "rules", "with": {"rules": rules}}},
        {"from": {"plugin": "mine", "with": with("secret-log")}, "to": {"registry": "oci:out", "prepare": {"plugin": "mine", "with": with("good")}}},
        {"from": {"plugin": "mine", "with": variable}, "to": {"registry": "oci:out"}},
        {"from": {"plugin": "mine", "with": with("good")}, "map": [{"plugin": "rewrite", "with": {"prefix": "denied/"}}],
         "to": {"registry": "oci:out", "prepare": {"plugin": "mine", "with": with("good")}}},
    ]);
    let workflow = format!(
        "version: 1\nregistries: {registries}\nretry: {{rounds: 0}}\nplugins: {{mine: {{path: {}}}}}\ntransfers: {transfers}\n",
        hostile()
    );
    place.file("workflow.yaml", &workflow);
    let mut seen = String::new();
    for (arguments, rust_log) in
        [(&["--log-level", "trace"][..], ""), (&["-v"], ""), (&["--log-format", "json"], "trace"), (&[], "trace")]
    {
        let environment = [("SECRET_VARIABLE", VARIABLE), ("RUST_LOG", rust_log)];
        let environment = if rust_log.is_empty() { &environment[..1] } else { &environment[..] };
        for mode in [&["run", "workflow.yaml"][..], &["plan", "workflow.yaml"], &["check", "workflow.yaml"]] {
            let files =
                if mode[0] == "check" { &[][..] } else { &["--report", "report.json", "--failed", "failed.yaml"] };
            let finished = place.run_with(&[mode, files, arguments].concat(), environment);
            has_none("standard output", &finished.stdout);
            has_none("standard error", &finished.stderr);
            for name in ["report.json", "failed.yaml"].into_iter().filter(|name| place.path().join(name).exists()) {
                has_none(name, &place.read(name));
            }
            seen.push_str(&finished.stderr);
        }
    }
    // It went well, and it went wrong, in each way that was meant, and there was much to read.
    assert_eq!(behind.remote().tags("copied"), ["1"]);
    assert_eq!(behind.remote().tags("by-token"), ["1"]);
    for words in [
        "you sent Bearer ***",
        "*** which is test:***",
        "login of a token's owner refused",
        "the password is ***",
        "TRACE",
    ] {
        assert!(seen.contains(words), "nothing says {words:?}");
    }
    assert!(fs::read_to_string(place.path().join("report.json")).unwrap().contains("\"failed\""));
}

#[test]
fn no_secret_is_printed_with_an_error_of_the_file_that_holds_it() {
    let place = Workplace::new();
    for broken in [
        "registries: {r.example: {username: test, password: not-a-real-password, pasword: x}}",
        "registries: {r.example: {username: test, password: [not-a-real-password]}}",
        "registries: {r.example: {username: test, password: {not-a-real-password: 1}}}",
        "registries:\n  r.example:\n    username: test\n    password:\n    - not-a-real-password",
        "registries:\n  r.example:\n    username: [test]\n    password: |\n      not-a-real-password\n      more\n",
        "registries:\n  r.example: {username: test, password: not-a-real-password\n  more: [",
        "registries: {r.example: {proxy: 'ftp://someone:not-a-real-password@proxy.corp'}}",
        "registries: {r.example: {identity-token: not-a-real-password, qps: none}}",
    ] {
        place.file("workflow.yaml", &format!("version: 1\n{broken}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: r.example}}}}\n    to: {{registry: \"oci:out\"}}\n"));
        for command in ["check", "run"] {
            let finished = place.run(&[command, "workflow.yaml", "--log-level", "trace"]).expect(2);
            has_none(broken, &finished.stdout);
            has_none(broken, &finished.stderr);
        }
    }
}

#[test]
fn a_workflow_that_is_printed_names_variables_in_place_of_secrets() {
    let place = Workplace::new();
    place.file("rules.yaml", "\"r.example/app:1\": \"oci:out//app\"\n");
    place.file("security.yaml", &format!("r.example: {{username: test, password: {PASSWORD}}}\n"));
    let finished = place.run(&["--ruleFile=rules.yaml", "--securityFile=security.yaml", "--print-workflow"]).expect(0);
    assert!(finished.stdout.contains("password: ${"), "{}", finished.stdout);
    has_none("the workflow", &finished.stdout);
}
