//! Which redirects are followed, and with what.

use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::header;
use url::Url;

use crate::http::HttpError;
use crate::http::address::authority;
use crate::http::address::same_origin;

/// The most redirects in a row.
pub(super) const MOST: usize = 10;

/// Where a response sends a request, if that is a place this client goes to. None: the response is the caller's to read, such as a
/// 302 to a POST, which to repeat elsewhere would be a guess.
///
/// Refused is the way from https to http; which addresses are within reach is the gateway's to say. RFC 9110, section 15.4.
pub(super) fn follow(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Url,
    method: &Method,
    has_body: bool,
) -> Result<Option<Url>, HttpError> {
    let safe = matches!(*method, Method::GET | Method::HEAD);
    match status.as_u16() {
        301..=303 if safe => {}
        307 | 308 => {}
        _ => return Ok(None),
    }
    let refuse = |problem: &str| HttpError::Redirect { host: authority(from), problem: problem.to_owned() };
    let location = headers.get(header::LOCATION).and_then(|it| it.to_str().ok()).ok_or_else(|| refuse("to nowhere"))?;
    let mut to = from.join(location).map_err(|_| refuse("to what is no URL"))?;
    if to.fragment().is_none() {
        to.set_fragment(from.fragment());
    }
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err(refuse(&format!("from https to http (at {})", authority(&to)))),
        _ => return Err(refuse("to what is neither http nor https")),
    }
    if to.set_username("").is_err() || to.set_password(None).is_err() {
        return Err(refuse("to what is no URL"));
    }
    // A body can hold a secret (a refresh token): it goes on only to whom it was meant for.
    Ok((!has_body || same_origin(from, &to)).then_some(to))
}

/// Takes from `headers` what belongs to `from` alone, if `to` is another origin.
pub(super) fn keep_secrets(headers: &mut HeaderMap, from: &Url, to: &Url) {
    if !same_origin(from, to) {
        for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(from: &str, location: &str) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().expect("header"));
        follow(StatusCode::FOUND, &headers, &from.parse().expect("url"), &Method::GET, false)
            .map(|to| to.map(String::from))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn redirects_lead_only_where_they_may() {
        let registry = "https://registry.example/v2/";
        assert_eq!(to(registry, "/x?a=b"), Ok(Some("https://registry.example/x?a=b".to_owned())));
        assert_eq!(to(registry, "https://cdn.example/x"), Ok(Some("https://cdn.example/x".to_owned())));
        assert_eq!(to(registry, "https://a:b@cdn.example/x"), Ok(Some("https://cdn.example/x".to_owned())));
        for (location, problem) in [
            ("http://cdn.example/x?secret=1", "from https to http (at cdn.example)"),
            ("file:///etc/passwd", "to what is neither http nor https"),
        ] {
            assert_eq!(to(registry, location), Err(format!("registry.example redirects {problem}")));
        }
    }

    #[test]
    fn a_post_is_repeated_only_by_307_and_308_and_its_body_stays_home() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, "https://other.example/".parse().expect("header"));
        let from = "https://registry.example/".parse().expect("url");
        let ask = |status, body| follow(status, &headers, &from, &Method::POST, body).expect("no refusal");
        assert_eq!(ask(StatusCode::FOUND, false), None);
        assert_eq!(ask(StatusCode::TEMPORARY_REDIRECT, true), None);
        assert!(ask(StatusCode::TEMPORARY_REDIRECT, false).is_some());
    }
}
