//! What the host offers to plugins: `log`, `http`, `registry`. Each notes how long the guest waited in it.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use url::Url;
use wasmtime::component::Resource;

use crate::http::Body;
use crate::http::HttpError;
use crate::http::Profile;
use crate::http::Request;
use crate::plugin::CallError;
use crate::plugin::Pages;
use crate::plugin::bindings::http as wit_http;
use crate::plugin::bindings::log as wit_log;
use crate::plugin::bindings::registry as wit_registry;
use crate::plugin::bindings::types;
use crate::plugin::grants::Grant;
use crate::plugin::image::clean;
use crate::plugin::state::State;

/// Bytes of a request's or a response's body.
const MAX_BODY: usize = 16 << 20;

/// Log lines of one call; the rest is dropped, said once.
const MAX_LINES: usize = 1000;

/// Headers that the host sets by itself, or that would speak for it (RFC 9110, section 7.6.1).
const RESERVED: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// A listing that a guest holds.
pub struct Listing(Box<dyn Pages>);

impl types::Host for State {}

impl wit_log::Host for State {
    async fn log(&mut self, level: wit_log::Level, message: String) -> wasmtime::Result<()> {
        self.lines += 1;
        if self.lines > MAX_LINES {
            if self.lines == MAX_LINES + 1 {
                tracing::warn!(target: "plugin", plugin = self.plugin, "more than {MAX_LINES} log lines in one call, the rest is dropped");
            }
            return Ok(());
        }
        let message = self.redactor.strike(&clean(&message));
        let plugin = &self.plugin;
        match level {
            wit_log::Level::Trace => tracing::trace!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Debug => tracing::debug!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Info => tracing::info!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Warn => tracing::warn!(target: "plugin", plugin, "{message}"),
            wit_log::Level::Error => tracing::error!(target: "plugin", plugin, "{message}"),
        }
        Ok(())
    }
}

impl wit_http::Host for State {
    async fn send(
        &mut self,
        request: wit_http::Request,
    ) -> wasmtime::Result<Result<wit_http::Response, wit_http::SendError>> {
        let since = Instant::now();
        let sent = self.request(request).await;
        self.waited(since);
        Ok(sent)
    }
}

impl State {
    async fn request(&mut self, request: wit_http::Request) -> Result<wit_http::Response, wit_http::SendError> {
        let url =
            Url::parse(&request.url).map_err(|error| wit_http::SendError::Transport(format!("not a URL: {error}")))?;
        let public_only = match self.grants.grant(&url) {
            Grant::Any => false,
            Grant::Public => true,
            Grant::Denied => {
                let host = url.host_str().unwrap_or("this URL");
                return Err(wit_http::SendError::Denied(format!(
                    "{host} is not granted; add it to `plugins.{}.hosts` of the workflow",
                    self.plugin
                )));
            }
        };
        let body = request.body.unwrap_or_default();
        if body.len() > MAX_BODY {
            return Err(wit_http::SendError::TooLarge(MAX_BODY as u64));
        }
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| wit_http::SendError::Transport("not a method".to_owned()))?;
        let outgoing = Request {
            method,
            url,
            headers: headers(&request.headers)?,
            body: if body.is_empty() { Body::Empty } else { Body::Bytes(Bytes::from(body)) },
        };
        let profile = Profile { no_redirects: true, public_only, ..Profile::default() };
        let response = self.gateway.send(&profile, outgoing).await.map_err(|error| send_error(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = response.bytes(MAX_BODY).await.map_err(|error| send_error(&error))?;
        Ok(wit_http::Response { status, headers, body: body.into() })
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, wit_http::SendError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let bad = || wit_http::SendError::Transport(format!("header {} is not valid", clean(name)));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if RESERVED.contains(&name.as_str()) {
            return Err(wit_http::SendError::Denied(format!("header {name} is the host's to set")));
        }
        headers.append(name, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    Ok(headers)
}

fn send_error(error: &HttpError) -> wit_http::SendError {
    match error {
        HttpError::Timeout { .. } => wit_http::SendError::Timeout,
        HttpError::TooLarge { cap, .. } => wit_http::SendError::TooLarge(*cap as u64),
        HttpError::PrivateAddress { .. } => wit_http::SendError::Denied(error.to_string()),
        other => wit_http::SendError::Transport(other.to_string()),
    }
}

impl wit_registry::Host for State {}

impl wit_registry::HostListing for State {
    async fn repositories(&mut self, registry: String) -> wasmtime::Result<Result<Resource<Listing>, types::Error>> {
        let opened = self.registries.repositories(&registry);
        self.keep(opened)
    }

    async fn tags(
        &mut self,
        registry: String,
        repository: String,
    ) -> wasmtime::Result<Result<Resource<Listing>, types::Error>> {
        let opened = self.registries.tags(&registry, &repository);
        self.keep(opened)
    }

    async fn next(
        &mut self,
        listing: Resource<Listing>,
    ) -> wasmtime::Result<Result<Option<Vec<String>>, types::Error>> {
        let since = Instant::now();
        let page = self.table.get_mut(&listing)?.0.next().await;
        self.waited(since);
        Ok(page.map_err(CallError::tell))
    }

    async fn drop(&mut self, listing: Resource<Listing>) -> wasmtime::Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

impl State {
    fn keep(
        &mut self,
        opened: Result<Box<dyn Pages>, CallError>,
    ) -> wasmtime::Result<Result<Resource<Listing>, types::Error>> {
        Ok(match opened {
            Ok(pages) => Ok(self.table.push(Listing(pages))?),
            Err(error) => Err(error.tell()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<HeaderMap, wit_http::SendError> {
        headers(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn headers_that_are_the_hosts_are_denied_and_broken_ones_refused() {
        assert!(matches!(one("Host", "x"), Err(wit_http::SendError::Denied(_))));
        assert!(matches!(one("Transfer-Encoding", "chunked"), Err(wit_http::SendError::Denied(_))));
        assert!(matches!(one("x", "a\r\nb: c"), Err(wit_http::SendError::Transport(_))));
        assert_eq!(one("Accept", "a/b").unwrap()["accept"], "a/b");
    }
}
