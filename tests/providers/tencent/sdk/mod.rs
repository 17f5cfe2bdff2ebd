//! The fake of Tencent Cloud, driven by Tencent Cloud's SDK.

mod enterprise;
mod gateway;
mod personal;

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use crate::fakes::tencent::Tag;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Server;
use crate::harness::vendor;

const DIGEST: &str = "sha256:ad207667c53d9739f1f6c2d0f9eedf5237c969e7d11ef4bd3f4b23b68b5eac6c";
/// A list of CCR.
const PERSONAL: &str = "DescribeRepositoryOwnerPersonal";

fn tag(name: &str, pushed: &str) -> Tag {
    Tag { name: name.to_owned(), digest: DIGEST.to_owned(), size: 128_152_591, pushed: pushed.to_owned() }
}

/// What the SDK makes of each of these calls: the action, its parameters, and what is not as usual.
#[track_caller]
fn calls(tencent: &Arc<Tencent>, steps: &[(&str, Value, Value)]) -> Vec<Value> {
    let server = Server::start(Arc::clone(tencent) as Arc<dyn Api>);
    let step = |(action, parameters, more): &(&str, Value, Value)| {
        let mut step = json!({"action": action, "parameters": parameters});
        step.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        step
    };
    let steps = Value::Array(steps.iter().map(step).collect());
    let answer = vendor::python("tencent.py", &["call", &server.address().to_string(), &steps.to_string()]);
    answer.as_array().unwrap().clone()
}

/// The same, with nothing unusual.
#[track_caller]
fn plain(tencent: &Arc<Tencent>, steps: &[(&str, Value)]) -> Vec<Value> {
    let steps: Vec<_> = steps.iter().map(|(action, body)| (*action, body.clone(), Value::Null)).collect();
    calls(tencent, &steps)
}

/// The texts at `name` in the items at `list`.
fn names(answer: &Value, list: &str, name: &str) -> Vec<String> {
    let items = answer.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("{answer}"));
    items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

/// The codes of errors, or what came in their place.
fn codes(answers: &[Value]) -> Vec<String> {
    let code = |answer: &Value| answer["code"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    answers.iter().map(code).collect()
}

/// CCR with `team/app`, `team/web` and `other/app`.
fn personal() -> Arc<Tencent> {
    let tencent = Arc::new(Tencent::new());
    let tags = [tag("1", "2019-10-24T06:20:51Z"), tag("2", "2019-12-31T16:00:00Z"), tag("3", "2019-10-25T00:00:00Z")];
    tencent.ccr_repository("team/app", true, &tags);
    tencent.ccr_repository("team/web", false, &[]);
    tencent.ccr_repository("other/app", false, &[]);
    tencent
}
