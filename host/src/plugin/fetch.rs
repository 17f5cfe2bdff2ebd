//! `wasi:http`, which `fetch` of JavaScript goes through: the same way out as the `http` import, under the same grants.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::HeaderMap;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::RequestOptions;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpHooks;

use crate::plugin::bindings::http as wit_http;
use crate::plugin::image::clean;
use crate::plugin::way::AT_ONCE;
use crate::plugin::way::MAX_BODY;
use crate::plugin::way::Way;

/// Bytes of bodies that a guest was answered and has not read or dropped yet. Unlike those of `http` they stay with the host meanwhile.
const MAX_HELD: usize = 64 << 20;

/// What an answer is besides itself: how the exchange ended, which here is known by then.
type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Sends what guests ask for through `wasi:http`. Bodies are held whole, as with `http`: what is over the cap, beyond the grants or a
/// redirect is so by the same lines ([`Way::request`]). The guest's own time-outs are not looked at, the gateway's hold.
pub(super) struct Fetch {
    way: Arc<Way>,
    turns: Arc<Semaphore>,
    held: Arc<AtomicUsize>,
}

impl Fetch {
    pub(super) fn new(way: Arc<Way>) -> Self {
        Self { way, turns: Arc::new(Semaphore::new(AT_ONCE)), held: Arc::default() }
    }
}

impl WasiHttpHooks for Fetch {
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Done,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Done), Error>> + Send> {
        let (way, turns, held) = (Arc::clone(&self.way), Arc::clone(&self.turns), Arc::clone(&self.held));
        Box::new(async move {
            // Never closed.
            let _turn = turns.acquire().await.map_err(|_| Error::ConnectionLimitReached)?;
            let response = exchange(&way, held, request).await?;
            let done: Done = Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }
}

async fn exchange(
    way: &Way,
    held: Arc<AtomicUsize>,
    request: http::Request<WasiBody>,
) -> Result<http::Response<WasiBody>, Error> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(_) => Error::HttpRequestBodySize(Some(MAX_BODY as u64)),
    })?;
    let body = body.to_bytes();
    let asked = wit_http::Request {
        method: parts.method.to_string(),
        url: parts.uri.to_string(),
        headers: told(&parts.headers)?,
        body: (!body.is_empty()).then(|| body.to_vec()),
        rate: None,
    };
    let answer = way.request(asked).await.map_err(|error| refused(&way.plugin, error))?;
    let mut response = http::Response::new(weighed(answer.body, held)?);
    *response.status_mut() = answer.status.try_into().map_err(|_| Error::HttpProtocolError)?;
    for (name, value) in answer.headers {
        // What the gateway took for headers is one; a value that is not text has become one that is.
        let name: Result<http::HeaderName, _> = name.parse();
        if let (Ok(name), Ok(value)) = (name, value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

/// Headers as the contract has them. The length was checked against the body before, and is the gateway's to tell.
fn told(headers: &HeaderMap) -> Result<Vec<(String, String)>, Error> {
    let told = headers.iter().filter(|(name, _)| **name != header::CONTENT_LENGTH).map(|(name, value)| {
        let value = value.to_str().map_err(|_| Error::InternalError(Some(format!("header {name} is not text"))))?;
        Ok((name.to_string(), value.to_owned()))
    });
    told.collect()
}

/// An error of `http` as `wasi:http` has it. `fetch` tells nothing of it but that it failed, so the log does.
fn refused(plugin: &str, error: wit_http::SendError) -> Error {
    match error {
        wit_http::SendError::Denied(text) => {
            tracing::warn!(target: "plugin", plugin, "request denied: {}", clean(&text));
            Error::HttpRequestDenied
        }
        wit_http::SendError::Timeout => Error::HttpResponseTimeout,
        wit_http::SendError::TooLarge(cap) => Error::HttpResponseBodySize(Some(cap)),
        wit_http::SendError::Transport(text) => {
            tracing::debug!(target: "plugin", plugin, "request failed: {}", clean(&text));
            Error::InternalError(Some(text))
        }
    }
}

/// Bytes that count as held until the last of them is dropped.
struct Weighed {
    bytes: Vec<u8>,
    held: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Weighed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Weighed {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

fn weighed(bytes: Vec<u8>, held: Arc<AtomicUsize>) -> Result<WasiBody, Error> {
    let before = held.fetch_add(bytes.len(), Ordering::Relaxed);
    let weighed = Weighed { bytes, held };
    if before + weighed.bytes.len() > MAX_HELD {
        return Err(Error::HttpResponseBodySize(Some(MAX_HELD as u64)));
    }
    Ok(Full::new(Bytes::from_owner(weighed)).map_err(|never| match never {}).boxed_unsync())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_that_nobody_reads_are_bounded_and_count_until_they_are_dropped() {
        let held = Arc::new(AtomicUsize::new(0));
        let body = || weighed(vec![0; MAX_BODY], Arc::clone(&held));
        let kept: Vec<_> = (0..MAX_HELD / MAX_BODY).map(|_| body().unwrap()).collect();
        assert!(matches!(body(), Err(Error::HttpResponseBodySize(_))));
        assert_eq!(held.load(Ordering::Relaxed), MAX_HELD);
        let mut kept = kept.into_iter();
        let read = kept.next().unwrap().collect().await.unwrap().to_bytes();
        assert!(body().is_err());
        drop(read);
        assert!(body().is_ok());
    }

    #[test]
    fn the_length_of_a_request_is_not_the_guests_to_tell() {
        let mut headers = HeaderMap::new();
        headers.append(header::CONTENT_LENGTH, "3".parse().unwrap());
        headers.append(header::ACCEPT, "a/b".parse().unwrap());
        assert_eq!(told(&headers).unwrap(), [("accept".to_owned(), "a/b".to_owned())]);
    }
}
