//! What the plugin sends is signed as AWS's own botocore signs it.

use serde_json::Value;
use serde_json::json;

use crate::fakes::ecr::KEY_ID;
use crate::fakes::ecr::KEY_SECRET;
use crate::fakes::ecr::Kind;
use crate::harness::api::Recorder;
use crate::harness::api::Server;
use crate::harness::graph::Graph;
use crate::harness::vendor;
use crate::providers::ecr::stage::Stage;

const TOKEN: &str = "not-a-real-session-token";

/// Moves an image out and another in, and compares each request. With `id` and `secret` in place of the usual key, if there is `token`.
#[track_caller]
fn compare(kind: Kind, id: &str, secret: &str, token: Option<&str>) -> Vec<String> {
    let stage = Stage::new(kind);
    let mut text = [stage.out("", ""), stage.back("", ", namespace: a1b2")];
    if let Some(token) = token {
        stage.ecr.temporary_key(id, secret, token);
        text = text.map(|text| {
            text.replace(KEY_ID, id)
                .replace(KEY_SECRET, secret)
                .replace("endpoint:", &format!("session-token: {token}, endpoint:"))
        });
    }
    let recorder = Recorder::new(stage.ecr.api());
    let server = Server::start(recorder.clone());
    stage.push("team/app", &["1"]);
    Graph::single("another", "1").push(&stage.outside.remote(), "other");
    for text in text {
        stage.place.workflow(&text.replace(&stage.ecr.url(), &server.url())).expect(0);
    }
    let mut actions = Vec::new();
    for call in recorder.calls() {
        let header = |name: &str| call.header(name).unwrap_or_default();
        let action = header("x-amz-target").split('.').next_back().unwrap_or_default().to_owned();
        if actions.contains(&action) {
            continue;
        }
        let (service, region) = if kind == Kind::Public { ("ecr-public", "us-east-1") } else { ("ecr", "us-east-1") };
        let mut request: Value = json!({
            "url": format!("http://{}/", header("host")), "body": String::from_utf8(call.body.clone()).unwrap(),
            "service": service, "region": region, "date": header("x-amz-date"), "id": id, "key": secret,
            "headers": {"content-type": header("content-type"), "x-amz-target": header("x-amz-target")},
        });
        if let Some(token) = token {
            request["token"] = token.into();
            assert_eq!(header("x-amz-security-token"), token);
        }
        let signed = vendor::python("ecr.py", &["sign", &request.to_string()]);
        assert_eq!(signed["authorization"], header("authorization"), "{action}");
        actions.push(action);
    }
    actions.sort();
    actions
}

#[test]
fn botocore_signs_the_same_requests_with_the_same_bytes() {
    let expected = ["CreateRepository", "DescribeImages", "DescribeRepositories", "GetAuthorizationToken"];
    assert_eq!(compare(Kind::Private, KEY_ID, KEY_SECRET, None), expected);
    let temporary = compare(Kind::Private, "not-a-real-temporary-id", "not-a-real-temporary-key", Some(TOKEN));
    assert_eq!(temporary, expected);
    let expected =
        ["CreateRepository", "DescribeImages", "DescribeRegistries", "DescribeRepositories", "GetAuthorizationToken"];
    assert_eq!(compare(Kind::Public, KEY_ID, KEY_SECRET, None), expected);
}
