//! Bodies on their way: idle time-outs, the bandwidth cap, and the watch over an upload.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;
use tracing::Span;

use crate::http::ByteStream;
use crate::http::HttpError;
use crate::http::error::BodyFailed;
use crate::limit::Limiter;
use crate::limit::Traffic;

/// How long others may keep a request waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long nothing may move: no byte of an answer, no byte of an upload taken.
    pub idle: Duration,
    /// Bytes a second that a body must bring, or that must be taken of one, over each span of [`Self::idle`] that was spent waiting for
    /// the other side: else one byte a minute would hold a stream for ever. Zero: no matter how slow.
    pub minimum_rate: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_mins(1), minimum_rate: 1 << 10 }
    }
}

/// Time spent waiting for the other side since the rate was looked at last, and the bytes that moved in that time.
#[derive(Debug, Default)]
struct Pace {
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// Bytes moved after a wait. False: too slowly for `patience`.
    fn keeps(&mut self, waited: Duration, bytes: usize, patience: &Patience) -> bool {
        self.waited += waited;
        self.moved += bytes as u64;
        if self.waited < patience.idle {
            return true;
        }
        let least = u128::from(patience.minimum_rate) * self.waited.as_millis() / 1000;
        u128::from(std::mem::take(self).moved) >= least
    }
}

/// A body that is being read, and how fast it comes.
pub(super) struct Reading {
    response: reqwest::Response,
    host: String,
    patience: Patience,
    pace: Pace,
    traffic: Arc<Traffic>,
    _span: Span,
}

impl Reading {
    pub(super) fn new(
        response: reqwest::Response,
        host: String,
        patience: Patience,
        traffic: Arc<Traffic>,
        span: Span,
    ) -> Self {
        Self { response, host, patience, pace: Pace::default(), traffic, _span: span }
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
        self.traffic.received(frame.as_ref().map_or(0, Bytes::len));
        if let Some(frame) = &frame
            && !self.pace.keeps(asked.elapsed(), frame.len(), &self.patience)
        {
            return Err(HttpError::TooSlow { host: self.host.clone(), does: "sends", rate: minimum_rate });
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
/// cut every upload that takes longer; this one runs only while it is the server's turn: it takes no bytes, or all are sent. Nor is
/// anything else held against how fast it takes them: not a slow source, and not the bandwidth cap, which is a pause in the source.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<Mutex<Watched>>);

#[derive(Debug)]
struct Watched {
    patience: Patience,
    turn: Turn,
    pace: Pace,
    /// The frame that the server is to take, in bytes; none before the first.
    given: Option<usize>,
    /// The server takes bytes too slowly, and the upload was ended for that.
    too_slow: bool,
}

#[derive(Debug)]
enum Turn {
    /// The server's, since then.
    Server(Instant),
    /// The source of the bytes is being waited for.
    Source,
}

impl Watch {
    pub(super) fn new(patience: Patience) -> Self {
        let turn = Turn::Server(Instant::now());
        Self(Arc::new(Mutex::new(Watched { patience, turn, pace: Pace::default(), given: None, too_slow: false })))
    }

    /// `stream`, telling the watch of each frame and counting it. Its errors are marked, so that they are known from the connection's.
    pub(super) fn upload(&self, mut stream: ByteStream, traffic: Arc<Traffic>) -> ByteStream {
        let watch = self.clone();
        let failed = |text: &str| io::Error::other(BodyFailed(text.to_owned()));
        stream::poll_fn(move |context| {
            if !watch.lock().asked() {
                return Poll::Ready(Some(Err(failed("too slow"))));
            }
            let polled = stream.poll_next_unpin(context);
            watch.lock().answered(&polled);
            if let Poll::Ready(Some(Ok(frame))) = &polled {
                traffic.sent(frame.len());
            }
            polled.map(|item| item.map(|frame| frame.map_err(|error| failed(&error.to_string()))))
        })
        .boxed()
    }

    /// Ends when the server has kept everyone waiting for `idle`.
    pub(super) async fn expired(&self, idle: Duration) {
        loop {
            let due = match self.lock().turn {
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
        self.lock().turn = Turn::Server(Instant::now());
    }

    /// Whether the upload was ended because the server takes its bytes too slowly.
    pub(super) fn too_slow(&self) -> bool {
        self.lock().too_slow
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// The connection has room for another frame, so the one before is gone. False: that took too long.
    fn asked(&mut self) -> bool {
        if let (Turn::Server(since), Some(given)) = (&self.turn, self.given) {
            self.too_slow |= !self.pace.keeps(since.elapsed(), given, &self.patience);
        }
        !self.too_slow
    }

    /// What the source gave.
    fn answered(&mut self, polled: &Poll<Option<io::Result<Bytes>>>) {
        self.turn = if polled.is_pending() { Turn::Source } else { Turn::Server(Instant::now()) };
        if let Poll::Ready(Some(Ok(frame))) = polled {
            self.given = Some(frame.len());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Whether an upload goes on whose last frame of so many bytes was taken during `turn`.
    fn goes_on(turn: Turn, bytes: usize) -> bool {
        let patience = Patience { idle: SECOND, minimum_rate: 1000 };
        Watched { patience, turn, pace: Pace::default(), given: Some(bytes), too_slow: false }.asked()
    }

    #[test]
    fn only_the_servers_turn_is_held_against_its_rate() {
        let since = Instant::now().checked_sub(5 * SECOND).expect("a machine that is up for seconds");
        assert!(goes_on(Turn::Server(since), 6000));
        assert!(!goes_on(Turn::Server(since), 4000));
        assert!(goes_on(Turn::Source, 1), "however long the source takes");
        assert!(goes_on(Turn::Server(Instant::now()), 1), "less than a span");
    }

    #[test]
    fn the_pace_is_looked_at_in_spans_of_the_idle_time() {
        let patience = Patience { idle: SECOND, minimum_rate: 1000 };
        let mut pace = Pace::default();
        assert!(pace.keeps(SECOND / 2, 1, &patience) && pace.keeps(SECOND / 2, 999, &patience));
        assert!(pace.keeps(SECOND / 2, 5000, &patience) && pace.keeps(SECOND / 2, 0, &patience));
        assert!(pace.keeps(SECOND / 2, 1, &patience) && !pace.keeps(SECOND / 2, 998, &patience));
        assert!(Pace::default().keeps(100 * SECOND, 0, &Patience { minimum_rate: 0, ..patience }));
    }
}
