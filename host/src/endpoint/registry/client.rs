//! One registry host: its address, its authorization, retries of what is small.

use std::time::Duration;

use url::Url;

use crate::endpoint::EndpointError;
use crate::endpoint::Settings;
use crate::http::Gateway;
use crate::http::Request;
use crate::http::Response;
use crate::oci::Repository;

/// What a token is asked for (docker/distribution, "Token Scope Documentation").
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scope(String);

impl Scope {
    /// Reading a repository.
    pub(crate) fn pull(repository: &Repository) -> Self {
        Self(format!("repository:{repository}:pull"))
    }

    /// Reading and writing a repository.
    pub(crate) fn push(repository: &Repository) -> Self {
        Self(format!("repository:{repository}:pull,push"))
    }

    /// Listing the registry's repositories.
    pub(crate) fn catalog() -> Self {
        Self("registry:catalog:*".to_owned())
    }
}

/// One registry host under one set of settings. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {}

impl Client {
    /// A client of `host` (`host` or `host:port` as the user names it).
    pub(crate) fn new(gateway: Gateway, host: &str, settings: &Settings) -> Self {
        let _ = (gateway, host, settings);
        todo!()
    }

    /// The host as the user names it, such as `docker.io`.
    pub(crate) fn host(&self) -> &str {
        todo!()
    }

    /// The URL of `path` (such as `/v2/team/app/tags/list?n=1000`) at this registry, or of an absolute `Location`. Finds out
    /// https or http first, where the settings leave that open.
    #[allow(clippy::unused_async)]
    pub(crate) async fn url(&self, path: &str) -> Result<Url, EndpointError> {
        let _ = path;
        todo!()
    }

    /// Sends with authorization. 2xx is `Ok`, all else an error with status, codes and class. A 401 renews the token and tries
    /// once more; small bodies are tried again by class. A stream is sent once: after a 401 its error's class is
    /// [`crate::http::Class::Reauthenticate`], and the next call brings a new token. URLs of another origin get no authorization.
    #[allow(clippy::unused_async)]
    pub(crate) async fn send(&self, scopes: &[Scope], request: Request) -> Result<Response, EndpointError> {
        let _ = (scopes, request);
        todo!()
    }

    /// Makes sure that the token for `scopes` lives `at_least` longer: called before an upload's POST and its final PUT.
    #[allow(clippy::unused_async)]
    pub(crate) async fn ensure_token(&self, scopes: &[Scope], at_least: Duration) -> Result<(), EndpointError> {
        let _ = (scopes, at_least);
        todo!()
    }
}
