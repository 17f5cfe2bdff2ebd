//! Pulling on where a connection broke (RFC 9110, "Range Requests"), so that whoever uploads the stream does not notice.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::header::CONTENT_RANGE;
use http::header::RANGE;
use tracing::Instrument as _;
use tracing::Span;

use crate::endpoint::EndpointError;
use crate::endpoint::registry::client::Client;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::header;
use crate::http::Body;
use crate::http::ByteStream;
use crate::http::HttpError;
use crate::http::Request;
use crate::http::Response;

/// How often in a row the pull may break before it has moved on by [`PROGRESS`]. Counted like this, a huge blob over a bad
/// line arrives in the end, and one that is stuck is given up.
const TRIES: u32 = 5;

/// How often in a row a resumption may bring nothing at all. The whole blob is tried several times besides.
const STUCK: u32 = 2;

/// In bytes.
const PROGRESS: u64 = 1 << 20;

/// The pause before a resumption after one that brought nothing; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// `first`, and after each break the rest of the `size` bytes at `path`. It is asked for at the registry again: what the first
/// request was redirected to may be signed for minutes only.
pub(super) fn resumed(client: Client, scope: Scope, path: String, size: u64, first: ByteStream) -> ByteStream {
    let pull = Pull {
        client,
        scope,
        path,
        size,
        inner: first,
        offset: 0,
        skip: 0,
        mark: 0,
        tries: 0,
        stuck: 0,
        resumed_at: None,
        span: Span::current(),
    };
    stream::try_unfold(pull, |mut pull| async move { Ok(pull.next().await?.map(|frame| (frame, pull))) }).boxed()
}

struct Pull {
    client: Client,
    scope: Scope,
    path: String,
    size: u64,
    inner: ByteStream,
    /// Bytes that were handed on.
    offset: u64,
    /// Bytes to throw away first: the server began at the start.
    skip: u64,
    /// The offset that counts as progress from here on.
    mark: u64,
    tries: u32,
    stuck: u32,
    resumed_at: Option<u64>,
    /// What the blob is pulled for; the connection of an upload, which asks for the bytes, is in no span.
    span: Span,
}

impl Pull {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.inner.next().await {
                Some(Ok(mut frame)) => {
                    let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(frame.len());
                    let frame = frame.split_off(skipped);
                    self.skip -= skipped as u64;
                    if frame.is_empty() {
                        continue;
                    }
                    self.offset += frame.len() as u64;
                    if self.offset - self.mark >= PROGRESS {
                        (self.mark, self.tries) = (self.offset, 0);
                    }
                    return Ok(Some(frame));
                }
                // All is there, though the connection may have broken right after: a request for nothing would be an error.
                _ if self.offset >= self.size => return Ok(None),
                Some(Err(error)) => self.resume(self.broken(error)).await?,
                None => self.resume(self.short()).await?,
            }
        }
    }

    async fn resume(&mut self, reason: EndpointError) -> io::Result<()> {
        self.tries += 1;
        if self.tries > TRIES {
            return Err(io::Error::other(reason));
        }
        tracing::debug!(path = %self.path, offset = self.offset, attempt = self.tries, %reason, "resuming");
        if self.resumed_at.replace(self.offset) == Some(self.offset) {
            self.stuck += 1;
            if self.stuck >= STUCK {
                return Err(io::Error::other(reason));
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(self.stuck)).await;
        } else {
            self.stuck = 0;
        }
        let span = self.span.clone();
        self.reopen().instrument(span).await.map_err(io::Error::other)
    }

    async fn reopen(&mut self) -> Result<(), EndpointError> {
        let url = self.client.url(&self.path).await?;
        self.client.retried(&url);
        let mut headers = HeaderMap::new();
        if self.offset > 0 {
            let range = HeaderValue::try_from(format!("bytes={}-", self.offset));
            headers.insert(RANGE, range.map_err(|_| self.unusable("no range"))?);
        }
        let request = Request { method: Method::GET, url, headers, body: Body::Empty };
        let response = self.client.send(std::slice::from_ref(&self.scope), request).await?;
        response.check_identity().map_err(|source| self.transport(source))?;
        self.skip = match response.status() {
            StatusCode::PARTIAL_CONTENT if range(&response) == Some((self.offset, self.size)) => 0,
            StatusCode::OK if length(&response).is_none_or(|length| length == self.size) => self.offset,
            status => {
                return Err(self.unusable(&format!("asked for bytes {}-, got {status} for others", self.offset)));
            }
        };
        self.inner = response.stream();
        Ok(())
    }

    fn broken(&self, error: io::Error) -> EndpointError {
        match error.downcast::<HttpError>() {
            Ok(source) => self.transport(source),
            Err(_) => self.short(),
        }
    }

    fn short(&self) -> EndpointError {
        EndpointError::Mismatch {
            registry: self.client.host().to_owned(),
            what: self.asked(),
            expected: format!("{} bytes", self.size),
            actual: format!("{} bytes", self.offset),
        }
    }

    fn transport(&self, source: HttpError) -> EndpointError {
        EndpointError::Transport { registry: self.client.host().to_owned(), asked: self.asked(), source }
    }

    fn unusable(&self, problem: &str) -> EndpointError {
        let problem = problem.to_owned();
        EndpointError::Protocol { registry: self.client.host().to_owned(), asked: self.asked(), problem }
    }

    fn asked(&self) -> String {
        format!("GET {}", self.path)
    }
}

/// Start and total of the one `Content-Range`.
fn range(response: &Response) -> Option<(u64, u64)> {
    let mut values = response.headers().get_all(CONTENT_RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    content_range(value.to_str().ok()?)
}

/// Start and total of `bytes START-END/TOTAL`.
pub(super) fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end, total) = (start.trim().parse::<u64>().ok()?, end.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    (start <= end && end < total).then_some((start, total))
}

fn length(response: &Response) -> Option<u64> {
    header(response, CONTENT_LENGTH.as_str())?.parse().ok()
}
