//! The span of one attempt, for traces.

use http::Method;
use tracing::Span;
use tracing::field::Empty;
use url::Url;

use crate::http::HttpError;
use crate::http::Response;

/// The target of every span, by which they are known from log lines. A log shows none of them, and where there are no traces they are never
/// made.
pub const SPANS: &str = "telemetry";

/// The span of an attempt at `url`. Its query, which may be signed, is not told, nor a path that is not of the registries' protocol.
pub(super) fn of(method: &Method, url: &Url) -> Span {
    tracing::info_span!(
        target: SPANS,
        "request",
        otel.name = method.as_str(),
        otel.kind = "client",
        http.request.method = method.as_str(),
        url.scheme = url.scheme(),
        url.path = Some(url.path()).filter(|path| path.starts_with("/v2/")),
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        http.response.status_code = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
    )
}

/// Notes how the attempt ended.
pub(super) fn end(span: &Span, outcome: &Result<Response, HttpError>) {
    if span.is_disabled() {
        return;
    }
    let problem = match outcome {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            status.is_server_error().then_some(status.as_str().to_owned())
        }
        Err(error) => Some(format!("{:?}", error.class()).to_ascii_lowercase()),
    };
    if let Some(problem) = problem {
        span.record("error.type", problem.as_str());
        span.record("otel.status_code", "ERROR");
    }
}
