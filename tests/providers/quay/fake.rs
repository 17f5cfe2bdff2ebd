//! The fake of Quay against the samples of its documentation.

use serde_json::Value;
use serde_json::json;

use crate::fakes::quay::Quay;
use crate::fakes::quay::TOKEN;
use crate::fakes::quay::Tag;
use crate::harness::api::Fault;
use crate::harness::store::Remote;

const DIGEST: &str = "sha256:57583a1b9c0a7509d3417387b4f43acf80d08cdcf5266ac87987be3f8f919d5d";

fn send(quay: &Quay, method: &str, target: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let response = Remote::new(quay.address(), None).send(method, &format!("/api/v1/{target}"), &headers, &bytes);
    (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
}

fn get(quay: &Quay, target: &str) -> (u16, Value) {
    send(quay, "GET", target, Some(TOKEN), &Value::Null)
}

fn tag(name: &str, start: u64, end: Option<u64>) -> Tag {
    Tag { name: name.to_owned(), digest: DIGEST.to_owned(), size: 2_275_314, start, end }
}

/// Use Red Hat Quay, "Viewing Red Hat Quay tag history by using the API": the sample of `onlyActiveTags=true&page=1&limit=10`.
#[test]
fn quays_tags_come_as_documented() {
    let quay = Quay::start();
    quay.repository("quayadmin", "busybox", false);
    quay.tag("quayadmin", "busybox", tag("example", 1_715_698_131, None));
    quay.tag("quayadmin", "busybox", tag("tag-test", 1_717_680_378, None));
    quay.tag("quayadmin", "busybox", tag("test-two", 1_717_680_780, None));
    quay.tag("quayadmin", "busybox", tag("gone", 1_715_695_488, Some(1_717_680_378)));
    let sample = |name: &str, start: u64, modified: &str| {
        json!({
            "name": name,
            "reversion": false,
            "start_ts": start,
            "manifest_digest": DIGEST,
            "is_manifest_list": false,
            "size": 2_275_314,
            "last_modified": modified
        })
    };
    let samples = [
        sample("test-two", 1_717_680_780, "Thu, 06 Jun 2024 13:33:00 -0000"),
        sample("tag-test", 1_717_680_378, "Thu, 06 Jun 2024 13:26:18 -0000"),
        sample("example", 1_715_698_131, "Tue, 14 May 2024 14:48:51 -0000"),
    ];
    let active = "repository/quayadmin/busybox/tag/?onlyActiveTags=true";
    let whole = get(&quay, &format!("{active}&page=1&limit=10"));
    assert_eq!(whole, (200, json!({"tags": samples, "page": 1, "has_additional": false})));
    let first = get(&quay, &format!("{active}&page=1&limit=2"));
    assert_eq!(first, (200, json!({"tags": samples[..2], "page": 1, "has_additional": true})));
    let last = get(&quay, &format!("{active}&page=2&limit=2"));
    assert_eq!(last, (200, json!({"tags": samples[2..], "page": 2, "has_additional": false})));
    // The history has what is gone.
    let (_, history) = get(&quay, "repository/quayadmin/busybox/tag/");
    assert_eq!((&history["tags"][3]["name"], &history["tags"][3]["end_ts"]), (&json!("gone"), &json!(1_717_680_378)));
    assert_eq!(history["tags"][3]["expiration"], json!("Thu, 06 Jun 2024 13:26:18 -0000"));
    let (_, one) = get(&quay, &format!("{active}&specificTag=example"));
    assert_eq!(one["tags"], json!(samples[2..]));
    quay.faults().plan("tags", 6, Fault::Repeated);
    let (_, repeated) = get(&quay, &format!("{active}&page=2&limit=2"));
    assert_eq!(repeated["tags"], json!(samples[..2]));
}

#[test]
fn quays_pages_of_tags_have_100_at_most() {
    let quay = Quay::start();
    quay.repository("quayadmin", "deep/busybox", false);
    for number in 0..101 {
        quay.tag("quayadmin", "deep/busybox", tag(&format!("t{number}"), 1_715_698_131 + number, None));
    }
    let (_, page) = get(&quay, "repository/quayadmin/deep/busybox/tag/?onlyActiveTags=true&limit=500");
    assert_eq!((page["tags"].as_array().unwrap().len(), &page["has_additional"]), (100, &json!(true)));
    let (_, page) = get(&quay, "repository/quayadmin/deep/busybox/tag/");
    assert_eq!(page["tags"].as_array().unwrap().len(), 50);
}

/// Red Hat Quay API reference, "listRepos" and "getRepo": the parameters, and the fields of the samples of "Red Hat Quay API guide".
#[test]
fn quays_repositories_come_as_documented() {
    let quay = Quay::start();
    for name in ["busybox", "secret", "third"] {
        quay.repository("quayadmin", name, name == "busybox");
    }
    quay.tag("quayadmin", "busybox", tag("test", 1_715_695_488, None));
    quay.page_size(2);
    let (status, first) = get(&quay, "repository?namespace=quayadmin&last_modified=true");
    let sample = json!({
        "namespace": "quayadmin",
        "name": "busybox",
        "description": null,
        "is_public": true,
        "kind": "image",
        "state": "NORMAL",
        "last_modified": 1_715_695_488
    });
    assert_eq!((status, &first["repositories"][0]), (200, &sample));
    let token = first["next_page"].as_str().unwrap();
    let (_, last) = get(&quay, &format!("repository?namespace=quayadmin&next_page={token}"));
    assert_eq!((&last["repositories"][0]["name"], last.get("next_page")), (&json!("third"), None));
    assert_eq!(get(&quay, "repository?namespace=quayadmin&next_page=2").0, 400);
    let (status, body) = get(&quay, "repository");
    assert_eq!((status, &body["error_type"]), (400, &json!("invalid_request")));
    let public = "repository?namespace=quayadmin&public=true";
    let (_, seen) = send(&quay, "GET", public, None, &Value::Null);
    assert_eq!(seen["repositories"].as_array().unwrap().len(), 1);
    assert_eq!(get(&quay, "repository/quayadmin/secret").1["is_public"], json!(false));
    assert_eq!(get(&quay, "repository/quayadmin/absent").0, 404);
    assert_eq!(send(&quay, "GET", "repository/quayadmin/secret", None, &Value::Null).0, 401);
}

/// Red Hat Quay API guide, "Creating a repository" and "Creating an organization by using the API": the answers. Errors by
/// `endpoints/exception.py` of quay/quay.
#[test]
fn quay_makes_a_repository_as_documented() {
    let quay = Quay::start();
    let body = json!({
        "namespace": "team",
        "repository": "busybox",
        "visibility": "private",
        "description": "",
        "repo_kind": "image"
    });
    let create = |body: &Value| send(&quay, "POST", "repository", Some(TOKEN), body);
    assert_eq!(create(&body).0, 403);
    assert_eq!(get(&quay, "organization/team").0, 404);
    let organization = json!({"name": "team", "email": "team@example.com"});
    let organize = || send(&quay, "POST", "organization/", Some(TOKEN), &organization);
    assert_eq!(organize(), (201, json!("Created")));
    assert_eq!((quay.has_organization("team"), get(&quay, "organization/team").0), (true, 200));
    assert_eq!(organize().1["message"], json!("A user or organization with this name already exists"));
    quay.organization("other");
    assert!(quay.has_organization("other"));
    assert_eq!(create(&body), (201, json!({"namespace": "team", "name": "busybox", "kind": "image"})));
    assert_eq!(quay.publicity("team", "busybox"), Some(false));
    let (status, again) = create(&body);
    assert_eq!((status, &again["message"]), (400, &json!("Repository already exists")));
    let (status, refused) = send(&quay, "POST", "repository", Some("wrong"), &body);
    assert_eq!((status, &refused["error_type"], &refused["status"]), (401, &json!("invalid_token"), &json!(401)));
    assert!(refused["type"].as_str().unwrap().starts_with(&quay.url()));
    assert_eq!(quay.refused(), 1);
}
