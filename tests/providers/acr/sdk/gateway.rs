//! Signatures, rights and limits.

use serde_json::Value;
use serde_json::json;

use super::ID;
use super::calls;
use super::codes;
use super::get;
use super::instance;
use super::step;
use crate::fakes::acr::challenge;
use crate::harness::api::Fault;
use crate::harness::http1::Connection;
use crate::harness::vendor;

/// A list with more in it, such as another key.
fn list(more: &Value) -> Value {
    let mut step = step("ListNamespace", &json!({"InstanceId": ID}));
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

#[test]
fn aliyun_takes_no_wrong_key_and_no_nonce_twice() {
    let acr = instance();
    let answers = calls(
        &acr,
        &[
            list(&json!({"id": "unknown"})),
            list(&json!({"key": "wrong"})),
            list(&json!({"date": "2020-01-01T00:00:00Z"})),
            list(&json!({"nonce": "once"})),
            list(&json!({"nonce": "once"})),
            step("ListNamespace", &json!({"InstanceId": ID, "NamespaceName": "a b*c~d+é/"})),
        ],
    );
    assert_eq!(
        codes(&answers[..3]),
        ["404 InvalidAccessKeyId.NotFound", "400 SignatureDoesNotMatch", "400 InvalidTimeStamp.Expired"]
    );
    assert_eq!(answers[3]["TotalCount"], "2");
    assert_eq!(codes(&answers[4..5]), ["400 SignatureNonceUsed"]);
    assert_eq!(answers[5]["TotalCount"], "0");
}

#[test]
fn aliyun_is_a_quarter_of_an_hour_patient_with_clocks() {
    let acr = instance();
    acr.set_ahead(14 * 60);
    assert_eq!(calls(&acr, &[list(&json!({}))])[0]["TotalCount"], "2");
    acr.set_ahead(-16 * 60);
    assert_eq!(codes(&calls(&acr, &[list(&json!({}))])), ["400 InvalidTimeStamp.Expired"]);
}

#[test]
fn aliyun_takes_a_temporary_key_with_its_token_until_it_expires() {
    let acr = instance();
    let (id, key, token) = ("STS.not-a-real-id", "not-a-real-temporary-key", "not-a-real-security-token");
    acr.temporary_key(id, key, token);
    let with = list(&json!({"id": id, "key": key, "token": token}));
    let answers = calls(&acr, &[with.clone(), list(&json!({"id": id, "key": key, "token": "other"}))]);
    assert_eq!(answers[0]["TotalCount"], "2");
    assert_eq!(codes(&answers[1..]), ["400 InvalidSecurityToken.MismatchWithAccessKey"]);
    acr.expire(token);
    assert_eq!(codes(&calls(&acr, &[with])), ["400 InvalidSecurityToken.Expired"]);
}

#[test]
fn aliyun_refuses_what_the_key_has_no_right_to_and_what_is_not_there() {
    let acr = instance();
    acr.forbid("ListNamespace", "NoPermission");
    acr.forbid("GetRepoList", "Forbidden.RAM");
    let answers = calls(
        &acr,
        &[
            list(&json!({})),
            get("GetRepoList", "/repos", &json!({})),
            step("ListInstanceRegion", &json!({})),
            get("GetRepoTags", "/repos", &json!({})),
        ],
    );
    assert_eq!(
        codes(&answers),
        ["403 NoPermission", "403 Forbidden.RAM", "404 InvalidAction.NotFound", "404 InvalidAction.NotFound"]
    );
}

#[test]
fn aliyun_says_when_it_is_called_too_often() {
    let acr = instance();
    acr.limit(15);
    assert_eq!(calls(&acr, &[list(&json!({}))])[0]["TotalCount"], "2");
    // So that nothing depends on how fast this machine is.
    acr.limit(0);
    assert_eq!(codes(&calls(&acr, &[list(&json!({}))])), ["400 Throttling.User"]);
}

#[test]
fn aliyun_signs_as_its_documentation_shows() {
    let request = json!({
        "method": "POST", "path": "/", "id": "YourAccessKeyId", "key": "YourAccessKeySecret",
        "query": {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"},
        "headers": {
            "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-version": "2014-05-26",
            "x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        },
    });
    let answer = vendor::python("aliyun.py", &["sign", &request.to_string()]);
    let expected = "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0";
    assert_eq!(answer["authorization"], expected);
}

#[test]
fn aliyun_may_answer_with_a_proxys_page() {
    let acr = instance();
    acr.faults().always("ListNamespace", Fault::Html);
    let headers = [("x-acs-action", "ListNamespace"), ("x-acs-version", "2018-12-01")];
    let target = format!("{}/", acr.url());
    let mut connection = Connection::open(acr.address()).unwrap();
    let reply = connection.send_stream("POST", &target, &headers, 0, &mut |_| Ok(())).unwrap();
    assert_eq!((reply.status, reply.head.header("content-type")), (200, Some("text/html")));
}

#[test]
fn a_registry_of_aliyun_says_which_edition_it_is_of() {
    let reply = challenge("https://dockerauth.cn-hangzhou.aliyuncs.com/auth", "cn-hangzhou", &format!("china:{ID}"));
    let expected = format!(
        "Bearer realm=\"https://dockerauth.cn-hangzhou.aliyuncs.com/auth\",service=\"registry.aliyuncs.com:cn-hangzhou:china:{ID}\""
    );
    assert_eq!((reply.status, &reply.headers.last().unwrap().1), (401, &expected));
}
