//! Aliyun's API `cr`: signed requests to both editions, answers and errors.

use std::time::Duration;

use image_transfer_sdk::Result;
use image_transfer_sdk::api;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::Refusal;
use image_transfer_sdk::api::number;
use image_transfer_sdk::api::retry_after;
use image_transfer_sdk::clock;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::date;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::sign;
use image_transfer_sdk::sign::Key;
use image_transfer_sdk::sign::Parts;
use image_transfer_sdk::sign::acs3;
use serde_json::Value;

/// How people call it.
pub(crate) const PROVIDER: &str = "Aliyun";

/// Requests a second of each action. None are documented; this is what Harbor keeps to.
const PER_SECOND: u32 = 15;

/// The API as one user sees it, in one region.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    key: Key,
    endpoint: String,
    pub(crate) region: String,
    clock: fn() -> Duration,
    nonce: fn() -> String,
}

/// Something to ask of the personal edition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) action: &'static str,
    pub(crate) method: &'static str,
    /// Escaped.
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, String)],
    pub(crate) body: Option<&'a Value>,
}

impl Api {
    /// From a plugin's options.
    pub(crate) fn read(problems: &mut Problems, key: Key, endpoint: Option<&str>, region: &str) -> Self {
        for (name, value) in [("access-key-id", &key.id), ("access-key-secret", &key.secret)] {
            if value.trim().is_empty() {
                problems.push(format!("/{name}: is empty"));
            }
        }
        let is_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(is_region) {
            problems.push(format!("/region: `{region}` is not a region: expected one such as cn-hangzhou"));
        }
        let usual = format!("https://cr.{region}.aliyuncs.com");
        let endpoint = endpoint.map_or(usual, |endpoint| endpoint.trim_end_matches('/').to_owned());
        if host(&endpoint).is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@'])) {
            problems.push("/endpoint: must be a URL without a path, such as https://cr.cn-hangzhou.aliyuncs.com");
        }
        Self { key, endpoint, region: region.to_owned(), clock: clock::now, nonce }
    }

    /// The same with a clock and a nonce of its own, for native tests.
    #[cfg(test)]
    pub(crate) fn with(self, clock: fn() -> Duration, nonce: fn() -> String) -> Self {
        Self { clock, nonce, ..self }
    }

    /// A request to the enterprise edition, which takes an action and its parameters.
    pub(crate) fn enterprise(&self, action: &'static str, parameters: &[(&str, String)]) -> Request {
        let ask = Ask { action, method: "POST", path: "/", query: parameters, body: None };
        self.signed("2018-12-01", &ask)
    }

    /// A request to the personal edition, which takes methods and paths.
    pub(crate) fn personal(&self, ask: &Ask<'_>) -> Request {
        self.signed("2016-06-07", ask)
    }

    /// Signed with a nonce of its own, so good for one try and a quarter of an hour.
    fn signed(&self, version: &str, ask: &Ask<'_>) -> Request {
        let body = ask.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let query: Vec<(String, String)> =
            ask.query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("host", host(&self.endpoint).unwrap_or_default()),
            header("x-acs-action", ask.action),
            header("x-acs-content-sha256", &sign::sha256(&body)),
            header("x-acs-date", &date::iso((self.clock)())),
            header("x-acs-signature-nonce", &(self.nonce)()),
            header("x-acs-version", version),
        ];
        if ask.body.is_some() {
            headers.push(header("content-type", "application/json"));
        }
        if let Some(token) = &self.key.token {
            headers.push(header("x-acs-security-token", token));
        }
        let parts = Parts { method: ask.method, path: ask.path, query: &query, headers: &headers, body: &body };
        let authorization = acs3::authorization(&self.key, &parts);
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{mark}{}", self.endpoint, ask.path, sign::query(&query));
        let mut request = Request::new(ask.method, url)
            .rate(ask.action, PER_SECOND)
            .header("accept", "application/json")
            .header("authorization", authorization);
        for (name, value) in headers.into_iter().filter(|(name, _)| name != "host") {
            request = request.header(&name, value);
        }
        if ask.method == "GET" { request } else { request.body(body) }
    }

    /// Sends and reads.
    pub(crate) fn call(&self, client: &dyn Client, action: &str, request: Request) -> Result<Value> {
        self.answer(action, &client.send(request)?)
    }

    /// An answer, or the error that it is. The service's own may come with status 200.
    pub(crate) fn answer(&self, action: &str, response: &Response) -> Result<Value> {
        let body = api::json(PROVIDER, action, response)?;
        let told = |name: &str, other: &str| body.get(name).or_else(|| body.get(other)).and_then(Value::as_str);
        let code = told("Code", "code").unwrap_or_default();
        let success = body.get("IsSuccess").and_then(Value::as_bool);
        let is_error = !code.is_empty() && !code.eq_ignore_ascii_case("success") && body.get("data").is_none();
        if response.status() < 400 && success != Some(false) && (success == Some(true) || !is_error) {
            return Ok(body);
        }
        if code.is_empty() {
            return Err(api::unreadable(PROVIDER, action, response));
        }
        let message = told("Message", "message").unwrap_or_default();
        // What is behind it repeats the whole request, the token of a temporary key too.
        let message = message.split(" server string to sign").next().unwrap_or_default();
        let (kind, advice) = (kind(code, response), self.advice(code));
        Err(Refusal { provider: PROVIDER, action, code, message, kind, advice }.into())
    }

    /// The entries of a list and its total. An answer without the list is not the API's, unless it says that there are none.
    pub(crate) fn list(&self, action: &str, response: &Response, field: &str) -> Result<(Vec<Value>, Option<u64>)> {
        let mut body = self.answer(action, response)?;
        let mut body = body.get_mut("data").map(Value::take).unwrap_or(body);
        let total = number(&body["TotalCount"]).or_else(|| number(&body["total"]));
        match body.get_mut(field).map(Value::take) {
            Some(Value::Array(items)) => Ok((items, total)),
            None | Some(Value::Null) if total == Some(0) => Ok((Vec::new(), total)),
            _ => Err(api::unreadable(PROVIDER, action, response)),
        }
    }

    fn advice(&self, code: &str) -> Option<String> {
        let begins = |prefix: &str| code.starts_with(prefix);
        let text = if begins("InvalidAccessKeyId") {
            "check `access-key-id`: the key does not exist, was deleted or is disabled, or it is a temporary one without `security-token`"
        } else if matches!(code, "SignatureDoesNotMatch" | "IncompleteSignature") {
            "check `access-key-secret`: it does not belong to `access-key-id`"
        } else if code == "InvalidSecurityToken.Expired" {
            "the temporary key has expired: make a new one"
        } else if begins("InvalidSecurityToken") || begins("MissingSecurityToken") {
            "check `security-token`: it does not belong to this key"
        } else if begins("InvalidTimeStamp") {
            "check the clock of this machine: it is more than a quarter of an hour off"
        } else if code == "USER_NOT_EXIST" {
            "the user of this key never opened the personal edition: open the console of Container Registry once as this user, and \
             set a password there"
        } else if code == "INSTANCE_NOT_EXIST" {
            return Some(format!("check `instance`, and that it is in `{}`", self.region));
        } else if begins("InvalidAction") || begins("InvalidVersion") {
            "check that `endpoint` is the API of Container Registry"
        } else {
            return None;
        };
        Some(text.to_owned())
    }
}

