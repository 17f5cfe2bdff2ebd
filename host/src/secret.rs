//! Values that must never be printed.

use std::fmt;

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
    fn the_redactor_strikes_the_longer_secret_whole() {
        let redactor = Redactor::new(["abcd", "abcdef", "x"].map(Secret::new));
        assert_eq!(redactor.strike("x abcdef abcd"), "x *** ***");
    }
}
