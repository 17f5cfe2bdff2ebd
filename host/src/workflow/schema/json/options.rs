//! Plugins and their options within the schema.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::workflow::schema::json::PluginOptions;
use crate::workflow::schema::json::object;

/// `{plugin: NAME, with: {…}}`, with the options of those that fit.
pub(super) fn plugin_use(description: &str, fitting: &[&PluginOptions]) -> Value {
    let names: Vec<&str> = fitting.iter().map(|plugin| plugin.name.as_str()).collect();
    let mut schema = object(
        description,
        &json!({
            // Others may be declared under `plugins` and `plugin-dirs`.
            "plugin": {"description": "The name of a plugin.", "anyOf": [{"enum": names}, {"type": "string", "minLength": 1}]},
            "with": {"description": "Its options: `image-transfer plugin inspect NAME` lists them."},
        }),
    );
    schema["required"] = json!(["plugin"]);
    let options = fitting.iter().map(|plugin| {
        let reference = format!("#/$defs/{}", definition(&plugin.name));
        json!({
            "if": {"properties": {"plugin": {"const": plugin.name}}, "required": ["plugin"]},
            "then": {"properties": {"with": open(json!({"$ref": reference}))}},
        })
    });
    schema["allOf"] = options.collect();
    if fitting.is_empty() {
        schema.as_object_mut().map(|schema| schema.remove("allOf"));
    }
    schema
}

/// The name of a plugin's options in the schema.
pub(super) fn definition(plugin: &str) -> String {
    format!("options-{plugin}")
}

/// A plugin's own schema as a part of this one.
pub(super) fn options(plugin: &PluginOptions) -> Value {
    let mut schema = plugin.schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("$id");
        schema.entry("description").or_insert_with(|| plugin.summary.clone().into());
    }
    settle(&mut schema, &format!("#/$defs/{}", definition(&plugin.name)));
    schema
}

/// Has references within `schema` begin at `root`, and opens each option to variables and files.
fn settle(schema: &mut Value, root: &str) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::String(reference)) = object.get_mut("$ref")
        && let Some(rest) = reference.strip_prefix('#')
    {
        *reference = format!("{root}{rest}");
    }
    for key in ["properties", "patternProperties"] {
        for option in object.get_mut(key).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            settle(option, root);
            *option = open(option.take());
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(option) = object.get_mut(key).filter(|option| option.is_object()) {
            settle(option, root);
            *option = open(option.take());
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        object.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(|part| settle(part, root));
    }
    for part in object.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        settle(part, root);
    }
    for key in ["if", "then", "else", "not"] {
        object.get_mut(key).into_iter().for_each(|part| settle(part, root));
    }
}

/// `schema`, or a variable, or what a file holds. What editors show stays outside.
fn open(mut schema: Value) -> Value {
    let mut outside = Map::new();
    for key in ["title", "description", "default"] {
        if let Some(value) = schema.as_object_mut().and_then(|schema| schema.remove(key)) {
            outside.insert(key.to_owned(), value);
        }
    }
    outside.insert("anyOf".to_owned(), json!([schema, {"$ref": "#/$defs/variable"}, {"$ref": "#/$defs/file"}]));
    outside.into()
}
