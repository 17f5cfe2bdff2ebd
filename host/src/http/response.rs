//! What came back.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use tracing::Span;
use url::Url;

use crate::http::ByteStream;
use crate::http::HttpError;
use crate::http::Patience;
use crate::http::body;
use crate::http::body::Reading;
use crate::http::is_public;
use crate::limit::Limiter;
use crate::limit::Slot;
use crate::limit::Traffic;

/// The most that is read of a body that nobody wants, so that its connection can be used again.
const DRAIN: usize = 64 << 10;

/// A response whose body has not been read.
pub struct Response {
    pub(super) inner: reqwest::Response,
    pub(super) host: String,
    pub(super) traffic: Arc<Traffic>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) patience: Patience,
    /// The host is down: see [`Self::from_a_host_that_is_down`].
    pub(super) down: bool,
    /// Held until the body is read.
    pub(super) slot: Option<Slot>,
    /// See [`Self::is_private`].
    pub(super) private: bool,
    /// Ends when the body is read.
    pub(super) span: Span,
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

    /// Whether the host that was asked, before any redirect, is at a private address. False where only a proxy can tell.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Whether what answered, perhaps a proxy, is at a private address.
    pub(super) fn peer_is_private(&self) -> bool {
        self.inner.remote_addr().is_some_and(|peer| !is_public(peer.ip()))
    }

    /// Where it came from, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// Whether the host has failed several times in a row, so that another try of the request is a matter of waiting for it.
    #[must_use]
    pub fn from_a_host_that_is_down(&self) -> bool {
        self.down
    }

    /// Fails if the body is encoded, such as compressed: its digest and length would be those of something else.
    pub fn check_identity(&self) -> Result<(), HttpError> {
        let encodings = self.headers().get_all(header::CONTENT_ENCODING);
        match encodings.iter().find(|it| !it.is_empty() && !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
            Some(encoding) => {
                let encoding = encoding.to_str().unwrap_or("?").to_owned();
                Err(HttpError::Encoded { host: self.host.clone(), encoding })
            }
            None => Ok(()),
        }
    }

    /// Reads the body whole; more than `cap` bytes are an error.
    pub async fn bytes(self, cap: usize) -> Result<Bytes, HttpError> {
        let _slot = self.slot;
        body::collect(Reading::new(self.inner, self.host, self.patience, self.traffic, self.span), cap).await
    }

    /// Throws a short body away, so that the connection can be used again. A long one is cut with its connection.
    pub async fn drain(self) {
        let _ = self.bytes(DRAIN).await;
    }

    /// The body as it comes, under the gateway's patience and the bandwidth cap. Its errors hold an [`HttpError`]
    /// (`io::Error::get_ref`).
    #[must_use]
    pub fn stream(self) -> ByteStream {
        body::download(Reading::new(self.inner, self.host, self.patience, self.traffic, self.span), self.limiter)
    }
}
