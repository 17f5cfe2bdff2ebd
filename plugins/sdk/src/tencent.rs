//! Tencent Cloud's API `tcr`, version 2019-09-24, which serves both of its registries: requests, answers and errors.

use std::time::Duration;

use serde_json::Value;

use crate::Error;
use crate::Result;
use crate::api;
use crate::api::Kind;
use crate::api::Refusal;
use crate::clock;
use crate::config::Problems;
use crate::http::Client;
use crate::http::Request;
use crate::http::Response;
use crate::sign::Key;
use crate::sign::Parts;
use crate::sign::tc3;

/// How people call it.
const PROVIDER: &str = "Tencent Cloud";

/// The API's own address, for all regions of the domestic site.
pub const ENDPOINT: &str = "https://tcr.tencentcloudapi.com";

/// The hosts that a plugin for it talks to.
pub const HOSTS: &[&str] = &["*.tencentcloudapi.com"];

/// An action, and how many requests a second its documentation allows.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// Requests a second.
    pub per_second: u32,
}

impl Action {
    /// An action as documented.
    #[must_use]
    pub const fn new(name: &'static str, per_second: u32) -> Self {
        Self { name, per_second }
    }
}

/// The API as one user sees it.
#[derive(Debug, Clone)]
pub struct Api {
    key: Key,
    endpoint: String,
    region: String,
    clock: fn() -> Duration,
}

impl Api {
    /// From a plugin's options.
    pub fn read(problems: &mut Problems, key: Key, endpoint: Option<&str>, region: &str) -> Self {
        for (name, value) in [("secret-id", &key.id), ("secret-key", &key.secret)] {
            if value.trim().is_empty() {
                problems.push(format!("/{name}: is empty"));
            }
        }
        let endpoint = endpoint.unwrap_or(ENDPOINT).trim_end_matches('/').to_owned();
        if host(&endpoint).is_empty() {
            problems.push("/endpoint: must be a URL, such as https://tcr.tencentcloudapi.com");
        }
        Self { key, endpoint, region: region.to_owned(), clock: clock::now }
    }

    /// The same with a clock of its own, for native tests.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Duration) -> Self {
        Self { clock, ..self }
    }

    /// The same for another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// A signed request, good for five minutes.
    #[must_use]
    pub fn ask(&self, action: Action, parameters: &Value) -> Request {
        let body = parameters.to_string();
        let now = (self.clock)();
        let content_type = "application/json".to_owned();
        let headers =
            [("content-type".to_owned(), content_type.clone()), ("host".to_owned(), host(&self.endpoint).to_owned())];
        let parts = Parts { method: "POST", path: "/", query: &[], headers: &headers, body: body.as_bytes() };
        let authorization = tc3::authorization(&self.key, "tcr", now, &parts);
        let request = Request::post(format!("{}/", self.endpoint))
            .header("Content-Type", content_type)
            .header("X-TC-Action", action.name)
            .header("X-TC-Version", "2019-09-24")
            .header("X-TC-Region", self.region.as_str())
            .header("X-TC-Timestamp", now.as_secs().to_string())
            .header("X-TC-Language", "en-US")
            .header("Authorization", authorization)
            .rate(action.name, action.per_second)
            .body(body);
        match &self.key.token {
            Some(token) => request.header("X-TC-Token", token.as_str()),
            None => request,
        }
    }

    /// What is in the `Response` of an answer, or the error that it holds: errors come with status 200 too.
    pub fn read_answer(&self, action: Action, response: &Response) -> Result<Value> {
        let mut answer = api::json(PROVIDER, action.name, response)?;
        let Some(body) = answer.get_mut("Response").map(Value::take) else {
            return Err(api::unreadable(PROVIDER, action.name, response));
        };
        match body.get("Error") {
            None => Ok(body),
            Some(error) => {
                let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
                Err(self.refusal(action, text("Code"), text("Message")))
            }
        }
    }

    /// Asks and reads.
    pub fn call(&self, client: &dyn Client, action: Action, parameters: &Value) -> Result<Value> {
        let response = client.send(self.ask(action, parameters))?;
        self.read_answer(action, &response)
    }

    fn refusal(&self, action: Action, code: &str, message: &str) -> Error {
        let advice = match code {
            "AuthFailure.SecretIdNotFound" | "AuthFailure.InvalidSecretId" => {
                Some("check `secret-id`: the key does not exist, was deleted or is disabled".to_owned())
            }
            "AuthFailure.SignatureFailure" => Some("check `secret-key`: it does not belong to `secret-id`".to_owned()),
            "AuthFailure.SignatureExpire" => {
                Some("check the clock of this machine: it is more than five minutes off".to_owned())
            }
            "AuthFailure.TokenFailure" => Some("the temporary key has expired: make a new one".to_owned()),
            "UnsupportedRegion" => {
                Some(format!("the API has no region `{}`: check the region in the options", self.region))
            }
            "ResourceNotFound.ErrNoUser" => Some(
                "the account never opened the personal registry: open its console once, and set a password".to_owned(),
            ),
            _ => None,
        };
        let kind = kind(code);
        Refusal { provider: PROVIDER, action: action.name, code, message, kind, advice }.into()
    }
}

