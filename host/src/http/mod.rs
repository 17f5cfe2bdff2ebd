//! The one way out of the process: TLS, proxies, time-outs, redirects, rate tokens, retry classes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use url::Url;

use crate::limit::Limiter;
use crate::secret::Secret;

/// Bytes on their way, such as a blob being copied. An error ends the body without completing it.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// What a failed attempt is worth (reference: "Errors and back-off"). Every error of `http` and `endpoint` has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Try again after a jittered back-off.
    Retry,
    /// The host asked for a pause (429, Retry-After); try again after it.
    Wait(Option<Duration>),
    /// Fetch a new token, then try once more.
    Reauthenticate,
    /// The upload session is gone or spoiled: look whether the blob arrived, else start again.
    RestartBlob,
    /// The registry misses a blob that was believed to be there: forget what is known of the target and push once more.
    Repair,
    /// It is not there.
    NotFound,
    /// Another try would end the same.
    Permanent,
}

/// How a host is reached. Equal profiles share one connection pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Profile {
    /// Additional trusted certificates, PEM.
    pub ca: Option<Vec<u8>>,
    /// Client certificate chain and key, PEM.
    pub identity: Option<(Vec<u8>, Secret)>,
    /// Accept any certificate.
    pub skip_verify: bool,
    /// Proxy URL; none: the environment's (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    pub proxy: Option<Url>,
    /// Follow no redirect, hand it to the caller (plugins).
    pub no_redirects: bool,
    /// Refuse to connect to private, loopback and link-local addresses, wherever a name or a redirect leads (plugins).
    pub public_only: bool,
}

/// The body of a request.
pub enum Body {
    /// None; `Content-Length: 0` where the method has a body.
    Empty,
    /// Held in memory, so it can be sent again.
    Bytes(Bytes),
    /// Streamed once. The length is sent as `Content-Length`.
    Stream {
        /// Bytes that the stream will give.
        length: u64,
        /// The bytes.
        stream: ByteStream,
    },
}

/// One request.
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute URL.
    pub url: Url,
    /// Headers; `Authorization` is marked sensitive by whoever sets it.
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
}

/// A response whose body has not been read.
pub struct Response {
    inner: reqwest::Response,
}

/// Sends requests: each attempt takes a rate token, each response feeds the host's gate. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Limiter>,
}

/// Why no response came.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// placeholder
    #[error("placeholder")]
    Placeholder,
}

impl HttpError {
    /// What another try is worth.
    #[must_use]
    pub fn class(&self) -> Class {
        todo!()
    }
}

impl Gateway {
    /// A gateway whose attempts all pass `limiter`.
    #[must_use]
    pub fn new(limiter: Arc<Limiter>) -> Self {
        Self { inner: limiter }
    }

    /// Makes one attempt: takes tokens (overall and per host), waits at the host's gate, sends, reports the outcome to the gate.
    pub async fn send(&self, profile: &Profile, request: Request) -> Result<Response, HttpError> {
        let _ = (profile, request, &self.inner);
        todo!()
    }
}

impl Response {
    /// Status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Where it came from, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// Reads the body whole; more than `cap` bytes are an error.
    pub async fn bytes(self, cap: usize) -> Result<Bytes, HttpError> {
        let _ = cap;
        todo!()
    }

    /// The body as it comes, under an idle time-out.
    #[must_use]
    pub fn stream(self) -> ByteStream {
        todo!()
    }
}
