//! The fake of Harbor against the description of Harbor's API: prism lets nothing through that does not conform.

use base64::Engine as _;
use serde_json::Value;
use serde_json::json;

use crate::fakes::harbor::ADMIN;
use crate::fakes::harbor::Artifact;
use crate::fakes::harbor::Harbor;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::http1::Connection;
use crate::harness::http1::Response;
use crate::harness::prism::Prism;
use crate::harness::registry::Registry;
use crate::harness::store::Remote;
use crate::harness::store::Store;

const DIGEST: &str = "sha256:5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5";

/// One request as the administrator.
fn ask(address: std::net::SocketAddr, method: &str, target: &str, body: &Value) -> Response {
    send(address, method, target, Some(ADMIN), &[], body)
}

fn send(
    address: std::net::SocketAddr,
    method: &str,
    target: &str,
    user: Option<(&str, &str)>,
    more: &[(&str, &str)],
    body: &Value,
) -> Response {
    let basic = user.map(|(name, password)| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
    });
    let mut headers = more.to_vec();
    headers.extend(basic.as_deref().map(|basic| ("Authorization", basic)));
    let mut bytes = Vec::new();
    if !body.is_null() {
        headers.push(("Content-Type", "application/json"));
        bytes = body.to_string().into_bytes();
    }
    let mut connection = Connection::open(address).unwrap();
    let length = bytes.len() as u64;
    connection.send_stream(method, target, &headers, length, &mut |writer| writer.write_all(&bytes)).unwrap()
}

