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
        || key == "pass"
}

/// A key and the one-line value after it, in block or flow style or JSON.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)((?:^|[\s{,])["']?([A-Za-z0-9_-]+)["']?[ \t]*:[ \t]*(?:&\S+[ \t]+)?)("[^"\n]*"?|'[^'\n]*'?|[^\s,}#{\[&*|>][^\n,}]*)"#,
    )
    .ok()
});

/// A key at the beginning of its line and a value without quotes, which may go on to the end of it: commas and braces are text there.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?m)^([ \t]*(?:- +)*["']?([A-Za-z0-9_-]+)["']?[ \t]*:[ \t]+(?:&\S+[ \t]+)?)([^\s"'\[{&*|>#][^\n]*)$"#)
        .ok()
});

/// A key and the bracket with which its value begins.
static BRACKET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)(?:^|[\s{\[,])["']?([A-Za-z0-9_-]+)["']?[ \t]*:[ \t]*([\[{])"#).ok());

/// A key whose value is on the lines below it, as text or as a list.
static ABOVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"^([ \t]*)(?:- +)*["']?([A-Za-z0-9_-]+)["']?[ \t]*:[ \t]*([|>][^\n]*)?(?:#[^\n]*)?$"#).ok()
});

/// A private key, as far as its line goes.
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^\n]*").ok());

/// The user and password of a URL.
static USER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"://([^/\s@$]+)@").ok());

/// `text` with the value of each secret key, and what a URL has before its host, replaced by as many `*` as it has bytes, so that every
/// place in it still holds. Values that only name a variable stay. It looks at the text and not at the tree, because a text that is
/// no YAML is shown too.
pub(super) fn blot(text: &str) -> String {
    blot_but(text, |value| value.contains("${"))
}

/// The same where `${` is no variable but may be a part of a password.
pub(super) fn blot_all(text: &str) -> String {
    blot_but(text, |_| false)
}

/// The same; values of which `stays` says so are left.
fn blot_but(text: &str, stays: fn(&str) -> bool) -> String {
    let (Some(pair), Some(whole), Some(bracket), Some(above), Some(user), Some(private)) =
        (PAIR.as_ref(), LINE.as_ref(), BRACKET.as_ref(), ABOVE.as_ref(), USER.as_ref(), KEY.as_ref())
    else {
        return stars(text);
    };
    let mut below = None;
    let lines = text.split_inclusive('\n').map(|line| {
        let body = line.trim_end();
        let indent = body.len() - body.trim_start().len();
        if let Some((key, folded)) = below {
            let inside = if folded { indent > key } else { indent >= key && body.trim_start().starts_with("- ") };
            if body.is_empty() || inside {
                return if stays(body) { line.to_owned() } else { stars(line) };
            }
        }
        below = above
            .captures(body)
            .filter(|found| is_secret_key(&found[2]))
            .map(|found| (found[1].len(), found.get(3).is_some()));
        line.to_owned()
    });
    let text = brackets(&lines.collect::<String>(), bracket, stays);
    let text = private.replace_all(&text, |captures: &Captures<'_>| stars(&captures[0]));
    let starred = |captures: &Captures<'_>| {
        let group = |index: usize| captures.get(index).map_or("", |found| found.as_str());
        let (head, key, value) = (group(1), group(2), group(3));
        if is_secret_key(key) && !stays(value) {
            format!("{head}{}", "*".repeat(value.len()))
        } else {
            format!("{head}{value}")
        }
    };
    let text = whole.replace_all(&text, starred);
    let text = pair.replace_all(&text, starred);
    user.replace_all(&text, |captures: &Captures<'_>| format!("://{}@", stars(&captures[1]))).into_owned()
}

/// `text` with each list and each mapping under a secret key blotted out, as far as its line goes.
fn brackets(text: &str, bracket: &Regex, stays: fn(&str) -> bool) -> String {
    let mut blotted = String::with_capacity(text.len());
    for captures in bracket.captures_iter(text) {
        let Some(open) = captures.get(2).filter(|open| open.start() >= blotted.len() && is_secret_key(&captures[1]))
        else {
            continue;
        };
        let mut depth = 0_usize;
        let end = text[open.start()..].find(|c| {
            depth = match c {
                '[' | '{' => depth + 1,
                ']' | '}' => depth.saturating_sub(1),
                _ => depth,
            };
            c == '\n' || depth == 0
        });
        let end = end.map_or(text.len(), |end| open.start() + end);
        let value = &text[open.start()..end];
        blotted.push_str(&text[blotted.len()..open.start()]);
        blotted.push_str(&if stays(value) { value.to_owned() } else { stars(value) });
    }
    blotted.push_str(&text[blotted.len()..]);
    blotted
}

/// As many `*` as `text` has bytes, its blanks and line ends kept.
fn stars(text: &str) -> String {
    let star = |c: char| if c.is_ascii_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    text.chars().map(star).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_named_like_secrets_are_known() {
        for key in
            ["password", "secretKey", "access-token", "SECRET_ID", "ccrAuth", "identity-token", "api_key", "pass"]
        {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["username", "region", "client-key", "rules", "harbor.corp/secret/app", "author", "passage"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn passwords_are_blotted_out_and_places_hold() {
        for (text, expected) in [
            ("password: hunter2 # x\nqps: 5\n", "password: ***********\nqps: 5\n"),
            ("password: ab,cd}e\n- token: &t a, b\n", "password: *******\n- token: &t ****\n"),
            ("{token: &t ab, x: 1}", "{token: &t **, x: 1}"),
            ("r.io: {username: u, password: 'a b', qps: 5}", "r.io: {username: u, password: *****, qps: 5}"),
            ("{\"password\": \"pä\", \"x\": 1}", "{\"password\": *****, \"x\": 1}"),
            ("with:\n  token: x1\n  secret-key: ${KEY}\n", "with:\n  token: **\n  secret-key: ${KEY}\n"),
            ("token:\n  value: x\n", "token:\n  value: x\n"),
            ("{password: [a, b], x: [c]}", "{password: *** *], x: [c]}"),
            ("r: {b: {password: {a: [b]}, token: x}}", "r: {b: {password: *** ***}, token: *}}"),
            ("x: {password: [a, ${X}]}", "x: {password: [a, ${X}]}"),
            ("password:\n- a b\n- ${X}\nx:\n- c\n", "password:\n* * *\n- ${X}\nx:\n- c\n"),
            (
                "a:\n  key-token: |-\n    b\n\n     ä\n  x: |\n    d\n",
                "a:\n  key-token: |-\n    *\n\n     **\n  x: |\n    d\n",
            ),
            ("k: \"-----BEGIN RSA PRIVATE KEY-----\\nAB\"\nx: y", "k: \"********** *** ******* *************\nx: y"),
            ("proxy: 'http://u:p@h/' # http://h/@x", "proxy: 'http://***@h/' # http://h/@x"),
            ("proxy: http://${USER}:${PASSWORD}@h", "proxy: http://${USER}:${PASSWORD}@h"),
        ] {
            assert_eq!(blot(text), expected);
            assert_eq!(blot(text).len(), text.len());
        }
    }

    #[test]
    fn what_is_no_variable_there_is_blotted_out_too() {
        assert_eq!(blot_all("pass: a${b}c\nuser: ${U}\n"), "pass: ******\nuser: ${U}\n");
    }
}