fn kind(code: &str, response: &Response) -> Kind {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    let ends = |endings: &[&str]| endings.iter().any(|ending| code.ends_with(ending));
    let status = response.status();
    if status == 429 || begins(&["Throttling"]) {
        Kind::TooOften(retry_after(response))
    } else if begins(&["InvalidAccessKeyId", "InvalidSecurityToken", "MissingSecurityToken", "InvalidTimeStamp"])
        || matches!(code, "SignatureDoesNotMatch" | "IncompleteSignature")
    {
        Kind::Credentials
    } else if begins(&["NoPermission", "Forbidden", "NotAuthorized", "Unauthorized"]) {
        Kind::Rights
    } else if status >= 500 || begins(&["InternalError", "ServiceUnavailable"]) || code == "SignatureNonceUsed" {
        Kind::AtTheMoment
    } else if ends(&["NOT_EXIST", "NotExist", "NOT_FOUND"]) {
        Kind::Missing
    } else {
        Kind::Other
    }
}

/// The text of a field; empty where it has none.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a kind of repository is the public one; none where nothing is told.
pub(crate) fn public(kind: &str) -> Option<bool> {
    (!kind.is_empty()).then(|| kind.eq_ignore_ascii_case("PUBLIC"))
}

/// The other way.
pub(crate) fn kind_of(public: bool) -> &'static str {
    if public { "PUBLIC" } else { "PRIVATE" }
}

/// The authority of a URL as it is sent: without the port that the scheme has anyway.
fn host(url: &str) -> Option<&str> {
    let (scheme, host) = url.split_once("://")?;
    match scheme {
        "https" => Some(host.strip_suffix(":443").unwrap_or(host)),
        "http" => Some(host.strip_suffix(":80").unwrap_or(host)),
        _ => None,
    }
}

fn nonce() -> String {
    sign::hex(&clock::random_bytes(16))
}

#[cfg(test)]
pub(crate) mod tests {
    use image_transfer_sdk::Error;
    use serde_json::json;

    use super::*;

    /// An API with a clock that stands and a nonce that does not change.
    pub(crate) fn api(token: Option<&str>) -> Api {
        let key = Key {
            id: "YourAccessKeyId".to_owned(),
            secret: "YourAccessKeySecret".to_owned(),
            token: token.map(str::to_owned),
        };
        Api::read(&mut Problems::default(), key, None, "cn-hangzhou")
            .with(|| Duration::from_secs(1_700_000_000), || "nonce".to_owned())
    }

