//! What belongs to one host and port stays there: redirects, `Location`, token realms, `Link`.

use base64::Engine as _;
use serde_json::json;

use crate::harness::api::Reply;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::proxy::Action;
use crate::harness::proxy::Proxy;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::security::Host;
use crate::security::manifest;
use crate::security::refusal;
use crate::security::storage;

const TOKEN: &str = "not-a-real-bearer-token";
const REFRESH: &str = "not-a-real-refresh-token";

/// A workflow with one rule; `login` are the settings of the registry in question, beside plain http.
fn rule(of: &str, login: &str, other: &str, from: &str, to: &str) -> String {
    format!(
        "version: 1\nregistries:\n  \"{of}\": {{plain-http: true, {login}}}\n  \"{other}\": {{plain-http: true}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/app:1\": \"{to}/app\"}}}}}}\n"
    )
}

fn password() -> String {
    format!("username: {USER}, password: {PASSWORD}")
}

/// Everything that `USER` and `PASSWORD` can look like on a wire.
fn traces() -> [String; 2] {
    [PASSWORD.to_owned(), base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"))]
}

fn sends_blobs_to(proxy: &Proxy, graph: &Graph, storage: &Host) {
    for digest in graph.blobs.keys() {
        let location = format!("http://{}/data/{digest}?signature=not-a-real-signature", storage.address());
        let headers = vec![("Location".to_owned(), location), ("Set-Cookie".to_owned(), "session=1".to_owned())];
        proxy.fault("GET", &format!("/blobs/{digest}"), 9, Action::Answer { status: 307, headers, body: Vec::new() });
    }
}

#[test]
fn storage_that_a_registry_redirects_to_gets_no_credentials() {
    let (source, target) = (Registry::locked(), Registry::open());
    let graph = Graph::single("redirected", "1");
    graph.push(&source.remote(), "app");
    let (from, storage) = (source.proxy(), storage(&graph));
    sends_blobs_to(&from, &graph, &storage);
    let (here, there) = (from.address().to_string(), target.address().to_string());
    Workplace::new().workflow(&rule(&here, &password(), &there, &here, &there)).expect(0);
    assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
    assert_eq!(storage.calls().len(), graph.blobs.len());
    storage.got_no_credentials(&traces().each_ref().map(String::as_str));
    assert!(from.requests().iter().any(|one| one.head.header("authorization").is_some()), "the registry itself did");
}

#[test]
fn storage_that_an_upload_is_sent_to_gets_the_blob_and_no_credentials() {
    let source = Registry::open();
    let graph = Graph::single("uploaded", "1");
    graph.push(&source.remote(), "app");
    let storage = Host::start(|_| Reply::empty(201));
    let upload = format!("http://{}/upload/1?signature=not-a-real-signature", storage.address());
    let target = Host::start(move |call| match (call.method.as_str(), call.header("authorization")) {
        (_, None) => Reply::empty(401).with("WWW-Authenticate", "Basic realm=\"here\""),
        ("GET", _) => Reply::empty(200),
        ("HEAD", _) => Reply::empty(404),
        ("POST", _) => Reply::empty(202).with("Location", upload.clone()),
        _ => Reply::empty(201),
    });
    let (here, there) = (source.address().to_string(), target.address());
    Workplace::new().workflow(&rule(&there, &password(), &here, &here, &there)).expect(0);
    let puts: Vec<_> = storage.calls().into_iter().filter(|call| call.method == "PUT").collect();
    assert_eq!(puts.len(), graph.blobs.len());
    assert!(puts.iter().all(|put| graph.blobs.values().any(|blob| *blob == put.body)));
    storage.got_no_credentials(&traces().each_ref().map(String::as_str));
}

/// A registry that asks for a token of `realm`, and takes [`TOKEN`].
fn guarded(graph: Graph, realm: String) -> Host {
    Host::start(move |call| {
        if call.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            let challenge = format!("Bearer realm=\"{realm}\",service=\"registry\"");
            return Reply::empty(401).with("WWW-Authenticate", challenge);
        }
        let last = call.path.rsplit('/').next().unwrap_or_default().replace("%3A", ":");
        let blob = || graph.blobs.get(&last).map(|bytes| Reply { body: bytes.clone(), ..Reply::empty(200) });
        manifest(&graph, &last)
            .or_else(blob)
            .unwrap_or_else(|| Reply::empty(if call.path == "/v2/" { 200 } else { 404 }))
    })
}

