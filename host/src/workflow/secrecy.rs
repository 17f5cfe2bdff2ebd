//! Which values of a file must not be shown.

use std::sync::LazyLock;

use regex::Captures;
use regex::Regex;

/// Whether a key is named like one whose value is secret: `password`, `secretKey`, `access-token`, … Keys that are more than a
/// word (a rule `registry/secret/app: …`) are not.
pub(super) fn is_secret_key(key: &str) -> bool {
    if key.len() > 40 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return false;
    }
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey"]
        .iter()
        .any(|word| key.contains(word))
        || key.ends_with("auth")
}

/// A key and the one-line value after it, in block or flow style or JSON.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)((?:^|[\s{,])["']?([A-Za-z0-9_-]+)["']?[ \t]*:[ \t]*)("[^"\n]*"?|'[^'\n]*'?|[^\s,}#{\[&*|>][^\n,}]*)"#,
    )
    .ok()
});

/// `text` with the value of each secret key replaced by as many `*` as it has bytes, so that every place in it still holds.
/// Values that only name a variable stay. It looks at the text and not at the tree, because a text that is no YAML is shown too.
pub(super) fn blot(text: &str) -> String {
    let Some(pair) = PAIR.as_ref() else { return text.to_owned() };
    pair.replace_all(text, |captures: &Captures<'_>| {
        let group = |index: usize| captures.get(index).map_or("", |found| found.as_str());
        let (head, key, value) = (group(1), group(2), group(3));
        if is_secret_key(key) && !value.contains("${") {
            format!("{head}{}", "*".repeat(value.len()))
        } else {
            format!("{head}{value}")
        }
    })
    .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_named_like_secrets_are_known() {
        for key in ["password", "secretKey", "access-token", "SECRET_ID", "ccrAuth", "identity-token", "api_key"] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["username", "region", "client-key", "rules", "harbor.corp/secret/app", "author"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn passwords_are_blotted_out_and_places_hold() {
        for (text, expected) in [
            ("password: hunter2 # x\nqps: 5\n", "password: ***********\nqps: 5\n"),
            ("r.io: {username: u, password: 'a b', qps: 5}", "r.io: {username: u, password: *****, qps: 5}"),
            ("{\"password\": \"pä\", \"x\": 1}", "{\"password\": *****, \"x\": 1}"),
            ("with:\n  token: x1\n  secret-key: ${KEY}\n", "with:\n  token: **\n  secret-key: ${KEY}\n"),
            ("token:\n  value: x\n", "token:\n  value: x\n"),
        ] {
            assert_eq!(blot(text), expected);
            assert_eq!(blot(text).len(), text.len());
        }
    }
}
