//! What is asked of every request, before any action.

use serde_json::Value;
use serde_json::json;

use super::State;
use super::Tencent;
use super::check::ACTIONS;
use super::check::Action;
use super::check::Error;
use super::signature;
use crate::fakes::clock;
use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::api::Reply;

const VERSION: &str = "2019-09-24";

/// Those that the documentation lists for TCR.
const REGIONS: [&str; 19] = [
    "ap-bangkok",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-guangzhou",
    "ap-hongkong",
    "ap-jakarta",
    "ap-mumbai",
    "ap-nanjing",
    "ap-seoul",
    "ap-shanghai",
    "ap-shanghai-fsi",
    "ap-shenzhen-fsi",
    "ap-singapore",
    "ap-tokyo",
    "eu-frankfurt",
    "na-ashburn",
    "na-siliconvalley",
    "sa-saopaulo",
];

impl Api for Tencent {
    fn answer(&self, call: &Call) -> Reply {
        let name = call.header("x-tc-action").unwrap_or_default();
        let fault = self.faults.note(name);
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        let answer = match fault {
            Some(Fault::Html) => return Reply::html(),
            Some(Fault::Throttled) => Err(too_often()),
            Some(Fault::Internal) => {
                Err(Error::new("InternalError", "An internal error has occurred. Retry your request."))
            }
            fault => self.admit(&state, call).and_then(|action| state.perform(action.name, call, fault.as_ref())),
        };
        let mut response = answer.unwrap_or_else(|error| error.value());
        response["RequestId"] = format!("00000000-0000-4000-8000-{:012}", state.requests).into();
        Reply::json(200, &json!({"Response": response}))
    }
}

impl Tencent {
    /// The action of a request that may have it.
    fn admit(&self, state: &State, call: &Call) -> Result<&'static Action, Error> {
        let kind = call.header("content-type").unwrap_or_default();
        if (call.method.as_str(), call.path.as_str()) != ("POST", "/") || !kind.starts_with("application/json") {
            return Err(Error::new("UnsupportedProtocol", "only POST of JSON to / is served here"));
        }
        signature::verify(call, clock::milliseconds() / 1000 + state.ahead)?;
        if call.header("x-tc-token") != state.token.as_deref() {
            return Err(Error::new("AuthFailure.TokenFailure", "The token is not valid."));
        }
        if call.header("x-tc-version") != Some(VERSION) {
            return Err(Error::new("NoSuchVersion", "The version is not found."));
        }
        let name = call.header("x-tc-action").unwrap_or_default();
        let Some(action) = ACTIONS.iter().find(|action| action.name == name) else {
            return Err(Error::new("InvalidAction", &format!("The action `{name}` is not found.")));
        };
        match call.header("x-tc-region") {
            None => return Err(Error::missing("Region")),
            Some(region) if !REGIONS.contains(&region) => {
                return Err(Error::new("UnsupportedRegion", &format!("The region `{region}` is not supported.")));
            }
            Some(_) => {}
        }
        if let Some((_, code)) = state.refused.iter().find(|(refused, _)| refused == name) {
            return Err(Error::new(code, "You are not authorized to perform this operation."));
        }
        if state.limited && self.faults.exceeds(name, action.limit) {
            return Err(too_often());
        }
        action.check(&call.json()).map(|()| action)
    }
}

fn too_often() -> Error {
    let message =
        "Your current request times exceed the frequency limit for a second. Please reduce the frequency of calls.";
    Error::new("RequestLimitExceeded", message)
}

impl State {
    fn perform(&mut self, action: &str, call: &Call, fault: Option<&Fault>) -> Result<Value, Error> {
        let body = &call.json();
        if ["CreateNamespace", "CreateNamespacePersonal"].contains(&action) {
            let name = body["NamespaceName"].as_str().or(body["Namespace"].as_str()).unwrap_or_default();
            if let Some((_, code)) = self.refused_names.iter().find(|(refused, _)| refused == name) {
                return Err(Error::new(code, "The namespace cannot be created."));
            }
        }
        if action.contains("Personal") {
            return self.personal.perform(action, body, fault);
        }
        let region = call.header("x-tc-region").unwrap_or_default();
        if action == "DescribeInstances" {
            return self.describe_instances(body, region, fault);
        }
        self.within_instance(action, body, region, fault)
    }
}
