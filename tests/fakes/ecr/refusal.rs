//! How AWS says no, in its JSON protocol.

use serde_json::json;

use crate::harness::api::Reply;

/// Why not.
pub(super) struct Refusal {
    status: u16,
    code: String,
    message: String,
}

impl Refusal {
    /// Almost all errors have status 400; wrong keys too.
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.to_owned() }
    }

    /// The service's own failure.
    pub(super) fn internal() -> Self {
        let message = "Service encountered an internal error";
        Self { status: 500, ..Self::new("ServerException", message) }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// The member of the request, and what it must satisfy.
    pub(super) fn constraint(member: &str, constraint: &str) -> Self {
        let message =
            format!("Invalid parameter at '{member}' failed to satisfy constraint: 'Member must {constraint}'");
        Self::invalid(&message)
    }

    pub(super) fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    pub(super) fn reply(&self) -> Reply {
        super::json(self.status, &json!({"__type": self.code, "message": self.message}))
    }
}
