//! The `Link` header (RFC 8288), which leads to the next page.

use http::HeaderMap;
use http::header::LINK;

/// The target of the first link of the relation `next`.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
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
}
