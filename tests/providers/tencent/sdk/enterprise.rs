//! TCR.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use super::DIGEST;
use super::calls;
use super::codes;
use super::names;
use super::plain;
use super::tag;
use crate::fakes::tencent::Paging;
use crate::fakes::tencent::Tencent;

/// Instance `tcr-team` in ap-guangzhou with three namespaces, and `tcr-far`, whose name is part of no other, in ap-hongkong.
fn enterprise() -> Arc<Tencent> {
    let tencent = Arc::new(Tencent::new());
    tencent.instance("tcr-team", "team", "127.0.0.1:5000", "ap-guangzhou");
    tencent.instance("tcr-far", "team-far", "far.tencentcloudcr.com", "ap-hongkong");
    let tags = [tag("1.0", "2022-08-06T07:31:01.207374Z"), tag("1.1", "2022-08-07T07:31:01.207374Z"), tag("2", "")];
    tencent.namespace("tcr-team", "open", true);
    tencent.repository("tcr-team", "open/nginx", &tags);
    tencent.repository("tcr-team", "closed/group/app", &[]);
    tencent.repository("tcr-team", "closed-too/nginx", &[]);
    tencent
}

#[test]
fn tencents_instances_are_found_by_parts_of_names_and_in_their_regions() {
    let tencent = enterprise();
    tencent.status("tcr-far", "Isolate");
    let named = |name: &str| json!([{"Name": "RegistryName", "Values": [name]}]);
    let answers = calls(
        &tencent,
        &[
            ("DescribeInstances", json!({}), Value::Null),
            ("DescribeInstances", json!({"AllRegion": true, "Filters": named("team")}), Value::Null),
            ("DescribeInstances", json!({"AllRegion": true, "Filters": named("absent")}), Value::Null),
            ("DescribeInstances", json!({"AllRegion": true, "Offset": 1, "Limit": 1}), Value::Null),
            ("DescribeInstances", json!({"Registryids": ["tcr-far"]}), json!({"region": "ap-hongkong"})),
            ("DescribeNamespaces", json!({"RegistryId": "tcr-far"}), Value::Null),
            ("DescribeNamespaces", json!({"RegistryId": "tcr-far"}), json!({"region": "ap-hongkong"})),
        ],
    );
    let ids = |answer: &Value| names(answer, "/Registries", "RegistryId");
    assert_eq!(ids(&answers[0]), ["tcr-team"]);
    assert_eq!(ids(&answers[1]), ["tcr-team", "tcr-far"]);
    assert_eq!(ids(&answers[2]), [""; 0]);
    assert_eq!(ids(&answers[3]), ["tcr-far"]);
    assert_eq!(ids(&answers[4]), ["tcr-far"]);
    let totals: Vec<_> = answers[..5].iter().map(|answer| answer["TotalCount"].as_i64().unwrap()).collect();
    assert_eq!(totals, [1, 2, 0, 2, 1]);
    let found = &answers[0]["Registries"][0];
    assert_eq!(found["PublicDomain"], "127.0.0.1:5000");
    assert_eq!((&found["RegistryName"], &found["Status"]), (&json!("team"), &json!("Running")));
    assert_eq!(found["RegionName"], "ap-guangzhou");
    assert_eq!(codes(&answers[5..]), ["ResourceNotFound", "ResourceInsufficient.ErrorInstanceNotRunning"]);
}