    fn header(request: &Request, name: &str) -> String {
        let found = request.headers().iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    #[test]
    fn a_request_of_either_edition_has_all_that_is_signed() {
        let request = api(Some("not-a-real-token")).enterprise("ListNamespace", &[("PageNo", "1".to_owned())]);
        assert_eq!(request.url(), "https://cr.cn-hangzhou.aliyuncs.com/?PageNo=1");
        assert_eq!(header(&request, "x-acs-date"), "2023-11-14T22:13:20Z");
        assert_eq!(header(&request, "x-acs-security-token"), "not-a-real-token");
        let signed = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version";
        let begin = format!("ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={signed},Signature=");
        assert!(header(&request, "authorization").starts_with(&begin), "{request:?}");
        let body = json!({"Namespace": {"Namespace": "team"}});
        let ask = Ask { action: "CreateNamespace", method: "PUT", path: "/namespace", query: &[], body: Some(&body) };
        let request = api(None).personal(&ask);
        assert_eq!(request.url(), "https://cr.cn-hangzhou.aliyuncs.com/namespace");
        assert_eq!(header(&request, "x-acs-version"), "2016-06-07");
        assert_eq!(request.payload(), body.to_string().as_bytes());
        assert!(header(&request, "authorization").contains("SignedHeaders=content-type;host;x-acs-action;"));
    }

    #[test]
    fn the_host_is_signed_as_it_is_sent() {
        for (url, expected) in [
            ("https://cr.example:443", Some("cr.example")),
            ("http://cr.example:80", Some("cr.example")),
            ("http://127.0.0.1:443", Some("127.0.0.1:443")),
            ("cr.example", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    fn error(status: u16, body: &Value) -> Error {
        api(None).answer("ListNamespace", &Response::new(status, &[], body.to_string())).expect_err("an error")
    }

    #[test]
    fn an_error_says_what_to_do_and_whether_to_try_again() {
        let gateway = |code: &str| error(400, &json!({"Code": code, "Message": "no.", "RequestId": "r"}));
        let text = "Aliyun refused ListNamespace: InvalidSecurityToken.Expired (no.); the temporary key has expired: make a new one";
        assert_eq!(gateway("InvalidSecurityToken.Expired"), Error::Unauthorized(text.to_owned()));
        assert_eq!(gateway("Throttling.User"), Error::RateLimited(None));
        assert!(matches!(gateway("SignatureNonceUsed"), Error::Unavailable(_)));
        assert!(matches!(gateway("NoPermission"), Error::Unauthorized(text) if text.contains("right to this action")));
        assert!(matches!(gateway("InvalidAccessKeyId.NotFound"), Error::Unauthorized(_)));
        assert!(matches!(gateway("InvalidAction.NotFound"), Error::Fatal(text) if text.contains("`endpoint`")));
        assert!(matches!(error(500, &json!({"Code": "X"})), Error::Unavailable(_)));
        assert!(matches!(error(404, &json!({"code": "REPO_NOT_EXIST", "message": "no"})), Error::NotFound(_)));
        let soft = error(200, &json!({"IsSuccess": false, "Code": "INSTANCE_NOT_EXIST", "RequestId": "r"}));
        assert!(
            matches!(soft, Error::NotFound(text) if text.contains("check `instance`, and that it is in `cn-hangzhou`"))
        );
        assert!(
            matches!(error(200, &json!({"code": "USER_NOT_EXIST"})), Error::NotFound(text) if text.contains("console"))
        );
        assert!(matches!(error(403, &json!({"no": "code"})), Error::Fatal(_)));
    }

    #[test]
    fn the_request_that_a_wrong_signature_is_answered_with_is_not_told() {
        let message = "Specified signature is not matched with our calculation. server string to sign is:ACS3, server \
                       canonicalRequest is:x-acs-security-token:not-a-real-token";
        let Error::Unauthorized(text) = error(400, &json!({"Code": "SignatureDoesNotMatch", "Message": message}))
        else {
            panic!("another error")
        };
        assert!(
            !text.contains("not-a-real-token") && text.contains("our calculation.); check `access-key-secret`"),
            "{text}"
        );
    }

    #[test]
    fn an_answer_without_its_list_is_no_empty_list() {
        let list =
            |body: &Value| api(None).list("ListNamespace", &Response::new(200, &[], body.to_string()), "Namespaces");
        assert_eq!(list(&json!({"IsSuccess": true, "TotalCount": "0"})), Ok((Vec::new(), Some(0))));
        assert_eq!(list(&json!({"data": {"Namespaces": [], "total": 0}})), Ok((Vec::new(), Some(0))));
        assert!(matches!(list(&json!({"IsSuccess": true})), Err(Error::Fatal(_))));
        assert!(matches!(list(&json!({"IsSuccess": true, "TotalCount": 3, "Namespaces": null})), Err(Error::Fatal(_))));
    }
}
