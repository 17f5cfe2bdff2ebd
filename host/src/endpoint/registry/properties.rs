//! What holds for headers of registries' answers, whoever wrote them. The laws are asked of generated inputs here, and of what the
//! fuzzer finds by the targets that go through `fuzzing`.

use http::HeaderMap;
use http::HeaderValue;
use http::header::LINK;
use http::header::WWW_AUTHENTICATE;

use crate::endpoint::registry::challenge::Challenges;
use crate::endpoint::registry::link;

/// Nothing is made up: what is told of a challenge stands in the header, save for escapes, and reading a header twice, or after
/// another one, gives the same.
pub(crate) fn challenge(bytes: &[u8]) {
    let Some(headers) = headers(&WWW_AUTHENTICATE, bytes) else { return };
    let found = Challenges::parse(&headers);
    let line = String::from_utf8_lossy(bytes).into_owned();
    if let Some(bearer) = &found.bearer {
        assert!(!bearer.realm.is_empty());
        for text in [Some(&bearer.realm), bearer.service.as_ref(), bearer.scope.as_ref(), bearer.error.as_ref()] {
            assert!(text.is_none_or(|text| is_part(text, &line)), "{text:?} of {line:?}");
        }
        assert!(line.to_ascii_lowercase().contains("bearer"));
    }
    assert!(!found.basic || line.to_ascii_lowercase().contains("basic"));
    let mut again = found.clone();
    again.learn(&found);
    assert_eq!(again, found);
}

/// Nothing is made up: the next page is a target that stands in the header between `<` and `>`.
pub(crate) fn next_page(bytes: &[u8]) {
    let Some(headers) = headers(&LINK, bytes) else { return };
    if let Some(target) = link::next(&headers) {
        let line = String::from_utf8_lossy(bytes).into_owned();
        let opened = line.match_indices('<').map(|(at, _)| &line[at + 1..]);
        let mut targets = opened.filter_map(|rest| Some(rest.split_once('>')?.0.trim()));
        assert!(targets.any(|it| it == target), "{line:?}");
        assert!(line.replace('\\', "").to_ascii_lowercase().contains("next"), "{line:?}");
    }
}

/// One header line, if the bytes can be one.
fn headers(name: &http::HeaderName, bytes: &[u8]) -> Option<HeaderMap> {
    Some(HeaderMap::from_iter([(name.clone(), HeaderValue::from_bytes(bytes).ok()?)]))
}

/// Whether the characters of `text` stand in `line` in their order, with nothing but backslashes between them.
fn is_part(text: &str, line: &str) -> bool {
    let plain = |text: &str| text.replace('\\', "");
    plain(line).contains(&plain(text))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::ProptestConfig;
    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;
    use crate::endpoint::registry::challenge::Bearer;
    use crate::endpoint::registry::resume::content_range;

    /// What may stand in a quoted string, escaped where it must be.
    fn quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_challenges_and_links_or_none(bytes in vec(any::<u8>(), 0..60)) {
            challenge(&bytes);
            next_page(&bytes);
        }

        #[test]
        fn any_pieces_of_the_grammar_are_challenges_and_links_or_none(
            pieces in vec("Bearer|Basic|realm|scope|rel|next|[=,; \t\"\\\\<>a/]", 0..24)
        ) {
            challenge(pieces.concat().as_bytes());
            next_page(pieces.concat().as_bytes());
        }

        #[test]
        fn a_challenge_that_is_written_is_read(
            realm in "[ -~]{1,20}",
            service in option::of("[ -~]{0,12}"),
            scope in option::of("[ -~]{0,12}"),
            before in "(Basic realm=\"[a-z, =]{0,6}\" ?, ?)?",
            comma in " ?, ?",
        ) {
            let given = [("realm", Some(&realm)), ("service", service.as_ref()), ("scope", scope.as_ref())];
            let parameters: Vec<String> = given
                .into_iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", quoted(value?))))
                .collect();
            let line = format!("{before}Bearer {}", parameters.join(&comma));
            let found = Challenges::parse(&headers(&WWW_AUTHENTICATE, line.as_bytes()).unwrap());
            let bearer = Some(Bearer { realm, service, scope, error: None });
            assert_eq!(found, Challenges { bearer, basic: !before.is_empty() }, "{line}");
        }

        #[test]
        fn the_first_next_link_of_many_is_read(
            targets in vec("/[!-;=?-~]{0,12}", 1..5),
            title in "[ -~]{0,10}",
            at in any::<proptest::sample::Index>(),
            space in "[ \t]{0,2}",
        ) {
            let chosen = at.index(targets.len());
            let links: Vec<String> = targets
                .iter()
                .enumerate()
                .map(|(number, target)| {
                    let relation = if number < chosen { "prev" } else { "next" };
                    format!("<{target}>{space};{space}title={}{space};{space}rel=\"{relation}\"", quoted(&title))
                })
                .collect();
            let line = links.join(&format!("{space},{space}"));
            let found = link::next(&headers(&LINK, line.as_bytes()).unwrap());
            assert_eq!(found.as_ref(), Some(&targets[chosen]), "{line}");
        }

        #[test]
        fn a_content_range_is_read_if_it_lies_within_its_total(start: u64, end: u64, total: u64) {
            let read = content_range(&format!("bytes {start}-{end}/{total}"));
            assert_eq!(read, (start <= end && end < total).then_some((start, total)));
        }

        #[test]
        fn any_text_is_a_content_range_or_none(text in "(bytes )?[0-9 *+-]{0,24}/?[0-9*]{0,24}|\\PC{0,20}") {
            if let Some((start, total)) = content_range(&text) {
                assert!(start < total, "{text}");
                assert!(text.contains(&start.to_string()) && text.contains(&total.to_string()), "{text}");
            }
        }
    }
}
