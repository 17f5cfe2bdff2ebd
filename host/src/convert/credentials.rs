//! Logins of other tools. A password that stands in a file becomes a variable of the environment.

use serde_json::Value;
use serde_json::json;

use crate::convert::reading::Reading;
use crate::convert::variables::is_reference;
use crate::workflow::Place;
use crate::workflow::normal_key;
use crate::workflow::tree::Node;

/// Where an account's private registry is.
struct Ecr {
    region: String,
}

/// Amazon's private registry, by its host: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
fn ecr(host: &str) -> Option<Ecr> {
    let (_, rest) = host.split_once(".dkr.ecr.")?;
    let (region, domain) = rest.split_once('.')?;
    domain.starts_with("amazonaws.com").then(|| Ecr { region: region.to_owned() })
}

/// Whether a host is a private registry of Amazon's.
pub(super) fn is_ecr(host: &str) -> bool {
    ecr(host).is_some()
}

/// Amazon's public registry, by its host.
fn is_ecr_public(host: &str) -> bool {
    host == "public.ecr.aws"
}

impl Reading {
    /// The key of `registries` that is meant by `text`; an error where it is none.
    pub(super) fn registry_key(&mut self, text: &str, at: Place) -> Option<String> {
        if text.contains("${") {
            return Some(text.to_owned());
        }
        normal_key(text).map_err(|problem| self.error(at, problem)).ok()
    }

    /// A user and a password for `key`.
    pub(super) fn login(&mut self, key: &str, username: Option<(String, &Node)>, password: Option<(String, &Node)>) {
        let (username, password) =
            (username.filter(|(text, _)| !text.is_empty()), password.filter(|(text, _)| !text.is_empty()));
        match (username, password) {
            (Some((username, _)), Some((password, node))) => {
                let password = self.secret("REGISTRY_PASSWORD", key, &password, node.at);
                self.set_login(key, node.at, &[("username", username.into()), ("password", password.into())]);
            }
            (Some((_, node)), None) | (None, Some((_, node))) => {
                self.note(node.at, format!("the login of `{key}` is left out: it takes a user and a password"));
            }
            (None, None) => {}
        }
    }

    /// A login by the plugin of Amazon's registry, with the key that Amazon's own tools take from the environment.
    pub(super) fn ecr_login(&mut self, key: &str, at: Place) -> Option<Value> {
        let host = key.split('/').next().unwrap_or(key);
        let mut with = json!({
            "access-key-id": "${AWS_ACCESS_KEY_ID}",
            "secret-access-key": "${AWS_SECRET_ACCESS_KEY}",
            "session-token": "${AWS_SESSION_TOKEN:-}",
        });
        match ecr(host) {
            Some(Ecr { region }) => with["region"] = region.into(),
            None if is_ecr_public(host) => with["edition"] = "public".into(),
            None => return None,
        }
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            self.draft.variable(name, "the key of Amazon's API");
        }
        let plugin = json!({"plugin": "ecr", "with": with});
        self.set_login(key, at, &[("credentials", plugin.clone())]);
        Some(plugin)
    }

    /// Sets the login of a registry; another one that it has already stays, and that is noted.
    pub(super) fn set_login(&mut self, key: &str, at: Place, login: &[(&str, Value)]) {
        const KEYS: [&str; 5] = ["username", "password", "identity-token", "anonymous", "credentials"];
        let entry = self.draft.registry(key);
        let had: Vec<(&str, Value)> = KEYS.iter().filter_map(|key| Some((*key, entry.get(*key)?.clone()))).collect();
        if had.is_empty() {
            entry.extend(login.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        } else if had != login {
            self.note(at, format!("this login is left out: `{key}` has another one already, and one run uses one"));
        }
    }

    /// `text`, if it is no more than a reference to the environment; else a variable that takes its place.
    pub(super) fn secret(&mut self, prefix: &str, key: &str, text: &str, at: Place) -> String {
        if is_reference(text) {
            return text.to_owned();
        }
        let name = self.draft.secret(prefix, key, text);
        self.note(at, format!("the secret of `{key}` is not written out: set {name} in the environment"));
        format!("${{{name}}}")
    }
}
