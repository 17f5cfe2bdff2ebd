//! What the plugins send is signed as Tencent's own SDK signs it.

use std::sync::Arc;

use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::harness::api::Api;
use crate::harness::api::Recorder;
use crate::harness::api::Server;
use crate::harness::vendor;
use crate::providers::tencent::stage::Stage;

#[test]
fn the_vendors_sdk_signs_the_same_requests_with_the_same_bytes() {
    let mut stage = Stage::new();
    stage.ccr("team/app", false, &["1"]);
    let recorder = Recorder::new(Arc::clone(&stage.api) as Arc<dyn Api>);
    stage.server = Server::start(Arc::clone(&recorder) as Arc<dyn Api>);
    stage.migrate(&[]).expect(0);
    let mut actions = Vec::new();
    for call in recorder.calls() {
        let header = |name: &str| call.header(name).unwrap_or_default();
        let action = header("x-tc-action");
        if actions.contains(&action.to_owned()) {
            continue;
        }
        actions.push(action.to_owned());
        let body = String::from_utf8(call.body.clone()).unwrap();
        let (timestamp, region, host) = (header("x-tc-timestamp"), header("x-tc-region"), header("host"));
        let signed =
            vendor::python("tencent.py", &["sign", action, &body, timestamp, region, host, SECRET_ID, SECRET_KEY]);
        assert_eq!(signed["authorization"], header("authorization"), "{action}");
        assert_eq!(signed["content_type"], header("content-type"), "{action}");
    }
    actions.sort();
    let expected = [
        "CreateInstanceToken",
        "CreateNamespace",
        "DescribeImagePersonal",
        "DescribeInstances",
        "DescribeNamespacePersonal",
        "DescribeNamespaces",
        "DescribeRepositoryFilterPersonal",
        "DescribeRepositoryOwnerPersonal",
    ];
    assert_eq!(actions, expected);
}