#[test]
fn a_token_server_elsewhere_gets_the_login_and_the_registry_the_token() {
    let graph = Graph::single("token", "1");
    let tokens = Host::start(|_| Reply::json(200, &json!({"token": TOKEN})));
    let source = guarded(graph.clone(), format!("http://{}/token", tokens.address()));
    let target = Registry::open();
    let (here, there) = (source.address(), target.address().to_string());
    Workplace::new().workflow(&rule(&here, &password(), &there, &here, &there)).expect(0);
    let [_, basic] = traces();
    // What docs/security.md says that is sent there: the login, service and scope, who asks; no token of anybody's.
    let asked = tokens.calls();
    assert!(!asked.is_empty());
    for call in &asked {
        assert_eq!(call.header("authorization"), Some(format!("Basic {basic}").as_str()));
        let names: Vec<String> = call.parameters().into_iter().map(|(name, _)| name).collect();
        assert!(names.iter().all(|name| ["service", "scope", "account"].contains(&name.as_str())), "{names:?}");
        assert!(!format!("{call:?}").contains(TOKEN));
    }
    // The registry never sees the password, only the token.
    for call in source.calls() {
        let sent = call.header("authorization").unwrap_or_default().to_owned();
        assert!(sent.is_empty() || sent == format!("Bearer {TOKEN}"), "{sent}");
    }
}

#[test]
fn a_token_server_that_redirects_takes_neither_login_nor_refresh_token_along() {
    for (login, secret) in [(password(), PASSWORD), (format!("identity-token: {REFRESH}"), REFRESH)] {
        let graph = Graph::single("redirected token", "1");
        let other = Host::start(|_| Reply::json(200, &json!({"token": TOKEN})));
        let elsewhere = format!("http://{}/token", other.address());
        let tokens = Host::start(move |_| Reply::empty(307).with("Location", elsewhere.clone()));
        let source = guarded(graph, format!("http://{}/token", tokens.address()));
        let target = Registry::open();
        let (here, there) = (source.address(), target.address().to_string());
        Workplace::new().workflow(&rule(&here, &login, &there, &here, &there));
        assert!(tokens.calls().iter().any(|call| {
            call.header("authorization").is_some() || String::from_utf8_lossy(&call.body).contains(REFRESH)
        }));
        let [plain, basic] = traces();
        other.got_no_credentials(&[secret, &plain, &basic]);
        assert!(other.calls().iter().all(|call| call.method == "GET" && call.body.is_empty()), "no form goes there");
    }
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    let other = Host::bystander();
    let link = format!("<http://{}/v2/_catalog?last=app>; rel=\"next\"", other.address());
    let source = Host::start(move |call| match (call.header("authorization"), call.path.as_str()) {
        (None, _) => Reply::empty(401).with("WWW-Authenticate", "Basic realm=\"here\""),
        (_, "/v2/_catalog") => Reply::json(200, &json!({"repositories": ["app"]})).with("Link", link.clone()),
        (_, "/v2/") => Reply::empty(200),
        _ => refusal(404, "NAME_UNKNOWN", "no such repository"),
    });
    let place = Workplace::new();
    let here = source.address();
    let text = format!(
        "version: 1\nregistries: {{\"{here}\": {{plain-http: true, {}}}}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{here}\"}}}}\n    to: {{registry: \"oci:out\"}}\n",
        password()
    );
    place.workflow(&text).expect(3).says("the link to the next page leads to another host");
    assert_eq!(other.calls().len(), 0);
}

#[test]
fn the_same_host_at_another_port_is_another_host() {
    let (source, target) = (Registry::locked(), Registry::open());
    let graph = Graph::single("ports", "1");
    graph.push(&source.remote(), "app");
    // The proxy has the login, the registry behind it at another port of the same address has none.
    let (from, direct) = (source.proxy(), source.proxy());
    let location = format!("http://{}/v2/app/manifests/1", direct.address());
    let headers = vec![("Location".to_owned(), location)];
    for method in ["HEAD", "GET"] {
        let action = Action::Answer { status: 302, headers: headers.clone(), body: Vec::new() };
        from.fault(method, "/v2/app/manifests/1$", 9, action);
    }
    let (here, there) = (from.address().to_string(), target.address().to_string());
    Workplace::new().workflow(&rule(&here, &password(), &there, &here, &there)).expect(1);
    assert!(!direct.requests().is_empty());
    assert!(direct.requests().iter().all(|one| one.head.header("authorization").is_none()), "{}", direct.transcript());
}
