//! Values that must never be printed.

use std::fmt;

use url::Url;

/// A password, token or key. `Debug` and `Display` show `***`, so that no log line, error or report can leak it; only
/// [`Secret::reveal`] gives the text, and only code that puts it on the wire calls that.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A URL with which a user and a password may come, such as a proxy's. `Debug` and `Display` show scheme, host and port alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Wraps `url`.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL itself.
    #[must_use]
    pub fn reveal(&self) -> &Url {
        &self.0
    }

    /// The password in it, as it is written and as it is meant.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let Some(written) = self.0.password() else { return Vec::new() };
        let meant = percent_encoding::percent_decode_str(written).decode_utf8_lossy();
        [written, &meant].map(Secret::new).into()
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Strikes known secrets from text that others wrote, such as a plugin's log line.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Shorter values are not struck: replacing every `a` would only garble the text and tell where it stood.
    const SHORTEST: usize = 4;

    /// Strikes each of `secrets`, longest first, so that a secret that contains another one goes whole.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<_> =
            secrets.into_iter().filter(|secret| secret.reveal().len() >= Self::SHORTEST).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
        secrets.dedup();
        Self { secrets }
    }

    /// The same with `more` secrets.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Self {
        Self::new(self.secrets.iter().cloned().chain(more))
    }

    /// `text` with each known secret replaced by `***`.
    #[must_use]
    pub fn strike(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.reveal(), "***"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("not-a-real-password");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }

    #[test]
    fn a_url_is_printed_without_its_user_path_and_query() {
        let url = SecretUrl::new("http://user:not%2Da-real-one@proxy.corp:3128/path?token=x".parse().unwrap());
        assert_eq!(format!("{url} {url:?}"), "http://proxy.corp:3128 http://proxy.corp:3128");
        let secrets: Vec<String> = url.secrets().iter().map(|secret| secret.reveal().to_owned()).collect();
        assert_eq!(secrets, ["not%2Da-real-one", "not-a-real-one"]);
    }

    #[test]
    fn the_redactor_strikes_the_longer_secret_whole() {
        let redactor = Redactor::new(["abcd", "abcdef", "x"].map(Secret::new));
        assert_eq!(redactor.strike("x abcdef abcd"), "x *** ***");
    }
}
