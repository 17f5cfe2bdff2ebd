//! Expressions that match anywhere, as patterns of a workflow file, which match names whole.

use crate::select::Pattern;

/// The pattern of an expression that need match only a part of a name; `^` and `$` in it mean what they did.
pub(super) fn anywhere(expression: &str) -> Result<String, String> {
    let anchored = expression.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    match anchored.filter(|inner| !inner.contains('|') && !inner.ends_with('\\')) {
        Some(inner) => pattern(inner),
        None => pattern(&format!("(?s:.*)(?:{expression})(?s:.*)")),
    }
}

/// The pattern of an expression to which its tool puts `^` and `$`, as texts: `a|b` is then "begins with a or ends with b".
pub(super) fn bound(expression: &str) -> Result<String, String> {
    let inner = expression.strip_prefix('^').unwrap_or(expression);
    anywhere(&if inner.ends_with('$') { format!("^{inner}") } else { format!("^{inner}$") })
}

/// What an expression matches, if that is one name alone.
pub(super) fn only(expression: &str) -> Option<String> {
    let plain = expression.replace("\\.", "");
    let literal = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    literal.then(|| expression.replace("\\.", "."))
}

/// A list of expressions, each bound to begin and end.
pub(super) fn all_bound(expressions: &[String]) -> Result<Vec<String>, String> {
    expressions.iter().map(|expression| only(expression).map_or_else(|| bound(expression), Ok)).collect()
}

fn pattern(expression: &str) -> Result<String, String> {
    let text = format!("/{expression}/");
    text.parse::<Pattern>().map(|_| text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name)
    }

    #[test]
    fn an_expression_matches_where_it_did() {
        let inside = anywhere("rc").unwrap();
        assert!(matches(&inside, "1-rc1") && !matches(&inside, "1"));
        assert_eq!(anywhere(r"^1\.13$").unwrap(), r"/1\.13/");
        let either = anywhere("^a|b$").unwrap();
        assert!(matches(&either, "ax") && matches(&either, "xb") && !matches(&either, "xa"));
    }

    #[test]
    fn what_is_bound_is_bound_as_a_text() {
        assert_eq!(bound(r"v\d+").unwrap(), r"/v\d+/");
        assert_eq!(bound(r"^v\d+$").unwrap(), r"/v\d+/");
        let either = bound("a|b").unwrap();
        assert!(matches(&either, "ax") && matches(&either, "xb") && !matches(&either, "xax"));
    }

    #[test]
    fn an_expression_that_is_a_name_is_that_name() {
        assert_eq!(only(r"v1\.2-alpine").as_deref(), Some("v1.2-alpine"));
        assert_eq!(only("v1.2"), None);
        assert!(bound("(").is_err());
    }
}
