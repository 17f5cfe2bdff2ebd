//! What a provider's API says when it says no, brought to the errors of the contract, in sentences that name the provider, the
//! action, what was refused and what to do.

use serde_json::Value;

use crate::Error;
use crate::Result;
use crate::http::Response;
use crate::http::excerpt;
use crate::http::place;

/// What kind of no it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The key or password is wrong, expired or locked.
    Credentials,
    /// The key is right and may not do this.
    Rights,
    /// What was asked for is not there.
    Missing,
    /// Asked too often; seconds to wait, where they were told.
    TooOften(Option<u32>),
    /// It may work in a moment.
    AtTheMoment,
    /// Anything else.
    Other,
}

/// A no.
#[derive(Debug, Clone)]
pub struct Refusal<'a> {
    /// The provider, as people call it: `Tencent Cloud`.
    pub provider: &'a str,
    /// The API's action, or the method and path.
    pub action: &'a str,
    /// The provider's code, or the status.
    pub code: &'a str,
    /// The provider's words.
    pub message: &'a str,
    /// What it means.
    pub kind: Kind,
    /// What to do, where more is known than the kind tells: a fragment that fits after a semicolon.
    pub advice: Option<String>,
}

impl From<Refusal<'_>> for Error {
    fn from(refusal: Refusal<'_>) -> Self {
        let Refusal { provider, action, code, message, kind, advice } = refusal;
        let words = excerpt(message.as_bytes());
        let words = if words.is_empty() { code.to_owned() } else { format!("{code} ({})", words.trim()) };
        let usual = match kind {
            Kind::Credentials => Some("check the key or password in the options, and that it has not expired"),
            Kind::Rights => {
                Some("give the key the right to this action; docs/providers names the rights that are needed")
            }
            Kind::Missing => Some("check its name and region"),
            Kind::TooOften(_) | Kind::AtTheMoment | Kind::Other => None,
        };
        let advice = advice.as_deref().or(usual).map_or_else(String::new, |advice| format!("; {advice}"));
        let text = format!("{provider} refused {action}: {words}{advice}");
        match kind {
            Kind::Credentials | Kind::Rights => Self::Unauthorized(text),
            Kind::Missing => Self::NotFound(text),
            Kind::TooOften(seconds) => Self::RateLimited(seconds),
            Kind::AtTheMoment => Self::Unavailable(text),
            Kind::Other => Self::Fatal(text),
        }
    }
}

/// The body of a response as JSON, whatever its status. Anything else, such as the page of a proxy on the way, is an error that says
/// so: `unavailable` if the status is that of a server in trouble, else `fatal`.
pub fn json(provider: &str, action: &str, response: &Response) -> Result<Value> {
    serde_json::from_slice(response.body()).map_err(|_| unreadable(provider, action, response))
}

/// An answer that is not what the API's documentation says.
#[must_use]
pub fn unreadable(provider: &str, action: &str, response: &Response) -> Error {
    let status = response.status();
    let kind = response.header("content-type").unwrap_or("no content type");
    let text = format!(
        "{provider} answered {action} with something that is not its API: status {status}, {kind}: {}; check that the endpoint \
         {} is the API, and that no proxy or sign-in page is in between",
        excerpt(response.body()).trim(),
        place(response.url()),
    );
    match status {
        429 => Error::RateLimited(retry_after(response)),
        408 | 500..=599 => Error::Unavailable(text),
        _ => Error::Fatal(text),
    }
}

/// The usual meaning of a status, for APIs that have no better codes.
#[must_use]
pub fn kind_of(response: &Response) -> Kind {
    match response.status() {
        401 => Kind::Credentials,
        403 => Kind::Rights,
        404 => Kind::Missing,
        429 => Kind::TooOften(retry_after(response)),
        408 | 500..=599 => Kind::AtTheMoment,
        _ => Kind::Other,
    }
}

/// Seconds to wait, where the response says so.
#[must_use]
pub fn retry_after(response: &Response) -> Option<u32> {
    response.header("retry-after")?.trim().parse().ok()
}

/// A number that is written as a number or as a text, as some APIs do.
#[must_use]
pub fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_provider_the_action_and_what_to_do() {
        let refusal = Refusal {
            provider: "Some Cloud",
            action: "ListThings",
            code: "SecretIdNotFound",
            message: "The SecretId is not found.\n",
            kind: Kind::Credentials,
            advice: None,
        };
        let text = "Some Cloud refused ListThings: SecretIdNotFound (The SecretId is not found.); check the key or password in the \
                    options, and that it has not expired";
        assert_eq!(Error::from(refusal.clone()), Error::Unauthorized(text.to_owned()));
        let often = Refusal { kind: Kind::TooOften(Some(3)), ..refusal.clone() };
        assert_eq!(Error::from(often), Error::RateLimited(Some(3)));
        let advice = Some("do this".to_owned());
        let text = "Some Cloud refused ListThings: SecretIdNotFound (The SecretId is not found.); do this";
        assert_eq!(Error::from(Refusal { kind: Kind::Missing, advice, ..refusal }), Error::NotFound(text.to_owned()));
    }

    #[test]
    fn a_page_of_html_is_told_from_an_answer() {
        let html = |status| Response::new(status, &[("content-type", "text/html")], "<html>Sign in</html>");
        let error = json("Some Cloud", "ListThings", &html(200)).expect_err("no JSON");
        assert!(
            matches!(&error, Error::Fatal(text) if text.contains("Some Cloud answered ListThings") && text.contains("text/html: <html>Sign in</html>")),
            "{error:?}"
        );
        assert!(matches!(json("Some Cloud", "ListThings", &html(502)), Err(Error::Unavailable(_))));
        assert_eq!(json("Some Cloud", "ListThings", &Response::new(200, &[], "[1]")), Ok(serde_json::json!([1])));
    }

    #[test]
    fn a_number_may_be_a_text() {
        assert_eq!(number(&"12".into()), Some(12));
        assert_eq!(number(&12.into()), Some(12));
        assert_eq!(number(&Value::Null), None);
    }
}
