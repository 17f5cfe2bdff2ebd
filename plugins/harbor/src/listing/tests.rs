//! The walk over a Harbor that is written down, for what the fake of the end-to-end tests does not do.

use std::cell::RefCell;
use std::rc::Rc;

use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::walk::Walk;
use serde_json::json;

use super::*;
use crate::Projects;

type Log = Rc<RefCell<Vec<String>>>;

fn config(more: &Value) -> Config {
    let mut options = json!({"url": "https://harbor.corp/", "username": "dev", "password": "not-a-real-password"});
    options.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    serde_json::from_value(options).expect("options")
}

/// What a Harbor with two projects answers, unless `other` does. Requests are noted without the host.
fn client<F: Fn(&str) -> Option<Response>>(other: F) -> (impl Client, Log) {
    let log = Log::default();
    let noted = Rc::clone(&log);
    let answer = move |request: Request| {
        let path = request.url().strip_prefix("https://harbor.corp").expect("the host").to_owned();
        noted.borrow_mut().push(format!("{} {path}", request.method()));
        if let Some(response) = other(&path) {
            return Ok(response);
        }
        let list = |value: Value| Response::new(200, &[], value.to_string());
        let project = |name: &str| json!({"name": name, "metadata": {"public": "true"}});
        Ok(match path.split('?').next().unwrap_or_default() {
            "/api/version" => list(json!({"version": "v2.0"})),
            "/api/v2.0/users/current" => list(json!({"username": "dev"})),
            "/api/v2.0/projects" if path.contains("&page_size=100") && path.contains("?page=1&") => {
                list(json!([project("2024"), project("team")]))
            }
            "/api/v2.0/projects/team/repositories" if path.contains("page=1&") => list(json!([{"name": "team/a/b"}])),
            "/api/v2.0/projects/team/repositories/a%252Fb/artifacts" if path.contains("page=1&") => list(json!([
                {"digest": "sha256:1", "push_time": "2024-05-01T10:00:00.000Z", "tags": [{"name": "1"}]},
                {"digest": "sha256:2", "tags": null},
            ])),
            _ => list(json!([])),
        })
    };
    (answer, log)
}

fn all(more: &Value, client: impl Client) -> Result<Vec<String>> {
    let (harbor, filter, _) = Harbor::open(config(more))?;
    let mut walk = Walk::new(harbor, filter, None, client);
    let mut names = Vec::new();
    while let Some(images) = walk.next_batch()? {
        names.extend(images.into_iter().map(|image| {
            let Reference { registry, repository, tag, .. } = image.source;
            format!("{registry}/{repository}:{}", tag.unwrap_or_default())
        }));
    }
    Ok(names)
}

fn refused(client: impl Client) -> String {
    match all(&json!({}), client).expect_err("an error") {
        Error::Unauthorized(text) | Error::Fatal(text) | Error::NotFound(text) | Error::Unavailable(text) => text,
        other => panic!("{other:?}"),
    }
}

fn error(status: u16, code: &str, message: &str) -> Response {
    Response::new(status, &[], json!({"errors": [{"code": code, "message": message}]}).to_string())
}

#[test]
fn without_totals_a_list_ends_with_an_empty_page() {
    let (client, log) = client(|_| None);
    assert_eq!(all(&json!({}), client), Ok(vec!["harbor.corp/team/a/b:1".to_owned()]));
    let log = log.borrow();
    assert_eq!(log[..2], ["GET /api/version", "GET /api/v2.0/users/current"]);
    assert_eq!(log[2], "GET /api/v2.0/projects?page=1&page_size=100&with_detail=false");
    let artifacts =
        "GET /api/v2.0/projects/team/repositories/a%252Fb/artifacts?page=2&page_size=100&q=tags%3D%2A&with_tag=true";
    assert_eq!(log.iter().filter(|line| *line == artifacts).count(), 1, "{log:?}");
}

#[test]
fn a_name_of_digits_is_asked_for_in_quotes_and_a_name_twice_is_listed_once() {
    let (client, log) = client(|_| None);
    assert_eq!(all(&json!({"projects": ["2024", "2024"]}), client), Ok(vec![]));
    let log = log.borrow();
    let ask = "GET /api/v2.0/projects?page=1&page_size=100&with_detail=false&q=name%3D%7B%272024%27%7D";
    assert!(log.iter().any(|line| line == ask), "{log:?}");
    let lists = |name: &str| log.iter().filter(|line| line.contains(&format!("/projects/{name}/"))).count();
    assert_eq!((lists("2024"), lists("team")), (1, 0));
}

