//! One registry host: its address, its authorization, retries of what is small.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use tokio::sync::OnceCell;
use url::Url;

use crate::endpoint::Answer;
use crate::endpoint::Credential;
use crate::endpoint::EndpointError;
use crate::endpoint::Settings;
use crate::endpoint::docker_config::Places;
use crate::endpoint::error::asked;
use crate::endpoint::error::clean;
use crate::endpoint::login::Logins;
use crate::endpoint::registry::challenge::Challenges;
use crate::endpoint::registry::retry::BackOff;
use crate::endpoint::registry::scope::ScopeSet;
use crate::endpoint::registry::token::Server;
use crate::endpoint::registry::token::Token;
use crate::endpoint::registry::token::Tokens;
use crate::endpoint::registry::token::basic;
use crate::endpoint::registry::token::bearer;
use crate::http::Body;
use crate::http::Class;
use crate::http::Gateway;
use crate::http::Profile;
use crate::http::Request;
use crate::http::Response;
use crate::http::names_private_host;
use crate::http::same_origin;
use crate::oci::RegistryName;

pub(crate) use crate::endpoint::registry::scope::Scope;

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
    logins: Logins,
    challenges: Mutex<Challenges>,
    tokens: Tokens,
    /// What takes Basic though there is a token server, such as Harbor's catalog.
    basic_only: Mutex<HashSet<ScopeSet>>,
    back_off: BackOff,
}

/// How the registry is reached.
#[derive(Clone, Debug)]
struct Base {
    origin: Url,
    profile: Profile,
}

/// What a request presents.
#[derive(Default)]
struct Pass {
    header: Option<HeaderValue>,
    user: Option<String>,
    kind: PassKind,
}

#[derive(Default)]
enum PassKind {
    #[default]
    Nothing,
    Basic(Credential),
    Bearer(Token),
    Fixed,
}

/// What a 401 calls for.
enum Next {
    /// Another pass for these scopes.
    Again(ScopeSet),
    /// Nothing: it is meant.
    Denied,
}

/// The host behind a registry's name, as it stands in URLs (and in [`crate::limit::Rates`]).
pub(crate) fn api_host(registry: &str) -> &str {
    if registry == RegistryName::DOCKER_HUB { "registry-1.docker.io" } else { registry }
}

impl Client {
    /// A client of `host` (`host` or `host:port` as the user names it).
    pub(crate) fn new(gateway: Gateway, host: &str, settings: &Settings) -> Self {
        Self::build(gateway, host, settings, Places::from_environment(), BackOff::default())
    }

