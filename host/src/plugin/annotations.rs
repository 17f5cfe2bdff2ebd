//! What a plugin's JSON Schema says of a value besides whether it is right: that it is a host, that it is a secret.
//!
//! A validator answers the one question and not the other, so options and schema are walked here side by side.

use regex::Regex;
use serde_json::Map;
use serde_json::Value;

/// Steps of one walk. A schema comes from a plugin, and one that refers to itself twice would else have no end.
const MAX_STEPS: usize = 100_000;

/// How deep a walk goes.
const MAX_DEPTH: usize = 128;

/// Calls `see` with each part of `options` and each schema that speaks of it.
///
/// More rather than less: all alternatives (`anyOf`, `oneOf`, `if`) count, whether or not they hold, since a secret that is missed
/// is worse than a word that is struck.
pub(super) fn walk(schema: &Value, options: &Value, see: &mut dyn FnMut(&Value, &Value)) {
    Walk { root: schema, steps: MAX_STEPS, see }.visit(schema, options, MAX_DEPTH);
}

struct Walk<'a> {
    root: &'a Value,
    steps: usize,
    see: &'a mut dyn FnMut(&Value, &Value),
}

impl Walk<'_> {
    fn visit(&mut self, schema: &Value, value: &Value, depth: usize) {
        let (Some(steps), Some(depth)) = (self.steps.checked_sub(1), depth.checked_sub(1)) else { return };
        self.steps = steps;
        (self.see)(schema, value);
        let root = self.root;
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#'));
        if let Some(schema) = reference.and_then(|pointer| root.pointer(pointer)) {
            self.visit(schema, value, depth);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for schema in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                self.visit(schema, value, depth);
            }
        }
        for keyword in ["if", "then", "else"] {
            if let Some(schema) = schema.get(keyword) {
                self.visit(schema, value, depth);
            }
        }
        match value {
            Value::Object(values) => self.properties(schema, values, depth),
            Value::Array(values) => self.items(schema, values, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn properties(&mut self, schema: &Value, values: &Map<String, Value>, depth: usize) {
        let known = schema.get("properties").and_then(Value::as_object);
        let patterns: Vec<(Option<Regex>, &Value)> = schema
            .get("patternProperties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            // A pattern in a dialect that is not read here is taken to fit.
            .map(|(pattern, schema)| (Regex::new(pattern).ok(), schema))
            .collect();
        for (name, value) in values {
            let mut named = false;
            if let Some(schema) = known.and_then(|known| known.get(name)) {
                named = true;
                self.visit(schema, value, depth);
            }
            for (pattern, schema) in &patterns {
                if pattern.as_ref().is_none_or(|pattern| pattern.is_match(name)) {
                    named = true;
                    self.visit(schema, value, depth);
                }
            }
            for keyword in ["additionalProperties", "unevaluatedProperties"] {
                if let Some(schema) = schema.get(keyword).filter(|_| !named) {
                    self.visit(schema, value, depth);
                }
            }
        }
    }

    fn items(&mut self, schema: &Value, values: &[Value], depth: usize) {
        let first = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (at, value) in values.iter().enumerate() {
            if let Some(schema) = first.get(at).or_else(|| schema.get("items")) {
                self.visit(schema, value, depth);
            }
        }
    }
}
