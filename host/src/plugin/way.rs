//! The way of a plugin's request to the network: what it may ask, whom, how much of it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use url::Url;

use crate::http::Body;
use crate::http::Gateway;
use crate::http::HttpError;
use crate::http::Profile;
use crate::http::Reach;
use crate::http::Request;
use crate::http::authority;
use crate::plugin::Transports;
use crate::plugin::Trial;
use crate::plugin::bindings::http as wit_http;
use crate::plugin::grants::Grant;
use crate::plugin::grants::Grants;
use crate::plugin::image::clean;
use crate::plugin::trial::Asked;
use crate::secret::Redactor;

/// Bytes of a request's or a response's body.
pub(super) const MAX_BODY: usize = 16 << 20;

/// Headers of one request, and their bytes. Well below what a `HeaderMap` holds, which panics when it is full.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 << 10;

/// How many requests of one instance are on their way at a time.
pub(super) const AT_ONCE: usize = 16;

/// Bytes of the name of a rate.
const MAX_RATE_NAME: usize = 128;

/// Bytes of a URL.
const MAX_URL: usize = 16 << 10;

/// Headers that the host sets by itself, or that would speak for it (RFC 9110, section 7.6.1).
const RESERVED: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// What a request passes on its way out, whether the guest asks for it through `http` or through `wasi:http`. Apart from the instance, so
/// that several can be on their way.
pub(super) struct Way {
    pub(super) plugin: String,
    pub(super) gateway: Gateway,
    pub(super) transports: Arc<Transports>,
    pub(super) grants: Arc<Grants>,
    /// Who looks on, and perhaps answers in place of the network.
    pub(super) trial: Option<Arc<Trial>>,
    pub(super) redactor: Redactor,
}

impl Way {
    /// Sends one request, if it is granted, and reads the whole answer.
    pub(super) async fn request(&self, request: wit_http::Request) -> Result<wit_http::Response, wit_http::SendError> {
        let Some(trial) = &self.trial else { return self.send(request, None).await };
        let asked = Asked::of(&request, &self.redactor);
        let began = Instant::now();
        let answer = self.send(request, Some((trial, &asked))).await;
        trial.answered(asked, &answer, began.elapsed(), &self.redactor);
        answer
    }

    async fn send(
        &self,
        request: wit_http::Request,
        trial: Option<(&Trial, &Asked)>,
    ) -> Result<wit_http::Response, wit_http::SendError> {
        let url = url(&request.url)?;
        let reach = match self.grants.grant(&url) {
            Grant::Any => Reach::Any,
            Grant::Public => Reach::Public,
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
        let (method, headers) = (method(&request.method)?, headers(&request.headers)?);
        if let Some((trial, asked)) = trial
            && let Some(answer) = trial.recorded(asked)
        {
            return answer;
        }
        let transport = self.transports.get(&authority(&url)).cloned();
        if let Some(rate) = request.rate {
            self.pace(&url, rate).await?;
        }
        let body = if body.is_empty() { Body::Empty } else { Body::Bytes(Bytes::from(body)) };
        let outgoing = Request { method, url, headers, body };
        // A host that the workflow has a registry at is reached as the registry is: with its certificates, by its proxy.
        let transport = transport.unwrap_or_default();
        let profile = Profile { no_redirects: true, reach, ..transport };
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

    /// Waits for the rate that the plugin knows its provider to have.
    async fn pace(&self, url: &Url, rate: wit_http::Rate) -> Result<(), wit_http::SendError> {
        let denied = |problem: &str| wit_http::SendError::Denied(problem.to_owned());
        let per_second = NonZeroU32::new(rate.per_second).ok_or_else(|| denied("a rate of 0 requests a second"))?;
        if rate.name.len() > MAX_RATE_NAME {
            return Err(denied("the name of a rate is too long"));
        }
        let paced = self.gateway.limiter().pace(&authority(url), &rate.name, per_second).await;
        if paced { Ok(()) } else { Err(denied("too many rates have names")) }
    }
}

fn url(text: &str) -> Result<Url, wit_http::SendError> {
    if text.len() > MAX_URL {
        return Err(wit_http::SendError::Transport(format!("URL of more than {MAX_URL} bytes")));
    }
    let url = Url::parse(text).map_err(|error| wit_http::SendError::Transport(format!("not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wit_http::SendError::Denied(format!("{} is not http or https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wit_http::SendError::Denied("URL with user information; use a header".to_owned()));
    }
    Ok(url)
}

/// Any method but those that make a tunnel (RFC 9110, section 9.3.6) or an echo of the host's own headers (section 9.3.8).
fn method(text: &str) -> Result<Method, wit_http::SendError> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT | Method::TRACE) => Err(wit_http::SendError::Denied(format!("method {text}"))),
        Ok(method) => Ok(method),
        Err(_) => Err(wit_http::SendError::Transport("not a method".to_owned())),
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, wit_http::SendError> {
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if given.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let most = format!("more than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES} bytes of them");
        return Err(wit_http::SendError::Denied(most));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let bad = || wit_http::SendError::Transport(format!("header {} is not valid", clean(name)));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if RESERVED.contains(&name.as_str()) {
            return Err(wit_http::SendError::Denied(format!("header {name} is the host's to set")));
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
        value.set_sensitive(matches!(name.as_str(), "authorization" | "cookie"));
        headers.append(name, value);
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
        assert!(one("Authorization", "Bearer not-a-real-token").unwrap()["authorization"].is_sensitive());
    }

    #[test]
    fn headers_without_number_are_denied_before_they_fill_the_map() {
        let many: Vec<_> = (0..40_000).map(|number| (format!("x-{number}"), String::new())).collect();
        assert!(matches!(headers(&many), Err(wit_http::SendError::Denied(_))));
        let long = "a".repeat(MAX_HEADER_BYTES);
        assert!(matches!(one("x-long", &long), Err(wit_http::SendError::Denied(_))));
    }

    #[test]
    fn a_url_is_http_without_user_and_a_method_opens_no_tunnel() {
        for text in ["file:///etc/passwd", "ftp://a.io/", "https://user@a.io/", "https://:pass@a.io/"] {
            assert!(matches!(url(text), Err(wit_http::SendError::Denied(_))), "{text}");
        }
        assert!(matches!(url("/relative"), Err(wit_http::SendError::Transport(_))));
        assert_eq!(url("https://a.io/x").unwrap().as_str(), "https://a.io/x");
        assert!(matches!(method("CONNECT"), Err(wit_http::SendError::Denied(_))));
        assert!(matches!(method("G ET"), Err(wit_http::SendError::Transport(_))));
        assert_eq!(method("GET").unwrap(), Method::GET);
    }
}
