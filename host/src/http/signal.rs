//! What an answer says of the host that gave it.

use http::HeaderMap;
use http::StatusCode;

use crate::http::retry_after::reset;
use crate::http::retry_after::retry_after;
use crate::limit::Signal;

/// What it means for the gate.
pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Signal {
    let failed = status.is_client_error() || status.is_server_error();
    match (retry_after(headers), status.as_u16()) {
        (Some(pause), _) if failed => Signal::Pause(Some(pause)),
        (_, 429) => Signal::Pause(None),
        (_, 502..=504) => Signal::Failed,
        _ if status.is_server_error() => Signal::Other,
        _ if failed => Signal::Answered,
        _ if used_up(headers) => Signal::Pause(reset(headers)),
        _ => Signal::Served,
    }
}

/// Whether the host says that the next request is one too many: `ratelimit-remaining: 0`, with or without a window after it, as Docker
/// Hub and the IETF's draft have it.
fn used_up(headers: &HeaderMap) -> bool {
    let remaining = headers.get("ratelimit-remaining").or_else(|| headers.get("x-ratelimit-remaining"));
    let number = remaining.and_then(|it| it.to_str().ok()).and_then(|text| text.split([';', ',']).next());
    number.is_some_and(|number| number.trim() == "0")
}
