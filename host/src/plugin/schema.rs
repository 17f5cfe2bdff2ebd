//! A plugin's own JSON Schema: what it checks, and what it tells about hosts and secrets.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::plugin::grants::host_of;
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

/// A schema and what it says besides.
pub(super) struct Schema {
    pub(super) text: Value,
    validator: Validator,
}

impl Schema {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let validator = jsonschema::validator_for(&text).map_err(|error| error.to_string())?;
        Ok(Self { text, validator })
    }

    /// All that is wrong with `config`. Values are not repeated: one may be a password.
    pub(super) fn check(&self, config: &Value) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        for error in self.validator.iter_errors(config) {
            let pointer = error.instance_path().to_string();
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    problems.extend(unexpected.iter().map(|key| ConfigProblem {
                        pointer: format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                        message: format!("unknown option `{key}`"),
                        help: self.near(&pointer, key),
                    }));
                }
                _ => problems.push(ConfigProblem { pointer, message: error.masked().to_string(), help: None }),
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
        (distance <= limit).then(|| format!("did you mean `{name}`?"))
    }

    /// Hosts that the user wrote into options whose schema says that they are hosts or URLs.
    pub(super) fn hosts(&self, config: &Value) -> Vec<String> {
        let mut hosts = Vec::new();
        self.visit(config, &mut |schema, value| {
            let format = schema.get("format").and_then(Value::as_str);
            if matches!(format, Some("uri" | "hostname")) {
                hosts.extend(value.as_str().and_then(host_of));
            }
        });
        hosts
    }

    /// Values of options whose schema says that they are secret.
    pub(super) fn secrets(&self, config: &Value) -> Vec<Secret> {
        let mut secrets = Vec::new();
        self.visit(config, &mut |schema, value| {
            let password = schema.get("format").and_then(Value::as_str) == Some("password");
            if password || schema.get("writeOnly").and_then(Value::as_bool) == Some(true) {
                secrets.extend(value.as_str().map(Secret::new));
            }
        });
        secrets
    }

    fn visit(&self, config: &Value, see: &mut dyn FnMut(&Value, &Value)) {
        visit(&self.text, config, see);
    }
}

/// Walks options and their schema side by side, through `properties` and `items`.
fn visit(schema: &Value, value: &Value, see: &mut dyn FnMut(&Value, &Value)) {
    see(schema, value);
    if let (Some(properties), Some(values)) = (schema.get("properties").and_then(Value::as_object), value.as_object()) {
        for (name, schema) in properties {
            if let Some(value) = values.get(name) {
                visit(schema, value, see);
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        values.iter().for_each(|value| visit(items, value, see));
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
}
