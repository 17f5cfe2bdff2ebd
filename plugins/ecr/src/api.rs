//! The API of both services: requests, answers and errors, in AWS's JSON protocol 1.1 and signed by Signature Version 4.

use std::time::Duration;

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::Refusal;
use image_transfer_sdk::clock;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::sign::Key;
use image_transfer_sdk::sign::Parts;
use image_transfer_sdk::sign::sigv4;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

/// The hosts of the API.
pub(crate) const HOSTS: &[&str] = &["*.amazonaws.com", "*.amazonaws.com.cn"];

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Which of the two services.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Edition {
    /// The registry of an account in a region.
    #[default]
    Private,
    /// The account's part of `public.ecr.aws`.
    Public,
}

/// An action, and how many requests a second the plugin makes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action {
    pub(crate) name: &'static str,
    pub(crate) per_second: u32,
}

impl Action {
    pub(crate) const fn new(name: &'static str, per_second: u32) -> Self {
        Self { name, per_second }
    }
}

/// The API as one user sees it.
#[derive(Debug, Clone)]
pub struct Api {
    pub(crate) edition: Edition,
    key: Key,
    region: String,
    endpoint: String,
    registry_id: Option<String>,
    clock: fn() -> Duration,
}

impl Api {
    pub(crate) fn new(edition: Edition, key: Key, region: &str, endpoint: &str, registry_id: Option<String>) -> Self {
        let [region, endpoint] = [region, endpoint].map(str::to_owned);
        Self { edition, key, region, endpoint, registry_id, clock: clock::now }
    }

    /// The same with a clock of its own, for native tests.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> Duration) -> Self {
        Self { clock, ..self }
    }

    /// What parameters begin with, for actions on one registry.
    pub(crate) fn parameters(&self) -> Value {
        self.registry_id.as_ref().map_or_else(|| json!({}), |id| json!({"registryId": id}))
    }

    /// A signed request, good for five minutes.
    pub(crate) fn ask(&self, action: Action, parameters: &Value) -> Request {
        let (service, prefix) = match self.edition {
            Edition::Private => ("ecr", "AmazonEC2ContainerRegistry_V20150921"),
            Edition::Public => ("ecr-public", "SpencerFrontendService"),
        };
        let (body, date) = (parameters.to_string(), date::compact((self.clock)()));
        let host = self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host);
        let mut headers = vec![
            ("content-type".to_owned(), CONTENT_TYPE.to_owned()),
            ("host".to_owned(), host.to_owned()),
            ("x-amz-date".to_owned(), date.clone()),
            ("x-amz-target".to_owned(), format!("{prefix}.{}", action.name)),
        ];
        if let Some(token) = &self.key.token {
            headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        let parts = Parts { method: "POST", path: "/", query: &[], headers: &headers, body: body.as_bytes() };
        let authorization = sigv4::authorization(&self.key, &self.region, service, &date, &parts);
        let request = Request::post(format!("{}/", self.endpoint)).rate(action.name, action.per_second).body(body);
        // The host's own client writes `host`.
        let sent = headers.into_iter().filter(|(name, _)| name != "host");
        let request = sent.fold(request, |request, (name, value)| request.header(&name, value));
        request.header("authorization", authorization)
    }

    /// What an answer holds, or the error that it is.
    pub(crate) fn read(&self, action: Action, response: &Response) -> Result<Value> {
        let unreadable = || self.unreadable(action, response);
        let body = serde_json::from_slice::<Value>(response.body()).ok().filter(Value::is_object);
        if (200..300).contains(&response.status()) {
            return body.ok_or_else(unreadable);
        }
        let (code, message) = if let Some(body) = &body {
            let told = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let code = told("__type").or_else(|| response.header("x-amzn-errortype"));
            (code.unwrap_or_default(), told("message").or_else(|| told("Message")).unwrap_or_default())
        } else {
            // What stands before some services refuses in XML, whatever it was asked in.
            let text = std::str::from_utf8(response.body()).unwrap_or_default();
            (element(text, "Code"), element(text, "Message"))
        };
        // `com.amazonaws.ecr#Name` and `Name:http://…` are names too.
        let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
        if code.is_empty() { Err(unreadable()) } else { Err(self.refusal(action, response, code, message)) }
    }

    /// Asks and reads.
    pub(crate) fn call(&self, client: &dyn Client, action: Action, parameters: &Value) -> Result<Value> {
        let response = client.send(self.ask(action, parameters))?;
        self.read(action, &response)
    }

    /// The list in a field of an answer. What has other fields and not this one is no answer of this API.
    pub(crate) fn list<'a>(
        &self,
        action: Action,
        response: &Response,
        body: &'a Value,
        field: &str,
    ) -> Result<&'a [Value]> {
        match body.get(field) {
            Some(Value::Array(items)) => Ok(items),
            None | Some(Value::Null) if body.as_object().is_some_and(|it| it.len() <= 1) => Ok(&[]),
            _ => Err(self.unreadable(action, response)),
        }
    }

    /// What an answer is that is none of this API.
    pub(crate) fn unreadable(&self, action: Action, response: &Response) -> Error {
        api::unreadable(self.provider(), action.name, response)
    }

    fn provider(&self) -> &'static str {
        match self.edition {
            Edition::Private => "Amazon ECR",
            Edition::Public => "Amazon ECR Public",
        }
    }

    fn refusal(&self, action: Action, response: &Response, code: &str, message: &str) -> Error {
        // Behind this stands the request as it should have been signed.
        let message = message.split("The Canonical String").next().unwrap_or_default().trim();
        let advice = match code {
            "UnrecognizedClientException" | "InvalidClientTokenId" => Some(format!(
                "check `access-key-id`: the key does not exist or is disabled, it is a temporary one and `session-token` is missing \
                 or wrong, or the region `{}` is not opted in",
                self.region
            )),
            "InvalidSignatureException" | "SignatureDoesNotMatch" if is_late(message) => {
                Some("check the clock of this machine: it is more than five minutes off".to_owned())
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" if message.contains("scoped to") => {
                Some(format!("check `region`: the API at {} is not that of `{}`", self.endpoint, self.region))
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" => {
                Some("check `secret-access-key`: it does not belong to `access-key-id`".to_owned())
            }
            "ExpiredTokenException" | "ExpiredToken" => {
                Some("the temporary key has expired: make a new one".to_owned())
            }
            "LimitExceededException" => {
                Some("the registry has as many repositories as its quota allows: raise it in Service Quotas".to_owned())
            }
            _ => None,
        };
        let kind = kind(code, response);
        Refusal { provider: self.provider(), action: action.name, code, message, kind, advice }.into()
    }
}