/// Status, and body or null.
fn seen(response: &Response) -> (u16, Value) {
    (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
}

/// Status, and the code of the error.
fn refused(response: &Response) -> (u16, String) {
    let (status, body) = seen(response);
    (status, body["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
}

fn names(response: &Response) -> Vec<String> {
    let (status, body) = seen(response);
    assert_eq!(status, 200, "{body}");
    body.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn artifact(digest: &str, tags: &[&str]) -> Artifact {
    Artifact {
        digest: digest.to_owned(),
        size: 2_818_413,
        pushed: "2024-05-01T10:00:00.000Z".to_owned(),
        tags: tags.iter().map(|tag| ((*tag).to_owned(), "2024-05-02T10:00:00.000Z".to_owned())).collect(),
    }
}

fn stage(registry: Option<std::net::SocketAddr>) -> Harbor {
    let harbor = Harbor::start(registry);
    harbor.project("library", true);
    harbor.project("team", false);
    harbor.proxy_cache("cache");
    harbor.artifact("library", "alpine", artifact(DIGEST, &["3.20", "latest"]));
    harbor.artifact("team", "a/b", artifact(DIGEST, &["1"]));
    harbor
}

#[test]
fn harbors_description_admits_what_the_fake_answers() {
    let harbor = stage(None);
    let Some(prism) = Prism::harbor(harbor.address()) else { return };
    let base = format!("{}/api/v2.0", prism.url());
    let made = json!({"project_name": "made", "metadata": {"public": "false"}});
    let cases = [
        ("GET", format!("{}/api/version", prism.url()), Value::Null, 200),
        ("GET", format!("{base}/ping"), Value::Null, 200),
        ("GET", format!("{base}/users/current"), Value::Null, 200),
        ("GET", format!("{base}/projects?page=1&page_size=100&with_detail=false"), Value::Null, 200),
        ("GET", format!("{base}/projects?q=name%3D%7B%27team%27%20%27x%27%7D"), Value::Null, 200),
        ("GET", format!("{base}/projects/team"), Value::Null, 200),
        ("GET", format!("{base}/projects/absent"), Value::Null, 404),
        ("HEAD", format!("{base}/projects?project_name=team"), Value::Null, 200),
        ("HEAD", format!("{base}/projects?project_name=absent"), Value::Null, 404),
        ("POST", format!("{base}/projects"), made.clone(), 201),
        ("POST", format!("{base}/projects"), made, 409),
        ("GET", format!("{base}/repositories?page_size=100"), Value::Null, 200),
        ("GET", format!("{base}/projects/team/repositories?page=1&page_size=1"), Value::Null, 200),
        ("GET", format!("{base}/projects/team/repositories/a%252Fb/artifacts?with_tag=true"), Value::Null, 200),
        ("GET", format!("{base}/projects/team/repositories/absent/artifacts"), Value::Null, 404),
    ];
    for (method, target, body, status) in cases {
        let response = ask(prism.address(), method, &target, &body);
        let text = String::from_utf8_lossy(&response.body);
        assert_eq!(response.status, status, "{method} {target}: {text}");
        assert_eq!(response.head.header("sl-violations"), None, "{method} {target}");
        assert!(!text.contains("stoplight.io"), "{method} {target}: {text}");
    }
}

#[test]
fn harbors_description_refuses_a_page_of_101() {
    let harbor = stage(None);
    let target = "/api/v2.0/projects?page_size=101";
    assert_eq!(refused(&ask(harbor.address(), "GET", target, &Value::Null)), (422, "UNPROCESSABLE_ENTITY".to_owned()));
    let Some(prism) = Prism::harbor(harbor.address()) else { return };
    let before = harbor.faults().total();
    assert_eq!(ask(prism.address(), "GET", target, &Value::Null).status, 422);
    assert_eq!(harbor.faults().total(), before);
}

#[test]
fn harbors_names_with_slashes_are_encoded_twice() {
    let harbor = stage(None);
    let get = |target: &str| ask(harbor.address(), "GET", target, &Value::Null);
    let (status, body) = seen(&get("/api/v2.0/projects/team/repositories/a%252Fb/artifacts?with_tag=true"));
    assert_eq!((status, &body[0]["digest"]), (200, &json!(DIGEST)));
    assert_eq!((&body[0]["size"], &body[0]["push_time"]), (&json!(2_818_413), &json!("2024-05-01T10:00:00.000Z")));
    assert_eq!(
        (&body[0]["tags"][0]["name"], &body[0]["tags"][0]["push_time"]),
        (&json!("1"), &json!("2024-05-02T10:00:00.000Z"))
    );
    for path in ["a%2Fb", "a/b"] {
        let response = get(&format!("/api/v2.0/projects/team/repositories/{path}/artifacts"));
        assert_eq!(refused(&response), (404, "NOT_FOUND".to_owned()), "{path}");
    }
}

#[test]
fn harbors_pages_say_where_the_next_is() {
    let harbor = stage(None);
    let target = "/api/v2.0/repositories?page=1&page_size=1";
    let first = ask(harbor.address(), "GET", target, &Value::Null);
    assert_eq!(names(&first), ["library/alpine"]);
    assert_eq!(first.head.header("x-total-count"), Some("2"));
    assert_eq!(first.head.header("link"), Some("</api/v2.0/repositories?page=2&page_size=1>; rel=\"next\""));
    let last = ask(harbor.address(), "GET", "/api/v2.0/repositories?page=2&page_size=1", &Value::Null);
    assert_eq!(names(&last), ["team/a/b"]);
    assert_eq!(last.head.header("link"), Some("</api/v2.0/repositories?page=1&page_size=1>; rel=\"prev\""));
    assert_eq!(
        names(&ask(harbor.address(), "GET", "/api/v2.0/repositories?page=3&page_size=1", &Value::Null)).len(),
        0
    );
    harbor.lead_elsewhere();
    let away = ask(harbor.address(), "GET", target, &Value::Null);
    assert!(away.head.header("link").unwrap().starts_with("<http://other.example/api/v2.0/"));
    harbor.faults().plan("repositories", 5, Fault::Lost);
    assert_eq!(names(&ask(harbor.address(), "GET", target, &Value::Null)).len(), 0);
    harbor.faults().plan("repositories", 6, Fault::Total(5));
    let total = ask(harbor.address(), "GET", target, &Value::Null);
    assert_eq!(total.head.header("x-total-count"), Some("7"));
}

#[test]
fn harbor_fails_as_it_is_told() {
    let harbor = stage(None);
    let door = Door::default();
    for (nth, fault) in
        [Fault::Html, Fault::Internal, Fault::Throttled, Fault::Held(door.clone())].into_iter().enumerate()
    {
        harbor.faults().plan("projects", nth + 1, fault);
    }
    let target = format!("{}/api/v2.0/projects", harbor.url());
    let html = ask(harbor.address(), "GET", &target, &Value::Null);
    assert_eq!((html.status, html.head.header("content-type")), (200, Some("text/html")));
    let internal = ask(harbor.address(), "GET", &target, &Value::Null);
    assert_eq!(refused(&internal), (500, "UNKNOWN".to_owned()));
    let throttled = ask(harbor.address(), "GET", &target, &Value::Null);
    assert_eq!((throttled.status, throttled.head.header("retry-after")), (429, Some("1")));
    door.open();
    assert_eq!(names(&ask(harbor.address(), "GET", &target, &Value::Null)).len(), 3);
    assert_eq!(harbor.faults().count("projects"), 4);
}

#[test]
fn harbors_names_are_asked_for_by_pattern() {
    let harbor = stage(None);
    harbor.project("2024", true);
    let by = |query: &str| ask(harbor.address(), "GET", &format!("/api/v2.0/projects?{query}"), &Value::Null);
    assert_eq!(names(&by("q=name%3Dteam")), ["team"]);
    assert_eq!(names(&by("q=name%3D~a")), ["library", "team", "cache"]);
    assert_eq!(names(&by("name=ea")), ["team"]);
    assert_eq!(names(&by("q=name%3D%7B%27team%27%20%272024%27%7D")), ["team", "2024"]);
    // Without quotes the year is a number, and no name is compared with one.
    assert_eq!(by("q=name%3D%7Bteam%202024%7D").status, 500);
    assert_eq!(refused(&by("q=team")), (400, "BAD_REQUEST".to_owned()));
}

#[test]
fn harbor_shows_what_is_public_to_who_is_not_known() {
    let harbor = stage(None);
    harbor.user("dev", "not-a-real-password");
    harbor.user("robot$team+ci", "not-a-real-password");
    harbor.member("team", "dev");
    harbor.only_admins_create();
    let get = |target: &str, user| send(harbor.address(), "GET", target, user, &[], &Value::Null);
    let wrong = Some(("dev", "wrong"));
    let dev = Some(("dev", "not-a-real-password"));
    let robot = Some(("robot$team+ci", "not-a-real-password"));
    assert_eq!(names(&get("/api/v2.0/projects", wrong)), ["library"]);
    assert_eq!(names(&get("/api/v2.0/repositories", None)), ["library/alpine"]);
    assert_eq!(refused(&get("/api/v2.0/projects/team", wrong)), (401, "UNAUTHORIZED".to_owned()));
    assert_eq!(refused(&get("/api/v2.0/users/current", wrong)), (401, "UNAUTHORIZED".to_owned()));
    assert_eq!(refused(&get("/api/v2.0/users/current", robot)), (412, "PRECONDITION".to_owned()));
    assert_eq!(names(&get("/api/v2.0/projects", dev)), ["library", "team"]);
    assert_eq!(refused(&get("/api/v2.0/projects/cache/repositories", dev)), (403, "FORBIDDEN".to_owned()));
    assert_eq!(refused(&get("/api/v2.0/projects/absent", dev)), (404, "NOT_FOUND".to_owned()));
    let (_, cache) = seen(&get("/api/v2.0/projects/cache", Some(ADMIN)));
    assert_eq!((&cache["registry_id"], &cache["metadata"]["public"]), (&json!(1), &json!("false")));
    let made = json!({"project_name": "made"});
    let create = |user| send(harbor.address(), "POST", "/api/v2.0/projects", user, &[], &made);
    assert_eq!(refused(&create(wrong)), (401, "UNAUTHORIZED".to_owned()));
    assert_eq!(refused(&create(dev)), (403, "FORBIDDEN".to_owned()));
    assert_eq!(harbor.publicity("made"), None);
    harbor.older();
    assert_eq!(refused(&get("/api/v2.0/projects/absent", dev)), (403, "FORBIDDEN".to_owned()));
    let head = send(harbor.address(), "HEAD", "/api/v2.0/projects?project_name=cache", None, &[], &Value::Null);
    assert_eq!(head.status, 200);
}

#[test]
fn harbor_refuses_a_write_with_a_cookie() {
    let harbor = stage(None);
    let made = json!({"project_name": "made", "metadata": {"public": "true"}});
    let first = ask(harbor.address(), "GET", "/api/v2.0/projects", &Value::Null);
    let cookie = first.head.header("set-cookie").unwrap().split(';').next().unwrap();
    let post = |more: &[(&str, &str)]| send(harbor.address(), "POST", "/api/v2.0/projects", Some(ADMIN), more, &made);
    assert_eq!(refused(&post(&[("Cookie", cookie)])), (403, "FORBIDDEN".to_owned()));
    assert_eq!((harbor.publicity("made"), harbor.cookies()), (None, 1));
    let created = post(&[]);
    assert_eq!((created.status, created.head.header("location").is_some()), (201, true));
    assert_eq!(harbor.publicity("made"), Some(true));
    assert_eq!(refused(&post(&[])), (409, "CONFLICT".to_owned()));
}

#[test]
fn harbors_registry_is_on_the_same_address() {
    let registry = Registry::locked();
    let harbor = stage(Some(registry.address()));
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "a layer");
    let remote =
        Remote::new(harbor.address(), Some((crate::harness::registry::USER, crate::harness::registry::PASSWORD)));
    let digest = layer["digest"].as_str().unwrap();
    remote.put_blob("team/a/b", digest, b"a layer");
    assert_eq!(registry.remote().blob("team/a/b", digest), Some(b"a layer".to_vec()));
    assert!(remote.has_blob("team/a/b", digest));
    assert_eq!(ask(harbor.address(), "GET", "/v2/", &Value::Null).status, 401);
}
