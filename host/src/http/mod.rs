//! The one way out of the process: TLS, proxies, time-outs, redirects, rate tokens, retry classes.
//!
//! Registry and plugin traffic both pass through [`Gateway::send`], so both are limited, counted and policed by the same lines.

mod address;
mod back_off;
mod body;
mod connection;
mod error;
mod reach;
mod redirect;
mod response;
mod retry_after;
mod signal;
mod span;
#[cfg(test)]
pub(crate) mod testnames;
#[cfg(test)]
pub(crate) mod testserver;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use tracing::Instrument as _;
use tracing::Span;
use url::Url;

use crate::limit::Direction;
use crate::limit::Limiter;
use crate::limit::Load;
use crate::limit::Signal;
use crate::limit::Unserved;
use crate::secret::Secret;
use crate::secret::SecretUrl;

pub use address::authority;
pub use address::is_public;
pub use address::names_private_host;
pub use address::same_origin;
pub use back_off::BackOff;
pub use back_off::Tries;
pub use body::Patience;
pub use error::HttpError;
pub use error::TlsKind;
pub use reach::Named;
pub use reach::Reach;
pub use response::Response;
pub use retry_after::retry_after;
pub use span::SPANS;

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
    pub proxy: Option<SecretUrl>,
    /// Follow no redirect, hand it to the caller (plugins).
    pub no_redirects: bool,
    /// Which addresses its host may have.
    pub reach: Reach,
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

/// What a registry is given on top of [`Patience::idle`] to store an upload once it has it all: it may hash or copy the blob before it
/// answers. Bytes a second.
const COMMIT_RATE: u64 = 16 << 20;

/// Sends requests: each attempt takes a rate token, each response feeds the host's gate. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    limiter: Arc<Limiter>,
    named: Named,
    clients: Mutex<HashMap<Profile, reqwest::Client>>,
    patience: Patience,
    /// What the hosts that served nothing did when they were asked last.
    refusals: Mutex<HashMap<String, String>>,
    /// In place of the system's names (tests).
    names: Option<Arc<connection::Lookup>>,
}

impl Gateway {
    /// A gateway whose attempts all pass `limiter`, for a user who named every host.
    #[must_use]
    pub fn new(limiter: Arc<Limiter>) -> Self {
        Self::for_user(limiter, Named::default(), Patience::default())
    }

    /// The same for a user who `named` some hosts and not others, waiting for others as long as `patience` says.
    #[must_use]
    pub fn for_user(limiter: Arc<Limiter>, named: Named, patience: Patience) -> Self {
        Self::built(Inner {
            limiter,
            named,
            clients: Mutex::default(),
            patience,
            refusals: Mutex::default(),
            names: None,
        })
    }