fn kind(code: &str) -> Kind {
    let is = |prefix: &str| code == prefix || code.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    if is("AuthFailure.UnauthorizedOperation") || is("UnauthorizedOperation") {
        Kind::Rights
    } else if is("AuthFailure") {
        Kind::Credentials
    } else if is("RequestLimitExceeded") {
        Kind::TooOften(None)
    } else if matches!(code, "InternalError" | "ResourceUnavailable") {
        Kind::AtTheMoment
    } else if is("ResourceNotFound") || code.ends_with("NotFound") || code.ends_with("NotExist") {
        Kind::Missing
    } else {
        Kind::Other
    }
}

/// The text of a field; empty where it has none.
#[must_use]
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The list in a field; empty where it is null or missing, as the API writes an empty list.
#[must_use]
pub fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The authority of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DESCRIBE: Action = Action::new("DescribeImages", 100);

    fn api(token: Option<&str>) -> Api {
        let key = Key { id: "AKIDEXAMPLE".to_owned(), secret: "SKEXAMPLE".to_owned(), token: token.map(str::to_owned) };
        Api::read(&mut Problems::default(), key, None, "ap-guangzhou").with_clock(|| Duration::from_secs(1_700_000_000))
    }

    #[test]
    fn a_request_is_signed_and_says_its_rate() {
        let request = api(Some("not-a-real-token")).ask(DESCRIBE, &json!({"Limit": 100}));
        let header = |name: &str| {
            let found = request.headers().iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(request.url(), "https://tcr.tencentcloudapi.com/");
        assert_eq!(request.payload(), br#"{"Limit":100}"#);
        assert_eq!(header("X-TC-Timestamp"), "1700000000");
        assert_eq!(header("X-TC-Token"), "not-a-real-token");
        let begin =
            "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2023-11-14/tcr/tc3_request, SignedHeaders=content-type;host, ";
        assert!(header("Authorization").starts_with(begin), "{}", header("Authorization"));
    }

    #[test]
    fn an_error_with_status_200_is_an_error() {
        let error = |code: &str| {
            let body = json!({"Response": {"Error": {"Code": code, "Message": "no."}, "RequestId": "r"}});
            api(None).read_answer(DESCRIBE, &Response::new(200, &[], body.to_string())).expect_err("an error")
        };
        let text = "Tencent Cloud refused DescribeImages: AuthFailure.SignatureFailure (no.); check `secret-key`: it does not belong to `secret-id`";
        assert_eq!(error("AuthFailure.SignatureFailure"), Error::Unauthorized(text.to_owned()));
        assert_eq!(error("RequestLimitExceeded.UinLimitExceeded"), Error::RateLimited(None));
        assert!(matches!(error("InternalError"), Error::Unavailable(_)));
        assert!(matches!(error("InternalError.ErrorConflict"), Error::Fatal(_)));
        assert!(matches!(error("ResourceNotFound.ErrNoRepo"), Error::NotFound(_)));
        assert!(matches!(error("UnauthorizedOperation"), Error::Unauthorized(text) if text.contains("right")));
        assert!(matches!(error("UnsupportedRegion"), Error::Fatal(text) if text.contains("`ap-guangzhou`")));
        let none = Response::new(200, &[("content-type", "text/html")], "<html>");
        assert!(matches!(api(None).read_answer(DESCRIBE, &none), Err(Error::Fatal(_))));
    }
}
