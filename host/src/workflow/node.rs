//! The tree that a file is: every value and key with its place.

use std::collections::BTreeMap;

use serde_json::Number;
use serde_json::Value;

use crate::workflow::Place;
use crate::workflow::Places;
use crate::workflow::place::join;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where.
    pub(crate) at: Place,
    /// What.
    pub(crate) content: Content,
}

/// What a node holds. A scalar keeps the text as written: `1.10` is a number only where a number is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// A scalar.
    Scalar {
        /// Its text, unquoted.
        text: String,
        /// Written without quotes, so that it may also be a number, a boolean or nothing (YAML 1.2, core schema).
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Pairs, in the order of the file.
    Mapping(Vec<Entry>),
    /// Something that an error was already told about; whoever meets it keeps quiet.
    Wrong,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key is.
    pub(crate) key_at: Place,
    /// Its value.
    pub(crate) value: Node,
}

impl Node {
    /// A scalar that is a string, whatever it looks like.
    pub(crate) fn string(at: Place, text: impl Into<String>) -> Self {
        Self { at, content: Content::Scalar { text: text.into(), plain: false } }
    }

    /// Whether there is nothing: `key:`, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if is_null(text))
    }

    /// Nodes in this tree, itself included.
    pub(crate) fn count(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { .. } | Content::Wrong => 0,
            Content::Sequence(items) => items.iter().map(Self::count).sum(),
            Content::Mapping(entries) => entries.iter().map(|entry| 1 + entry.value.count()).sum(),
        }
    }

    /// Bytes of the texts in this tree, and one more for each node.
    pub(crate) fn bytes(&self) -> usize {
        1 + match &self.content {
            Content::Scalar { text, .. } => text.len(),
            Content::Wrong => 0,
            Content::Sequence(items) => items.iter().map(Self::bytes).sum(),
            Content::Mapping(entries) => entries.iter().map(|entry| entry.key.len() + entry.value.bytes()).sum(),
        }
    }

    /// What it is called in an error.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
            Content::Wrong => "an error",
            Content::Scalar { text, plain } => match json_scalar(text, *plain) {
                Value::Null => "nothing",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                _ => "a string",
            },
        }
    }

    /// The tree as JSON, and the place of each of its parts by JSON pointer.
    pub(crate) fn to_json(&self) -> (Value, Places) {
        let (mut values, mut keys) = (BTreeMap::new(), BTreeMap::new());
        let value = self.collect("", &mut values, &mut keys);
        (value, Places::new(values, keys))
    }

    fn collect(
        &self,
        pointer: &str,
        values: &mut BTreeMap<String, Place>,
        keys: &mut BTreeMap<String, Place>,
    ) -> Value {
        values.insert(pointer.to_owned(), self.at);
        match &self.content {
            Content::Scalar { text, plain } => json_scalar(text, *plain),
            Content::Wrong => Value::Null,
            Content::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| item.collect(&join(pointer, &index.to_string()), values, keys))
                .collect(),
            Content::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| {
                        let pointer = join(pointer, &entry.key);
                        keys.insert(pointer.clone(), entry.key_at);
                        (entry.key.clone(), entry.value.collect(&pointer, values, keys))
                    })
                    .collect(),
            ),
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A scalar's value by YAML 1.2's core schema. `.inf` and `.nan`, which JSON has no words for, stay strings.
pub(crate) fn json_scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::String(text.to_owned());
    }
    match text {
        _ if is_null(text) => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix)?;
        digits.chars().all(|c| c.is_digit(radix)).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    if let Some(integer) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(integer.into());
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    if digits(unsigned) == unsigned.len() && !unsigned.is_empty() {
        return text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok();
    }
    let float = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        && digits(unsigned) > 0;
    if float { Number::from_f64(text.parse().ok()?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_follow_the_core_schema_and_quoted_ones_are_strings() {
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("yes", json!("yes")),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("1.5e3", json!(1500.0)),
            ("1.2.3", json!("1.2.3")),
            ("e3", json!("e3")),
            (".nan", json!(".nan")),
            ("-", json!("-")),
            ("2024-01-02", json!("2024-01-02")),
            ("10.0.0.1:5000", json!("10.0.0.1:5000")),
        ] {
            assert_eq!(json_scalar(text, true), expected, "{text}");
            assert_eq!(json_scalar(text, false), json!(text), "{text}");
        }
    }
}
