//! Tokens: asked for once for each set of scopes, renewed before they end (docker/distribution, "Token Authentication").

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tokio::time::Instant;

use crate::endpoint::LoginError;
use crate::endpoint::login::renew_after;
use crate::endpoint::registry::scope::ScopeSet;
use crate::secret::Secret;

/// The life of a token whose server names none, and the least that is believed: a token server's shorter figure would have a new
/// token fetched for each request.
const LEAST_LIFE: Duration = Duration::from_mins(1);

/// The longest life that is believed.
const MOST_LIFE: Duration = Duration::from_hours(24);

/// How many sets of scopes are kept before those out of use are dropped: a token of each repository of a large registry would
/// not fit the memory that a run may take.
const KEPT: usize = 1024;

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    value: Secret,
    fetched: Instant,
    life: Duration,
}

impl Token {
    /// Reads a token server's answer. Its `issued_at` is not believed: clocks differ, so a life counts from when the answer came.
    pub(super) fn read(body: &[u8], fetched: Instant) -> Result<Self, &'static str> {
        let json: serde_json::Value = serde_json::from_slice(body).map_err(|_| "its answer is no JSON")?;
        let text = |name: &str| json[name].as_str().filter(|text| !text.is_empty());
        let value = text("token").or_else(|| text("access_token")).ok_or("its answer holds no token")?;
        let seconds = json["expires_in"].as_u64().or_else(|| json["expires_in"].as_str()?.parse().ok());
        let life = seconds.map_or(LEAST_LIFE, Duration::from_secs).clamp(LEAST_LIFE, MOST_LIFE);
        let token = Self { value: Secret::new(value), fetched, life };
        if token.header().is_none() {
            return Err("its token holds characters that no header may");
        }
        Ok(token)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Credential;

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
            Token::read(text.as_bytes(), now).map(|token| (token.value.reveal().to_owned(), token.life.as_secs()))
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
    fn a_token_and_a_credential_are_printed_without_their_secrets() {
        let secret = || Secret::new("not-a-real-secret");
        let token = Token { value: secret(), fetched: Instant::now(), life: LEAST_LIFE };
        let basic = Credential::Basic { username: "test".to_owned(), password: secret() };
        let others = [Credential::IdentityToken(secret()), Credential::RegistryToken(secret())];
        let header = token.header().unwrap();
        let shown = format!("{token:?} {basic:?} {others:?} {header:?}");
        assert!(shown.contains("test") && shown.contains("***") && !shown.contains("not-a-real"), "{shown}");
    }
}
