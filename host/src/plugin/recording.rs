//! What a plugin asked the outside and was answered, as a file: so that it can be run again where there is no outside.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::plugin::bindings::http as wit_http;

/// The file of `plugin test --http` and `--record`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Requests and their answers, in the order of the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<Exchange>,
    /// Registries that were listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listed>,
}

/// One request and what came of it: a status with a body in one of three forms, or an error.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method, in capitals.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The body that was sent. Where the file has none, any body is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// Status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers, each a name and a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body, where it is JSON that somebody wrote by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The body, where it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// In place of a status: `timeout`, `too-large`, or the words of a transport error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip)]
    used: Times,
}

/// How often an entry has answered.
#[derive(Debug, Default)]
struct Times(AtomicUsize);

impl Clone for Times {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

/// A listing of a registry.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The registry.
    pub registry: String,
    /// The repository whose tags they are; without one they are the repositories of the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The names.
    #[serde(default)]
    pub names: Vec<String>,
}

/// The part of a header list that is not kept: it would hand on a session.
const NOT_KEPT: [&str; 1] = ["set-cookie"];

impl Recording {
    /// The answer to a request: of those that fit, the first that has not answered yet, else the last. So a page that is asked for twice
    /// may change in between, and may be asked for more often than it was.
    pub(super) fn answer(&self, method: &str, url: &str, body: &str) -> Option<&Exchange> {
        let fits =
            |it: &&Exchange| it.method == method && it.url == url && it.sent.as_deref().is_none_or(|sent| sent == body);
        let mut last = None;
        for exchange in self.http.iter().filter(fits) {
            if exchange.used.0.load(Ordering::Relaxed) == 0 {
                last = Some(exchange);
                break;
            }
            last = Some(exchange);
        }
        last.inspect(|exchange| {
            exchange.used.0.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// The names of a listing.
    pub(super) fn listing(&self, registry: &str, repository: Option<&str>) -> Option<&[String]> {
        let listed = self.listings.iter().find(|it| it.registry == registry && it.repository.as_deref() == repository);
        listed.map(|it| it.names.as_slice())
    }

    /// What makes no sense in it, by the entry's number.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let wrong = |exchange: &Exchange| {
            let bodies = [exchange.text.is_some(), exchange.json.is_some(), exchange.base64.is_some()];
            let bodies = bodies.into_iter().filter(|it| *it).count();
            match (exchange.status, &exchange.error) {
                (None, None) => Some("has neither `status` nor `error`"),
                (Some(_), Some(_)) => Some("has `status` and `error`"),
                _ if bodies > 1 => Some("has more than one of `text`, `json` and `base64`"),
                _ if exchange.base64.as_ref().is_some_and(|it| STANDARD.decode(it).is_err()) => {
                    Some("has a `base64` that is none")
                }
                _ => None,
            }
        };
        let mut all = self.http.iter().enumerate();
        all.find_map(|(number, exchange)| Some(format!("entry {} of `http` {}", number + 1, wrong(exchange)?)))
    }
}

impl Exchange {
    /// A request that has no answer yet.
    pub(super) fn asked(method: String, url: String, sent: Option<String>) -> Self {
        Self { method, url, sent, ..Self::default() }
    }

    /// An answer as it is kept. `strike` takes secrets out of a text.
    pub(super) fn keep(
        &mut self,
        answer: &Result<wit_http::Response, wit_http::SendError>,
        strike: impl Fn(&str) -> String,
    ) {
        match answer {
            Ok(response) => {
                self.status = Some(response.status);
                let kept = response.headers.iter().filter(|(name, _)| !NOT_KEPT.contains(&name.as_str()));
                self.headers = kept.map(|(name, value)| (name.clone(), strike(value))).collect();
                match std::str::from_utf8(&response.body) {
                    Ok("") => {}
                    Ok(text) => self.text = Some(strike(text)),
                    Err(_) => self.base64 = Some(STANDARD.encode(&response.body)),
                }
            }
            Err(wit_http::SendError::Timeout) => self.error = Some("timeout".to_owned()),
            Err(wit_http::SendError::TooLarge(_)) => self.error = Some("too-large".to_owned()),
            Err(wit_http::SendError::Denied(text) | wit_http::SendError::Transport(text)) => {
                self.error = Some(strike(text));
            }
        }
    }

