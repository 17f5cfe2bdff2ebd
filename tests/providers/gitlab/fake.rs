//! The fake of GitLab against the samples of its documentation.

use serde_json::Value;
use serde_json::json;

use crate::fakes::gitlab::GitLab;
use crate::fakes::gitlab::TOKEN;
use crate::fakes::gitlab::Tag;
use crate::harness::api::Fault;
use crate::harness::http1::Response;
use crate::harness::store::Remote;

fn send(gitlab: &GitLab, method: &str, target: &str, token: &str, body: &Value) -> Response {
    let headers = [("PRIVATE-TOKEN", token), ("Content-Type", "application/json")];
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Remote::new(gitlab.address(), None).send(method, &format!("/api/v4/{target}"), &headers, &bytes)
}

fn get(gitlab: &GitLab, target: &str) -> (u16, Value) {
    let response = send(gitlab, "GET", target, TOKEN, &Value::Null);
    (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
}

/// A group and, as in the documentation, `group/project` as project 9.
fn stage() -> GitLab {
    let gitlab = GitLab::start("gitlab.example.com:5000");
    gitlab.group("group");
    for number in 1..9 {
        gitlab.project(&format!("elsewhere/{number}"), false);
    }
    gitlab.project("group/project", false);
    gitlab
}

fn tag(name: &str) -> Tag {
    Tag {
        name: name.to_owned(),
        digest: "sha256:c3490dcf10ffb6530c1303522a1405dfaf7daecd8f38d3e6a1ba19ea1f8a1751".to_owned(),
        size: 350_224_384,
        created: "2019-01-06T16:49:51.272+00:00".to_owned(),
    }
}

/// `docs.gitlab.com/api/container_registry`, "List registry repositories", within a project and within a group.
#[test]
fn gitlabs_repositories_come_as_documented() {
    let gitlab = stage();
    gitlab.repository(9, "");
    gitlab.repository(9, "releases");
    let sample = json!([
        {
            "id": 1,
            "name": "",
            "path": "group/project",
            "project_id": 9,
            "location": "gitlab.example.com:5000/group/project",
            "created_at": "2019-01-10T13:38:57.391Z",
            "cleanup_policy_started_at": null,
            "status": null
        },
        {
            "id": 2,
            "name": "releases",
            "path": "group/project/releases",
            "project_id": 9,
            "location": "gitlab.example.com:5000/group/project/releases",
            "created_at": "2019-01-10T13:38:57.391Z",
            "cleanup_policy_started_at": null,
            "status": null
        }
    ]);
    for target in ["projects/9", "projects/group%2Fproject", "groups/1", "groups/group"] {
        assert_eq!(get(&gitlab, &format!("{target}/registry/repositories")), (200, sample.clone()), "{target}");
    }
    assert_eq!(get(&gitlab, "projects/1/registry/repositories"), (200, json!([])));
    assert_eq!(get(&gitlab, "projects/absent"), (404, json!({"message": "404 Project Not Found"})));
    let (_, projects) = get(&gitlab, "projects?membership=true&per_page=100");
    assert_eq!((projects.as_array().unwrap().len(), &projects[8]["id"]), (9, &json!(9)));
    assert_eq!(projects[8]["path_with_namespace"], json!("group/project"));
}

/// The same page, "List registry repository tags" and "Get details of a registry repository tag". There, the path of the detail is
/// that of another tag.
#[test]
fn gitlabs_tags_come_as_documented() {
    let gitlab = stage();
    gitlab.repository(9, "");
    for name in ["A", "latest", "v10.0.0"] {
        gitlab.tag(1, tag(name));
    }
    let (status, tags) = get(&gitlab, "projects/9/registry/repositories/1/tags?per_page=2");
    let sample = json!([
        {"name": "A", "path": "group/project:A", "location": "gitlab.example.com:5000/group/project:A"},
        {"name": "latest", "path": "group/project:latest", "location": "gitlab.example.com:5000/group/project:latest"}
    ]);
    assert_eq!((status, tags), (200, sample));
    let (status, detail) = get(&gitlab, "projects/9/registry/repositories/1/tags/v10.0.0");
    let sample = json!({
        "name": "v10.0.0",
        "path": "group/project:v10.0.0",
        "location": "gitlab.example.com:5000/group/project:v10.0.0",
        "revision": "c3490dcf10ffb6530c1303522a1405dfaf7daecd8f38d3e6a1ba19ea1f8a1751",
        "short_revision": "c3490dcf1",
        "digest": "sha256:c3490dcf10ffb6530c1303522a1405dfaf7daecd8f38d3e6a1ba19ea1f8a1751",
        "created_at": "2019-01-06T16:49:51.272+00:00",
        "total_size": 350_224_384
    });
    assert_eq!((status, detail), (200, sample));
    assert_eq!(get(&gitlab, "projects/9/registry/repositories/1/tags/no").0, 404);
    assert_eq!(get(&gitlab, "projects/8/registry/repositories/1/tags").0, 404);
}

/// docs.gitlab.com/api/rest, "Offset-based pagination": the headers, and 100 items at most.
#[test]
fn gitlabs_pages_come_as_documented() {
    let gitlab = stage();
    gitlab.repository(9, "");
    for number in 0..101 {
        gitlab.tag(1, tag(&format!("t{number}")));
    }
    let page = |page: &str| {
        let target = format!("projects/9/registry/repositories/1/tags?per_page=200&page={page}");
        send(&gitlab, "GET", &target, TOKEN, &Value::Null)
    };
    let count =
        |response: &Response| serde_json::from_slice::<Value>(&response.body).unwrap().as_array().unwrap().len();
    let first = page("1");
    let headers = ["x-next-page", "x-page", "x-per-page", "x-prev-page", "x-total", "x-total-pages"];
    assert_eq!(headers.map(|name| first.head.header(name).unwrap()), ["2", "1", "100", "", "101", "2"]);
    let link = first.head.header("link").unwrap();
    assert!(link.starts_with(&format!("<{}/api/v4/projects/9/", gitlab.url())), "{link}");
    let last = page("2");
    assert_eq!((count(&first), count(&last), last.head.header("x-next-page")), (100, 1, Some("")));
    gitlab.spurious_next_page();
    assert_eq!(page("2").head.header("x-next-page"), Some("3"));
    let beyond = page("3");
    assert_eq!((count(&beyond), beyond.head.header("x-next-page")), (0, Some("")));
    gitlab.lead_elsewhere();
    assert!(page("1").head.header("link").unwrap().starts_with("<http://other.example/"));
    gitlab.faults().plan("tags", 6, Fault::Repeated);
    assert_eq!(count(&page("2")), 100);
    gitlab.faults().plan("tags", 7, Fault::Total(-1));
    assert_eq!(page("1").head.header("x-total"), Some("100"));
}

/// docs.gitlab.com/api/namespaces, "Get details of a namespace"; api/projects, "Create a project"; api/rest/troubleshooting, 401.
#[test]
fn gitlab_makes_a_project_as_documented() {
    let gitlab = stage();
    gitlab.group("group/sub");
    let sample = json!({
        "id": 1,
        "name": "group",
        "path": "group",
        "kind": "group",
        "full_path": "group",
        "parent_id": null,
        "members_count_with_descendants": 2
    });
    assert_eq!(get(&gitlab, "namespaces/group"), (200, sample));
    let (_, sub) = get(&gitlab, "groups/group%2Fsub");
    assert_eq!((&sub["id"], &sub["parent_id"], &sub["path"]), (&json!(2), &json!(1), &json!("sub")));
    assert_eq!(get(&gitlab, "namespaces/no").1, json!({"message": "404 Namespace Not Found"}));
    let body = json!({"path": "new", "namespace_id": 2, "visibility": "private"});
    let made = send(&gitlab, "POST", "projects", TOKEN, &body);
    assert_eq!((made.status, gitlab.publicity("group/sub/new")), (201, Some(false)));
    let taken = send(&gitlab, "POST", "projects", TOKEN, &body);
    let message: Value = serde_json::from_slice(&taken.body).unwrap();
    assert_eq!((taken.status, &message["message"]["path"]), (400, &json!(["has already been taken"])));
    let refused = send(&gitlab, "GET", "projects", "wrong", &Value::Null);
    assert_eq!((refused.status, refused.body.as_slice()), (401, br#"{"message":"401 Unauthorized"}"#.as_slice()));
    assert_eq!(gitlab.refused(), 1);
}
