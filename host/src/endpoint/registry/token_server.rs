//! Fetching a token (docker/distribution, "Token Authentication" and "`OAuth2` Token Authentication").

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
use crate::endpoint::answer::asked;
use crate::endpoint::answer::clean;
use crate::endpoint::registry::challenge::Bearer;
use crate::endpoint::registry::origin::Base;
use crate::endpoint::registry::scope::ScopeSet;
use crate::endpoint::registry::token::Token;
use crate::endpoint::registry::token::basic;
use crate::http::BackOff;
use crate::http::Body;
use crate::http::Gateway;
use crate::http::HttpError;
use crate::http::Request;
use crate::http::Tries;
use crate::http::authority;
use crate::secret::Secret;

/// The most that a token server may answer.
const CAP: usize = 64 << 10;

/// The user name that goes with an identity token where only Basic is understood, as Azure documents it.
const IDENTITY_USER: &str = "00000000-0000-0000-0000-000000000000";

/// What is needed to fetch a token.
pub(super) struct TokenServer<'a> {
    /// The way out.
    pub(super) gateway: &'a Gateway,
    /// How the registry is reached; its token server is reached likewise, as far as the registry may send there.
    pub(super) base: &'a Base,
    /// As the user names the registry.
    pub(super) registry: &'a str,
    /// When to try again.
    pub(super) back_off: BackOff,
}

impl TokenServer<'_> {
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

    /// The token server's URL, if credentials may go there: by https, unless the registry itself speaks http. Which addresses it may
    /// have is checked when it is sent to.
    fn realm(&self, challenge: &Bearer) -> Result<Url, LoginError> {
        let shown = challenge.realm.split(['?', '#']).next().unwrap_or_default();
        let refuse =
            |problem| LoginError::Realm { registry: self.registry.to_owned(), realm: clean(shown, 120), problem };
        let url = self.base.origin.join("/v2/").and_then(|base| base.join(&challenge.realm));
        let url = url.map_err(|_| refuse("is no URL"))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && self.base.origin.scheme() == "http") {
            return Err(refuse("is not https: credentials do not go there"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("names a user of its own"));
        }
        Ok(url)
    }

    async fn ask(&self, credential: Option<&Credential>, request: impl Fn() -> Request) -> Result<Token, LoginError> {
        let mut tries = Tries::new(self.back_off);
        loop {
            let request = request();
            let realm = authority(&request.url);
            let error = match self.try_once(credential, request).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            match tries.again(error.class()) {
                Some(pause) => {
                    self.gateway.limiter().retried(&realm);
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn try_once(&self, credential: Option<&Credential>, request: Request) -> Result<Token, LoginError> {
        let (registry, realm) = (self.registry.to_owned(), authority(&request.url));
        let what = asked(&request.method, &request.url);
        let Base { profile, origin, private } = self.base;
        let profile = self.gateway.told(profile, origin, &request.url, *private);
        let response = match self.gateway.send(&profile, request).await {
            Ok(response) => response,
            Err(HttpError::PrivateAddress { .. }) => {
                return Err(LoginError::Realm { registry, realm, problem: "is a private address" });
            }
            Err(source) => return Err(LoginError::Transport { registry, realm, source }),
        };
        let fetched = Instant::now();
        if response.status() != StatusCode::OK {
            let user = credential.map(Credential::user);
            let sent = credential.map(Credential::secrets).unwrap_or_default();
            let answer = Answer::read(&registry, &what, user, &sent, response).await;
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
        Token::read(&body, fetched).map_err(|problem| LoginError::Answer { registry, realm, problem })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::Profile;
    use crate::http::names_private_host;
    use crate::limit::Limiter;
    use crate::limit::Rates;

    fn base(origin: &str) -> Base {
        let origin: Url = origin.parse().expect("url");
        Base { private: names_private_host(&origin), origin, profile: Profile::default() }
    }

    async fn fetch(origin: &str, realm: &str) -> String {
        let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
        let base = base(origin);
        let server = TokenServer { gateway: &gateway, base: &base, registry: "r", back_off: BackOff::default() };
        let challenge = Bearer { realm: realm.to_owned(), ..Bearer::default() };
        server.fetch(&challenge, &ScopeSet::default(), None).await.expect_err("no token").to_string()
    }

    #[test]
    fn credentials_go_only_where_the_registry_may_send_them() {
        let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
        let realm = |origin: &str, realm: &str| {
            let base = base(origin);
            let server = TokenServer { gateway: &gateway, base: &base, registry: "r", back_off: BackOff::default() };
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
        assert_eq!(realm(secure, "file:///etc/passwd"), at("file:///etc/passwd", problem));
        let problem = "names a user of its own";
        assert_eq!(realm(secure, "https://u:p@auth.example/"), at("https://u:p@auth.example/", problem));
    }

    #[tokio::test]
    async fn no_token_is_asked_for_at_a_private_address_that_the_registry_has_no_business_with() {
        let refused = |realm: &str| format!("r wants to be logged in to at {realm}, which is a private address");
        assert_eq!(fetch("https://r.example/", "https://10.0.0.1/token").await, refused("10.0.0.1"));
        assert_eq!(fetch("https://r.example/", "https://0x7f.1:8443/token").await, refused("127.0.0.1:8443"));
        assert_eq!(fetch("http://127.0.0.1:5000/", "http://169.254.169.254/x").await, refused("169.254.169.254"));
    }
}
