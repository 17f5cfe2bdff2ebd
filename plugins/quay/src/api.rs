//! What Quay is asked and answers.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::Refusal;
use image_transfer_sdk::http::Client;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use serde_json::Value;

/// How people call it.
const PROVIDER: &str = "Quay";

/// Requests a second. quay.io speaks of "a few", with bursts, and gives no number.
const PER_SECOND: u32 = 10;

/// What to do about a refusal of this kind, where more is known than the kind tells.
pub(crate) type Advice<'a> = &'a dyn Fn(Kind) -> Option<String>;

/// No advice but the usual.
pub(crate) const USUAL: Advice<'static> = &|_| None;

/// A client that adds the token, where there is one.
pub struct Session<C> {
    client: C,
    token: Option<String>,
}

impl<C: Client> Session<C> {
    /// Without a token: nobody in particular, who sees what is public.
    pub fn new(client: C, token: Option<String>) -> Self {
        Self { client, token }
    }

    fn with(&self, request: Request) -> Request {
        let request = request.rate("api", PER_SECOND);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }
}

impl<C: Client> Client for Session<C> {
    fn send(&self, request: Request) -> Result<Response> {
        self.client.send(self.with(request))
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response>> {
        self.client.send_all(requests.into_iter().map(|request| self.with(request)).collect())
    }
}

/// The body of a good answer, or the error that it is. `action` is what was asked for, as in "refused the list of tags".
pub(crate) fn read(action: &str, response: &Response, advice: Advice<'_>) -> Result<Value> {
    let status = response.status();
    if status == 429 {
        return Err(Error::RateLimited(api::retry_after(response)));
    }
    let body = api::json(PROVIDER, action, response)?;
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let words = ["error_message", "message", "detail"].into_iter().find_map(|name| body[name].as_str());
    let kind = api::kind_of(response);
    let usual = match kind {
        Kind::Credentials => Some(
            "check `token`: it must be an OAuth access token of an application (not a robot's), not expired and not revoked".to_owned(),
        ),
        Kind::Rights => Some(
            "make a token with the right scopes (`repo:read` to list, `repo:create` to make repositories, `org:admin` and `super:user` \
             to make organizations), by a user who may do it"
                .to_owned(),
        ),
        _ => None,
    };
    let (code, message, advice) = (status.to_string(), words.unwrap_or_default(), advice(kind).or(usual));
    Err(Refusal { provider: PROVIDER, action, code: &code, message, kind, advice }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_quays_words_in_each_of_its_shapes() {
        let text = |status: u16, body: &str| match read("it", &Response::new(status, &[], body), USUAL) {
            Err(Error::Unauthorized(text) | Error::Fatal(text)) => text,
            other => panic!("{other:?}"),
        };
        let token = r#"{"detail": "Invalid", "error_message": "Invalid bearer token", "error_type": "invalid_token"}"#;
        assert!(text(401, token).contains("Quay refused it: 401 (Invalid bearer token); check `token`"));
        assert!(text(400, r#"{"message": "Repository already exists"}"#).ends_with("400 (Repository already exists)"));
    }
}
