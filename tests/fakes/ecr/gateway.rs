//! What stands before both services: it finds the operation, and asks for a signature and a right.

use serde_json::Value;

use super::ACCOUNT;
use super::Fake;
use super::Kind;
use super::State;
use super::images;
use super::json;
use super::refusal::Refusal;
use super::repositories;
use super::signature;
use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Fault;
use crate::harness::api::Reply;

const PRIVATE: &[&str] =
    &["DescribeRepositories", "ListImages", "DescribeImages", "GetAuthorizationToken", "CreateRepository"];
const PUBLIC: &[&str] = &[
    "DescribeRepositories",
    "DescribeImageTags",
    "DescribeImages",
    "DescribeRegistries",
    "GetAuthorizationToken",
    "CreateRepository",
];

impl Api for Fake {
    fn answer(&self, call: &Call) -> Reply {
        let Some((kind, operation)) = target(call) else {
            return Refusal::new("UnknownOperationException", "").reply();
        };
        let fault = self.faults.note(operation);
        if matches!(fault, Some(Fault::Html)) {
            return Reply::html();
        }
        let mut state = self.state.lock().unwrap();
        let result = self
            .admit(call, kind, operation, &state, fault.as_ref())
            .and_then(|body| perform(&mut state, kind, operation, &body, fault.as_ref()));
        match result {
            Ok(body) => json(200, &body),
            Err(refusal) => refusal.reply(),
        }
    }
}

impl Fake {
    /// The body of a call that may be made, by this customer and at this time.
    fn admit(
        &self,
        call: &Call,
        kind: Kind,
        operation: &str,
        state: &State,
        fault: Option<&Fault>,
    ) -> Result<Value, Refusal> {
        let service = if kind == Kind::Private { "ecr" } else { "ecr-public" };
        signature::verify(call, service, state)?;
        let often = state.limit.is_some_and(|limit| self.faults.exceeds(operation, limit));
        match fault {
            Some(Fault::Internal) => return Err(Refusal::internal()),
            Some(Fault::Throttled) => return Err(Refusal::throttled()),
            _ if often => return Err(Refusal::throttled()),
            _ => {}
        }
        if state.forbidden.iter().any(|it| it == operation) {
            let message = format!(
                "User: arn:aws:iam::{ACCOUNT}:user/test is not authorized to perform: {service}:{operation} on resource: * because no identity-based policy allows the {service}:{operation} action"
            );
            return Err(Refusal::new("AccessDeniedException", &message));
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        if !body.is_object() {
            return Err(Refusal::new("SerializationException", "the body is not a JSON object"));
        }
        if body["registryId"].as_str().is_some_and(|id| id != ACCOUNT) {
            return Err(Refusal::invalid("Invalid parameter at 'registryId': the registry is another account's"));
        }
        Ok(body)
    }
}

/// The service and the operation that are called.
fn target(call: &Call) -> Option<(Kind, &'static str)> {
    if call.method != "POST" || call.path != "/" || call.header("content-type")? != "application/x-amz-json-1.1" {
        return None;
    }
    let (prefix, operation) = call.header("x-amz-target")?.split_once('.')?;
    let (kind, operations) = match prefix {
        "AmazonEC2ContainerRegistry_V20150921" => (Kind::Private, PRIVATE),
        "SpencerFrontendService" => (Kind::Public, PUBLIC),
        _ => return None,
    };
    operations.iter().find(|it| **it == operation).map(|operation| (kind, *operation))
}

fn perform(
    state: &mut State,
    kind: Kind,
    operation: &str,
    body: &Value,
    fault: Option<&Fault>,
) -> Result<Value, Refusal> {
    match operation {
        "DescribeRepositories" => repositories::describe(state, kind, body, fault),
        "CreateRepository" => repositories::create(state, kind, body),
        "DescribeRegistries" => repositories::registries(state, body, fault),
        "GetAuthorizationToken" => Ok(repositories::token(state, kind)),
        "ListImages" => images::list(state, body, fault),
        "DescribeImages" => images::describe(state, kind, body, fault),
        "DescribeImageTags" => images::tags(state, body, fault),
        _ => unreachable!("{operation}"),
    }
}
