//! What the plugin sends is signed as Aliyun's own SDK signs it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::json;

use crate::fakes::acr::KEY_ID;
use crate::fakes::acr::KEY_SECRET;
use crate::fakes::acr::PERSONAL;
use crate::harness::api::Recorder;
use crate::harness::api::Server;
use crate::harness::vendor;
use crate::providers::acr::stage::INSTANCE;
use crate::providers::acr::stage::Stage;

#[test]
fn the_vendors_sdk_signs_the_same_requests_with_the_same_bytes() {
    let stage = Stage::new();
    stage.acr.namespace(PERSONAL, "open", true, true);
    stage.push(PERSONAL, "open/app", &["1"]);
    stage.acr.namespace(INSTANCE, "team", true, true);
    stage.push(INSTANCE, "team/web", &["1"]);
    let recorder = Recorder::new(stage.acr.api());
    let server = Server::start(recorder.clone());
    for (to, source) in
        [(INSTANCE, "edition: personal, namespaces: [open]"), (PERSONAL, "instance: team, namespaces: [team]")]
    {
        let source = format!("{{plugin: acr, with: {{KEY, {source}}}}}");
        stage.run(&stage.inward(to, &source, "").replace(&stage.acr.url(), &server.url())).expect(0);
    }
    let mut asked = BTreeSet::new();
    let mut nonces = BTreeSet::new();
    for call in recorder.calls() {
        let header = |name: &str| call.header(name).unwrap_or_default();
        assert!(nonces.insert(header("x-acs-signature-nonce").to_owned()), "a nonce came twice");
        let action = format!("{} {}", header("x-acs-version"), header("x-acs-action"));
        if !asked.insert(action.clone()) {
            continue;
        }
        let names = header("authorization").split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
        let headers: BTreeMap<&str, &str> = names.split(';').map(|name| (name, header(name))).collect();
        let query: BTreeMap<String, String> = call.parameters().into_iter().collect();
        let request = json!({
            "method": call.method, "path": call.path, "query": query, "headers": headers,
            "body": String::from_utf8(call.body.clone()).unwrap(), "id": KEY_ID, "key": KEY_SECRET,
        });
        let signed = vendor::python("aliyun.py", &["sign", &request.to_string()]);
        assert_eq!(signed["authorization"], header("authorization"), "{action}");
    }
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let expected = [
        "2016-06-07 CreateNamespace",
        "2016-06-07 CreateRepo",
        "2016-06-07 GetAuthorizationToken",
        "2016-06-07 GetNamespace",
        "2016-06-07 GetNamespaceList",
        "2016-06-07 GetRepo",
        "2016-06-07 GetRepoListByNamespace",
        "2016-06-07 GetRepoTags",
        "2016-06-07 UpdateNamespace",
        "2018-12-01 CreateNamespace",
        "2018-12-01 CreateRepository",
        "2018-12-01 GetAuthorizationToken",
        "2018-12-01 ListInstance",
        "2018-12-01 ListInstanceEndpoint",
        "2018-12-01 ListNamespace",
        "2018-12-01 ListRepoTag",
        "2018-12-01 ListRepository",
    ];
    assert_eq!(asked, expected);
}
