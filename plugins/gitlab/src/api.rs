//! What GitLab is asked and answers.

use image_transfer_sdk::Error;
use image_transfer_sdk::Result;
use image_transfer_sdk::api;
use image_transfer_sdk::api::Kind;
use image_transfer_sdk::api::Refusal;
use image_transfer_sdk::http::Request;
use image_transfer_sdk::http::Response;
use image_transfer_sdk::pager::Next;
use image_transfer_sdk::pager::Page;
use image_transfer_sdk::pager::Place;
use serde_json::Value;

/// How people call it.
const PROVIDER: &str = "GitLab";

/// What is counted together, and how many of it GitLab allows in a second: 2000 lists of projects in ten minutes, 400 single projects
/// in one, and 2000 requests of all kinds on gitlab.com.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rate {
    Projects,
    Project,
    Other,
}

impl Rate {
    pub(crate) fn of(self, request: Request) -> Request {
        match self {
            Self::Projects => request.rate("projects", 3),
            Self::Project => request.rate("project", 6),
            Self::Other => request.rate("api", 30),
        }
    }
}

/// What to do about a refusal of this kind, where more is known than the kind tells.
pub(crate) type Advice<'a> = &'a dyn Fn(Kind) -> Option<String>;

/// A page of a list; `list` is its URL, which may have a query already.
pub(crate) fn ask(list: &str, place: &Place, rate: Rate) -> Request {
    let mark = if list.contains('?') { '&' } else { '?' };
    let page = place.token.as_deref().unwrap_or("1");
    rate.of(Request::get(format!("{list}{mark}per_page=100&page={page}")))
}

/// The entries of a page, and the rest of it.
pub(crate) fn read_page(action: &str, response: &Response, advice: Advice<'_>) -> Result<(Vec<Value>, Page<()>)> {
    let Value::Array(entries) = read(action, response, advice)? else {
        return Err(Error::Fatal(format!("{PROVIDER} answered {action} with something that is not a list")));
    };
    let header = |name: &str| response.header(name).map(str::trim).filter(|value| !value.is_empty());
    let next = match header("x-next-page") {
        // Some versions have a next page behind the last one, and it is empty.
        Some(next) if !entries.is_empty() && next.bytes().all(|byte| byte.is_ascii_digit()) => {
            Next::Token(next.to_owned())
        }
        _ => Next::Last,
    };
    // There is none from 10,000 entries on.
    let total = header("x-total").and_then(|total| total.parse().ok());
    Ok((entries, Page { items: Vec::new(), total, next }))
}

/// The body of a good answer, or the error that it is. `action` is what was asked for, as in "refused the list of projects".
pub(crate) fn read(action: &str, response: &Response, advice: Advice<'_>) -> Result<Value> {
    let status = response.status();
    if status == 429 {
        return Err(Error::RateLimited(api::retry_after(response)));
    }
    let body = api::json(PROVIDER, action, response)?;
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let message = match (&body["message"], &body["error_description"], &body["error"]) {
        (Value::String(message), ..) | (_, Value::String(message), _) | (_, _, Value::String(message)) => {
            message.clone()
        }
        (Value::Null, ..) => String::new(),
        (message, ..) => message.to_string(),
    };
    let kind = api::kind_of(response);
    let usual = match kind {
        Kind::Credentials => {
            Some("check `token`: it may be mistyped, expired or revoked, or of another GitLab than `url`".to_owned())
        }
        Kind::Rights => Some(
            "give the token the scope `read_api` to list and `api` to make projects, and its user the role that this needs; if many \
             logins failed, this address may be banned for a while"
                .to_owned(),
        ),
        _ => None,
    };
    let code = status.to_string();
    let advice = advice(kind).or(usual);
    Err(Refusal { provider: PROVIDER, action, code: &code, message: &message, kind, advice }.into())
}

/// A path as one segment of a URL.
pub(crate) fn segment(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let encoded =
        path.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_on_by_its_header_unless_it_is_empty() {
        let page = |headers: &[(&str, &str)], body: &str| {
            let page = read_page("it", &Response::new(200, headers, body), &|_| None).expect("a page").1;
            (page.next, page.total)
        };
        assert_eq!(page(&[("X-Next-Page", "3"), ("X-Total", "201")], "[1]"), (Next::Token("3".to_owned()), Some(201)));
        assert_eq!(page(&[("X-Next-Page", ""), ("X-Total", "1")], "[1]"), (Next::Last, Some(1)));
        assert_eq!(page(&[("X-Next-Page", "3")], "[]"), (Next::Last, None));
    }

    #[test]
    fn a_refusal_has_gitlabs_words_in_each_of_its_shapes() {
        let text = |status: u16, body: &str| match read("it", &Response::new(status, &[], body), &|_| None) {
            Err(Error::Unauthorized(text) | Error::Fatal(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(text(401, r#"{"message": "401 Unauthorized"}"#).contains("401 (401 Unauthorized); check `token`"));
        let scope = r#"{"error": "insufficient_scope", "error_description": "Needs higher privileges."}"#;
        assert!(text(403, scope).contains("403 (Needs higher privileges.); give the token the scope"));
        assert!(text(400, r#"{"message": {"path": ["is bad"]}}"#).contains(r#"400 ({"path":["is bad"]})"#));
    }

    #[test]
    fn a_path_is_one_segment() {
        assert_eq!(segment("a/b.c-d_e"), "a%2Fb.c-d_e");
    }
}
