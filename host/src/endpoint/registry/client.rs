//! One registry host: its address, its authorization, retries of what is small.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::header;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use crate::endpoint::Answer;
use crate::endpoint::EndpointError;
use crate::endpoint::Settings;
use crate::endpoint::answer::asked;
use crate::endpoint::answer::clean;
use crate::endpoint::docker_config::Places;
use crate::endpoint::login::Logins;
use crate::endpoint::registry::authorization::Authorization;
use crate::endpoint::registry::authorization::Next;
use crate::endpoint::registry::authorization::Pass;
use crate::endpoint::registry::challenge::Challenges;
use crate::endpoint::registry::origin::Base;
use crate::endpoint::registry::origin::plain_may_do;
use crate::endpoint::registry::origin::ways;
use crate::endpoint::registry::scope::ScopeSet;
use crate::http::BackOff;
use crate::http::Body;
use crate::http::Class;
use crate::http::Gateway;
use crate::http::HttpError;
use crate::http::Request;
use crate::http::Response;
use crate::http::Tries;
use crate::http::authority;
use crate::http::same_origin;
use crate::secret::Redactor;

pub(crate) use crate::endpoint::registry::scope::Scope;

/// How long a registry that was never reached counts as unreachable without being asked again: else each of ten thousand images
/// would wait for the same dead host through all its tries.
const UNREACHED: Duration = Duration::from_secs(30);

/// One registry host under one set of settings. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    gateway: Gateway,
    host: String,
    ways: Vec<Base>,
    base: OnceCell<Base>,
    /// Held while the registry is asked for the first time.
    reach: tokio::sync::Mutex<Reach>,
    authorization: Authorization,
    back_off: BackOff,
}

/// What is known of a registry before it is known how to reach it.
#[derive(Default)]
struct Reach {
    /// A request was sent in place of the greeting: see [`Client::first`].
    tried: bool,
    /// When and why it could not be reached last.
    failed: Option<(Instant, EndpointError)>,
}

/// An answer that was read to its end.
pub(crate) struct Whole {
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) bytes: Bytes,
}

impl Client {
    /// A client of `host` (`host` or `host:port` as the user names it).
    pub(crate) fn new(gateway: Gateway, host: &str, settings: &Settings) -> Self {
        let back_off = BackOff::new(gateway.limiter().patience());
        Self::build(gateway, host, settings, Places::from_environment(), back_off)
    }