    /// The answer that was kept; what has more than `cap` bytes is too large again.
    pub(super) fn tell(&self, cap: usize) -> Result<wit_http::Response, wit_http::SendError> {
        let Some(status) = self.status else {
            return Err(match self.error.as_deref() {
                Some("timeout") => wit_http::SendError::Timeout,
                Some("too-large") => wit_http::SendError::TooLarge(cap as u64),
                other => wit_http::SendError::Transport(other.unwrap_or_default().to_owned()),
            });
        };
        let body = match (&self.text, &self.json, &self.base64) {
            (Some(text), _, _) => text.clone().into_bytes(),
            (_, Some(json), _) => json.to_string().into_bytes(),
            (_, _, Some(base64)) => STANDARD.decode(base64).unwrap_or_default(),
            (None, None, None) => Vec::new(),
        };
        if body.len() > cap {
            return Err(wit_http::SendError::TooLarge(cap as u64));
        }
        let headers = self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        Ok(wit_http::Response { status, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recording(value: Value) -> Recording {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_page_that_is_asked_for_again_answers_in_its_order_and_then_with_the_last() {
        let recording = recording(json!({"http": [
            {"method": "GET", "url": "https://a.example/", "status": 429},
            {"method": "POST", "url": "https://a.example/", "sent": "x", "status": 201},
            {"method": "GET", "url": "https://a.example/", "status": 200, "json": {"a": 1}},
        ]}));
        let get = || recording.answer("GET", "https://a.example/", "").unwrap().tell(100).unwrap();
        assert_eq!(get().status, 429);
        assert_eq!(String::from_utf8(get().body).unwrap(), r#"{"a":1}"#);
        assert_eq!(get().status, 200);
        assert!(recording.answer("POST", "https://a.example/", "y").is_none());
        assert_eq!(recording.answer("POST", "https://a.example/", "x").unwrap().status, Some(201));
    }

    #[test]
    fn what_is_kept_holds_no_session_and_no_secret_and_tells_the_same() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let answer = Ok(wit_http::Response {
            status: 200,
            headers: vec![header("set-cookie", "s=1"), header("x", "y")],
            body: b"token hush".to_vec(),
        });
        let mut exchange = Exchange::default();
        exchange.keep(&answer, |text| text.replace("hush", "***"));
        let text = serde_json::to_string(&exchange).unwrap();
        assert_eq!(text, r#"{"method":"","url":"","status":200,"headers":[["x","y"]],"text":"token ***"}"#);
        let mut binary = Exchange::default();
        binary.keep(&Ok(wit_http::Response { status: 200, headers: vec![], body: vec![0, 255] }), str::to_owned);
        assert_eq!(binary.tell(2).unwrap().body, [0, 255]);
        assert!(matches!(binary.tell(1), Err(wit_http::SendError::TooLarge(1))));
    }

    #[test]
    fn an_entry_that_makes_no_sense_is_told_by_its_number() {
        let wrong = |entry: Value| recording(json!({"http": [entry]})).problem();
        let neither = wrong(json!({"method": "GET", "url": "u"}));
        assert_eq!(neither.unwrap(), "entry 1 of `http` has neither `status` nor `error`");
        assert!(wrong(json!({"method": "GET", "url": "u", "status": 200, "error": "timeout"})).is_some());
        assert!(wrong(json!({"method": "GET", "url": "u", "status": 200, "text": "", "json": 1})).is_some());
        assert!(wrong(json!({"method": "GET", "url": "u", "status": 200, "base64": "!"})).is_some());
        assert_eq!(wrong(json!({"method": "GET", "url": "u", "error": "timeout"})), None);
    }
}
