//! Bodies on their way: idle time-outs, the bandwidth cap, and the watch over an upload.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;

use crate::http::ByteStream;
use crate::http::HttpError;
use crate::http::error::BodyFailed;
use crate::limit::Limiter;

/// The response's body as it comes, each frame within `idle`, all of them within the bandwidth.
pub(super) fn download(response: reqwest::Response, host: String, idle: Duration, limiter: Arc<Limiter>) -> ByteStream {
    let state = Some((response, host, limiter));
    stream::unfold(state, move |state| async move {
        let (mut response, host, limiter) = state?;
        match next_frame(&mut response, &host, idle).await {
            Ok(Some(frame)) => {
                limiter.downloaded(frame.len()).await;
                Some((Ok(frame), Some((response, host, limiter))))
            }
            Ok(None) => None,
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
    .boxed()
}

/// The next frame of a body; none at its end.
pub(super) async fn next_frame(
    response: &mut reqwest::Response,
    host: &str,
    idle: Duration,
) -> Result<Option<Bytes>, HttpError> {
    match tokio::time::timeout(idle, response.chunk()).await {
        Ok(Ok(frame)) => Ok(frame),
        Ok(Err(error)) => Err(HttpError::from_reqwest(host, &error)),
        Err(_) => Err(HttpError::Timeout { host: host.to_owned(), after: idle, during: "sending its answer" }),
    }
}

/// Watches a request until its response's head comes. reqwest's own read time-out runs from the start of the request, so it would
/// cut every upload that takes longer; this one runs only while it is the server's turn: it takes no bytes, or all are sent.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Mutex<Turn>>);

#[derive(Debug)]
enum Turn {
    /// The server's, since then.
    Server(Instant),
    /// The source of the bytes is being waited for.
    Source,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Turn::Server(Instant::now()))))
    }

    /// `stream`, telling the watch of each frame. Its errors are marked, so that they are known from the connection's.
    pub(super) fn upload(&self, mut stream: ByteStream) -> ByteStream {
        let watch = self.clone();
        stream::poll_fn(move |context| {
            let polled = stream.poll_next_unpin(context);
            watch.set(if polled.is_pending() { Turn::Source } else { Turn::Server(Instant::now()) });
            polled.map(|item| item.map(|frame| frame.map_err(|error| io::Error::other(BodyFailed(error.to_string())))))
        })
        .boxed()
    }

    /// Ends when the server has kept everyone waiting for `idle`.
    pub(super) async fn expired(&self, idle: Duration) {
        loop {
            let due = match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
                Turn::Server(since) => since + idle,
                Turn::Source => Instant::now() + idle,
            };
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }

    /// Starts the server's turn now: waiting for rate tokens is not its fault.
    pub(super) fn restart(&self) {
        self.set(Turn::Server(Instant::now()));
    }

    fn set(&self, turn: Turn) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }
}

/// Reads the body whole; more than `cap` bytes are an error.
pub(super) async fn collect(
    mut response: reqwest::Response,
    host: &str,
    idle: Duration,
    cap: usize,
) -> Result<Bytes, HttpError> {
    let too_large = || HttpError::TooLarge { host: host.to_owned(), cap };
    let announced = response.content_length().unwrap_or(0);
    if announced > u64::try_from(cap).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut whole = Vec::new();
    while let Some(frame) = next_frame(&mut response, host, idle).await? {
        if whole.len() + frame.len() > cap {
            return Err(too_large());
        }
        whole.extend_from_slice(&frame);
    }
    Ok(whole.into())
}

/// The outcome of whichever ends first: the request, or the watch's patience.
pub(super) async fn watched<T>(request: impl Future<Output = T>, watch: &Watch, idle: Duration) -> Option<T> {
    let (mut request, mut expired) = (std::pin::pin!(request), std::pin::pin!(watch.expired(idle)));
    std::future::poll_fn(|context| {
        if let Poll::Ready(outcome) = request.as_mut().poll(context) {
            return Poll::Ready(Some(outcome));
        }
        expired.as_mut().poll(context).map(|()| None)
    })
    .await
}
