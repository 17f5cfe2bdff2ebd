//! Registries, and the repositories in them.

use base64::Engine as _;
use regex::Regex;
use serde_json::Value;
use serde_json::json;

use super::ACCOUNT;
use super::Image;
use super::Kind;
use super::State;
use super::is_loopback;
use super::page::Window;
use super::refusal::Refusal;
use crate::fakes::clock;
use crate::harness::api::Fault;

/// What the fake tells where it knows no time.
const LONG_AGO: f64 = 1_577_836_800.0;

/// What a customer has in one of the services.
pub(super) struct Registry {
    pub(super) host: String,
    /// What comes between the host and the name; empty in the private service.
    pub(super) alias: String,
    pub(super) repositories: Vec<Repository>,
    /// How many repositories there may be.
    pub(super) quota: usize,
}

pub(super) struct Repository {
    pub(super) name: String,
    pub(super) images: Vec<Image>,
}

impl Registry {
    pub(super) fn new(host: &str, alias: &str) -> Self {
        let [host, alias] = [host, alias].map(str::to_owned);
        Self { host, alias, repositories: Vec::new(), quota: usize::MAX }
    }

    pub(super) fn repository(&self, name: &str) -> Result<&Repository, Refusal> {
        let absent = || {
            let message =
                format!("The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'");
            Refusal::new("RepositoryNotFoundException", &message)
        };
        self.repositories.iter().find(|it| it.name == name).ok_or_else(absent)
    }

    fn uri(&self, name: &str) -> String {
        let alias = if self.alias.is_empty() { String::new() } else { format!("{}/", self.alias) };
        format!("{}/{alias}{name}", self.host)
    }

    fn value(&self, kind: Kind, region: &str, name: &str) -> Value {
        let (service, region) = if kind == Kind::Private { ("ecr", region) } else { ("ecr-public", "") };
        let mut value = json!({
            "repositoryArn": format!("arn:aws:{service}:{region}:{ACCOUNT}:repository/{name}"), "registryId": ACCOUNT,
            "repositoryName": name, "repositoryUri": self.uri(name), "createdAt": LONG_AGO,
        });
        if kind == Kind::Private {
            value["imageTagMutability"] = "MUTABLE".into();
            value["imageScanningConfiguration"] = json!({"scanOnPush": false});
            value["encryptionConfiguration"] = json!({"encryptionType": "AES256"});
        }
        value
    }
}

/// All repositories page by page, or those that are named.
pub(super) fn describe(state: &mut State, kind: Kind, body: &Value, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let window = Window::new(&format!("{kind:?} DescribeRepositories"), body, state.cap, &mut state.pages)?;
    let region = state.region.clone();
    let registry = state.registry(kind);
    let value = |name: &str| registry.value(kind, &region, name);
    if let Some(names) = body["repositoryNames"].as_array() {
        if !(body["maxResults"].is_null() && body["nextToken"].is_null()) {
            return Err(Refusal::invalid("maxResults and nextToken can not be used with repositoryNames"));
        }
        let named = names.iter().map(|name| Ok(value(&registry.repository(name.as_str().unwrap_or_default())?.name)));
        return Ok(json!({"repositories": named.collect::<Result<Vec<_>, Refusal>>()?}));
    }
    let items = registry.repositories.iter().map(|it| value(&it.name)).collect();
    Ok(window.answer("repositories", items, fault, &mut state.pages))
}

pub(super) fn create(state: &mut State, kind: Kind, body: &Value) -> Result<Value, Refusal> {
    let (pattern, longest) = match kind {
        Kind::Private => (r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$", 256),
        Kind::Public => (r"^([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$", 205),
    };
    let name = text(body, "repositoryName")?;
    if !(2..=longest).contains(&name.len()) || !Regex::new(pattern).unwrap().is_match(name) {
        return Err(Refusal::constraint("repositoryName", &format!("satisfy regular expression '{pattern}'")));
    }
    let region = state.region.clone();
    let registry = state.registry(kind);
    if registry.repository(name).is_ok() {
        let message = format!("The repository with name '{name}' already exists in the registry with id '{ACCOUNT}'");
        return Err(Refusal::new("RepositoryAlreadyExistsException", &message));
    }
    if registry.repositories.len() >= registry.quota {
        let message = format!("The maximum number of repositories ({}) has been reached", registry.quota);
        return Err(Refusal::new("LimitExceededException", &message));
    }
    registry.repositories.push(Repository { name: name.to_owned(), images: Vec::new() });
    let mut answer = json!({"repository": registry.value(kind, &region, name)});
    if kind == Kind::Public {
        answer["catalogData"] = json!({});
    }
    Ok(answer)
}

/// Of the public service alone.
pub(super) fn registries(state: &mut State, body: &Value, fault: Option<&Fault>) -> Result<Value, Refusal> {
    let window = Window::new("DescribeRegistries", body, state.cap, &mut state.pages)?;
    let Registry { host, alias, .. } = &state.public;
    let alias = json!({"name": alias, "status": "ACTIVE", "primaryRegistryAlias": true, "defaultRegistryAlias": true});
    let registry = json!({
        "registryId": ACCOUNT, "registryArn": format!("arn:aws:ecr-public::{ACCOUNT}:registry/{ACCOUNT}"),
        "registryUri": format!("{host}/{}", state.public.alias), "verified": false, "aliases": [alias],
    });
    Ok(window.answer("registries", vec![registry], fault, &mut state.pages))
}

pub(super) fn token(state: &State, kind: Kind) -> Value {
    let (password, seconds) = &state.credential;
    let token = base64::engine::general_purpose::STANDARD.encode(format!("AWS:{password}"));
    // With a fraction, as AWS has it.
    let mut data = json!({"authorizationToken": token, "expiresAt": half_past(clock::milliseconds() / 1000 + seconds)});
    match kind {
        Kind::Private => {
            let host = &state.private.host;
            let scheme = if is_loopback(host) { "http" } else { "https" };
            data["proxyEndpoint"] = format!("{scheme}://{host}").into();
            json!({"authorizationData": [data]})
        }
        Kind::Public => json!({"authorizationData": data}),
    }
}

fn half_past(seconds: i64) -> Value {
    serde_json::from_str(&format!("{seconds}.5")).unwrap()
}

/// A text that there is no call without.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    body[name].as_str().ok_or_else(|| Refusal::constraint(name, "not be null"))
}
