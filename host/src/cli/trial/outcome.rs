//! What a plugin gave, as JSON and as lines.

use std::time::UNIX_EPOCH;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::oci::Repository;
use crate::plugin::Attributes;
use crate::plugin::BadImage;
use crate::plugin::CallError;
use crate::plugin::Destination;
use crate::plugin::Ensured;
use crate::plugin::Image;
use crate::plugin::Issued;

/// One image of a source.
pub(super) fn listed(image: Result<Image, BadImage>) -> Value {
    match image {
        Ok(image) => {
            let mut entry = Map::from_iter([("source".to_owned(), json!(image.source.to_string()))]);
            if image.source.version.digest().is_some() {
                option(&mut entry, "tag", image.tag.as_ref());
            }
            if !image.targets.is_empty() {
                entry.insert("targets".to_owned(), image.targets.iter().map(destination).collect());
            }
            if !image.attributes.is_empty() {
                let attributes = image.attributes.into_iter().map(|(name, value)| (name, Value::String(value)));
                entry.insert("attributes".to_owned(), Value::Object(attributes.collect()));
            }
            Value::Object(entry)
        }
        Err(bad) => json!({"source": bad.text, "error": bad.to_string()}),
    }
}

/// What a mapper made of an image.
pub(super) fn mapped(image: &Image, destinations: Result<Vec<Destination>, CallError>) -> Value {
    let source = image.source.to_string();
    match destinations {
        Ok(destinations) => {
            let destinations: Vec<Value> = destinations.iter().map(destination).collect();
            json!({"source": source, "destinations": destinations})
        }
        Err(error) => json!({"source": source, "error": error.to_string()}),
    }
}

/// What a provisioner made of a repository.
pub(super) fn ensured((name, _): &(Repository, Attributes), ensured: Result<Ensured, CallError>) -> Value {
    let name = name.to_string();
    match ensured {
        Ok(Ensured::Existed) => json!({"repository": name, "ensured": "existed"}),
        Ok(Ensured::Created) => json!({"repository": name, "ensured": "created"}),
        Err(error) => json!({"repository": name, "error": error.to_string()}),
    }
}

/// A credential, without its secret.
pub(super) fn issued(registry: &str, issued: &Issued) -> Value {
    let mut entry = Map::from_iter([
        ("registry".to_owned(), json!(registry)),
        ("username".to_owned(), json!(issued.username)),
        ("password".to_owned(), json!("***")),
    ]);
    let expires = issued.expires_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    if let Some(expires) = expires {
        entry.insert("expires-at".to_owned(), json!(expires.as_secs()));
    }
    Value::Object(entry)
}

/// Whether some of it went wrong.
pub(super) fn failed(outcome: &Value) -> bool {
    match outcome {
        Value::Array(entries) => entries.iter().any(failed),
        other => other.get("error").is_some(),
    }
}

/// An outcome as lines.
pub(super) fn lines(outcome: &Value) -> Vec<String> {
    match outcome {
        Value::Array(entries) => entries.iter().map(line).collect(),
        other => vec![line(other)],
    }
}

fn line(entry: &Value) -> String {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let subject = ["source", "repository", "registry"].map(text).concat();
    if let Some(error) = entry.get("error").and_then(Value::as_str) {
        return if subject.is_empty() { format!("error: {error}") } else { format!("{subject}  error: {error}") };
    }
    let places = ["destinations", "targets"].into_iter().find_map(|key| entry.get(key)?.as_array());
    let mut line = subject;
    if let Some(places) = places {
        let places: Vec<String> = places.iter().map(place).collect();
        line += " -> ";
        line += &if places.is_empty() { "dropped".to_owned() } else { places.join(", ") };
    }
    for key in ["ensured", "username"] {
        if !text(key).is_empty() {
            line = format!("{line}  {}", text(key));
        }
    }
    if let Some(Value::Object(attributes)) = entry.get("attributes") {
        for (name, value) in attributes {
            line = format!("{line}  {name}={}", value.as_str().unwrap_or_default());
        }
    }
    line
}

/// A destination; what it leaves to the transfer is a dot.
fn place(destination: &Value) -> String {
    let part = |key: &str| destination.get(key).and_then(Value::as_str);
    match (part("registry"), part("repository"), part("tag")) {
        (None, None, None) => "as the transfer has it".to_owned(),
        (registry, repository, tag) => {
            format!("{}/{}:{}", registry.unwrap_or("."), repository.unwrap_or("."), tag.unwrap_or("."))
        }
    }
}

fn destination(destination: &Destination) -> Value {
    let mut entry = Map::new();
    option(&mut entry, "registry", destination.registry.as_ref());
    option(&mut entry, "repository", destination.repository.as_ref());
    option(&mut entry, "tag", destination.tag.as_ref());
    Value::Object(entry)
}

fn option(entry: &mut Map<String, Value>, key: &str, value: Option<impl ToString>) {
    if let Some(value) = value {
        entry.insert(key.to_owned(), Value::String(value.to_string()));
    }
}

/// The first place where `found` is not what `expected` says, as a JSON pointer, with both.
pub(super) fn difference(expected: &Value, found: &Value, at: &str) -> Option<String> {
    match (expected, found) {
        (Value::Array(wanted), Value::Array(got)) => {
            let below = wanted.iter().zip(got).enumerate();
            let differs = below
                .into_iter()
                .find_map(|(number, (wanted, got))| difference(wanted, got, &format!("{at}/{number}")));
            differs.or_else(|| {
                (wanted.len() != got.len())
                    .then(|| format!("{at}: expected {} entries, got {}", wanted.len(), got.len()))
            })
        }
        (Value::Object(wanted), Value::Object(got)) => {
            let keys = wanted.keys().chain(got.keys().filter(|key| !wanted.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let nothing = Value::Null;
                let (wanted, got) = (wanted.get(key).unwrap_or(&nothing), got.get(key).unwrap_or(&nothing));
                difference(wanted, got, &format!("{at}/{key}"))
            })
        }
        _ if expected == found => None,
        _ => Some(format!("{at}: expected {expected}, got {found}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told_with_its_place() {
        let differs = |expected: Value, found: Value| difference(&expected, &found, "");
        assert_eq!(differs(json!([{"a": 1}]), json!([{"a": 1}])), None);
        assert_eq!(differs(json!([{"a": 1}]), json!([{"a": 2}])).unwrap(), "/0/a: expected 1, got 2");
        assert_eq!(differs(json!([{}]), json!([{"b": 2}])).unwrap(), "/0/b: expected null, got 2");
        assert_eq!(differs(json!([1, 2]), json!([1])).unwrap(), ": expected 2 entries, got 1");
    }

    #[test]
    fn an_outcome_reads_as_lines() {
        let outcome = json!([
            {"source": "a.io/x:1", "destinations": [{"repository": "n/x"}, {"registry": "b.io", "tag": "2"}]},
            {"source": "a.io/x:2", "destinations": []},
            {"source": "a.io/x:3", "destinations": [{}]},
            {"source": "a.io/x:4", "error": "no"},
            {"repository": "n/x", "ensured": "created"},
        ]);
        let expected = [
            "a.io/x:1 -> ./n/x:., b.io/.:2",
            "a.io/x:2 -> dropped",
            "a.io/x:3 -> as the transfer has it",
            "a.io/x:4  error: no",
            "n/x  created",
        ];
        assert_eq!(lines(&outcome), expected);
        assert!(failed(&outcome));
        assert_eq!(lines(&json!({"error": "trapped"})), ["error: trapped"]);
    }
}
