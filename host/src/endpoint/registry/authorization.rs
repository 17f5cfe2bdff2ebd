//! How requests to one registry are authorized, and what is learned from a 401.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use http::HeaderValue;

use crate::endpoint::Credential;
use crate::endpoint::EndpointError;
use crate::endpoint::login::Logins;
use crate::endpoint::registry::challenge::Challenges;
use crate::endpoint::registry::origin::Base;
use crate::endpoint::registry::scope::ScopeSet;
use crate::endpoint::registry::token::Token;
use crate::endpoint::registry::token::Tokens;
use crate::endpoint::registry::token::basic;
use crate::endpoint::registry::token::bearer;
use crate::endpoint::registry::token_server::TokenServer;
use crate::http::BackOff;
use crate::http::Class;
use crate::http::Gateway;
use crate::secret::Redactor;
use crate::secret::Secret;

/// What one registry is shown: credentials, challenges and tokens.
pub(super) struct Authorization {
    gateway: Gateway,
    host: String,
    logins: Logins,
    challenges: Mutex<Challenges>,
    tokens: Tokens,
    /// What takes Basic though there is a token server, such as Harbor's catalog.
    basic_only: Mutex<HashSet<ScopeSet>>,
    back_off: BackOff,
}

/// What a request presents.
#[derive(Default)]
pub(super) struct Pass {
    /// `Authorization`.
    pub(super) header: Option<HeaderValue>,
    /// Who that is, for messages; none: nobody.
    pub(super) user: Option<String>,
    /// What it is made of.
    pub(super) kind: PassKind,
}

/// What a pass is made of.
#[derive(Default)]
pub(super) enum PassKind {
    /// Nothing.
    #[default]
    Nothing,
    /// User name and password.
    Basic(Credential),
    /// A token of the token server's.
    Bearer(Token),
    /// A token that came from outside and cannot be renewed.
    Fixed,
}

impl Pass {
    /// What of it must not be shown.
    pub(super) fn secrets(&self) -> Redactor {
        match &self.kind {
            PassKind::Nothing => Redactor::default(),
            PassKind::Basic(credential) => credential.secrets(),
            PassKind::Bearer(_) | PassKind::Fixed => {
                let text = self.header.as_ref().and_then(|header| header.to_str().ok()).unwrap_or_default();
                Redactor::new([Secret::new(text.strip_prefix("Bearer ").unwrap_or(text))])
            }
        }
    }
}

/// What a 401 calls for.
pub(super) enum Next {
    /// Another pass for these scopes.
    Again(ScopeSet),
    /// Nothing: it is meant.
    Denied,
}

impl Authorization {
    /// Nothing known yet.
    pub(super) fn new(gateway: Gateway, host: &str, logins: Logins, back_off: BackOff) -> Self {
        Self {
            gateway,
            host: host.to_owned(),
            logins,
            challenges: Mutex::default(),
            tokens: Tokens::default(),
            basic_only: Mutex::default(),
            back_off,
        }
    }

    /// Whether there is nobody to log in as for `scopes`.
    pub(super) async fn is_nobody(&self, scopes: &ScopeSet) -> bool {
        matches!(self.logins.credential(scopes.repository()).await, Ok(None))
    }

    /// Takes in how the registry wants to be logged in to.
    pub(super) fn learn(&self, seen: &Challenges) {
        self.challenges().learn(seen);
    }

    /// What to do about a 401 that `pass` got as the `tried`th.
    pub(super) async fn unauthorized(&self, scopes: &ScopeSet, pass: PassKind, seen: &Challenges, tried: u32) -> Next {
        // Others may have learned the same meanwhile: what counts is what is known now, and was not used by `pass`.
        let known = {
            let mut known = self.challenges();
            known.learn(seen);
            known.clone()
        };
        let basic_only = self.basic_only.lock().unwrap_or_else(PoisonError::into_inner).contains(scopes);
        match pass {
            PassKind::Nothing if known.bearer.is_some() => Next::Again(scopes.clone()),
            PassKind::Nothing if known.basic && tried == 1 => match self.logins.credential(scopes.repository()).await {
                Ok(Some(Credential::Basic { .. })) => Next::Again(scopes.clone()),
                _ => Next::Denied,
            },
            PassKind::Nothing | PassKind::Fixed => Next::Denied,
            PassKind::Basic(_) if known.bearer.is_some() && !basic_only => Next::Again(scopes.clone()),
            PassKind::Basic(credential) => match tried {
                1 if self.logins.forget(&credential).await => Next::Again(scopes.clone()),
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
                self.tokens.forget(scopes, &token).await;
                if tried == 1 {
                    return Next::Again(scopes.clone());
                }
                // A new token did no better, and Basic is all that is offered.
                if challenge.is_none() && seen.basic {
                    let mut basic_only = self.basic_only.lock().unwrap_or_else(PoisonError::into_inner);
                    if basic_only.insert(scopes.clone()) {
                        return Next::Again(scopes.clone());
                    }
                }
                Next::Denied
            }
        }
    }

    /// What to present for `scopes`, by what is known of the registry.
    pub(super) async fn pass(&self, base: &Base, scopes: &ScopeSet, at_least: Duration) -> Result<Pass, EndpointError> {
        let credential = self.logins.credential(scopes.repository()).await.map_err(EndpointError::Login)?;
        let user = credential.as_ref().map(Credential::user);
        let challenges = self.challenges().clone();
        let basic_only = self.basic_only.lock().unwrap_or_else(PoisonError::into_inner).contains(scopes);
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
                let server =
                    TokenServer { gateway: &self.gateway, base, registry: &self.host, back_off: self.back_off };
                let fetch = async {
                    let outcome = server.fetch(challenge, scopes, credential.as_ref()).await;
                    let refused = matches!(&outcome, Err(error) if error.class() == Class::Permanent);
                    // An issuer's credential may have been withdrawn before its time: ask for another, once.
                    if refused
                        && let Some(old) = &credential
                        && self.logins.forget(old).await
                        && let Ok(new) = self.logins.credential(scopes.repository()).await
                        && new.as_ref() != Some(old)
                    {
                        return server.fetch(challenge, scopes, new.as_ref()).await;
                    }
                    outcome
                };
                let token = self.tokens.get(scopes, at_least, fetch).await.map_err(EndpointError::Login)?;
                Ok(Pass { header: token.header(), user, kind: PassKind::Bearer(token) })
            }
            (_, None) => Ok(Pass::default()),
        }
    }

    fn challenges(&self) -> MutexGuard<'_, Challenges> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
