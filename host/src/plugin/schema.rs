//! A plugin's own JSON Schema: what it checks, and what it tells about hosts and secrets.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::plugin::annotations::walk;
use crate::plugin::grants::host_of;
use crate::plugin::image::clean;
use crate::secret::Secret;

/// One thing that is wrong with a plugin's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where, as a JSON pointer into the options.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub help: Option<String>,
}

/// What a schema may say of an option besides its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A host, or a URL of one: naming it grants it.
    Host,
    /// A secret.
    Secret,
}

impl Mark {
    fn is_on(self, schema: &Value) -> bool {
        let format = schema.get("format").and_then(Value::as_str);
        match self {
            Self::Host => matches!(format, Some("uri" | "hostname")),
            Self::Secret => {
                format == Some("password") || schema.get("writeOnly").and_then(Value::as_bool) == Some(true)
            }
        }
    }
}

/// How deep options are looked for that a schema marks.
const DEPTH: usize = 8;

/// A schema and what it says besides.
pub(super) struct Schema {
    pub(super) text: Value,
    validator: Validator,
}

impl Schema {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text: Value = serde_json::from_str(text).map_err(|error| clean(&error.to_string()))?;
        let validator = jsonschema::validator_for(&text).map_err(|error| clean(&error.to_string()))?;
        Ok(Self { text, validator })
    }

    /// All that is wrong with `config`. Values are not repeated: one may be a password.
    pub(super) fn check(&self, config: &Value) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        for error in self.validator.iter_errors(config) {
            let pointer = error.instance_path().to_string();
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected }
                | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                    problems.extend(unexpected.iter().map(|key| ConfigProblem {
                        pointer: format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                        message: format!("unknown option `{key}`"),
                        help: self.near(&pointer, key),
                    }));
                }
                // The plugin's own words may be in it.
                _ => problems.push(ConfigProblem { pointer, message: clean(&error.masked().to_string()), help: None }),
            }
        }
        problems
    }

    /// The option that was probably meant. Only the top level is looked at: official plugins have no other.
    fn near(&self, pointer: &str, key: &str) -> Option<String> {
        let known = self.text.get("properties").filter(|_| pointer.is_empty())?.as_object()?;
        let limit = (key.chars().count() / 3).clamp(1, 3);
        let (distance, name) = known
            .keys()
            .map(|name| (strsim::damerau_levenshtein(name, key), name))
            .min_by_key(|(distance, _)| *distance)?;
        (distance <= limit).then(|| format!("did you mean `{}`?", clean(name)))
    }

    /// The options that it marks so, as far as they stand in it and are not referred to.
    pub(super) fn marked(&self, mark: Mark) -> Vec<String> {
        let mut found = Vec::new();
        marked(&self.text, mark, "", DEPTH, &mut found);
        found
    }

    /// Hosts that the user wrote into options whose schema says that they are hosts or URLs.
    pub(super) fn hosts(&self, config: &Value) -> Vec<String> {
        let mut hosts = Vec::new();
        walk(&self.text, config, &mut |schema, value| {
            if Mark::Host.is_on(schema) {
                hosts.extend(value.as_str().and_then(host_of));
            }
        });
        hosts
    }

    /// Values of options whose schema says that they are secret; of a list or an object, all that is in it.
    pub(super) fn secrets(&self, config: &Value) -> Vec<Secret> {
        let mut secrets = Vec::new();
        walk(&self.text, config, &mut |schema, value| {
            if Mark::Secret.is_on(schema) {
                scalars(value, &mut secrets);
            }
        });
        secrets
    }
}

fn marked(schema: &Value, mark: Mark, name: &str, depth: usize, found: &mut Vec<String>) {
    if mark.is_on(schema) && !found.iter().any(|it| it == name) {
        found.push(name.to_owned());
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (key, below) in properties {
            let name = if name.is_empty() { clean(key) } else { format!("{name}.{}", clean(key)) };
            marked(below, mark, &name, depth, found);
        }
    }
    if let Some(items) = schema.get("items") {
        marked(items, mark, &format!("{name}[]"), depth, found);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for below in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            marked(below, mark, name, depth, found);
        }
    }
}

