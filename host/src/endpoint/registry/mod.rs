//! A remote registry (OCI distribution specification).

mod authorization;
mod blobs;
mod challenge;
mod chunk;
pub(crate) mod client;
mod link;
mod listing;
mod manifests;
mod origin;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod referrers;
mod resume;
mod scope;
mod session;
mod token;
mod token_server;
mod upload;

pub(crate) use origin::api_host;

use std::sync::Mutex;

use http::HeaderMap;
use http::Method;
use url::Url;

use crate::endpoint::EndpointError;
use crate::endpoint::Settings;
use crate::http::Body;
use crate::http::Gateway;
use crate::http::Request;
use crate::http::Response;
use crate::oci::RegistryName;

use client::Client;
use client::Scope;
use upload::Chunks;

pub(super) use listing::Listing;
pub(super) use session::Upload;
pub(super) use upload::Broken;

/// A registry host under one set of settings.
pub(super) struct Registry {
    name: RegistryName,
    client: Client,
    /// What uploads taught about the registry.
    chunks: Mutex<Option<Chunks>>,
}

impl Registry {
    /// The registry at `host`. Nothing is sent before it is used.
    pub(super) fn new(gateway: Gateway, host: &str, settings: &Settings) -> Self {
        Self {
            name: RegistryName::Host(host.to_owned()),
            client: Client::new(gateway, host, settings),
            chunks: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &RegistryName {
        &self.name
    }

    /// Finds out how the registry is reached.
    pub(super) async fn greet(&self) -> Result<(), EndpointError> {
        self.client.greet().await
    }

    /// Sends a request without a body to `path`.
    async fn ask(
        &self,
        scopes: &[Scope],
        method: Method,
        path: &str,
        headers: HeaderMap,
    ) -> Result<Response, EndpointError> {
        let url = self.client.url(path).await?;
        self.client.send(scopes, Request { method, url, headers, body: Body::Empty }).await
    }

    /// Where `target`, a `Location` or `Link` of the answer from `base`, leads. What may be followed at all is the client's to say.
    async fn follow(&self, base: &Url, target: &str) -> Result<Url, EndpointError> {
        let absolute = base.join(target).map_or_else(|_| target.to_owned(), String::from);
        self.client.url(&absolute).await
    }

    fn transport(&self, asked: &str, source: crate::http::HttpError) -> EndpointError {
        EndpointError::Transport { registry: self.name.to_string(), asked: asked.to_owned(), source }
    }

    fn protocol(&self, asked: &str, problem: impl Into<String>) -> EndpointError {
        EndpointError::Protocol { registry: self.name.to_string(), asked: asked.to_owned(), problem: problem.into() }
    }

    fn mismatch(&self, what: String, expected: &impl ToString, actual: &impl ToString) -> EndpointError {
        let (expected, actual) = (expected.to_string(), actual.to_string());
        EndpointError::Mismatch { registry: self.name.to_string(), what, expected, actual }
    }
}

/// A header as text; none if it is missing or no text.
fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