    fn built(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// What its attempts pass.
    #[must_use]
    pub fn limiter(&self) -> &Limiter {
        &self.inner.limiter
    }

    /// Which hosts the user named.
    #[must_use]
    pub fn named(&self) -> &Named {
        &self.inner.named
    }

    /// How `to` is reached, which `from` named: like `from` itself, if they are of one origin; else without the client certificate, which
    /// is for `from` alone, and within the reach that strangers have, or those that are `private`, which is to say at a private
    /// address themselves. `profile` is how `from` was reached.
    #[must_use]
    pub fn told(&self, profile: &Profile, from: &Url, to: &Url, private: bool) -> Profile {
        if same_origin(from, to) {
            return profile.clone();
        }
        let reach = match profile.reach.told_by(private) {
            _ if self.inner.named.lists(to) => Reach::Any,
            Reach::Public if !profile.skip_verify && address::is_cloud_storage(to) => Reach::Private,
            reach => reach,
        };
        Profile { reach, identity: None, ..profile.clone() }
    }

    /// Makes one attempt: takes tokens (overall and per host), waits at the host's gate, sends, reports the outcome to the gate.
    /// Redirects are followed, at most ten, unless the profile says otherwise; each is an attempt of its own. `Authorization`,
    /// cookies and the client certificate never cross to another origin, and a host that a redirect names is reached as
    /// [`Gateway::told`] has it.
    pub async fn send(&self, profile: &Profile, request: Request) -> Result<Response, HttpError> {
        let Request { method, mut url, mut headers, mut body } = request;
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        let load = load(&method, &url, &body);
        police(profile, &url)?;
        let mut profile = profile.clone();
        let mut asked_private = false;
        for hop in 0..=redirect::MOST {
            let client = self.client(&profile)?;
            let again = body.again();
            let mut response = self.attempt(&client, method.clone(), &url, headers.clone(), body, load).await?;
            let private = names_private_host(&url)
                // The peer of a request by a proxy is the proxy.
                || (response.peer_is_private() && !connection::goes_by_proxy(&profile, &url));
            if hop == 0 {
                asked_private = private;
            }
            response.private = asked_private;
            if profile.no_redirects || !response.status().is_redirection() {
                return Ok(response);
            }
            let Some(next) = again else { return Ok(response) };
            let has_body = matches!(next, Body::Bytes(_));
            let to = redirect::follow(response.status(), response.headers(), &url, &method, has_body)?;
            let Some(to) = to else { return Ok(response) };
            redirect::keep_secrets(&mut headers, &url, &to);
            profile = self.told(&profile, &url, &to, private);
            police(&profile, &to).map_err(|_| HttpError::Redirect {
                host: authority(&url),
                problem: format!("to the private address {}", authority(&to)),
            })?;
            response.drain().await;
            (url, body) = (to, next);
        }
        Err(HttpError::Redirect {
            host: authority(&url),
            problem: format!("more than {} times in a row", redirect::MOST),
        })
    }

    async fn attempt(
        &self,
        client: &reqwest::Client,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Body,
        load: Load,
    ) -> Result<Response, HttpError> {
        let span = span::of(&method, url);
        // On the heap: whoever waits for it would be larger by as much.
        let exchange = Box::pin(self.exchange(client, method, url, headers, body, load));
        let outcome = exchange.instrument(span.clone()).await;
        span::end(&span, &outcome);
        outcome.map(|response| Response { span, ..response })
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Body,
        load: Load,
    ) -> Result<Response, HttpError> {
        let host = authority(url);
        let direction = if matches!(method, Method::GET | Method::HEAD) { Direction::Read } else { Direction::Write };
        let watch = body::Watch::new(self.inner.patience);
        let mut idle = self.inner.patience.idle;
        let mut small = 0;
        let body = match body {
            Body::Empty => {
                if matches!(method, Method::POST | Method::PUT | Method::PATCH) {
                    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
                }
                None
            }
            Body::Bytes(bytes) => {
                small = bytes.len();
                Some(reqwest::Body::from(bytes))
            }
            Body::Stream { length, stream } => {
                // Without this header the body would go chunked, which some registries refuse.
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
                idle += Duration::from_secs(length / COMMIT_RATE);
                Some(reqwest::Body::wrap_stream(watch.upload(stream, self.inner.limiter.traffic(&host))))
            }
        };
        let permit = self.inner.limiter.acquire(&host, direction, load).await;
        let mut permit = permit.map_err(|after| self.unserved(&host, after))?;
        let traffic = permit.traffic();
        watch.restart();
        let mut request = reqwest::Request::new(method.clone(), url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = body;
        let Some(outcome) = body::watched(client.execute(request), &watch, idle).await else {
            traffic.answered(method.as_str(), None);
            permit.report(Signal::Other);
            return Err(HttpError::Timeout { host, after: idle, during: "being asked" });
        };
        let inner = outcome.map_err(|error| {
            traffic.answered(method.as_str(), None);
            let error = if watch.too_slow() {
                HttpError::TooSlow { host: host.clone(), does: "takes", rate: self.inner.patience.minimum_rate }
            } else {
                HttpError::from_reqwest(&host, &error)
            };
            let unreachable = matches!(error, HttpError::Connect { .. } | HttpError::Name { .. });
            if unreachable {
                self.refused(&host, error.to_string());
            }
            let down = permit.report(if unreachable { Signal::Failed } else { Signal::Other });
            if down && unreachable { HttpError::Down { host: host.clone(), cause: error.to_string() } } else { error }
        })?;
        traffic.answered(method.as_str(), Some(inner.status().as_u16()));
        traffic.sent(small);
        let signal = signal::of(inner.status(), inner.headers());
        if matches!(signal, Signal::Pause(_) | Signal::Failed) {
            self.refused(&host, inner.status().to_string());
        }
        let down = permit.report(signal);
        tracing::trace!(%host, status = inner.status().as_u16(), path = url.path(), "answered");
        let slot = permit.take_slot();
        let limiter = Arc::clone(&self.inner.limiter);
        let (patience, span) = (self.inner.patience, Span::none());
        Ok(Response { inner, host, traffic, limiter, patience, down, slot, private: false, span })
    }

    fn refused(&self, host: &str, how: String) {
        self.inner.refusals.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), how);
    }

    fn unserved(&self, host: &str, after: Unserved) -> HttpError {
        let refusals = self.inner.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let last = refusals.get(host).map_or("no answer", String::as_str).to_owned();
        HttpError::Unserved { host: host.to_owned(), after: after.0, last }
    }

    fn client(&self, profile: &Profile) -> Result<reqwest::Client, HttpError> {
        let mut clients = self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(profile) {
            return Ok(client.clone());
        }
        let client = connection::client(profile, self.inner.names.as_ref())?;
        clients.insert(profile.clone(), client.clone());
        Ok(client)
    }
}

/// Refuses what the URL says by itself and is out of reach. Names are checked as they are looked up.
fn police(profile: &Profile, url: &Url) -> Result<(), HttpError> {
    let host = url.host_str().unwrap_or_default();
    // The proxies' own names are looked up without a check.
    let proxy = profile.reach == Reach::Public && connection::proxies(profile).iter().any(|proxy| proxy == host);
    if proxy || profile.reach.refuses(url) {
        return Err(HttpError::PrivateAddress { host: authority(url) });
    }
    Ok(())
}

/// What a request carries: the bytes of a blob, one way or the other, or little.
fn load(method: &Method, url: &Url, body: &Body) -> Load {
    let pulls = *method == Method::GET && url.path().contains("/blobs/") && !url.path().contains("/blobs/uploads/");
    if pulls || matches!(body, Body::Stream { .. }) { Load::Blob } else { Load::Small }
}

impl Body {
    /// The same body once more; none for a stream, which can be sent only once.
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Stream { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