fn scalars(value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::String(text) => secrets.push(Secret::new(text.as_str())),
        Value::Number(number) => secrets.push(Secret::new(number.to_string())),
        Value::Array(values) => values.iter().for_each(|value| scalars(value, secrets)),
        Value::Object(values) => values.values().for_each(|value| scalars(value, secrets)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::read(
            &json!({
                "type": "object",
                "properties": {
                    "endpoint": {"type": "string", "format": "uri"},
                    "password": {"type": "string", "format": "password"},
                    "levels": {"type": "integer", "minimum": 1},
                },
                "required": ["endpoint"],
                "additionalProperties": false,
            })
            .to_string(),
        )
        .unwrap()
    }

    #[test]
    fn every_problem_is_told_at_its_place_without_the_value() {
        let problems = schema().check(&json!({"endpiont": "x", "levels": 0}));
        let unknown = problems.iter().find(|problem| problem.pointer == "/endpiont").unwrap();
        assert_eq!(unknown.message, "unknown option `endpiont`");
        assert_eq!(unknown.help.as_deref(), Some("did you mean `endpoint`?"));
        assert!(problems.iter().any(|problem| problem.pointer == "/levels"));
        assert!(problems.iter().any(|problem| problem.pointer.is_empty() && problem.message.contains("endpoint")));
        let wrong = schema().check(&json!({"endpoint": "e", "password": 12_345}));
        assert!(!wrong[0].message.contains("12345"), "{}", wrong[0].message);
    }

    #[test]
    fn hosts_and_secrets_are_found_by_format() {
        let config = json!({"endpoint": "https://harbor.corp:8443/api", "password": "not-a-real-password"});
        assert_eq!(schema().hosts(&config), ["harbor.corp:8443"]);
        assert_eq!(schema().secrets(&config), [Secret::new("not-a-real-password")]);
    }

    #[test]
    fn options_that_are_hosts_or_secrets_are_told_by_name() {
        let schema = Schema::read(
            &json!({"properties": {
                "endpoint": {"format": "uri"},
                "mirrors": {"type": "array", "items": {"properties": {"host": {"format": "hostname"}}}},
                "login": {"oneOf": [{"type": "null"}, {"properties": {"key": {"writeOnly": true}}}]},
            }})
            .to_string(),
        )
        .unwrap();
        assert_eq!(schema.marked(Mark::Host), ["endpoint", "mirrors[].host"]);
        assert_eq!(schema.marked(Mark::Secret), ["login.key"]);
    }

    #[test]
    fn secrets_are_found_through_references_alternatives_and_free_keys() {
        let schema = Schema::read(
            &json!({
                "$defs": {"secret": {"format": "password"}},
                "properties": {
                    "login": {"oneOf": [{"type": "null"}, {"properties": {"key": {"$ref": "#/$defs/secret"}}}]},
                    "pin": {"writeOnly": true},
                    "keys": {"type": "array", "writeOnly": true},
                },
                "patternProperties": {"^token-": {"$ref": "#/$defs/secret"}},
                "additionalProperties": {"properties": {"password": {"writeOnly": true}}},
            })
            .to_string(),
        )
        .unwrap();
        let config = json!({
            "login": {"key": "first-placeholder"},
            "pin": 123_456,
            "keys": ["second-placeholder", {"x": "third-placeholder"}],
            "token-a": "fourth-placeholder",
            "mirror": {"password": "fifth-placeholder", "user": "visible"},
        });
        let mut secrets: Vec<String> = schema.secrets(&config).iter().map(|it| it.reveal().to_owned()).collect();
        secrets.sort_unstable();
        let expected = [
            "123456",
            "fifth-placeholder",
            "first-placeholder",
            "fourth-placeholder",
            "second-placeholder",
            "third-placeholder",
        ];
        assert_eq!(secrets, expected);
    }

    #[test]
    fn a_schema_that_refers_to_itself_without_end_does_not_end_the_program() {
        for text in [
            r##"{"$ref": "#"}"##,
            r##"{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}"##,
            r##"{"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}"##,
            r##"{"allOf": [{"not": {"$ref": "#"}}]}"##,
            r##"{"$dynamicAnchor": "n", "$dynamicRef": "#n"}"##,
            r#"{"$id": "urn:x", "$ref": "urn:x"}"#,
        ] {
            if let Ok(schema) = Schema::read(text) {
                schema.check(&json!({"a": 1}));
                schema.secrets(&json!({"a": 1}));
            }
        }
    }
}