#[test]
fn tencents_enterprise_lists_come_by_pages() {
    let tencent = enterprise();
    let body = |more: Value| {
        let mut body = json!({"RegistryId": "tcr-team", "Limit": 2});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        body
    };
    let image = |more: Value| {
        let mut body = body(more);
        body["NamespaceName"] = "open".into();
        body["RepositoryName"] = "nginx".into();
        ("DescribeImages", body)
    };
    let answers = plain(
        &tencent,
        &[
            ("DescribeNamespaces", body(json!({"Offset": 0}))),
            ("DescribeNamespaces", body(json!({"Offset": 1}))),
            ("DescribeNamespaces", body(json!({"Offset": 2}))),
            ("DescribeNamespaces", body(json!({"Offset": 3}))),
            ("DescribeNamespaces", body(json!({"NamespaceName": "closed"}))),
            ("DescribeNamespaces", body(json!({"All": true}))),
            ("DescribeRepositories", body(json!({"Offset": 2}))),
            ("DescribeRepositories", body(json!({"NamespaceName": "closed", "Offset": 1}))),
            ("DescribeRepositories", body(json!({"RepositoryName": "ngin"}))),
            image(json!({"Offset": 1})),
            image(json!({"Offset": 2})),
            image(json!({"ImageVersion": "1"})),
            image(json!({"ImageVersion": "1", "ExactMatch": true})),
            ("DescribeImages", body(json!({"NamespaceName": "open", "RepositoryName": "open/nginx"}))),
            ("DescribeRepositories", json!({"RegistryId": "tcr-absent"})),
        ],
    );
    let found = |at: usize, list: &str, name: &str| names(&answers[at], list, name);
    let namespaces = |at: usize| found(at, "/NamespaceList", "Name");
    assert_eq!(namespaces(0), ["open", "closed"]);
    assert_eq!(namespaces(1), ["open", "closed"]);
    assert_eq!(namespaces(2), ["closed-too"]);
    assert_eq!(namespaces(3), [""; 0]);
    assert_eq!(namespaces(4), ["closed", "closed-too"]);
    assert_eq!(namespaces(5), ["open", "closed", "closed-too"]);
    assert_eq!(answers[0]["NamespaceList"][0]["Public"], true);
    assert_eq!(answers[0]["NamespaceList"][0]["CreationTime"], "2020-01-01T00:00:00+00:00");
    let repositories = |at: usize| found(at, "/RepositoryList", "Name");
    assert_eq!(repositories(6), ["closed-too/nginx"]);
    assert_eq!(repositories(7), ["closed/group/app", "closed-too/nginx"]);
    assert_eq!(repositories(8), ["open/nginx", "closed-too/nginx"]);
    assert_eq!(found(7, "/RepositoryList", "Namespace"), ["closed", "closed-too"]);
    let tags = |at: usize| found(at, "/ImageInfoList", "ImageVersion");
    assert_eq!(tags(9), ["1.0", "1.1"]);
    assert_eq!(tags(10), ["2"]);
    assert_eq!(tags(11), ["1.0", "1.1"]);
    assert_eq!(tags(12), [""; 0]);
    let first = json!({
        "Digest": DIGEST,
        "ImageVersion": "1.0",
        "Size": 128_152_591,
        "UpdateTime": "2022-08-06T07:31:01.207374Z",
        "Kind": "Artifact::application/vnd.docker.distribution.manifest.v2+json",
        "KmsSignature": "",
    });
    assert_eq!(answers[9]["ImageInfoList"][0], first);
    let totals: Vec<_> = answers[..13].iter().map(|answer| answer["TotalCount"].as_i64().unwrap()).collect();
    assert_eq!(totals, [3, 3, 3, 3, 2, 3, 3, 2, 2, 3, 3, 2, 0]);
    assert_eq!(codes(&answers[13..]), ["ResourceNotFound.TcrResourceNotFound", "ResourceNotFound"]);

    let second = ("DescribeNamespaces", body(json!({"Offset": 1})));
    tencent.page_namespaces(Paging::FromZero);
    assert_eq!(names(&plain(&tencent, std::slice::from_ref(&second))[0], "/NamespaceList", "Name"), ["closed-too"]);
    tencent.page_namespaces(Paging::Rows);
    assert_eq!(names(&plain(&tencent, &[second])[0], "/NamespaceList", "Name"), ["closed", "closed-too"]);
}

#[test]
fn tencents_enterprise_namespaces_and_repositories_are_created_once() {
    let tencent = enterprise();
    tencent.quota("tcr-team", 4);
    tencent.refuse_name("forbidden", "FailedOperation.ErrorTcrUnauthorized");
    let namespace =
        |name: &str| ("CreateNamespace", json!({"RegistryId": "tcr-team", "NamespaceName": name, "IsPublic": false}));
    let repository = |namespace: &str, name: &str| {
        ("CreateRepository", json!({"RegistryId": "tcr-team", "NamespaceName": namespace, "RepositoryName": name}))
    };
    let answers = plain(
        &tencent,
        &[
            namespace("open"),
            namespace("a"),
            namespace("Team"),
            namespace("a--b"),
            namespace("forbidden"),
            namespace("new.team"),
            namespace("newer"),
            repository("new.team", "group/app"),
            repository("new.team", "group/app"),
            repository("absent", "app"),
        ],
    );
    let expected = [
        "FailedOperation.ErrorTcrResourceConflict",
        "InvalidParameter.ErrorTcrInvalidParameter",
        "InvalidParameter.ErrorTcrInvalidParameter",
        "InvalidParameter.ErrorTcrInvalidParameter",
        "FailedOperation.ErrorTcrUnauthorized",
        "{}",
        "OperationDenied.QuotaOverLimit",
        "{}",
        "FailedOperation.ErrorTcrResourceConflict",
        "ResourceNotFound",
    ];
    assert_eq!(codes(&answers), expected);
    assert_eq!(tencent.namespaces("tcr-team").last(), Some(&("new.team".to_owned(), false)));
    assert_eq!(tencent.repositories("tcr-team").last().map(String::as_str), Some("new.team/group/app"));
    tencent.conflicts_as("InternalError.ErrorConflict");
    assert_eq!(codes(&plain(&tencent, &[namespace("open")])), ["InternalError.ErrorConflict"]);
}

#[test]
fn tencents_tokens_are_as_the_test_says() {
    let tencent = enterprise();
    tencent.credential("tcr-team", "test", "not-a-real-password", Duration::from_mins(2));
    let now = || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let body = |id: &str, kind: &str| ("CreateInstanceToken", json!({"RegistryId": id, "TokenType": kind}));
    let before = now();
    let answers = plain(&tencent, &[body("tcr-team", "temp"), body("tcr-team", "other"), body("tcr-absent", "temp")]);
    let expiry = answers[0]["ExpTime"].as_i64().unwrap();
    assert!((before + 120_000..=now() + 120_000).contains(&expiry), "{expiry}");
    let expected = json!({"Username": "test", "Token": "not-a-real-password", "ExpTime": expiry, "TokenId": ""});
    assert_eq!(answers[0], expected);
    assert_eq!(codes(&answers[1..]), ["InvalidParameter", "ResourceNotFound.TcrResourceNotFound"]);
    assert_eq!(tencent.issued(), [("tcr-team".to_owned(), "temp".to_owned())]);
}
