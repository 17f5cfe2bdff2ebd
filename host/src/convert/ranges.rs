//! Ranges of versions in the notations of Go's libraries (Masterminds/semver, blang/semver), as those of a workflow file.
//!
//! Theirs: blanks or commas mean "and", `||` means "or", a bare version is that version, `1 - 2` is a range. A workflow's `semver` has
//! commas alone and no "or": a range with one becomes several.

use crate::select::Range;

/// The alternatives of a range, any of which may hold; or what of it cannot be said.
pub(super) fn alternatives(text: &str) -> Result<Vec<String>, String> {
    text.split("||").map(alternative).collect()
}

fn alternative(text: &str) -> Result<String, String> {
    let mut comparators = Vec::new();
    let text = text.replace(',', " ");
    let mut words = joined(&text).into_iter().peekable();
    while let Some(word) = words.next() {
        if words.peek().is_some_and(|next| next == "-") {
            words.next();
            let end = words.next().ok_or_else(|| format!("`{text}` ends too early"))?;
            comparators.extend([comparator(&format!(">={word}"))?, comparator(&format!("<={end}"))?]);
        } else {
            comparators.push(comparator(&word)?);
        }
    }
    let range = if comparators.is_empty() { "*".to_owned() } else { comparators.join(", ") };
    range.parse::<Range>().map(|range| range.to_string()).map_err(|error| error.reason)
}

/// The words of `text`, an operator with what it is before.
fn joined(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut().filter(|last| last.bytes().all(|byte| b"<>=~^!".contains(&byte))) {
            Some(operator) => operator.push_str(word),
            None => words.push(word.to_owned()),
        }
    }
    words
}

fn comparator(word: &str) -> Result<String, String> {
    let at = word.find(|c| !"<>=~^!".contains(c)).unwrap_or(word.len());
    let (operator, version) = word.split_at(at);
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let wildcard = version.split(['.', '-', '+']).any(|part| matches!(part, "x" | "X" | "*"));
    Ok(match operator {
        "!" | "!=" => return Err(format!("there is no `{word}` here: leave those tags out by `tags.exclude`")),
        // Semver's own bare version would take later ones as well.
        "" | "=" | "==" if wildcard => version.to_owned(),
        "" | "=" | "==" => format!("={version}"),
        "=>" => format!(">={version}"),
        "=<" => format!("<={version}"),
        "~>" => format!("~{version}"),
        operator => format!("{operator}{version}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_said_with_commas_and_each_alternative_by_itself() {
        for (text, expected) in [
            (">= 3.12.0", vec![">=3.12.0"]),
            (">=1.31.0 <1.31.9", vec![">=1.31.0, <1.31.9"]),
            (">=1.0, <2.0 || >= v3", vec![">=1.0, <2.0", ">=3"]),
            ("1.2.3", vec!["=1.2.3"]),
            ("1.2.x", vec!["1.2.x"]),
            ("1.2 - 1.4.5", vec![">=1.2, <=1.4.5"]),
            ("~>1.2 =<1.9", vec!["~1.2, <=1.9"]),
            ("^0.3", vec!["^0.3"]),
            ("", vec!["*"]),
        ] {
            assert_eq!(alternatives(text), Ok(expected.iter().map(|text| (*text).to_owned()).collect()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_told() {
        for text in ["!=1.2.3", ">1 !1.5", "1 -", "nonsense"] {
            assert!(alternatives(text).is_err(), "{text}");
        }
    }
}
