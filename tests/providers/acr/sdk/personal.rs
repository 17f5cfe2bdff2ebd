//! The personal edition.

use serde_json::json;

use super::calls;
use super::codes;
use super::get;
use super::names;
use super::tags;
use super::write;
use crate::fakes::acr::Acr;
use crate::fakes::acr::PERSONAL;
use crate::harness::api::Fault;

/// `team/app` and `team/web`, and nothing in `other`.
fn personal() -> Acr {
    let acr = Acr::start();
    acr.personal_host("127.0.0.1:5000");
    acr.repository(PERSONAL, "team", "app", &tags(&["1", "2", "3"]));
    acr.repository(PERSONAL, "team", "web", &[]);
    acr.namespace(PERSONAL, "other", true, true);
    acr
}

#[test]
fn aliyun_says_how_large_a_page_it_gave() {
    let acr = personal();
    acr.page_cap(2);
    let answers = calls(
        &acr,
        &[
            get("GetNamespaceList", "/namespace", &json!({})),
            get("GetRepoListByNamespace", "/repos/team", &json!({"Page": 1, "PageSize": 1})),
            get("GetRepoList", "/repos", &json!({"Page": 1, "PageSize": 100})),
            get("GetRepoTags", "/repos/team/app/tags", &json!({"Page": 1, "PageSize": 100})),
            get("GetRepoTags", "/repos/team/app/tags", &json!({"Page": 2, "PageSize": 100})),
        ],
    );
    assert_eq!(names(&answers[0], "/data/namespaces", "namespace"), ["team", "other"]);
    assert_eq!(names(&answers[1], "/data/repos", "repoName"), ["app"]);
    assert_eq!(answers[1]["data"]["total"], 2);
    assert_eq!(answers[1]["data"]["repos"][0]["repoDomainList"]["public"], "127.0.0.1:5000");
    assert_eq!(names(&answers[2], "/data/repos", "repoNamespace"), ["team", "team"]);
    assert_eq!(names(&answers[3], "/data/tags", "tag"), ["1", "2"]);
    assert_eq!((&answers[3]["data"]["pageSize"], &answers[3]["data"]["total"]), (&json!(2), &json!(3)));
    assert_eq!(names(&answers[4], "/data/tags", "tag"), ["3"]);
}

#[test]
fn aliyun_creates_in_the_personal_edition() {
    let acr = personal();
    acr.quota(PERSONAL, 3);
    let namespace = |name: &str| json!({"Namespace": {"Namespace": name}});
    let repository = json!({"Repo": {
        "RepoNamespace": "new", "RepoName": "api", "Summary": "copied", "Detail": "", "RepoType": "PRIVATE",
    }});
    let update = json!({"Namespace": {"AutoCreate": false, "DefaultVisibility": "PUBLIC"}});
    let answers = calls(
        &acr,
        &[
            get("GetNamespace", "/namespace/new", &json!({})),
            write("CreateNamespace", "PUT", "/namespace", &namespace("new")),
            write("UpdateNamespace", "POST", "/namespace/new", &update),
            write("CreateRepo", "PUT", "/repos", &repository),
            get("GetNamespace", "/namespace/new", &json!({})),
            get("GetRepo", "/repos/new/api", &json!({})),
            write("CreateNamespace", "PUT", "/namespace", &namespace("new")),
            write("CreateNamespace", "PUT", "/namespace", &namespace("more")),
            write("CreateRepo", "PUT", "/repos", &repository),
            get("GetRepoTags", "/repos/new/none/tags", &json!({})),
        ],
    );
    assert_eq!(codes(&answers[..1]), ["404 NAMESPACE_NOT_EXIST"]);
    assert!(answers[1..4].iter().all(|answer| answer["data"].is_object()), "{answers:?}");
    assert_eq!(answers[4]["data"]["namespace"]["autoCreate"], false);
    assert_eq!(answers[5]["data"]["repo"]["repoType"], "PRIVATE");
    assert_eq!(
        codes(&answers[6..]),
        ["409 NAMESPACE_ALREADY_EXIST", "403 NAMESPACE_COUNT_EXCEEDED", "409 REPO_ALREADY_EXIST", "404 REPO_NOT_EXIST"]
    );
    assert_eq!(acr.namespaces(PERSONAL).last().unwrap(), &("new".to_owned(), false, true));
    assert_eq!(acr.repositories(PERSONAL).last().unwrap(), &("new/api".to_owned(), false));
}

#[test]
fn aliyun_gives_tokens_to_who_opened_the_personal_edition() {
    let acr = personal();
    let token = get("GetAuthorizationToken", "/tokens", &json!({}));
    let answers = calls(&acr, std::slice::from_ref(&token));
    assert_eq!(answers[0]["data"]["tempUserName"], "cr_temp_user");
    assert!(answers[0]["data"]["expireDate"].as_i64().unwrap() > 1_600_000_000_000);
    acr.never_opened();
    assert_eq!(codes(&calls(&acr, &[token])), ["404 USER_NOT_EXIST"]);
}

#[test]
fn aliyun_has_the_faults_that_it_is_told_of_in_the_personal_edition() {
    let acr = personal();
    let list = |page: usize| get("GetRepoTags", "/repos/team/app/tags", &json!({"Page": page, "PageSize": 2}));
    acr.faults().plan("GetRepoTags", 1, Fault::Lost);
    acr.faults().plan("GetRepoTags", 2, Fault::Repeated);
    acr.faults().plan("GetRepoTags", 3, Fault::Throttled);
    acr.throttle_with(429);
    let answers = calls(&acr, &[list(1), list(2), list(2), list(2)]);
    assert_eq!((&answers[0]["data"]["tags"], &answers[0]["data"]["total"]), (&json!([]), &json!(3)));
    assert_eq!(names(&answers[1], "/data/tags", "tag"), ["1", "2"]);
    assert_eq!(codes(&answers[2..3]), ["429 Throttling.User"]);
    assert_eq!(names(&answers[3], "/data/tags", "tag"), ["3"]);
}
