//! The fake of Amazon ECR, driven by boto3.

mod gateway;
mod private;
mod public;

use serde_json::Value;
use serde_json::json;

use crate::fakes::ecr::Ecr;
use crate::fakes::ecr::Image;
use crate::fakes::ecr::Kind;
use crate::harness::vendor;

/// An image whose digest is made of one digit.
fn image(digit: char, tags: &[&str]) -> Image {
    Image {
        digest: digest(digit),
        size: 27_107_966,
        pushed: 1_572_839_125.25,
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        archived: false,
    }
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// An ECR with three repositories; in `team/app` are `1` and `latest`, an untagged image, `2`, and an archived image.
fn ecr(kind: Kind) -> Ecr {
    let ecr = Ecr::start();
    let archived = Image { archived: true, ..image('d', &["old"]) };
    ecr.repository(kind, "team/app", &[image('a', &["1", "latest"]), image('b', &[]), image('c', &["2"]), archived]);
    ecr.repository(kind, "team/web", &[]);
    ecr.repository(kind, "other", &[]);
    ecr
}

/// What boto3 makes of each of these calls.
#[track_caller]
fn calls(url: &str, steps: &[Value]) -> Vec<Value> {
    vendor::python("ecr.py", &["call", url, &json!(steps).to_string()]).as_array().unwrap().clone()
}

/// A call of the private service.
fn step(operation: &str, parameters: &Value) -> Value {
    json!({"operation": operation, "parameters": parameters})
}

/// A call of the public service.
fn public(operation: &str, parameters: &Value) -> Value {
    json!({"service": "ecr-public", "operation": operation, "parameters": parameters})
}

/// The call with more in it, such as another key.
fn with(mut step: Value, more: &Value) -> Value {
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

/// The texts at `name` in a list.
fn names(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list}"));
    items.iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
}

/// Statuses and codes of errors, or what came in their place.
fn codes(answers: &[Value]) -> Vec<String> {
    let code = |it: &Value| match it["code"].as_str() {
        Some(code) => format!("{} {code}", it["status"]),
        None => it.to_string(),
    };
    answers.iter().map(code).collect()
}
