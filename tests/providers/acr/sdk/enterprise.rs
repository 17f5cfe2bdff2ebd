//! The enterprise edition.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use super::DIGEST;
use super::ID;
use super::calls;
use super::codes;
use super::instance;
use super::names;
use super::step;
use super::tags;
use crate::harness::api::Fault;

#[test]
fn aliyun_lists_instances_and_their_hosts() {
    let acr = instance();
    acr.instance("cri-other", "shop-test", "cn-beijing", "other.example");
    acr.custom_domain(ID, "images.example");
    acr.close("cri-other");
    acr.status("cri-other", "STOPPED");
    let answers = calls(
        &acr,
        &[
            step("ListInstance", &json!({"PageNo": 1, "PageSize": 1})),
            step("ListInstance", &json!({"InstanceName": "shop"})),
            step("ListInstanceEndpoint", &json!({"InstanceId": ID, "ModuleName": "Registry"})),
            step("ListInstanceEndpoint", &json!({"InstanceId": "cri-other", "ModuleName": "Registry"})),
        ],
    );
    assert_eq!(names(&answers[0], "/Instances", "InstanceId"), [ID]);
    assert_eq!(answers[0]["TotalCount"], 2);
    assert_eq!(names(&answers[1], "/Instances", "InstanceName"), ["shop", "shop-test"]);
    assert_eq!(answers[1]["Instances"][0]["InstanceStatus"], "RUNNING");
    assert_eq!(answers[1]["Instances"][1]["InstanceStatus"], "STOPPED");
    assert_eq!(answers[2]["Endpoints"][1]["EndpointType"], "internet");
    assert_eq!(answers[2]["Endpoints"][1]["Enable"], true);
    assert_eq!(
        answers[2]["Endpoints"][1]["Domains"],
        json!([{"Domain": "127.0.0.1:5000", "Type": "SYSTEM"}, {"Domain": "images.example", "Type": "USER"}])
    );
    assert_eq!(answers[3]["Endpoints"][1]["Enable"], false);
}

#[test]
fn aliyun_lists_by_numbers_and_totals_are_texts() {
    let answers = calls(
        &instance(),
        &[
            step("ListNamespace", &json!({"InstanceId": ID, "PageNo": 2, "PageSize": 1})),
            step("ListRepository", &json!({"InstanceId": ID, "RepoStatus": "NORMAL", "PageNo": 1, "PageSize": 2})),
            step("ListRepository", &json!({"InstanceId": ID, "RepoNamespaceName": "team"})),
            step(
                "ListRepoTag",
                &json!({"InstanceId": ID, "RepoId": "crr-0000000000000002", "PageNo": 2, "PageSize": 2}),
            ),
            step(
                "ListRepoTag",
                &json!({"InstanceId": ID, "RepoId": "crr-0000000000000002", "PageNo": 3, "PageSize": 2}),
            ),
        ],
    );
    assert_eq!(names(&answers[0], "/Namespaces", "NamespaceName"), ["other"]);
    assert_eq!(answers[0]["TotalCount"], "2");
    assert_eq!(names(&answers[1], "/Repositories", "RepoName"), ["app", "web"]);
    assert_eq!(answers[1]["TotalCount"], "3");
    assert_eq!(names(&answers[2], "/Repositories", "RepoNamespaceName"), ["team", "team"]);
    assert_eq!(answers[2]["Repositories"][0]["RepoId"], "crr-0000000000000002");
    assert_eq!(names(&answers[3], "/Images", "Tag"), ["3"]);
    assert_eq!(answers[3]["TotalCount"], "3");
    assert_eq!(answers[3]["Images"][0]["Digest"], DIGEST.trim_start_matches("sha256:"));
    assert_eq!(answers[4]["Images"], json!([]));
}

#[test]
fn aliyun_lists_by_tokens() {
    let acr = instance();
    let list = |token: &str| json!({"InstanceId": ID, "MaxResults": 2, "NextToken": token});
    let first = calls(&acr, &[step("ListRepository", &json!({"InstanceId": ID, "MaxResults": 2}))]);
    assert_eq!(names(&first[0], "/Repositories", "RepoName"), ["app", "web"]);
    let token = first[0]["NextToken"].as_str().unwrap();
    let other = json!({"InstanceId": ID, "RepoNamespaceName": "team", "MaxResults": 2, "NextToken": token});
    let answers = calls(
        &acr,
        &[
            step("ListRepository", &list(token)),
            step("ListRepository", &list(token)),
            step("ListRepository", &other),
            step("ListRepository", &list("made-up")),
        ],
    );
    for answer in &answers[..2] {
        assert_eq!(names(answer, "/Repositories", "RepoNamespaceName"), ["other"]);
        assert_eq!(answer["NextToken"], json!(null));
    }
    assert_eq!(codes(&answers[2..]), ["400 InvalidNextToken", "400 InvalidNextToken"]);
}

