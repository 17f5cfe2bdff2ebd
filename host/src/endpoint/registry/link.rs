//! Where a response leads: `Link` (RFC 8288) and `Location`.

use http::HeaderMap;
use http::header::LINK;
use url::Url;

use crate::http::same_origin;

/// The target of the first link of the relation `next`.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
}

/// `target` as seen from `base`. A registry behind a proxy that ends TLS often calls itself `http`: on the very same host that
/// is taken as `https`, so that no credential is left out, nor sent in the clear.
pub(super) fn resolve(base: &Url, target: &str) -> Option<Url> {
    let url = base.join(target).ok()?;
    let mut secure = url.clone();
    let upgrade = url.scheme() == "http" && base.scheme() == "https" && secure.set_scheme("https").is_ok();
    Some(if upgrade && same_origin(base, &secure) { secure } else { url })
}

fn next_in(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        let (is_next, after) = parameters(after);
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = after;
    }
}

/// Whether the parameters up to the next link say `rel=next`, and what follows them.
fn parameters(mut rest: &str) -> (bool, &str) {
    let mut is_next = false;
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else { return (is_next, rest) };
        let end = after.find([';', ',', '=']).unwrap_or(after.len());
        let name = after[..end].trim();
        rest = &after[end..];
        let Some(after) = rest.strip_prefix('=') else { continue };
        let (value, after) = value(after.trim_start());
        if name.eq_ignore_ascii_case("rel") {
            is_next |= value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"));
        }
        rest = after;
    }
}

/// A token or a quoted string, unescaped, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_next_link_is_found_however_it_is_written() {
        for header in [
            r#"</v2/_catalog?last=b&n=2>; rel="next""#,
            "</v2/_catalog?last=b&n=2>;rel=next",
            r#"<https://r.test/first>; rel="first"; title="a, \"<b>\"; c", </v2/_catalog?last=b&n=2>; title=x; REL="Last NEXT""#,
            "</v2/_catalog?last=b&n=2>; crossorigin; rel = next , </other>; rel=next",
        ] {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(header))]);
            assert_eq!(next(&headers).as_deref(), Some("/v2/_catalog?last=b&n=2"), "{header}");
        }
    }

    #[test]
    fn what_is_no_next_link_is_none() {
        for header in
            ["", "<", "</a>", "</a>; rel=prev", "</a>; title=\"rel=next", "/a; rel=next", "</a>; rel=\"nexting\""]
        {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(header))]);
            assert_eq!(next(&headers), None, "{header}");
        }
    }

    #[test]
    fn a_registry_that_thinks_it_is_http_is_asked_by_https() {
        let resolved = |base: &str, target: &str| resolve(&base.parse().unwrap(), target).unwrap().to_string();
        assert_eq!(resolved("https://r.test/v2/", "http://r.test/next"), "https://r.test/next");
        assert_eq!(resolved("https://r.test:5000/v2/", "http://r.test:5000/next"), "https://r.test:5000/next");
        assert_eq!(resolved("https://r.test/v2/", "http://other.test/next"), "http://other.test/next");
        assert_eq!(resolved("http://r.test/v2/", "/next?a=b"), "http://r.test/next?a=b");
    }
}
