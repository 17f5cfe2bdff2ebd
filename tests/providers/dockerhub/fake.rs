//! The fake of Docker Hub against the samples of its documentation.

use serde_json::Value;
use serde_json::json;

use crate::fakes::dockerhub::DockerHub;
use crate::fakes::dockerhub::Tag;
use crate::fakes::dockerhub::USER;
use crate::harness::api::Fault;
use crate::harness::http1::Response;
use crate::harness::store::Remote;

fn send(hub: &DockerHub, method: &str, target: &str, token: Option<&str>, body: &Value) -> Response {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Remote::new(hub.address(), None).send(method, target, &headers, &bytes)
}

fn get(hub: &DockerHub, target: &str, token: Option<&str>) -> (u16, Value) {
    let response = send(hub, "GET", target, token, &Value::Null);
    (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
}

fn token(hub: &DockerHub) -> String {
    let login = json!({"identifier": USER.0, "secret": USER.1});
    let response = send(hub, "POST", "/v2/auth/token", None, &login);
    assert_eq!(response.status, 200);
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

/// The sample of docs.docker.com/reference/api/hub/latest, "List repositories in a namespace": its `next`, and the fields of a result.
#[test]
fn docker_hubs_repositories_come_as_documented() {
    let hub = DockerHub::start();
    hub.organization("docker");
    for name in ["highland_builder", "second", "third"] {
        hub.repository("docker", name, name == "third");
    }
    let token = token(&hub);
    let (status, first) = get(&hub, "/v2/namespaces/docker/repositories?page=1&page_size=2", Some(&token));
    assert_eq!((status, &first["count"], &first["previous"]), (200, &json!(3), &Value::Null));
    let next = format!("{}/v2/namespaces/docker/repositories?page=2&page_size=2", hub.url());
    assert_eq!(first["next"], json!(next));
    let result = &first["results"][0];
    assert_eq!((&result["name"], &result["namespace"]), (&json!("highland_builder"), &json!("docker")));
    assert_eq!((&result["is_private"], &result["repository_type"]), (&json!(false), &json!("image")));
    let (_, last) = get(&hub, &next, Some(&token));
    assert_eq!((&last["next"], &last["results"].as_array().unwrap().len()), (&Value::Null, &1));
    assert_eq!(get(&hub, "/v2/namespaces/docker/repositories?page=3&page_size=2", Some(&token)).0, 404);
    assert_eq!(get(&hub, "/v2/namespaces/docker/repositories?page_size=101", Some(&token)).0, 400);
    // Who is not known sees what is public.
    assert_eq!(get(&hub, "/v2/namespaces/docker/repositories", None).1["count"], json!(2));
    hub.lead_elsewhere();
    let (_, away) = get(&hub, "/v2/namespaces/docker/repositories?page_size=2", Some(&token));
    assert_eq!(away["next"], json!("http://other.example/v2/namespaces/docker/repositories?page=2&page_size=2"));
}

/// The schemas `tag` and `image` of the same reference, with its sample time. `digest` of a tag is not in the reference.
#[test]
fn docker_hubs_tags_come_as_documented() {
    let hub = DockerHub::start();
    hub.repository(USER.0, "my-app", true);
    let pushed = "2021-01-05T21:06:53.506400Z";
    let digest = "sha256:c1ae9c435032a276f80220c7d9b40f76266bbe79243d34f9cda30b76fe114dfa";
    let tag = Tag { name: "latest".to_owned(), digest: digest.to_owned(), size: 488, pushed: pushed.to_owned() };
    hub.tag(USER.0, "my-app", tag);
    let target = format!("/v2/namespaces/{}/repositories/my-app/tags?page=1&page_size=100", USER.0);
    assert_eq!(get(&hub, &target, None).0, 404);
    let (status, body) = get(&hub, &target, Some(&token(&hub)));
    assert_eq!((status, &body["count"], &body["next"]), (200, &json!(1), &Value::Null));
    let tag = &body["results"][0];
    assert_eq!((&tag["name"], &tag["full_size"]), (&json!("latest"), &json!(488)));
    assert_eq!((&tag["last_updated"], &tag["tag_last_pushed"]), (&json!(pushed), &json!(pushed)));
    assert_eq!((&tag["digest"], &tag["images"][0]["digest"]), (&json!(digest), &json!(digest)));
    hub.faults().plan("tags", 3, Fault::Lost);
    let (_, lost) = get(&hub, &target, Some(&token(&hub)));
    assert_eq!((&lost["count"], &lost["results"]), (&json!(1), &json!([])));
}

/// The same reference: the sample of "Create a new repository", its answer, and the shape `error`.
#[test]
fn docker_hub_makes_a_repository_as_documented() {
    let hub = DockerHub::start();
    hub.organization("myorganization");
    let token = token(&hub);
    let sample = json!({
        "description": "A sample application repository",
        "full_description": "More of it",
        "is_private": true,
        "name": "my-app",
        "namespace": "myorganization",
        "registry": "docker.io",
    });
    let target = "/v2/namespaces/myorganization/repositories";
    let create = |target: &str, token, body: &Value| send(&hub, "POST", target, token, body).status;
    assert_eq!(get(&hub, &format!("{target}/my-app"), Some(&token)).0, 404);
    assert_eq!(create(target, None, &sample), 401);
    assert_eq!(create("/v2/namespaces/others/repositories", Some(&token), &sample), 403);
    assert_eq!(create(target, Some(&token), &sample), 201);
    assert_eq!(create(target, Some(&token), &sample), 400);
    assert_eq!(hub.privacy("myorganization", "my-app"), Some(true));
    let (status, body) = get(&hub, &format!("{target}/my-app"), Some(&token));
    assert_eq!((status, &body["name"], &body["is_private"]), (200, &json!("my-app"), &json!(true)));
    let unauthorized = (401, json!({"errinfo": null, "message": "unauthorized"}));
    assert_eq!(get(&hub, target, Some("old")), unauthorized);
    assert_eq!(hub.refused(), 2);
}

/// The same reference, "Rate limiting" and "Create access token".
#[test]
fn docker_hubs_limits_and_tokens_run_out() {
    let hub = DockerHub::start();
    hub.repository(USER.0, "my-app", false);
    hub.tokens_last(1);
    let target = format!("/v2/namespaces/{}/repositories", USER.0);
    let first = token(&hub);
    let answer = send(&hub, "GET", &target, Some(&first), &Value::Null);
    assert_eq!((answer.status, answer.head.header("x-ratelimit-limit")), (200, Some("180")));
    assert_eq!(get(&hub, &target, Some(&first)).0, 401);
    assert_eq!(get(&hub, &target, Some(&token(&hub))).0, 200);
    assert_eq!(hub.tokens(), 2);
    hub.faults().plan("repositories", 4, Fault::Throttled);
    let throttled = send(&hub, "GET", &target, None, &Value::Null);
    assert_eq!((throttled.status, throttled.head.header("x-ratelimit-remaining")), (429, Some("0")));
    assert_eq!(throttled.head.header("retry-after"), Some("1"));
    assert!(throttled.head.header("x-retry-after").unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    let wrong = json!({"identifier": USER.0, "secret": "wrong"});
    assert_eq!(send(&hub, "POST", "/v2/auth/token", None, &wrong).status, 401);
}
