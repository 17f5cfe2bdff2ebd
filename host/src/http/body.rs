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

/// How long others may keep a request waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long nothing may move: no byte of an answer, no byte of an upload taken.
    pub idle: Duration,
    /// Bytes a second that a body must bring, over each span of [`Self::idle`] that was spent waiting for it: else one byte a minute
    /// would hold a stream for ever. Zero: no matter how slow.
    pub minimum_rate: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_mins(1), minimum_rate: 1 << 10 }
    }
}

/// A body that is being read, and how fast it comes.
pub(super) struct Reading {
    response: reqwest::Response,
    host: String,
    patience: Patience,
    /// Time spent waiting for it since its rate was looked at last, and what it brought in that time.
    waited: Duration,
    brought: u64,
}

impl Reading {
    pub(super) fn new(response: reqwest::Response, host: String, patience: Patience) -> Self {
        Self { response, host, patience, waited: Duration::ZERO, brought: 0 }
    }

    /// The next frame; none at the end. It is waited for as long as the patience lasts: what happens to a frame after it has come,
    /// such as a slow target or the bandwidth cap, is not the sender's fault and is not counted.
    async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Patience { idle, minimum_rate } = self.patience;
        let asked = Instant::now();
        let frame = match tokio::time::timeout(idle, self.response.chunk()).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(error)) => return Err(HttpError::from_reqwest(&self.host, &error)),
            Err(_) => {
                return Err(HttpError::Timeout { host: self.host.clone(), after: idle, during: "sending its answer" });
            }
        };
        self.waited += asked.elapsed();
        self.brought += frame.as_ref().map_or(0, |frame| frame.len() as u64);
        if frame.is_some() && self.waited >= idle {
            let least = u128::from(minimum_rate) * self.waited.as_millis() / 1000;
            if u128::from(self.brought) < least {
                return Err(HttpError::TooSlow { host: self.host.clone(), rate: minimum_rate });
            }
            (self.waited, self.brought) = (Duration::ZERO, 0);
        }
        Ok(frame)
    }
}

/// The body as it comes, within the patience and all of it within the bandwidth.
pub(super) fn download(reading: Reading, limiter: Arc<Limiter>) -> ByteStream {
    let state = Some((reading, limiter));
    stream::unfold(state, |state| async move {
        let (mut reading, limiter) = state?;
        match reading.next().await {
            Ok(Some(frame)) => {
                limiter.downloaded(frame.len()).await;
                Some((Ok(frame), Some((reading, limiter))))
            }
            Ok(None) => None,
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
    .boxed()
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
pub(super) async fn collect(mut reading: Reading, cap: usize) -> Result<Bytes, HttpError> {
    let host = reading.host.clone();
    let too_large = || HttpError::TooLarge { host: host.clone(), cap };
    let announced = reading.response.content_length().unwrap_or(0);
    if announced > u64::try_from(cap).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut whole = Vec::new();
    while let Some(frame) = reading.next().await? {
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
