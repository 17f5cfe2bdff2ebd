//! What stands before both editions: it finds the action, and asks for a signature and a right.

use serde_json::Value;
use serde_json::json;

use super::Fake;
use super::State;
use super::enterprise;
use super::personal;
use super::signature;
use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::api::Reply;

const REQUEST_ID: &str = "4C467B38-3910-447D-87BC-AC049166F216";
const HOST_ID: &str = "cr.cn-hangzhou.aliyuncs.com";

/// Why not.
pub(super) struct Refusal {
    status: u16,
    code: String,
    message: String,
    /// Whether the service says so, and not the gateway.
    by_service: bool,
}

/// Which API a request is to.
#[derive(Clone, Copy)]
enum Edition {
    Enterprise,
    Personal,
}

impl Refusal {
    /// The gateway's own.
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), by_service: false }
    }

    pub(super) fn service(status: u16, code: &str, message: &str) -> Self {
        Self { by_service: true, ..Self::new(status, code, message) }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(400, &format!("Missing{parameter}"), &format!("{parameter} is mandatory for this action."))
    }

    pub(super) fn invalid(parameter: &str) -> Self {
        Self::new(400, &format!("Invalid{parameter}"), &format!("The specified {parameter} is invalid."))
    }

    fn reply(&self, edition: Edition, soft: bool) -> Reply {
        let (code, message) = (&self.code, &self.message);
        match edition {
            Edition::Personal if self.by_service => {
                let body = json!({"code": code, "message": message, "requestId": REQUEST_ID});
                Reply::json(self.status, &body)
            }
            Edition::Enterprise if self.by_service && soft => {
                Reply::json(200, &json!({"IsSuccess": false, "Code": code, "RequestId": REQUEST_ID}))
            }
            _ => {
                let recommend = format!("https://api.aliyun.com/troubleshoot?q={code}&product=cr");
                let body = json!({
                    "RequestId": REQUEST_ID, "HostId": HOST_ID, "Code": code, "Message": message, "Recommend": recommend,
                });
                Reply::json(self.status, &body)
            }
        }
    }
}

impl Api for Fake {
    fn answer(&self, call: &Call) -> Reply {
        let edition = if call.path == "/" { Edition::Enterprise } else { Edition::Personal };
        let Some(action) = action(call, edition) else {
            let message = "Specified api is not found, please check your url and method.";
            return Refusal::new(404, "InvalidAction.NotFound", message).reply(edition, false);
        };
        let fault = self.faults.note(action);
        if matches!(fault, Some(Fault::Html)) {
            return Reply::html();
        }
        let mut state = self.state.lock().unwrap();
        let result = self.admit(call, action, &mut state, fault.as_ref()).and_then(|()| match edition {
            Edition::Enterprise => enterprise::perform(&mut state, action, call, fault.as_ref()),
            Edition::Personal => personal::perform(&mut state, action, call, fault.as_ref()),
        });
        match result {
            Ok(mut body) => {
                let more = match edition {
                    Edition::Enterprise => json!({"IsSuccess": true, "Code": "success", "RequestId": REQUEST_ID}),
                    Edition::Personal => json!({"requestId": REQUEST_ID}),
                };
                if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
                    body.extend(more);
                }
                Reply::json(200, &body)
            }
            Err(refusal) => refusal.reply(edition, state.soft),
        }
    }
}

impl Fake {
    /// Whether the call may be made, by this customer and at this time.
    fn admit(&self, call: &Call, action: &str, state: &mut State, fault: Option<&Fault>) -> Result<(), Refusal> {
        signature::verify(call, state)?;
        if let Some(code) = state.forbidden.get(action) {
            let message = "You are not authorized to do this action. You should be authorized by RAM.";
            return Err(Refusal::new(403, code, message));
        }
        let often = state.limit.is_some_and(|limit| self.faults.exceeds(action, limit));
        match fault {
            Some(Fault::Internal) => {
                let message = "The request processing has failed due to some unknown error.";
                Err(Refusal::new(500, "InternalError", message))
            }
            Some(Fault::Throttled) => Err(throttled(state)),
            _ if often => Err(throttled(state)),
            _ => Ok(()),
        }
    }
}

fn throttled(state: &State) -> Refusal {
    Refusal::new(state.throttled, "Throttling.User", "Request was denied due to user flow control.")
}

/// What is called: the headers say it, and in the personal edition the path must agree.
fn action(call: &Call, edition: Edition) -> Option<&'static str> {
    let named = call.header("x-acs-action").unwrap_or_default();
    let version = call.header("x-acs-version").unwrap_or_default();
    match edition {
        Edition::Enterprise if version == "2018-12-01" && call.method == "POST" => {
            enterprise::ACTIONS.iter().find(|it| **it == named).copied()
        }
        Edition::Personal if version == "2016-06-07" => personal::action(call).filter(|it| *it == named),
        _ => None,
    }
}
