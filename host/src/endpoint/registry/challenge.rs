//! The `WWW-Authenticate` header (RFC 9110, section 11.6.1; docker/distribution, "Token Authentication").

use http::HeaderMap;
use http::header;

/// A Bearer challenge: where tokens are to be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The token server's URL, perhaps a relative one.
    pub(super) realm: String,
    /// What the server calls the registry.
    pub(super) service: Option<String>,
    /// The scopes that the request needs, separated by spaces.
    pub(super) scope: Option<String>,
    /// Why the token that was sent did not do, such as `insufficient_scope`.
    pub(super) error: Option<String>,
}

/// How a registry wants to be logged in to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Challenges {
    /// By a token. Preferred.
    pub(super) bearer: Option<Bearer>,
    /// By user name and password with each request.
    pub(super) basic: bool,
}

impl Challenges {
    /// Reads every challenge of every `WWW-Authenticate` header.
    pub(super) fn parse(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for line in headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok()) {
            for (scheme, parameters) in challenges(line) {
                let get = |name: &str| parameters.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
                match scheme.as_str() {
                    "basic" => found.basic = true,
                    "bearer" if found.bearer.is_none() => {
                        found.bearer = get("realm").filter(|realm| !realm.is_empty()).map(|realm| Bearer {
                            realm,
                            service: get("service"),
                            scope: get("scope"),
                            error: get("error"),
                        });
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Takes in what a later answer says. The first Bearer challenge stays: Harbor answers a stale token with Basic alone.
    pub(super) fn learn(&mut self, later: &Self) {
        if self.bearer.is_none() {
            self.bearer.clone_from(&later.bearer);
        }
        self.basic |= later.basic;
    }
}

type Challenge = (String, Vec<(String, String)>);

/// Splits a header line. Commas separate challenges and parameters alike: a word with `=` after it is a parameter of the
/// challenge before, any other word opens a new challenge.
fn challenges(line: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            // Not a word: skip what no grammar knows, up to the next comma.
            match rest.find(',') {
                Some(comma) => rest = &rest[comma..],
                None => return found,
            }
            continue;
        }
        let word = word.to_ascii_lowercase();
        match (after.trim_start().strip_prefix('='), found.last_mut()) {
            (Some(after), Some((_, parameters))) => {
                let (value, after) = value(after.trim_start());
                parameters.push((word, value));
                rest = after;
            }
            (Some(after), None) => rest = value(after.trim_start()).1,
            (None, _) => {
                found.push((word, Vec::new()));
                rest = after;
            }
        }
    }
}

fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Challenges {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::WWW_AUTHENTICATE, line.parse().expect("header"));
        }
        Challenges::parse(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Bearer {
        Bearer { realm: realm.into(), service: service.map(Into::into), scope: scope.map(Into::into), error: None }
    }

    #[test]
    fn a_bearer_challenge_is_read_in_every_spelling() {
        let expected = bearer("https://auth.example/token", Some("registry.example"), Some("repository:a/b:pull,push"));
        for line in [
            r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
            r#"bearer Realm = "https://auth.example/token" , SERVICE=registry.example, scope="repository:a/b:pull,push""#,
            r#"Negotiate YII==, Bearer scope="repository:a/b:pull,push", realm="https://auth.example/token", service="registry.example""#,
            r#"Bearer realm=https://auth.example/token,service="regi\stry.example",scope="repository:a/b:pull,push""#,
        ] {
            assert_eq!(parse(&[line]), Challenges { bearer: Some(expected.clone()), basic: false }, "{line}");
        }
    }

    #[test]
    fn several_challenges_are_found_in_one_line_and_in_many() {
        let both = Challenges { bearer: Some(bearer("/token", None, None)), basic: true };
        assert_eq!(parse(&[r#"Basic realm="a, b=c", Bearer realm="/token""#]), both);
        assert_eq!(parse(&[r#"Basic realm="x""#, r#"Bearer realm="/token""#]), both);
        assert_eq!(parse(&["Basic", r#"Bearer realm="/token""#, r#"Bearer realm="/other""#]), both);
    }

    #[test]
    fn nonsense_is_no_challenge() {
        for line in [
            "",
            ",,,",
            "=",
            "realm=\"x\"",
            "Bearer",
            "Bearer realm=\"\"",
            "Bearer service=x",
            "\"",
            "Digest realm=\"x\"",
        ] {
            assert_eq!(parse(&[line]), Challenges::default(), "{line:?}");
        }
        assert_eq!(parse(&["Bearer realm=\"unclosed"]).bearer, Some(bearer("unclosed", None, None)));
    }

    #[test]
    fn the_first_bearer_challenge_outlives_a_later_basic_one() {
        let mut known = parse(&[r#"Bearer realm="/service/token""#]);
        known.learn(&parse(&[r#"Basic realm="harbor""#]));
        assert_eq!(known, Challenges { bearer: Some(bearer("/service/token", None, None)), basic: true });
    }
}
