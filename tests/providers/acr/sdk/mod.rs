//! The fake of Aliyun's ACR, driven by Aliyun's SDK.

mod enterprise;
mod gateway;
mod personal;

use serde_json::Value;
use serde_json::json;

use crate::fakes::acr::Acr;
use crate::fakes::acr::Tag;
use crate::harness::vendor;

const DIGEST: &str = "sha256:ad207667c53d9739f1f6c2d0f9eedf5237c969e7d11ef4bd3f4b23b68b5eac6c";
/// An instance.
const ID: &str = "cri-0123456789abcdef";

fn tags(names: &[&str]) -> Vec<Tag> {
    let tag = |name: &&str| Tag {
        name: (*name).to_owned(),
        digest: DIGEST.to_owned(),
        size: 27_107_966,
        pushed: 1_572_839_125_000,
    };
    names.iter().map(tag).collect()
}

/// An ACR with one instance, and in it `team/app`, `team/web` and `other/app`.
fn instance() -> Acr {
    let acr = Acr::start();
    acr.instance(ID, "shop", "cn-hangzhou", "127.0.0.1:5000");
    acr.repository(ID, "team", "app", &tags(&["1", "2", "3"]));
    acr.repository(ID, "team", "web", &[]);
    acr.repository(ID, "other", "app", &[]);
    acr
}

/// What the SDK makes of each of these calls.
#[track_caller]
fn calls(acr: &Acr, steps: &[Value]) -> Vec<Value> {
    let steps = json!(steps).to_string();
    vendor::python("aliyun.py", &["call", &acr.address().to_string(), &steps]).as_array().unwrap().clone()
}

/// A call of the enterprise edition.
fn step(action: &str, parameters: &Value) -> Value {
    json!({"action": action, "parameters": parameters})
}

/// A call of the personal edition without a body.
fn get(action: &str, path: &str, query: &Value) -> Value {
    json!({"action": action, "method": "GET", "path": path, "query": query})
}

/// A call of the personal edition with one.
fn write(action: &str, method: &str, path: &str, body: &Value) -> Value {
    json!({"action": action, "method": method, "path": path, "body": body})
}

/// The texts at `name` in the items at `list`.
fn names(answer: &Value, list: &str, name: &str) -> Vec<String> {
    let items = answer.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("{answer}"));
    items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

/// Statuses and codes of errors, or what came in their place.
fn codes(answers: &[Value]) -> Vec<String> {
    let code = |it: &Value| match it["code"].as_str() {
        Some(code) => format!("{} {code}", it["status"]),
        None => it.to_string(),
    };
    answers.iter().map(code).collect()
}
