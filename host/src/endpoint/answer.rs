//! A registry's answer that is no success: its words, its class, and what to do about it.

use std::time::Duration;

use http::Method;
use http::StatusCode;

use crate::http::Class;
use crate::http::Response;
use crate::http::retry_after;
use crate::secret::Redactor;

/// A registry's answer that is no success.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{registry}: {asked}: {status}{}", self.said())]
pub struct Answer {
    /// As the user names it.
    pub registry: String,
    /// Method and path.
    pub asked: String,
    /// Its status.
    pub status: StatusCode,
    /// Its OCI error codes with their messages (distribution specification, "Error Codes").
    pub errors: Vec<(String, String)>,
    /// The class that follows from code, status and headers.
    pub class: Class,
    /// Who was logged in; none: nobody.
    pub user: Option<String>,
}

impl Answer {
    /// The most that is read of an error's body.
    const CAP: usize = 64 << 10;

    /// Reads the answer to `asked`, which `user` asked. `sent` are the secrets that went along: an answer may repeat them.
    pub(crate) async fn read(
        registry: &str,
        asked: &str,
        user: Option<String>,
        sent: &Redactor,
        response: Response,
    ) -> Self {
        let (status, pause) = (response.status(), retry_after(response.headers()));
        let down = response.from_a_host_that_is_down();
        let body = response.bytes(Self::CAP).await.unwrap_or_default();
        let errors = errors(&body, sent);
        let class = match classify(asked, status, &errors, pause) {
            Class::Retry if down => Class::Wait(None),
            class => class,
        };
        Self { registry: registry.to_owned(), asked: asked.to_owned(), status, errors, class, user }
    }

    pub(super) fn has_code(&self, code: &str) -> bool {
        self.errors.iter().any(|(it, _)| it == code)
    }

    pub(super) fn said(&self) -> String {
        let said = self.errors.iter().map(|(code, message)| match (code.as_str(), message.as_str()) {
            ("", text) | (text, "") => format!(": {text}"),
            (code, message) => format!(": {code}: {message}"),
        });
        said.take(3).collect()
    }

    /// What the user can do about it, where something is known.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = self.hint_of_any();
        if self.asked != CATALOG {
            return hint;
        }
        match (self.status, hint) {
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => {
                Some(format!("{} does not list its repositories: {BY_NAME}", self.registry))
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(hint)) => {
                Some(format!("{hint}. Many registries list their repositories to nobody: {BY_NAME}"))
            }
            (_, hint) => hint,
        }
    }

    fn hint_of_any(&self) -> Option<String> {
        let Self { registry, status, user, .. } = self;
        let refused = matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            || self.has_code("DENIED")
            || self.has_code("UNAUTHORIZED");
        let writes = !self.asked.starts_with("GET ") && !self.asked.starts_with("HEAD ");
        match user {
            _ if *status == StatusCode::TOO_MANY_REQUESTS => {
                Some(format!("{registry} limits requests: lower `limits.qps`, or `qps` of {registry} in `registries:`"))
            }
            None if refused => {
                Some(format!("no credentials for {registry}: add it to `registries:` or run `docker login {registry}`"))
            }
            Some(user) if *status == StatusCode::UNAUTHORIZED => Some(format!(
                "check the user name and password of {registry} in `registries:` (logged in as {user}), and what {user} may do"
            )),
            Some(user) if refused => Some(format!("{user} may not do this at {registry}: ask for the right to")),
            _ if *status == StatusCode::PAYLOAD_TOO_LARGE => {
                Some(format!("{registry}, or a proxy before it, limits the size of uploads: raise that limit"))
            }
            _ if self.class == Class::NotFound && writes => {
                Some(format!("create the project or repository at {registry} first, or name a `prepare` plugin"))
            }
            _ => None,
        }
    }
}

/// The list of all repositories (distribution's own; the specification has none), as [`asked`] gives it.
const CATALOG: &str = "GET /v2/_catalog";

/// What to do without that list.
const BY_NAME: &str = "name them (`repositories` of `catalog`), or list them with the provider's plugin";

/// Method and path, without the query: that of a signed URL is a secret.
pub(crate) fn asked(method: &Method, url: &url::Url) -> String {
    format!("{method} {}", clean(url.path(), 300))
}