    /// The same with files of logins at `places` and other pauses between tries.
    pub(super) fn build(gateway: Gateway, host: &str, settings: &Settings, places: Places, back_off: BackOff) -> Self {
        let logins = Logins::new(host, settings.login.clone(), places);
        let authorization = Authorization::new(gateway.clone(), host, logins, back_off);
        let (host, ways) = (host.to_owned(), ways(host, settings));
        let inner = Inner {
            gateway,
            host,
            ways,
            base: OnceCell::new(),
            reach: tokio::sync::Mutex::default(),
            authorization,
            back_off,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The host as the user names it, such as `docker.io`.
    pub(crate) fn host(&self) -> &str {
        &self.inner.host
    }

    /// The URL of `path` (such as `/v2/team/app/tags/list?n=1000`) at this registry, or of an absolute `Location`. Finds out
    /// https or http first, where the settings leave that open. A registry that sends from https to http is refused, unless it
    /// means itself (one behind a proxy that does not know of it): then https is kept. Which addresses a foreign host may have is
    /// checked when it is sent to ([`Gateway::told`]).
    pub(crate) async fn url(&self, path: &str) -> Result<Url, EndpointError> {
        let origin = match &self.inner.ways[..] {
            [way] => &way.origin,
            _ => &self.base().await?.origin,
        };
        let refuse = |problem: &str| EndpointError::Protocol {
            registry: self.host().to_owned(),
            asked: clean(path.split(['?', '#']).next().unwrap_or_default(), 300),
            problem: problem.to_owned(),
        };
        let mut url = origin.join(path).map_err(|_| refuse("is no URL"))?;
        if same_origin(origin, &url) {
            return Ok(url);
        }
        if url.scheme() == "http" && origin.scheme() == "https" {
            let same_port = url.port().is_none_or(|port| Some(port) == origin.port());
            if url.host() != origin.host() || !same_port {
                return Err(refuse("leads from https to http"));
            }
            let moved = url.set_scheme("https").is_ok() && url.set_port(origin.port()).is_ok();
            return if moved { Ok(url) } else { Err(refuse("leads from https to http")) };
        }
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse("is neither https nor http"));
        }
        // A foreign URL's own user would become its Authorization.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(refuse("is no URL"));
        }
        Ok(url)
    }

    /// Sends with authorization. 2xx is `Ok`, all else an error with status, codes and class. A 401 renews the token and tries
    /// once more; small bodies are tried again by class. A stream is sent once: after a 401 its error's class is
    /// [`Class::Reauthenticate`], and the next call brings a new token. URLs of another origin, which only the registry can have named,
    /// get no authorization and must be within its reach.
    pub(crate) async fn send(&self, scopes: &[Scope], request: Request) -> Result<Response, EndpointError> {
        let scopes = ScopeSet::new(scopes);
        let Request { method, url, headers, mut body } = request;
        let may_be_first = matches!((&method, &body), (&(Method::GET | Method::HEAD), Body::Empty));
        if may_be_first
            && self.inner.base.get().is_none()
            && let Some(outcome) = self.first(&scopes, &method, &url, &headers).await
        {
            return outcome;
        }
        // Finding the registry and logging in have their own tries.
        self.base().await?;
        let mut tries = Tries::new(self.inner.back_off);
        loop {
            let again = body.again();
            let error = match self.authorized(scopes.clone(), &method, &url, &headers, body).await {
                Ok(response) => return Ok(response),
                Err(error @ EndpointError::Login(_)) => return Err(error),
                Err(error) => error,
            };
            let (Some(again), Some(pause)) = (again, tries.again(error.class())) else { return Err(error) };
            tracing::debug!(%error, ?pause, "tries again");
            self.retried(&url);
            tokio::time::sleep(pause).await;
            if !matches!(error.class(), Class::Wait(_)) {
                self.inner.gateway.limiter().retry(&authority(&url)).await;
            }
            body = again;
        }
    }

    /// Counts that what was asked of `url` is asked once more.
    pub(super) fn retried(&self, url: &Url) {
        self.inner.gateway.limiter().retried(&authority(url));
    }

    /// Asks by GET and reads the answer whole, at most `cap` bytes of it. One that breaks off is asked for again, as one that never
    /// came is.
    pub(crate) async fn read(
        &self,
        scopes: &[Scope],
        url: &Url,
        headers: &HeaderMap,
        cap: usize,
    ) -> Result<Whole, EndpointError> {
        let mut tries = Tries::new(self.inner.back_off);
        loop {
            let (url, headers) = (url.clone(), headers.clone());
            let response = self.send(scopes, Request { method: Method::GET, url, headers, body: Body::Empty }).await?;
            let (asked, answered) = (asked(&Method::GET, response.url()), response.url().clone());
            let headers = response.headers().clone();
            let error = match response.bytes(cap).await {
                Ok(bytes) => return Ok(Whole { headers, bytes }),
                Err(source) => self.transport(&asked, source),
            };
            let Some(pause) = tries.again(error.class()) else { return Err(error) };
            tracing::debug!(%error, ?pause, "reads again");
            self.retried(&answered);
            tokio::time::sleep(pause).await;
        }
    }

    /// Finds out how the registry is reached, ahead of the first request.
    pub(crate) async fn greet(&self) -> Result<(), EndpointError> {
        self.base().await.map(|_| ())
    }

    /// Makes sure that the token for `scopes` lives `at_least` longer: called before an upload's POST and its final PUT.
    pub(crate) async fn ensure_token(&self, scopes: &[Scope], at_least: Duration) -> Result<(), EndpointError> {
        let base = self.base().await?;
        self.inner.authorization.pass(base, &ScopeSet::new(scopes), at_least).await.map(|_| ())
    }

    /// One request, and up to two more with what a 401 taught.
    async fn authorized(
        &self,
        mut scopes: ScopeSet,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        mut body: Body,
    ) -> Result<Response, EndpointError> {
        const PASSES: u32 = 3;
        let base = self.base().await?;
        let own = same_origin(url, &base.origin);
        let profile = self.inner.gateway.told(&base.profile, &base.origin, url, base.private);
        let asked = asked(method, url);
        let mut tried = 0;
        loop {
            tried += 1;
            let again = body.again();
            let pass =
                if own { self.inner.authorization.pass(base, &scopes, Duration::ZERO).await? } else { Pass::default() };
            let mut headers = headers.clone();
            headers.remove(header::AUTHORIZATION);
            headers.extend(pass.header.clone().map(|value| (header::AUTHORIZATION, value)));
            let request = Request { method: method.clone(), url: url.clone(), headers, body };
            let transport = |source| self.transport(&asked, source);
            let response = self.inner.gateway.send(&profile, request).await.map_err(transport)?;
            if response.status().is_success() {
                if *method == Method::GET {
                    response.check_identity().map_err(transport)?;
                }
                return Ok(response);
            }
            let challenged = response.status() == StatusCode::UNAUTHORIZED && same_origin(response.url(), &base.origin);
            let seen = Challenges::parse(response.headers());
            let mut answer = Answer::read(self.host(), &asked, pass.user.clone(), &pass.secrets(), response).await;
            if challenged
                && tried < PASSES
                && let Next::Again(more) = self.inner.authorization.unauthorized(&scopes, pass.kind, &seen, tried).await
            {
                if let Some(again) = again {
                    (scopes, body) = (more, again);
                    continue;
                }
                answer.class = Class::Reauthenticate;
            }
            return Err(EndpointError::Answered(Box::new(answer)));
        }
    }

    /// Sends the very first request to the registry as it is, which saves the round trip of asking how it is reached: where there is one
    /// way to do so, nobody to log in as, and nothing to lose. Gives what was answered; none if that was no answer but, perhaps, how
    /// to log in. Others wait for what this learns.
    async fn first(
        &self,
        scopes: &ScopeSet,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
    ) -> Option<Result<Response, EndpointError>> {
        let [way] = &self.inner.ways[..] else { return None };
        let mut reach = self.inner.reach.lock().await;
        if self.inner.base.get().is_some() || reach.tried || !same_origin(url, &way.origin) {
            return None;
        }
        reach.tried = true;
        // With a login a registry may show more than it shows to everybody.
        if !self.inner.authorization.is_nobody(scopes).await {
            return None;
        }
        let request = Request { method: method.clone(), url: url.clone(), headers: headers.clone(), body: Body::Empty };
        let response = self.inner.gateway.send(&way.profile, request).await.ok()?;
        if *method == Method::GET && response.check_identity().is_err() {
            return None;
        }
        let private = way.private || response.is_private();
        let seen = Challenges::parse(response.headers());
        let refused = response.status() == StatusCode::UNAUTHORIZED;
        let outcome = if response.status().is_success() {
            Ok(response)
        } else {
            let answer = Answer::read(self.host(), &asked(method, url), None, &Redactor::default(), response).await;
            if matches!(answer.class, Class::Retry | Class::Wait(_)) {
                return None;
            }
            Err(EndpointError::Answered(Box::new(answer)))
        };
        self.inner.authorization.learn(&seen);
        self.inner.base.get_or_init(|| async { Base { private, ..way.clone() } }).await;
        (!refused).then_some(outcome)
    }

    /// How the registry is reached: asked for once, by `GET /v2/` (distribution specification, "Determining Support"), which also
    /// tells how to log in. A failure is shared by all who waited for it, and for a while by those who come later.
    async fn base(&self) -> Result<&Base, EndpointError> {
        if let Some(base) = self.inner.base.get() {
            return Ok(base);
        }
        let asked = Instant::now();
        let mut reach = self.inner.reach.lock().await;
        if let Some(base) = self.inner.base.get() {
            return Ok(base);
        }
        if let Some((at, error)) = &reach.failed
            && (*at > asked || at.elapsed() < UNREACHED)
        {
            return Err(error.again());
        }
        match self.ping().await {
            Ok(base) => Ok(self.inner.base.get_or_init(|| async { base }).await),
            Err(error) => {
                reach.failed = Some((Instant::now(), error.again()));
                Err(error)
            }
        }
    }

    async fn ping(&self) -> Result<Base, EndpointError> {
        let mut tries = Tries::new(self.inner.back_off);
        loop {
            let error = match self.ping_once().await {
                Ok(base) => return Ok(base),
                Err(error) => error,
            };
            match tries.again(error.class()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn ping_once(&self) -> Result<Base, EndpointError> {
        let mut first = None;
        for way in &self.inner.ways {
            let mut url = way.origin.clone();
            url.set_path("/v2/");
            let asked = asked(&Method::GET, &url);
            let request = Request { method: Method::GET, url, headers: HeaderMap::new(), body: Body::Empty };
            match self.inner.gateway.send(&way.profile, request).await {
                Ok(response) => {
                    let private = way.private || response.is_private();
                    let seen = Challenges::parse(response.headers());
                    let answer = Answer::read(self.host(), &asked, None, &Redactor::default(), response).await;
                    if matches!(answer.class, Class::Retry | Class::Wait(_)) {
                        return Err(EndpointError::Answered(Box::new(answer)));
                    }
                    self.inner.authorization.learn(&seen);
                    return Ok(Base { private, ..way.clone() });
                }
                Err(source) => {
                    let next = plain_may_do(&source, &way.origin);
                    // The first way's failure is told: it is the one that was meant.
                    let error = first.get_or_insert_with(|| self.transport(&asked, source));
                    tracing::debug!(%error, "cannot be reached this way");
                    if !next {
                        break;
                    }
                }
            }
        }
        Err(first.unwrap_or_else(|| EndpointError::Protocol {
            registry: self.host().to_owned(),
            asked: "GET /v2/".to_owned(),
            problem: "the registry's name makes no URL".to_owned(),
        }))
    }

    fn transport(&self, asked: &str, source: HttpError) -> EndpointError {
        EndpointError::Transport { registry: self.host().to_owned(), asked: asked.to_owned(), source }
    }
}

#[cfg(test)]
mod tests;
