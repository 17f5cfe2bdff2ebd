//! Tokens: asked for once for each set of scopes, renewed before they end (docker/distribution, "Token Authentication" and
//! "OAuth2 Token Authentication").

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded;

use crate::endpoint::Answer;
use crate::endpoint::Credential;
use crate::endpoint::LoginError;
use crate::endpoint::login::renew_after;
use crate::endpoint::registry::challenge::Bearer;
use crate::endpoint::registry::retry::BackOff;
use crate::endpoint::registry::scope::ScopeSet;
use crate::http::Body;
use crate::http::Gateway;
use crate::http::Profile;
use crate::http::Request;
use crate::http::authority;
use crate::http::is_metadata_service;
use crate::http::names_private_host;
use crate::secret::Secret;

/// The life of a token whose server names none, and the least that is believed: a token server's shorter figure would have a new
/// token fetched for each request.
const LEAST_LIFE: Duration = Duration::from_secs(60);

/// The longest life that is believed.
const MOST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The most that a token server may answer.
const CAP: usize = 64 << 10;

/// How many sets of scopes are kept before those out of use are dropped: a token of each repository of a large registry would
/// not fit the memory that a run may take.
const KEPT: usize = 1024;

/// The user name that goes with an identity token where only Basic is understood, as Azure documents it.
const IDENTITY_USER: &str = "00000000-0000-0000-0000-000000000000";

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    value: Secret,
    fetched: Instant,
    life: Duration,
}

impl Token {
    /// `Authorization: Bearer …`.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        bearer(&self.value)
    }

    fn left(&self) -> Duration {
        self.life.saturating_sub(self.fetched.elapsed())
    }

    /// Whether it lives `at_least` longer, and need not be renewed yet. A life shorter than what is asked for must do as long as
    /// the token is fresh: another one would live no longer.
    fn serves(&self, at_least: Duration) -> bool {
        serves(self.life, self.fetched.elapsed(), at_least)
    }
}

fn serves(life: Duration, age: Duration, at_least: Duration) -> bool {
    age < renew_after(life) && (life.saturating_sub(age) >= at_least || age < life / 10)
}

/// The header that presents `token`; none if it holds what no header may.
pub(super) fn bearer(token: &Secret) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {}", token.reveal()))
}

/// The header that presents a user name and password.
pub(super) fn basic(username: &str, password: &Secret) -> Option<HeaderValue> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal()))))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The tokens of one registry.
#[derive(Default)]
pub(super) struct Tokens {
    slots: Mutex<HashMap<ScopeSet, Arc<Slot>>>,
}

/// One token. The lock is held while it is fetched, so that all who need it wait for one fetch; should the one who fetches be
/// cancelled, the next in line takes over.
#[derive(Default)]
struct Slot {
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failed: Option<(Instant, Arc<LoginError>)>,
}

impl Tokens {
    /// The token for `scopes`, good for `at_least` longer, from `fetch` if there is none yet. A failure is shared by all who waited
    /// for it.
    pub(super) async fn get(
        &self,
        scopes: &ScopeSet,
        at_least: Duration,
        fetch: impl Future<Output = Result<Token, LoginError>>,
    ) -> Result<Token, Arc<LoginError>> {
        let asked = Instant::now();
        let slot = self.slot(scopes);
        let mut state = slot.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| token.serves(at_least)) {
            return Ok(token.clone());
        }
        if let Some((_, error)) = state.failed.as_ref().filter(|(at, _)| *at > asked) {
            return Err(Arc::clone(error));
        }
        match fetch.await {
            Ok(token) => {
                *state = State { token: Some(token.clone()), failed: None };
                Ok(token)
            }
            Err(error) => {
                // A token that is only due for renewal still serves.
                if let Some(token) = state.token.as_ref().filter(|token| !token.left().is_zero()) {
                    return Ok(token.clone());
                }
                let error = Arc::new(error);
                state.failed = Some((Instant::now(), Arc::clone(&error)));
                Err(error)
            }
        }
    }

    /// Drops `refused`, unless another one has taken its place.
    pub(super) async fn forget(&self, scopes: &ScopeSet, refused: &Token) {
        let slot = self.slot(scopes);
        let mut state = slot.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.value == refused.value) {
            state.token = None;
        }
    }

    fn slot(&self, scopes: &ScopeSet) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= KEPT && !slots.contains_key(scopes) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(scopes.clone()).or_default())
    }
}

/// What is needed to fetch a token.
pub(super) struct Server<'a> {
    /// The way out.
    pub(super) gateway: &'a Gateway,
    /// How the registry is reached; its token server is reached likewise.
    pub(super) profile: &'a Profile,
    /// As the user names the registry.
    pub(super) registry: &'a str,
    /// The registry's origin.
    pub(super) origin: &'a Url,
    /// When to try again.
    pub(super) back_off: BackOff,
}

