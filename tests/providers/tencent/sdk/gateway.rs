//! What is asked of every request, and what goes wrong when it is told to.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use super::PERSONAL;
use super::calls;
use super::codes;
use super::names;
use super::personal;
use super::plain;
use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::vendor;

#[test]
fn tencents_refusals_have_their_documented_codes() {
    let tencent = personal();
    tencent.refuse("DescribeUserQuotaPersonal", "AuthFailure.UnauthorizedOperation");
    let answers = calls(
        &tencent,
        &[
            (PERSONAL, json!({}), json!({"key": "another-secret-key"})),
            (PERSONAL, json!({}), json!({"id": "another-secret-id"})),
            (PERSONAL, json!({}), json!({"token": "not-a-real-token"})),
            (PERSONAL, json!({}), json!({"version": "2019-09-25"})),
            (PERSONAL, json!({}), json!({"region": "ap-nowhere"})),
            (PERSONAL, json!({}), json!({"region": ""})),
            (PERSONAL, json!({"Limit": 101}), Value::Null),
            (PERSONAL, json!({"Offset": -1}), Value::Null),
            (PERSONAL, json!({"Limit": "100"}), Value::Null),
            (PERSONAL, json!({"Page": 1}), json!({"raw": true})),
            ("DescribeNamespacePersonal", json!({"Limit": 100}), Value::Null),
            ("DescribeUserQuotaPersonal", json!({}), Value::Null),
            ("DescribeEverything", json!({}), Value::Null),
        ],
    );
    let expected = [
        "AuthFailure.SignatureFailure",
        "AuthFailure.SecretIdNotFound",
        "AuthFailure.TokenFailure",
        "NoSuchVersion",
        "UnsupportedRegion",
        "MissingParameter",
        "InvalidParameterValue",
        "InvalidParameterValue",
        "InvalidParameter",
        "UnknownParameter",
        "MissingParameter",
        "AuthFailure.UnauthorizedOperation",
        "InvalidAction",
    ];
    assert_eq!(codes(&answers), expected);

    tencent.temporary("not-a-real-token");
    let tokens = [json!({"token": "not-a-real-token"}), json!({"token": "expired"}), Value::Null];
    let answers = calls(&tencent, &tokens.map(|token| (PERSONAL, json!({}), token)));
    assert_eq!(answers[0]["Data"]["TotalCount"], 3);
    assert_eq!(codes(&answers[1..]), ["AuthFailure.TokenFailure"; 2]);
}

#[test]
fn tencents_clock_may_be_off_by_five_minutes() {
    let tencent = personal();
    for (ahead, refused) in [(-290, false), (290, false), (-310, true), (310, true)] {
        tencent.ahead(ahead);
        let code = plain(&tencent, &[(PERSONAL, json!({}))])[0]["code"].clone();
        assert_eq!(code == "AuthFailure.SignatureExpire", refused, "{ahead}: {code}");
    }
}

#[test]
fn tencents_faults_come_as_they_are_planned() {
    let tencent = personal();
    let faults = [Fault::Lost, Fault::Repeated, Fault::Total(-1), Fault::Throttled, Fault::Internal, Fault::Html];
    for (place, fault) in faults.into_iter().enumerate() {
        tencent.faults.plan(PERSONAL, place + 1, fault);
    }
    let answers = plain(&tencent, &vec![(PERSONAL, json!({"Offset": 1, "Limit": 1})); 7]);
    let found: Vec<_> = [0, 1, 2, 6].map(|at| names(&answers[at], "/Data/RepoInfo", "RepoName")).into();
    assert_eq!(found, [vec![], vec!["team/app".to_owned()], vec!["team/web".to_owned()], vec!["team/web".to_owned()]]);
    let totals = [0, 1, 2, 6].map(|at| answers[at]["Data"]["TotalCount"].as_i64().unwrap());
    assert_eq!(totals, [3, 3, 2, 3]);
    assert_eq!(codes(&answers[3..6]), ["RequestLimitExceeded", "InternalError", "JSONDecodeError"]);
    assert_eq!(tencent.faults.count(PERSONAL), 7);
}

/// A call of `DescribeUserQuotaPersonal` that the SDK has signed now.
fn signed() -> Call {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let (action, body, host) = ("DescribeUserQuotaPersonal", "{}", "127.0.0.1:1");
    let arguments = ["sign", action, body, &now, "ap-guangzhou", host, SECRET_ID, SECRET_KEY];
    let made = vendor::python("tencent.py", &arguments);
    let headers = [
        ("Host", host),
        ("X-TC-Action", action),
        ("X-TC-Version", "2019-09-24"),
        ("X-TC-Region", "ap-guangzhou"),
        ("X-TC-Timestamp", &now),
        ("Content-Type", made["content_type"].as_str().unwrap()),
        ("Authorization", made["authorization"].as_str().unwrap()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let (method, path) = ("POST".to_owned(), "/".to_owned());
    Call { method, path, query: String::new(), headers, body: body.as_bytes().to_vec() }
}

fn code(tencent: &Tencent, call: &Call) -> String {
    let reply = tencent.answer(call);
    assert_eq!(reply.status, 200);
    let response: Value = serde_json::from_slice(&reply.body).unwrap();
    response["Response"]["Error"]["Code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn tencents_signature_is_of_this_request_and_no_other() {
    let tencent = Tencent::new();
    let call = signed();
    let changed = |change: &dyn Fn(&mut Call)| {
        let mut changed = call.clone();
        change(&mut changed);
        code(&tencent, &changed)
    };
    let header = |name: &str, value: &str| {
        changed(&|call| call.headers.iter_mut().find(|(it, _)| it == name).unwrap().1 = value.to_owned())
    };
    assert_eq!(code(&tencent, &call), "");
    assert_eq!(changed(&|call| call.body = b"{ }".to_vec()), "AuthFailure.SignatureFailure");
    assert_eq!(changed(&|call| call.query = "Action=1".to_owned()), "AuthFailure.SignatureFailure");
    assert_eq!(header("Host", "127.0.0.1:2"), "AuthFailure.SignatureFailure");
    assert_eq!(header("Content-Type", "application/json; charset=utf-8"), "AuthFailure.SignatureFailure");
    assert_eq!(header("X-TC-Timestamp", "1551113065"), "AuthFailure.SignatureExpire");
    assert_eq!(header("X-TC-Timestamp", ""), "MissingParameter");
    assert_eq!(header("Authorization", "Bearer not-a-real-token"), "AuthFailure.InvalidAuthorization");
    assert_eq!(changed(&|call| call.method = "PUT".to_owned()), "UnsupportedProtocol");
}

#[test]
fn tencents_actions_have_their_limits_of_calls_in_a_second() {
    let tencent = Tencent::new();
    let call = signed();
    let answers: Vec<_> = (0..40).map(|_| code(&tencent, &call)).collect();
    assert_eq!(answers, [""; 40]);
    tencent.limited();
    assert_eq!(code(&tencent, &call), "RequestLimitExceeded");
}
