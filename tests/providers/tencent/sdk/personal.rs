//! CCR.

use serde_json::Value;
use serde_json::json;

use super::DIGEST;
use super::PERSONAL;
use super::codes;
use super::names;
use super::personal;
use super::plain;

#[test]
fn tencents_personal_lists_come_by_rows() {
    let tencent = personal();
    tencent.ccr_server("127.0.0.1:5000");
    let rows = |offset: usize| json!({"Offset": offset, "Limit": 2});
    let answers = plain(
        &tencent,
        &[
            (PERSONAL, rows(0)),
            (PERSONAL, rows(1)),
            (PERSONAL, rows(3)),
            (PERSONAL, json!({"RepoName": "app"})),
            ("DescribeRepositoryFilterPersonal", json!({"Namespace": "team", "Public": 0})),
            ("DescribeNamespacePersonal", json!({"Namespace": "", "Offset": 0, "Limit": 100})),
            ("DescribeImagePersonal", json!({"RepoName": "team/app", "Offset": 1, "Limit": 2})),
            ("DescribeUserQuotaPersonal", json!({})),
        ],
    );
    let repositories = |answer: &Value| names(answer, "/Data/RepoInfo", "RepoName");
    assert_eq!(repositories(&answers[0]), ["team/app", "team/web"]);
    assert_eq!(repositories(&answers[1]), ["team/web", "other/app"]);
    assert_eq!(repositories(&answers[2]), [""; 0]);
    assert_eq!(repositories(&answers[3]), ["team/app", "other/app"]);
    assert_eq!(repositories(&answers[4]), ["team/web"]);
    let totals: Vec<_> = answers[..5].iter().map(|answer| answer["Data"]["TotalCount"].as_i64().unwrap()).collect();
    assert_eq!(totals, [3, 3, 3, 2, 1]);
    assert_eq!(answers[0]["Data"]["Server"], "127.0.0.1:5000");
    assert_eq!(answers[0]["Data"]["RepoInfo"][0]["Public"], 1);
    assert_eq!(answers[0]["Data"]["RepoInfo"][0]["TagCount"], 3);
    let namespaces = json!({
        "NamespaceCount": 2,
        "NamespaceInfo": [
            {"Namespace": "team", "CreationTime": "2020-01-01 00:00:00", "RepoCount": 2},
            {"Namespace": "other", "CreationTime": "2020-01-01 00:00:00", "RepoCount": 1},
        ],
    });
    assert_eq!(answers[5]["Data"], namespaces);
    // The newest tag is first.
    let images = &answers[6]["Data"];
    assert_eq!((&images["TagCount"], &images["RepoName"]), (&json!(3), &json!("team/app")));
    assert_eq!(names(images, "/TagInfo", "TagName"), ["3", "1"]);
    assert_eq!(names(images, "/TagInfo", "TagId"), [DIGEST, DIGEST]);
    assert_eq!(
        names(images, "/TagInfo", "PushTime"),
        ["2019-10-25 08:00:00 +0800 CST", "2019-10-24 14:20:51 +0800 CST"]
    );
    assert_eq!(
        (&images["TagInfo"][0]["Size"], &images["TagInfo"][0]["SizeByte"]),
        (&json!("128 MB"), &json!(128_152_591))
    );
    assert_eq!(answers[7]["Data"]["LimitInfo"][0]["Value"], 10);
}

#[test]
fn tencents_personal_namespaces_are_unique_among_customers() {
    let tencent = personal();
    tencent.ccr_namespace("empty");
    tencent.ccr_namespace_of_others("taken");
    tencent.ccr_quota(4, 4);
    tencent.refuse_name("library", "InvalidParameter.ErrNamespaceReserved");
    let namespace = |name: &str| ("CreateNamespacePersonal", json!({"Namespace": name}));
    let repository = |name: &str| ("CreateRepositoryPersonal", json!({"RepoName": name, "Public": 0}));
    let answers = plain(
        &tencent,
        &[
            namespace("team"),
            namespace("taken"),
            namespace("library"),
            namespace("new"),
            namespace("newer"),
            repository("team/app"),
            repository("taken/app"),
            repository("new/app"),
            repository("new/web"),
            ("DescribeImagePersonal", json!({"RepoName": "team/absent"})),
        ],
    );
    let expected = [
        "InvalidParameter.ErrNamespaceExist",
        "InvalidParameter.ErrNamespaceExist",
        "InvalidParameter.ErrNamespaceReserved",
        "{}",
        "LimitExceeded.ErrNamespaceMaxLimit",
        "InvalidParameter.ErrRepoExist",
        "InvalidParameter.ErrNSMisMatch",
        "{}",
        "LimitExceeded.ErrRepoMaxLimit",
        "ResourceNotFound.ErrNoRepo",
    ];
    assert_eq!(codes(&answers), expected);
    assert_eq!(tencent.ccr_namespaces(), ["team", "other", "empty", "new"]);
    assert_eq!(tencent.ccr_repositories().last(), Some(&("new/app".to_owned(), false)));
    tencent.ccr_closed();
    assert_eq!(
        codes(&plain(&tencent, &[namespace("newest"), (PERSONAL, json!({}))])),
        ["ResourceNotFound.ErrNoUser"; 2]
    );
}