impl Server<'_> {
    /// Fetches a token for `scopes` as `challenge` says, logged in by `credential`.
    pub(super) async fn fetch(
        &self,
        challenge: &Bearer,
        scopes: &ScopeSet,
        credential: Option<&Credential>,
    ) -> Result<Token, LoginError> {
        let realm = self.realm(challenge)?;
        if let Some(Credential::IdentityToken(token)) = credential {
            match self.ask(credential, || refresh(&realm, challenge, scopes, token)).await {
                // The token server knows only the older way.
                Err(LoginError::Refused { status, .. }) if matches!(status.as_u16(), 400 | 401 | 404 | 405) => {}
                other => return other,
            }
        }
        self.ask(credential, || query(&realm, challenge, scopes, credential)).await
    }

    /// The token server's URL, if credentials may go there: by https, unless the registry itself speaks http; to no private
    /// address, unless it is the registry's own.
    fn realm(&self, challenge: &Bearer) -> Result<Url, LoginError> {
        let shown = challenge.realm.split(['?', '#']).next().unwrap_or_default();
        let refuse = |problem| LoginError::Realm {
            registry: self.registry.to_owned(),
            realm: crate::endpoint::error::clean(shown, 120),
            problem,
        };
        let url = self.origin.join("/v2/").and_then(|base| base.join(&challenge.realm));
        let url = url.map_err(|_| refuse("is no URL"))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && self.origin.scheme() == "http") {
            return Err(refuse("is not https: credentials do not go there"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("names a user of its own"));
        }
        if is_metadata_service(&url) || (names_private_host(&url) && url.host() != self.origin.host()) {
            return Err(refuse("is a private address"));
        }
        Ok(url)
    }

    async fn ask(&self, credential: Option<&Credential>, request: impl Fn() -> Request) -> Result<Token, LoginError> {
        let mut failed = 0;
        loop {
            let error = match self.try_once(credential, request()).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            failed += 1;
            match self.back_off.pause(error.class(), failed) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn try_once(&self, credential: Option<&Credential>, request: Request) -> Result<Token, LoginError> {
        let (registry, realm) = (self.registry.to_owned(), authority(&request.url));
        let asked = crate::endpoint::error::asked(&request.method, &request.url);
        let response = match self.gateway.send(self.profile, request).await {
            Ok(response) => response,
            Err(source) => return Err(LoginError::Transport { registry, realm, source }),
        };
        let fetched = Instant::now();
        if response.status() != StatusCode::OK {
            let user = credential.map(Credential::user);
            let answer = Answer::read(&registry, &asked, user, response).await;
            let said = answer.said();
            return Err(LoginError::Refused {
                registry,
                user: answer.user,
                status: answer.status,
                said,
                class: answer.class,
            });
        }
        let body = match response.bytes(CAP).await {
            Ok(body) => body,
            Err(source) => return Err(LoginError::Transport { registry, realm, source }),
        };
        read_token(&body, fetched).map_err(|problem| LoginError::Answer { registry, realm, problem })
    }
}

/// `GET realm?service=…&scope=…`, with Basic if there is a credential.
fn query(realm: &Url, challenge: &Bearer, scopes: &ScopeSet, credential: Option<&Credential>) -> Request {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &challenge.service {
            query.append_pair("service", service);
        }
        for scope in scopes.iter() {
            query.append_pair("scope", scope);
        }
        if let Some(Credential::Basic { username, .. }) = credential {
            query.append_pair("account", username);
        }
    }
    if url.query() == Some("") {
        url.set_query(None);
    }
    let login = match credential {
        Some(Credential::Basic { username, password }) => basic(username, password),
        Some(Credential::IdentityToken(token)) => basic(IDENTITY_USER, token),
        Some(Credential::RegistryToken(_)) | None => None,
    };
    let headers = login.map(|login| (header::AUTHORIZATION, login)).into_iter().collect::<HeaderMap>();
    Request { method: Method::GET, url, headers, body: Body::Empty }
}

/// `POST realm` with the refresh token, which goes into the body alone.
fn refresh(realm: &Url, challenge: &Bearer, scopes: &ScopeSet, token: &Secret) -> Request {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", "image-transfer");
    if let Some(service) = &challenge.service {
        form.append_pair("service", service);
    }
    let scope = scopes.iter().collect::<Vec<_>>().join(" ");
    if !scope.is_empty() {
        form.append_pair("scope", &scope);
    }
    form.append_pair("refresh_token", token.reveal());
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    Request {
        method: Method::POST,
        url: realm.clone(),
        headers: [(header::CONTENT_TYPE, kind)].into_iter().collect(),
        body: Body::Bytes(form.finish().into()),
    }
}