fn is_late(message: &str) -> bool {
    message.contains("Signature expired") || message.contains("not yet current")
}

fn kind(code: &str, response: &Response) -> Kind {
    match code {
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken" => Kind::Credentials,
        "AccessDeniedException" | "AccessDenied" | "OptInRequired" => Kind::Rights,
        "RepositoryNotFoundException" | "RegistryNotFoundException" => Kind::Missing,
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => Kind::TooOften(api::retry_after(response)),
        "ServerException" | "InternalFailure" | "InternalServerError" | "ServiceUnavailable" => Kind::AtTheMoment,
        _ => api::kind_of(response),
    }
}

/// What is between `<name>` and `</name>`; empty where there is no such thing.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let rest = xml.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    rest.split_once(&format!("</{name}>")).map_or("", |(text, _)| text)
}

/// The text of a field; empty where it has none.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A time, which comes as seconds since 1970 with a fraction.
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    let seconds = value.as_f64().filter(|seconds| (0.0..253_402_300_800.0).contains(seconds))?;
    Some(Duration::from_secs_f64(seconds).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Action = Action::new("DescribeRepositories", 20);

    fn api(edition: Edition, token: Option<&str>) -> Api {
        let key = Key { id: "AKIDEXAMPLE".to_owned(), secret: "SKEXAMPLE".to_owned(), token: token.map(str::to_owned) };
        Api::new(edition, key, "eu-west-1", "https://api.example:8443", Some("123456789012".to_owned()))
            .with_clock(|| Duration::from_secs(1_700_000_000))
    }

    fn error(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
        let response = Response::new(status, headers, body);
        api(Edition::Private, None).read(LIST, &response).expect_err("an error")
    }

    #[test]
    fn a_request_signs_all_that_makes_it() {
        let api = api(Edition::Public, Some("not-a-real-token"));
        let request = api.ask(LIST, &api.parameters());
        let header = |name: &str| {
            let found = request.headers().iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(request.url(), "https://api.example:8443/");
        assert_eq!(request.payload(), br#"{"registryId":"123456789012"}"#);
        assert_eq!(header("x-amz-date"), "20231114T221320Z");
        assert_eq!(header("x-amz-target"), "SpencerFrontendService.DescribeRepositories");
        assert_eq!(header("x-amz-security-token"), "not-a-real-token");
        let begin = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/ecr-public/aws4_request, \
                     SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
        assert!(header("authorization").starts_with(begin), "{}", header("authorization"));
    }

    #[test]
    fn an_error_is_read_from_wherever_its_name_is() {
        let missing =
            "Amazon ECR refused DescribeRepositories: RepositoryNotFoundException (no.); check its name and region";
        let missing = Error::NotFound(missing.to_owned());
        assert_eq!(error(400, &[], r#"{"__type": "RepositoryNotFoundException", "message": "no."}"#), missing);
        assert_eq!(
            error(400, &[], r#"{"__type": "com.amazonaws.ecr#RepositoryNotFoundException", "Message": "no."}"#),
            missing
        );
        let header = [("x-amzn-ErrorType", "RepositoryNotFoundException:http://internal.example/")];
        assert_eq!(error(400, &header, r#"{"message": "no."}"#), missing);
        let xml =
            "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no.</Message></Error></ErrorResponse>";
        assert!(
            matches!(error(403, &[], xml), Error::Unauthorized(text) if text.contains("check `secret-access-key`"))
        );
        assert!(matches!(error(502, &[], "<html>"), Error::Unavailable(text) if text.contains("not its API")));
        assert!(matches!(error(200, &[], "[]"), Error::Fatal(text) if text.contains("not its API")));
    }

    #[test]
    fn a_code_says_what_to_do() {
        let told =
            |code: &str, message: &str| error(400, &[], &json!({"__type": code, "message": message}).to_string());
        let signature = "The request signature we calculated does not match. The Canonical String for this was 'x-amz-security-token:t'";
        let Error::Unauthorized(text) = told("InvalidSignatureException", signature) else { panic!("no kind") };
        assert!(text.contains("`secret-access-key`") && !text.contains("x-amz-security-token"), "{text}");
        for (code, message, advice) in [
            ("InvalidSignatureException", "Signature expired: …", "the clock"),
            ("InvalidSignatureException", "Credential should be scoped to a valid region.", "check `region`"),
            ("UnrecognizedClientException", "The security token is invalid.", "`access-key-id`"),
            ("ExpiredTokenException", "expired", "make a new one"),
            ("AccessDeniedException", "not authorized", "give the key the right"),
        ] {
            assert!(matches!(told(code, message), Error::Unauthorized(text) if text.contains(advice)), "{code}");
        }
        assert_eq!(told("ThrottlingException", "Rate exceeded"), Error::RateLimited(None));
        assert_eq!(error(429, &[("retry-after", "3")], "{}"), Error::RateLimited(Some(3)));
        assert!(matches!(told("ServerException", "no"), Error::Unavailable(_)));
        assert!(matches!(told("LimitExceededException", "no"), Error::Fatal(text) if text.contains("Service Quotas")));
    }

    #[test]
    fn a_list_that_is_missing_is_empty_only_if_nothing_else_is_there() {
        let response = Response::new(200, &[], "{}");
        let list =
            |body: &Value| api(Edition::Private, None).list(LIST, &response, body, "repositories").map(<[Value]>::len);
        assert_eq!(list(&json!({})), Ok(0));
        assert_eq!(list(&json!({"repositories": null})), Ok(0));
        assert_eq!(list(&json!({"repositories": [1], "nextToken": "t"})), Ok(1));
        assert!(list(&json!({"status": "ok", "detail": "another service"})).is_err());
    }

    #[test]
    fn times_have_fractions() {
        assert_eq!(seconds(&json!(1_572_839_125.25)), Some(1_572_839_125));
        assert_eq!(seconds(&json!(1_572_839_125)), Some(1_572_839_125));
        assert_eq!(seconds(&json!(-1)), None);
        assert_eq!(seconds(&json!("2019")), None);
    }
}