#[test]
fn a_cli_secret_of_oidc_is_known_by_dockers_login_alone() {
    let current = |path: &str| (path == "/api/v2.0/users/current").then(|| error(401, "UNAUTHORIZED", "unauthorized"));
    let token = |path: &str| path.starts_with("/service/token?").then(|| Response::new(200, &[], r#"{"token": "t"}"#));
    let (known, _) = client(move |path| current(path).or_else(|| token(path)));
    assert_eq!(all(&json!({}), known), Ok(vec!["harbor.corp/team/a/b:1".to_owned()]));
    let (unknown, log) = client(current);
    let text = refused(unknown);
    assert!(text.starts_with("Harbor at harbor.corp refused GET /users/current: UNAUTHORIZED"), "{text}");
    assert!(text.contains("`dev`") && !text.contains("not-a-real-password"), "{text}");
    assert_eq!(log.borrow().len(), 3);
}

#[test]
fn a_robot_is_nobodys_account_and_known() {
    let robot = |path: &str| path.ends_with("/users/current").then(|| error(412, "PRECONDITION", "robot"));
    let (client, _) = client(robot);
    assert_eq!(all(&json!({}), client).map(|images| images.len()), Ok(1));
}

#[test]
fn what_is_no_harbor_2_is_told() {
    let old = |path: &str| (path == "/api/version").then(|| Response::new(404, &[], "404 page not found"));
    let text = refused(client(old).0);
    assert!(text.starts_with("https://harbor.corp has no API of Harbor 2") && text.contains("1.x"), "{text}");
    let other = |path: &str| (path == "/api/version").then(|| Response::new(200, &[], r#"{"build": 7}"#));
    assert!(refused(client(other).0).contains("something that is not its API"));
    let moved = |_: &str| Some(Response::new(301, &[("Location", "https://new.corp/api/version?x=1")], ""));
    let text = refused(client(moved).0);
    assert!(text.contains("a redirect to https://new.corp/api/version, which is not followed"), "{text}");
}

#[test]
fn a_repository_that_went_away_is_left_out_and_a_path_that_does_not_exist_is_an_error() {
    let gone =
        |path: &str| path.contains("/artifacts").then(|| error(404, "NOT_FOUND", "repository team/a/b not found"));
    assert_eq!(all(&json!({}), client(gone).0), Ok(vec![]));
    let lost = |path: &str| {
        let body =
            r#"{"code": 404, "message": "path /api/v2.0/projects/team/repositories/a/b/artifacts was not found"}"#;
        path.contains("/artifacts").then(|| Response::new(404, &[("content-type", "application/json")], body))
    };
    assert!(refused(client(lost).0).contains("something that is not its API: status 404"));
}

#[test]
fn a_project_that_is_there_and_not_shown_is_there() {
    let taken = |path: &str| (path == "/api/v2.0/projects").then(|| error(409, "CONFLICT", "exists"));
    let (client, log) = client(taken);
    let mut projects = Ensure::new(Projects::new(config(&json!({})).login().expect("options"), client));
    assert_eq!(projects.ensure("hidden", false), Ok(image_transfer_sdk::Ensured::Existed));
    assert_eq!(projects.ensure("team", false), Ok(image_transfer_sdk::Ensured::Existed));
    assert_eq!(log.borrow().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[test]
fn a_right_that_is_missing_is_told_with_who_needs_it() {
    let forbidden = |path: &str| path.contains("/team/repositories?").then(|| error(403, "FORBIDDEN", "forbidden"));
    let text = refused(client(forbidden).0);
    let expected = "Harbor at harbor.corp refused GET /projects/team/repositories: FORBIDDEN (forbidden); `dev` needs the right to this";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn entries_without_a_name_and_answers_without_a_list_are_no_short_list() {
    for (path, body) in [
        ("/api/v2.0/projects?", r#"[{"project_id": 1}]"#),
        ("/api/v2.0/projects?", ""),
        ("/team/repositories?", r#"[{"name": "other/app"}]"#),
        ("/team/repositories?", "null"),
        ("/artifacts?", r#"[{"tags": [{"name": "1"}]}]"#),
        ("/artifacts?", r#"{"errors": []}"#),
    ] {
        let other = |asked: &str| asked.contains(path).then(|| Response::new(200, &[], body));
        assert!(refused(client(other).0).contains("something that is not its API"), "{path} {body}");
    }
}
