//! Requests to a provider's API: [`Request`] is built and sent, [`Response`] read, and both tell failures as the
//! contract's [`Error`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::Result;
use crate::bindings::host::image_transfer::plugin::http as host;

/// A request that has not been sent yet.
#[derive(Debug, Clone)]
pub struct Request(host::Request);

impl Request {
    /// A request with this method, in capitals, to this absolute URL.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self(host::Request { method: method.to_owned(), url: url.into(), headers: Vec::new(), body: None, rate: None })
    }

    /// `GET` this URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// `POST` to this URL.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Says how many requests a second its provider allows of the kind called `name`; the host keeps to it over all plugins.
    #[must_use]
    pub fn rate(mut self, name: &str, per_second: u32) -> Self {
        self.0.rate = Some(host::Rate { name: name.to_owned(), per_second });
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The headers, as they were set.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.0.headers
    }

    /// The body; empty where there is none.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.0.body.as_deref().unwrap_or_default()
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = Some(body.into());
        self
    }

    /// Sets the body to a JSON text, and its content type.
    pub fn json(self, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value)
            .map_err(|error| Error::Fatal(format!("request body cannot be written as JSON: {error}")))?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Sends it and waits. Any status is a response; only what kept it from coming is an error.
    pub fn send(self) -> Result<Response> {
        let url = self.0.url.clone();
        self.try_send().map_err(|error| unsent(&url, error))
    }

    /// Sends it and tells precisely why no response came.
    pub fn try_send(self) -> std::result::Result<Response, SendError> {
        let Self(request) = self;
        let url = request.url.clone();
        host::send(&request).map(|response| Response { url, inner: response })
    }
}

pub use host::SendError;

/// What requests are sent through: the host, or something written down in a native test.
pub trait Client {
    /// Sends one request.
    fn send(&self, request: Request) -> Result<Response>;

    /// Sends several, a few at a time, and waits for all; the results are in the order of the requests. At most 64.
    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response>> {
        requests.into_iter().map(|request| self.send(request)).collect()
    }
}

/// The host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl Client for Host {
    fn send(&self, request: Request) -> Result<Response> {
        request.send()
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response>> {
        let requests: Vec<host::Request> = requests.into_iter().map(|request| request.0).collect();
        let answers = host::send_all(&requests);
        let answered = requests.into_iter().zip(answers).map(|(request, answer)| match answer {
            Ok(inner) => Ok(Response { url: request.url, inner }),
            Err(error) => Err(unsent(&request.url, error)),
        });
        answered.collect()
    }
}

impl<F: Fn(Request) -> Result<Response>> Client for F {
    fn send(&self, request: Request) -> Result<Response> {
        self(request)
    }
}

/// What it means that no response came.
fn unsent(url: &str, error: SendError) -> Error {
    match error {
        SendError::Denied(reason) => Error::Fatal(reason),
        SendError::Timeout => Error::Unavailable(format!("{} did not answer in time", place(url))),
        SendError::TooLarge(limit) => {
            Error::Fatal(format!("the response of {} is larger than {limit} bytes", place(url)))
        }
        SendError::Transport(reason) => Error::Unavailable(format!(
            "{} cannot be reached: {reason}; check the region and the endpoint in the options, and the network",
            place(url)
        )),
    }
}

/// A response, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    url: String,
    inner: host::Response,
}

impl Response {
    /// A response that did not come from the host, for native tests.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        Self { url: "https://api.example/".to_owned(), inner: host::Response { status, headers, body: body.into() } }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status
    }

    /// Where it was sent to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first value of a header. Names in lowercase.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// All headers, names in lowercase.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.inner.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.inner.body
    }

    /// This response where its status is 2xx; else the error that the status means: 401 and 403 `unauthorized`, 404
    /// `not-found`, 429 `rate-limited`, 408 and 5xx `unavailable`, the rest `fatal`.
    pub fn successful(self) -> Result<Self> {
        let status = self.inner.status;
        if (200..300).contains(&status) {
            return Ok(self);
        }
        let message = format!("{} answered {status}: {}", place(&self.url), excerpt(&self.inner.body));
        Err(match status {
            401 | 403 => Error::Unauthorized(message),
            404 => Error::NotFound(message),
            429 => Error::RateLimited(self.header("retry-after").and_then(|value| value.trim().parse().ok())),
            408 | 500..=599 => Error::Unavailable(message),
            _ => Error::Fatal(message),
        })
    }

    /// The body of a successful response, read as JSON.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let response = self.successful()?;
        serde_json::from_slice(&response.inner.body).map_err(|error| {
            Error::Fatal(format!("{} answered with what cannot be read as expected: {error}", place(&response.url)))
        })
    }
}

/// A URL without its query, which may carry a signature or token.
pub(crate) fn place(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// The first 200 characters of a body, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    text.chars().take(200).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response {
            url: "https://api.example/v1?signature=hidden".to_owned(),
            inner: host::Response { status, headers, body: body.as_bytes().to_vec() },
        }
    }

    #[test]
    fn a_status_becomes_the_error_that_says_whether_to_try_again() {
        let error =
            |status, headers: &[_]| response(status, headers, "no\n").successful().map(|_| ()).expect_err("an error");
        let message = |status| format!("https://api.example/v1 answered {status}: no ");
        assert_eq!(error(403, &[]), Error::Unauthorized(message(403)));
        assert_eq!(error(404, &[]), Error::NotFound(message(404)));
        assert_eq!(error(429, &[("retry-after", "7")]), Error::RateLimited(Some(7)));
        assert_eq!(error(429, &[]), Error::RateLimited(None));
        assert_eq!(error(503, &[]), Error::Unavailable(message(503)));
        assert_eq!(error(400, &[]), Error::Fatal(message(400)));
    }

    #[test]
    fn a_body_is_read_as_json() {
        assert_eq!(response(200, &[], "[1, 2]").json::<Vec<u32>>(), Ok(vec![1, 2]));
    }
}