/// Reads a token server's answer. Its `issued_at` is not believed: clocks differ, so a life counts from when the answer came.
fn read_token(body: &[u8], fetched: Instant) -> Result<Token, &'static str> {
    let json: serde_json::Value = serde_json::from_slice(body).map_err(|_| "its answer is no JSON")?;
    let text = |name: &str| json[name].as_str().filter(|text| !text.is_empty());
    let value = text("token").or_else(|| text("access_token")).ok_or("its answer holds no token")?;
    let seconds = json["expires_in"].as_u64().or_else(|| json["expires_in"].as_str()?.parse().ok());
    let life = seconds.map_or(LEAST_LIFE, Duration::from_secs).clamp(LEAST_LIFE, MOST_LIFE);
    let token = Token { value: Secret::new(value), fetched, life };
    if token.header().is_none() {
        return Err("its token holds characters that no header may");
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serves(life: u64, age: u64, at_least: u64) -> bool {
        let [life, age, at_least] = [life, age, at_least].map(Duration::from_secs);
        super::serves(life, age, at_least)
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        assert!(serves(300, 269, 0) && !serves(300, 271, 0), "nine tenths");
        assert!(serves(60, 53, 0) && !serves(60, 55, 0), "nine tenths of a short one");
        assert!(serves(40, 34, 0) && !serves(40, 35, 0), "five seconds before the end");
    }

    #[test]
    fn a_token_lives_as_long_as_was_asked_for_unless_a_new_one_would_not_either() {
        assert!(serves(300, 100, 120) && !serves(300, 200, 120));
        assert!(serves(60, 1, 120) && !serves(60, 10, 120));
    }

    #[test]
    fn either_name_of_a_token_is_read_and_its_life_believed_within_bounds() {
        let now = Instant::now();
        let read = |text: &str| {
            read_token(text.as_bytes(), now).map(|token| (token.value.reveal().to_owned(), token.life.as_secs()))
        };
        assert_eq!(read(r#"{"token":"a","expires_in":300}"#), Ok(("a".to_owned(), 300)));
        assert_eq!(
            read(r#"{"access_token":"a","expires_in":"300","issued_at":"1970-01-01T00:00:00Z"}"#),
            Ok(("a".to_owned(), 300))
        );
        assert_eq!(read(r#"{"token":"","access_token":"a"}"#), Ok(("a".to_owned(), 60)));
        assert_eq!(read(r#"{"token":"a","expires_in":1}"#), Ok(("a".to_owned(), 60)));
        assert_eq!(read(r#"{"token":"a","expires_in":99999999999}"#), Ok(("a".to_owned(), 86400)));
        assert_eq!(read(r#"{"token":"a\r\nb"}"#), Err("its token holds characters that no header may"));
        assert_eq!(read("{}"), Err("its answer holds no token"));
        assert_eq!(read("<html>"), Err("its answer is no JSON"));
    }

    #[test]
    fn credentials_go_only_where_the_registry_may_send_them() {
        let gateway = Gateway::new(Arc::new(crate::limit::Limiter::new(&crate::limit::Rates::default())));
        let realm = |origin: &str, realm: &str| {
            let (profile, origin) = (Profile::default(), origin.parse().expect("url"));
            let server = Server {
                gateway: &gateway,
                profile: &profile,
                registry: "r",
                origin: &origin,
                back_off: BackOff::default(),
            };
            let challenge = Bearer { realm: realm.to_owned(), ..Bearer::default() };
            server.realm(&challenge).map(String::from).map_err(|error| error.to_string())
        };
        let at = |realm: &str, problem: &str| Err(format!("r wants to be logged in to at {realm}, which {problem}"));
        let (secure, plain) = ("https://r.example/", "http://127.0.0.1:5000/");
        assert_eq!(realm(secure, "https://auth.example/token?a=b"), Ok("https://auth.example/token?a=b".to_owned()));
        assert_eq!(realm(secure, "/service/token"), Ok("https://r.example/service/token".to_owned()));
        assert_eq!(realm(plain, "http://127.0.0.1:5001/token"), Ok("http://127.0.0.1:5001/token".to_owned()));
        let problem = "is not https: credentials do not go there";
        assert_eq!(realm(secure, "http://r.example/token?secret=1"), at("http://r.example/token", problem));
        assert_eq!(realm(secure, "https://10.0.0.1/token"), at("https://10.0.0.1/token", "is a private address"));
        assert_eq!(realm(plain, "http://169.254.169.254/x"), at("http://169.254.169.254/x", "is a private address"));
        assert_eq!(realm(secure, "file:///etc/passwd"), at("file:///etc/passwd", problem));
    }
}