    fn build(gateway: Gateway, host: &str, settings: &Settings, places: Places, back_off: BackOff) -> Self {
        let inner = Inner {
            gateway,
            host: host.to_owned(),
            ways: ways(host, settings),
            base: OnceCell::new(),
            logins: Logins::new(host, settings.login.clone(), places),
            challenges: Mutex::default(),
            tokens: Tokens::default(),
            basic_only: Mutex::default(),
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
    /// means itself (one behind a proxy that does not know of it): then https is kept. Private addresses are refused, unless the
    /// registry is at one.
    pub(crate) async fn url(&self, path: &str) -> Result<Url, EndpointError> {
        let origin = &self.base().await?.origin;
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
        if names_private_host(&url) && !names_private_host(origin) {
            return Err(refuse("leads to a private address"));
        }
        // A foreign URL's own user would become its Authorization.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(refuse("is no URL"));
        }
        Ok(url)
    }

    /// Sends with authorization. 2xx is `Ok`, all else an error with status, codes and class. A 401 renews the token and tries
    /// once more; small bodies are tried again by class. A stream is sent once: after a 401 its error's class is
    /// [`Class::Reauthenticate`], and the next call brings a new token. URLs of another origin get no authorization.
    pub(crate) async fn send(&self, scopes: &[Scope], request: Request) -> Result<Response, EndpointError> {
        let scopes = ScopeSet::new(scopes);
        let Request { method, url, headers, mut body } = request;
        let mut failed = 0;
        loop {
            let again = body.again();
            let error = match self.authorized(scopes.clone(), &method, &url, &headers, body).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            failed += 1;
            let pause = self.inner.back_off.pause(error.class(), failed);
            let (Some(again), Some(pause)) = (again, pause) else { return Err(error) };
            tracing::debug!(%error, failed, ?pause, "tries again");
            tokio::time::sleep(pause).await;
            body = again;
        }
    }

    /// Makes sure that the token for `scopes` lives `at_least` longer: called before an upload's POST and its final PUT.
    pub(crate) async fn ensure_token(&self, scopes: &[Scope], at_least: Duration) -> Result<(), EndpointError> {
        let base = self.base().await?;
        self.pass(base, &ScopeSet::new(scopes), at_least).await.map(|_| ())
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
        let asked = asked(method, url);
        let mut tried = 0;
        loop {
            tried += 1;
            let again = body.again();
            let pass = if own { self.pass(base, &scopes, Duration::ZERO).await? } else { Pass::default() };
            let mut headers = headers.clone();
            headers.remove(header::AUTHORIZATION);
            headers.extend(pass.header.clone().map(|value| (header::AUTHORIZATION, value)));
            let request = Request { method: method.clone(), url: url.clone(), headers, body };
            let transport = |source| self.transport(&asked, source);
            let response = self.inner.gateway.send(&base.profile, request).await.map_err(transport)?;
            if response.status().is_success() {
                if *method == Method::GET {
                    response.check_identity().map_err(transport)?;
                }
                return Ok(response);
            }
            let challenged = response.status() == StatusCode::UNAUTHORIZED && same_origin(response.url(), &base.origin);
            let seen = Challenges::parse(response.headers());
            let mut answer = Answer::read(self.host(), &asked, pass.user.clone(), response).await;
            if challenged
                && tried < PASSES
                && let Next::Again(more) = self.unauthorized(&scopes, pass.kind, &seen, tried).await
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

    /// What to do about a 401 that `pass` got as the `tried`th.
    async fn unauthorized(&self, scopes: &ScopeSet, pass: PassKind, seen: &Challenges, tried: u32) -> Next {
        let knew = {
            let mut known = self.challenges();
            let before = known.clone();
            known.learn(seen);
            before
        };
        let now_bearer = knew.bearer.is_none() && seen.bearer.is_some();
        match pass {
            PassKind::Fixed => Next::Denied,
            PassKind::Nothing if now_bearer || (!knew.basic && seen.basic) => Next::Again(scopes.clone()),
            PassKind::Nothing => Next::Denied,
            PassKind::Basic(_) if now_bearer => Next::Again(scopes.clone()),
            PassKind::Basic(credential) => match tried {
                1 if self.inner.logins.forget(&credential).await => Next::Again(scopes.clone()),
                _ => Next::Denied,
            },
            PassKind::Bearer(token) => {
                let challenge = seen.bearer.as_ref();
                let asked = challenge.and_then(|it| it.scope.as_deref()).unwrap_or_default();
                if !scopes.holds(asked) {
                    return Next::Again(scopes.with(asked));
                }
                if challenge.is_some_and(|it| it.error.as_deref() == Some("insufficient_scope")) && !asked.is_empty() {
                    return Next::Denied;
                }
                self.inner.tokens.forget(scopes, &token).await;
                if tried == 1 {
                    return Next::Again(scopes.clone());
                }
                // A new token did no better, and Basic is all that is offered.
                if challenge.is_none() && seen.basic {
                    let mut basic_only = self.inner.basic_only.lock().unwrap_or_else(PoisonError::into_inner);
                    if basic_only.insert(scopes.clone()) {
                        return Next::Again(scopes.clone());
                    }
                }
                Next::Denied
            }
        }
    }

    /// What to present for `scopes`, by what is known of the registry.
    async fn pass(&self, base: &Base, scopes: &ScopeSet, at_least: Duration) -> Result<Pass, EndpointError> {
        let credential = self.inner.logins.credential(scopes.repository()).await.map_err(EndpointError::Login)?;
        let user = credential.as_ref().map(Credential::user);
        let challenges = self.challenges().clone();
        let basic_only = self.inner.basic_only.lock().unwrap_or_else(PoisonError::into_inner).contains(scopes);
        match (&credential, &challenges.bearer) {
            (Some(Credential::RegistryToken(token)), _) => {
                Ok(Pass { header: bearer(token), user, kind: PassKind::Fixed })
            }
            (Some(Credential::Basic { username, password }), challenge)
                if basic_only || (challenge.is_none() && challenges.basic) =>
            {
                let header = basic(username, password);
                Ok(Pass {
                    header,
                    user,
                    kind: PassKind::Basic(Credential::Basic { username: username.clone(), password: password.clone() }),
                })
            }
            (_, Some(challenge)) => {
                let server = Server {
                    gateway: &self.inner.gateway,
                    profile: &base.profile,
                    registry: self.host(),
                    origin: &base.origin,
                    back_off: self.inner.back_off,
                };
                let fetch = async {
                    let outcome = server.fetch(challenge, scopes, credential.as_ref()).await;
                    let refused = matches!(&outcome, Err(error) if error.class() == Class::Permanent);
                    // An issuer's credential may have been withdrawn before its time: ask for another, once.
                    if refused
                        && let Some(old) = &credential
                        && self.inner.logins.forget(old).await
                        && let Ok(new) = self.inner.logins.credential(scopes.repository()).await
                        && new.as_ref() != Some(old)
                    {
                        return server.fetch(challenge, scopes, new.as_ref()).await;
                    }
                    outcome
                };
                let token = self.inner.tokens.get(scopes, at_least, fetch).await.map_err(EndpointError::Login)?;
                Ok(Pass { header: token.header(), user, kind: PassKind::Bearer(token) })
            }
            (_, None) => Ok(Pass::default()),
        }
    }

    /// How the registry is reached: asked for once, by `GET /v2/` (distribution specification, "Determining Support"), which also
    /// tells how to log in.
    async fn base(&self) -> Result<&Base, EndpointError> {
        self.inner.base.get_or_try_init(|| self.ping()).await
    }

    async fn ping(&self) -> Result<Base, EndpointError> {
        let mut failed = 0;
        loop {
            let error = match self.ping_once().await {
                Ok(base) => return Ok(base),
                Err(error) => error,
            };
            failed += 1;
            match self.inner.back_off.pause(error.class(), failed) {
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
                    let seen = Challenges::parse(response.headers());
                    let answer = Answer::read(self.host(), &asked, None, response).await;
                    if matches!(answer.class, Class::Retry | Class::Wait(_)) {
                        return Err(EndpointError::Answered(Box::new(answer)));
                    }
                    self.challenges().learn(&seen);
                    return Ok(way.clone());
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

    fn transport(&self, asked: &str, source: crate::http::HttpError) -> EndpointError {
        EndpointError::Transport { registry: self.host().to_owned(), asked: asked.to_owned(), source }
    }

    fn challenges(&self) -> MutexGuard<'_, Challenges> {
        self.inner.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ways to reach `host`, in the order in which they are tried. A loopback host without a word on it may speak plain http, as
/// docker has it; `insecure` allows what its name says.
fn ways(host: &str, settings: &Settings) -> Vec<Base> {
    let way = |scheme: &str, profile: &Profile| {
        let origin = format!("{scheme}://{}/", api_host(host)).parse().ok()?;
        Some(Base { origin, profile: profile.clone() })
    };
    let unverified = Profile { skip_verify: true, ..settings.profile.clone() };
    let plain = way("http", &settings.profile);
    let loopback = plain.as_ref().is_some_and(|it: &Base| is_loopback(&it.origin));
    let ways = match settings {
        Settings { plain_http: true, .. } => [plain, None],
        Settings { insecure: true, .. } => [way("https", &unverified), plain],
        _ if loopback => [way("https", &settings.profile), plain],
        _ => [way("https", &settings.profile), None],
    };
    ways.into_iter().flatten().collect()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether https failed in a way that plain http would not: what answers speaks no TLS, or nothing is at https's own port.
fn plain_may_do(error: &crate::http::HttpError, origin: &Url) -> bool {
    use crate::http::HttpError;
    use crate::http::TlsKind;
    match error {
        HttpError::Tls { kind, .. } => *kind != TlsKind::Certificate,
        HttpError::Transport { .. } => true,
        HttpError::Connect { .. } | HttpError::Timeout { .. } => origin.port().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
