//! Who may enter: everyone, or who fetched a token for the password.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use serde_json::json;

use crate::harness::api::Call;
use crate::harness::api::Reply;

/// The one user.
pub const USER: &str = "test";

/// Which lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Open,
    /// Tokens are had at `/token` for the password (docker/distribution, "Token Authentication").
    Token,
}

/// The lock of one registry, whose secrets are no other's.
pub struct Lock {
    kind: Kind,
    origin: String,
    password: String,
    tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    /// What each token is for; none: it has run out.
    scopes: HashMap<String, Option<Vec<String>>>,
}

impl Lock {
    pub fn new(kind: Kind, origin: &str, port: u16) -> Self {
        let password = format!("not-a-real-password-{port}");
        Self { kind, origin: origin.to_owned(), password, tokens: Mutex::default() }
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// All that nobody but this registry may be shown.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.password.clone(), self.basic()];
        secrets.extend(self.tokens.lock().unwrap().scopes.keys().cloned());
        secrets
    }

    /// How many tokens were given.
    pub fn tokens(&self) -> usize {
        self.tokens.lock().unwrap().scopes.len()
    }

    /// No token that was given so far is worth anything.
    pub fn expire(&self) {
        self.tokens.lock().unwrap().scopes.values_mut().for_each(|scopes| *scopes = None);
    }

    /// What is answered in place of what was asked: a token, or that one is missing.
    pub fn stops(&self, call: &Call, repository: Option<&str>) -> Option<Reply> {
        match self.kind {
            Kind::Open => None,
            Kind::Token if call.path == "/token" => Some(self.token(call)),
            Kind::Token => {
                let scope = scope(call, repository);
                let held = self.held(call);
                let admitted = held.is_some_and(|held| scope.as_ref().is_none_or(|scope| holds(&held, scope)));
                (!admitted).then(|| self.challenge(scope.as_deref()))
            }
        }
    }

    /// Whether the token that came is for reading `repository` as well.
    pub fn may_pull(&self, call: &Call, repository: &str) -> bool {
        let scope = format!("repository:{repository}:pull");
        self.kind != Kind::Token || self.held(call).is_some_and(|held| holds(&held, &scope))
    }

    /// 401, with how to log in.
    pub fn challenge(&self, scope: Option<&str>) -> Reply {
        let scope = scope.map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
        refusal(format!("Bearer realm=\"{}/token\",service=\"scripted\"{scope}", self.origin))
    }

    fn held(&self, call: &Call) -> Option<Vec<String>> {
        let token = call.header("authorization")?.strip_prefix("Bearer ")?;
        self.tokens.lock().unwrap().scopes.get(token).cloned().flatten()
    }

    fn token(&self, call: &Call) -> Reply {
        if call.method != "GET" {
            return Reply::empty(405);
        }
        if !self.knows_password(call) {
            return refusal("Basic realm=\"scripted\"".to_owned());
        }
        let scopes = call.parameters().into_iter().filter(|(name, _)| name == "scope");
        let scopes = scopes.flat_map(|(_, value)| value.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
        let mut tokens = self.tokens.lock().unwrap();
        let token = format!("not-a-real-token-{}-of-{}", tokens.scopes.len(), self.password);
        tokens.scopes.insert(token.clone(), Some(scopes));
        Reply::json(200, &json!({"token": token, "expires_in": 300}))
    }

    fn knows_password(&self, call: &Call) -> bool {
        call.header("authorization").and_then(|value| value.strip_prefix("Basic ")) == Some(&self.basic())
    }

    /// User and password as `Authorization` and docker's file have them.
    pub fn basic(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{}", self.password))
    }
}

fn scope(call: &Call, repository: Option<&str>) -> Option<String> {
    if call.path.ends_with("/_catalog") {
        return Some("registry:catalog:*".to_owned());
    }
    let actions = if matches!(call.method.as_str(), "GET" | "HEAD") { "pull" } else { "pull,push" };
    repository.map(|repository| format!("repository:{repository}:{actions}"))
}

fn holds(held: &[String], wanted: &str) -> bool {
    let (name, actions) = wanted.rsplit_once(':').unwrap();
    held.iter().filter_map(|scope| scope.rsplit_once(':')).any(|(its_name, its_actions)| {
        its_name == name && actions.split(',').all(|action| its_actions.split(',').any(|it| it == action))
    })
}

fn refusal(challenge: String) -> Reply {
    let errors = json!({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]});
    Reply::json(401, &errors).with("WWW-Authenticate", challenge)
}
