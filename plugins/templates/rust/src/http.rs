//! Requests to an API, through the host. It reaches what the workflow grants, and nothing else.

use crate::image_transfer::plugin::http;
use crate::image_transfer::plugin::types::Error;

/// Sends a request; `Ok` for any answer, whatever its status.
pub(crate) fn send(method: &str, url: String) -> Result<http::Response, Error> {
    let headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let request = http::Request { method: method.to_owned(), url, headers, body: None, rate: None };
    http::send(&request).map_err(|error| match error {
        http::SendError::Denied(text) => Error::Fatal(text),
        http::SendError::Timeout => Error::Unavailable("no answer in time".to_owned()),
        http::SendError::TooLarge(limit) => Error::Fatal(format!("an answer of more than {limit} bytes")),
        http::SendError::Transport(text) => Error::Unavailable(text),
    })
}

/// What an answer that is not the one that was hoped for means to the host: whether it asks again.
pub(crate) fn refusal(response: &http::Response) -> Error {
    match response.status {
        401 | 403 => Error::Unauthorized(format!("refused with status {}", response.status)),
        404 => Error::NotFound("not found".to_owned()),
        429 => Error::RateLimited(None),
        500.. => Error::Unavailable(format!("status {}", response.status)),
        status => Error::Fatal(format!("status {status}")),
    }
}