/// Text from outside, fit for a terminal and a log: no control, escape or direction characters, one line, at most `cap`
/// characters.
pub(crate) fn clean(text: &str, cap: usize) -> String {
    let unwanted = |c: &char| !matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}');
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(unwanted).collect::<String>();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(cap) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The codes and messages of an error's body, without what was `sent`; what is no JSON but short text is a message without code.
fn errors(body: &[u8], sent: &Redactor) -> Vec<(String, String)> {
    // In this order: what was cut or cleaned is no longer the secret that is looked for.
    let clean = |text: &str, cap| clean(&sent.strike(text), cap);
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) else {
        let text = clean(&String::from_utf8_lossy(body), 200);
        let shown = !text.is_empty() && !text.starts_with('<');
        return if shown { vec![(String::new(), text)] } else { Vec::new() };
    };
    let text = |value: &serde_json::Value, cap| clean(value.as_str().unwrap_or_default(), cap);
    let listed = json["errors"].as_array().map(Vec::as_slice).unwrap_or_default().iter().take(10).map(|error| {
        let code = text(&error["code"], 64).to_ascii_uppercase();
        let message = text(&error["message"], 300);
        let detail = text(&error["detail"], 200);
        (code, if message.is_empty() { detail } else { message })
    });
    let found: Vec<_> = listed.filter(|(code, message)| !(code.is_empty() && message.is_empty())).collect();
    if !found.is_empty() {
        return found;
    }
    // Token servers and gateways: {"details": …}, {"message": …}, {"error": …, "error_description": …}.
    ["details", "message", "error_description", "error"]
        .into_iter()
        .map(|name| text(&json[name], 300))
        .find(|message| !message.is_empty())
        .map(|message| vec![(String::new(), message)])
        .unwrap_or_default()
}