#[test]
fn aliyun_creates_what_is_not_there() {
    let acr = instance();
    acr.quota(ID, 3);
    let namespace = |name: &str| json!({"InstanceId": ID, "NamespaceName": name});
    let repository =
        |name: &str| json!({"InstanceId": ID, "RepoNamespaceName": "new", "RepoName": name, "RepoType": "PRIVATE"});
    let mut described = repository("api");
    described["Summary"] = "copied".into();
    let mut made = namespace("new");
    made["AutoCreateRepo"] = false.into();
    let answers = calls(
        &acr,
        &[
            step("GetNamespace", &namespace("new")),
            step("CreateNamespace", &made),
            step("GetNamespace", &namespace("new")),
            step("CreateRepository", &described),
            step("GetRepository", &repository("api")),
            step("CreateNamespace", &namespace("new")),
            step("CreateNamespace", &namespace("more")),
            step("CreateNamespace", &namespace("Wrong")),
            step("CreateRepository", &repository("api")),
            step("CreateRepository", &described),
            step("GetRepository", &repository("none")),
            step("ListNamespace", &json!({"InstanceId": "cri-none"})),
        ],
    );
    assert_eq!(codes(&answers[..1]), ["404 NAMESPACE_NOT_EXIST"]);
    assert_eq!(answers[1], json!({"IsSuccess": true, "Code": "success"}));
    assert_eq!((&answers[2]["AutoCreateRepo"], &answers[2]["DefaultRepoType"]), (&json!(false), &json!("PRIVATE")));
    assert_eq!(answers[3]["RepoId"], answers[4]["RepoId"]);
    assert_eq!(
        codes(&answers[5..]),
        [
            "409 NAMESPACE_ALREADY_EXIST",
            "403 NAMESPACE_COUNT_EXCEEDED",
            "400 NAMESPACE_NAME_INVALID",
            "400 MissingSummary",
            "409 REPO_ALREADY_EXIST",
            "404 REPO_NOT_EXIST",
            "404 INSTANCE_NOT_EXIST"
        ]
    );
    assert_eq!(acr.namespaces(ID).last().unwrap(), &("new".to_owned(), false, false));
    assert_eq!(acr.repositories(ID).last().unwrap(), &("new/api".to_owned(), false));
}

#[test]
fn aliyun_says_no_with_status_200_where_it_is_told_to() {
    let acr = instance();
    acr.soft_errors();
    let answers = calls(&acr, &[step("GetNamespace", &json!({"InstanceId": ID, "NamespaceName": "none"}))]);
    assert_eq!(answers[0], json!({"IsSuccess": false, "Code": "NAMESPACE_NOT_EXIST"}));
}

#[test]
fn aliyun_gives_tokens_of_an_instance() {
    let acr = instance();
    acr.credential(ID, "cr_temp_user", "not-a-real-token-of-the-instance", Duration::from_mins(5));
    let with = |hours: u8| step("GetAuthorizationToken", &json!({"InstanceId": ID, "ExpiresInHours": hours}));
    let answers = calls(&acr, &[step("GetAuthorizationToken", &json!({"InstanceId": ID})), with(24), with(25)]);
    assert_eq!(answers[0]["TempUsername"], "cr_temp_user");
    assert_eq!(answers[0]["AuthorizationToken"], "not-a-real-token-of-the-instance");
    let minutes = |answer: &Value| {
        let until = UNIX_EPOCH + Duration::from_millis(answer["ExpireTime"].as_u64().unwrap());
        until.duration_since(SystemTime::now()).unwrap().as_secs() / 60
    };
    assert_eq!((minutes(&answers[0]), minutes(&answers[1])), (4, 24 * 60 - 1));
    assert_eq!(codes(&answers[2..]), ["400 InvalidExpiresInHours"]);
}

#[test]
fn aliyun_has_the_faults_that_it_is_told_of() {
    let acr = instance();
    acr.repository(ID, "many", "tags", &tags(&["1", "2", "3", "4"]));
    let list = |page: usize| {
        step("ListRepository", &json!({"InstanceId": ID, "RepoNamespaceName": "team", "PageNo": page, "PageSize": 1}))
    };
    acr.faults().plan("ListRepository", 1, Fault::Lost);
    acr.faults().plan("ListRepository", 2, Fault::Repeated);
    acr.faults().plan("ListRepository", 3, Fault::Total(5));
    acr.faults().plan("ListRepository", 4, Fault::Throttled);
    acr.faults().plan("ListRepository", 5, Fault::Internal);
    let answers = calls(&acr, &[list(1), list(2), list(2), list(1), list(1), list(1)]);
    assert_eq!((&answers[0]["Repositories"], &answers[0]["TotalCount"]), (&json!([]), &json!("2")));
    assert_eq!(names(&answers[1], "/Repositories", "RepoName"), ["app"]);
    assert_eq!(names(&answers[2], "/Repositories", "RepoName"), ["web"]);
    assert_eq!(answers[2]["TotalCount"], "7");
    assert_eq!(codes(&answers[3..5]), ["400 Throttling.User", "500 InternalError"]);
    assert_eq!(names(&answers[5], "/Repositories", "RepoName"), ["app"]);
    assert_eq!(acr.faults().count("ListRepository"), 6);
}
