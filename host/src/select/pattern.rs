//! Names by glob or regular expression.

use std::fmt;
use std::str::FromStr;

use globset::GlobBuilder;
use globset::GlobMatcher;
use regex::Regex;
use regex::RegexBuilder;

/// What is included, less what is excluded. Without `include` everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these must match; empty: all names do.
    pub include: Vec<Pattern>,
    /// None of these may match.
    pub exclude: Vec<Pattern>,
}

impl Filter {
    /// Whether `name` is included and not excluded.
    #[must_use]
    pub fn accepts(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|pattern| pattern.matches(name)))
            && !self.exclude.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}

/// A glob (`team-a/**`, `v1.?`, `{web,api}`), or a regular expression between slashes (`/v\d+/`), that matches names
/// whole. In a glob `*` and `?` stop at `/` and `**` does not. Upper and lower case differ.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

#[derive(Clone)]
enum Matcher {
    Glob(GlobMatcher),
    Regex(Regex),
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing would match it.
    #[error("a pattern must not be empty")]
    Empty,
    /// Not a glob.
    #[error("`{text}` is not a glob: {reason}")]
    Glob {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not a regular expression.
    #[error("`{text}` is not a regular expression: {reason}")]
    Regex {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Pattern {
    /// A compiled expression may take so many bytes: one that someone writes takes far less, one that is meant to hurt more.
    const MAX_REGEX_BYTES: usize = 1 << 20;

    /// Whether `name` as a whole matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Glob(glob) => glob.is_match(name),
            Matcher::Regex(regex) => regex.is_match(name),
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expression = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let matcher = match expression {
            Some("") => return Err(PatternError::Empty),
            None if text.is_empty() => return Err(PatternError::Empty),
            Some(expression) => Matcher::Regex(regex(text, expression)?),
            None => Matcher::Glob(glob(text)?),
        };
        Ok(Self { text: text.to_owned(), matcher })
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

fn glob(text: &str) -> Result<GlobMatcher, PatternError> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| PatternError::Glob { text: text.to_owned(), reason: error.kind().to_string() })
}

fn regex(text: &str, expression: &str) -> Result<Regex, PatternError> {
    let build = |expression: &str| RegexBuilder::new(expression).size_limit(Pattern::MAX_REGEX_BYTES).build();
    // Alone first: `a)|(b` would be an expression within the anchoring group.
    build(expression).and_then(|_| build(&format!("^(?:{expression})$"))).map_err(|error| {
        let reason = match &error {
            regex::Error::Syntax(report) => {
                report.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
            regex::Error::CompiledTooBig(limit) => format!("compiled, it is larger than {limit} bytes"),
            other => other.to_string(),
        };
        PatternError::Regex { text: text.to_owned(), reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, name, expected) in [
            ("team-a/*", "team-a/app", true),
            ("team-a/*", "team-a/sub/app", false),
            ("team-a/**", "team-a/sub/app", true),
            ("team-a/**", "team-a", false),
            ("**/cache", "cache", true),
            ("**/cache", "a/b/cache", true),
            ("**", "a/b", true),
            ("{web,api}-?", "api-1", true),
            ("App", "app", false),
        ] {
            assert_eq!(pattern.parse::<Pattern>().unwrap().matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn an_expression_matches_the_whole_name() {
        let pattern: Pattern = r"/v\d+|latest/".parse().unwrap();
        assert!(pattern.matches("v12") && pattern.matches("latest"));
        assert!(!pattern.matches("v12-rc") && !pattern.matches("my-latest"));
    }

    #[test]
    fn a_wrong_pattern_says_what_is_wrong() {
        for (pattern, expected) in [
            ("", "a pattern must not be empty"),
            ("//", "a pattern must not be empty"),
            ("a[", "`a[` is not a glob: unclosed character class; missing ']'"),
            ("/v(/", "`/v(/` is not a regular expression: unclosed group"),
            ("/a)|(b/", "`/a)|(b/` is not a regular expression: unopened group"),
            (
                r"/(\w{99}){99}/",
                r"`/(\w{99}){99}/` is not a regular expression: compiled, it is larger than 1048576 bytes",
            ),
        ] {
            assert_eq!(pattern.parse::<Pattern>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_excluded_name_is_out_even_if_included() {
        let filter = Filter { include: vec!["a/**".parse().unwrap()], exclude: vec!["**/cache".parse().unwrap()] };
        assert!(filter.accepts("a/b") && !filter.accepts("a/cache") && !filter.accepts("b"));
    }
}
