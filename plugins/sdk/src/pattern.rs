//! Patterns over names: globs, and regular expressions between slashes.

use regex_lite::Regex;

/// A glob or a regular expression.
///
/// In a glob `*` and `?` stay within a segment between slashes, `**` as a whole segment spans any number of them, `[a-c]`
/// is one of these characters and `{a,b}` one of these texts; the whole name must match. `/…/` is a regular expression that
/// may match anywhere in the name: anchor it with `^` and `$` where that is not wanted.
#[derive(Debug, Clone)]
pub struct Pattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Literal(String),
    Glob(String),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern; what is wrong with it comes as a lowercase fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a pattern is empty".to_owned());
        }
        if let Some(expression) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            return Ok(Self(Kind::Regex(regex(expression)?)));
        }
        if !has_metacharacters(text) {
            return Ok(Self(Kind::Literal(text.to_owned())));
        }
        match fast_glob::validate(text) {
            Ok(()) => Ok(Self(Kind::Glob(text.to_owned()))),
            Err(error) => Err(format!("`{text}` is not a glob: {:?} at character {}", error.kind, error.index + 1)),
        }
    }

    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.0 {
            Kind::Literal(literal) => literal == name,
            Kind::Glob(glob) => fast_glob::glob_match(glob, name),
            Kind::Regex(regex) => regex.is_match(name),
        }
    }

    /// The name itself, where the pattern is no more than that.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match &self.0 {
            Kind::Literal(literal) => Some(literal),
            Kind::Glob(_) | Kind::Regex(_) => None,
        }
    }
}

/// Compiles a regular expression; what is wrong with it comes as a lowercase fragment.
pub fn regex(expression: &str) -> Result<Regex, String> {
    Regex::new(expression).map_err(|error| format!("`{expression}` is not a regular expression: {error}"))
}

/// Whether a text says more than itself when it is read as a glob.
#[must_use]
pub fn has_metacharacters(text: &str) -> bool {
    text.starts_with('!') || text.contains(['*', '?', '[', '{', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_and_expressions_match_names() {
        let cases = [
            ("app", "app", true),
            ("app", "apps", false),
            ("v1.*", "v1.2", true),
            ("v1.*", "v2.1", false),
            ("ns/*", "ns/app", true),
            ("ns/*", "ns/team/app", false),
            ("ns/**", "ns/team/app", true),
            ("**", "ns/team/app", true),
            ("**/cache", "ns/team/cache", true),
            ("**/cache", "cache", true),
            ("{a,b}-[0-9]", "b-7", true),
            ("v?", "v10", false),
            (r"/^v\d+$/", "v10", true),
            (r"/^v\d+$/", "v10-rc", false),
            ("/rc/", "v10-rc1", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Pattern::parse(pattern).expect(pattern).matches(name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for bad in ["", "{a", "[a", "/(/"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