/// The class of an answer. A code says more than a status: a 500 with `MANIFEST_BLOB_UNKNOWN` is a missing blob.
fn classify(asked: &str, status: StatusCode, errors: &[(String, String)], pause: Option<Duration>) -> Class {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Class::Wait(pause);
    }
    for (code, _) in errors {
        match code.as_str() {
            "TOOMANYREQUESTS" => return Class::Wait(pause),
            "UNAVAILABLE" => return pause.map_or(Class::Retry, |pause| Class::Wait(Some(pause))),
            "BLOB_UPLOAD_UNKNOWN" | "BLOB_UPLOAD_INVALID" | "DIGEST_INVALID" => return Class::RestartBlob,
            "MANIFEST_BLOB_UNKNOWN" => return Class::Repair,
            "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN" | "NAME_UNKNOWN" | "NOT_FOUND" => return Class::NotFound,
            "DENIED"
            | "NAME_INVALID"
            | "MANIFEST_INVALID"
            | "MANIFEST_UNVERIFIED"
            | "UNSUPPORTED"
            | "TAG_INVALID"
            | "SIZE_INVALID" => return Class::Permanent,
            _ => {}
        }
    }
    match status.as_u16() {
        408 | 425 | 499 | 500 | 502..=504 | 520..=524 => pause.map_or(Class::Retry, |pause| Class::Wait(Some(pause))),
        416 => Class::RestartBlob,
        404 if asked.contains("/blobs/uploads/") && !asked.starts_with("POST ") => Class::RestartBlob,
        404 => Class::NotFound,
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::EndpointError;
    use crate::secret::Secret;

    fn class(asked: &str, status: u16, code: &str) -> Class {
        let errors = [(code.to_owned(), String::new())];
        classify(asked, StatusCode::from_u16(status).expect("status"), &errors, None)
    }

    #[test]
    fn a_code_outranks_the_status() {
        for (status, code, expected) in [
            (500, "MANIFEST_BLOB_UNKNOWN", Class::Repair),
            (404, "BLOB_UPLOAD_UNKNOWN", Class::RestartBlob),
            (400, "BLOB_UPLOAD_INVALID", Class::RestartBlob),
            (400, "DIGEST_INVALID", Class::RestartBlob),
            (503, "TOOMANYREQUESTS", Class::Wait(None)),
            (429, "DENIED", Class::Wait(None)),
            (404, "MANIFEST_UNKNOWN", Class::NotFound),
            (500, "DENIED", Class::Permanent),
            (400, "TAG_INVALID", Class::Permanent),
        ] {
            assert_eq!(class("PUT /v2/a/manifests/x", status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn a_status_has_its_class() {
        for status in [408, 499, 500, 502, 503, 504, 522] {
            assert_eq!(class("GET /", status, ""), Class::Retry, "{status}");
        }
        assert_eq!(class("GET /v2/a/manifests/x", 404, ""), Class::NotFound);
        assert_eq!(class("PUT /v2/a/blobs/uploads/1", 404, ""), Class::RestartBlob);
        assert_eq!(class("POST /v2/a/blobs/uploads/", 404, ""), Class::NotFound);
        for status in [400, 401, 403, 405, 413, 501] {
            assert_eq!(class("GET /", status, ""), Class::Permanent, "{status}");
        }
        let pause = Some(Duration::from_secs(3));
        assert_eq!(classify("GET /", StatusCode::SERVICE_UNAVAILABLE, &[], pause), Class::Wait(pause));
    }

    #[test]
    fn what_a_registry_says_cannot_steer_the_terminal() {
        let body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\\u001b[31m\\r\\nway \\u202e\"}]}".as_bytes();
        let errors = |body: &[u8]| errors(body, &Redactor::default());
        assert_eq!(errors(body), [("DENIED".to_owned(), "no [31m way".to_owned())]);
        assert_eq!(errors(b"<html>no</html>"), []);
        assert_eq!(errors(b"upstream\nfailed"), [(String::new(), "upstream failed".to_owned())]);
        assert_eq!(errors(br#"{"details":"wrong password"}"#), [(String::new(), "wrong password".to_owned())]);
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("a\u{061c}b\u{200e}c\u{2066}d\u{9b}e\u{85}f", 80), "abcd e f");
    }

    #[test]
    fn an_answer_that_repeats_what_was_sent_is_shown_without_it() {
        let sent = Redactor::new(["not-a-real-password", "dGVzdDpub3QtYS1yZWFsLXBhc3N3b3Jk"].map(Secret::new));
        let body = br#"{"errors":[{"code":"DENIED","message":"not-a-real-password, Basic dGVzdDpub3QtYS1yZWFsLXBhc3N3b3Jk"}]}"#;
        assert_eq!(errors(body, &sent), [("DENIED".to_owned(), "***, Basic ***".to_owned())]);
        assert_eq!(errors(b"you sent not-a-real-password", &sent), [(String::new(), "you sent ***".to_owned())]);
        let long = format!("{}not-a-real-password", "x".repeat(190));
        assert!(!errors(long.as_bytes(), &sent)[0].1.contains("not-a-re"), "cut in the middle of it");
    }

    #[test]
    fn an_answer_reads_as_a_sentence_with_a_hint() {
        let answer = Answer {
            registry: "registry.example".into(),
            asked: "GET /v2/a/manifests/1".into(),
            status: StatusCode::UNAUTHORIZED,
            errors: vec![("UNAUTHORIZED".into(), "authentication required".into())],
            class: Class::Permanent,
            user: None,
        };
        let error = EndpointError::Answered(Box::new(answer));
        assert_eq!(
            error.to_string(),
            "registry.example: GET /v2/a/manifests/1: 401 Unauthorized: UNAUTHORIZED: authentication required"
        );
        assert_eq!(
            error.hint().as_deref(),
            Some("no credentials for registry.example: add it to `registries:` or run `docker login registry.example`")
        );
        assert!(error.has_code("UNAUTHORIZED"));
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    }

    #[test]
    fn a_registry_without_a_list_of_all_is_listed_by_name() {
        let hint = |status, class, user: Option<&str>| {
            let answer = Answer {
                registry: "a.io".into(),
                asked: CATALOG.into(),
                status,
                errors: vec![],
                class,
                user: user.map(str::to_owned),
            };
            answer.hint().unwrap_or_default()
        };
        let by_name = "name them (`repositories` of `catalog`), or list them with the provider's plugin";
        for (status, class) in
            [(StatusCode::NOT_FOUND, Class::NotFound), (StatusCode::METHOD_NOT_ALLOWED, Class::Permanent)]
        {
            assert_eq!(hint(status, class, None), format!("a.io does not list its repositories: {by_name}"));
        }
        assert_eq!(
            hint(StatusCode::FORBIDDEN, Class::Permanent, Some("bot")),
            format!(
                "bot may not do this at a.io: ask for the right to. Many registries list their repositories to nobody: {by_name}"
            )
        );
        assert_eq!(hint(StatusCode::INTERNAL_SERVER_ERROR, Class::Retry, None), "");
    }
}
