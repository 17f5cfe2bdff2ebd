//! The page of every key is what the schema says.

use std::fmt::Write as _;
use std::fs;

use serde_json::Map;
use serde_json::Value;

use crate::harness::command::Workplace;
use crate::harness::tools;

const HEAD: &str = "\
# Every key and option

Made from `image-transfer schema`. [The workflow file](workflow.md) explains what the keys do together;
[`workflows/reference.yaml`](../workflows/reference.yaml) shows each in a file that `check` accepts.
";

/// The sections of a workflow, each with where in the schema it is.
const SECTIONS: [(&str, &str); 12] = [
    ("A workflow", ""),
    ("registries: HOST", "/$defs/registry"),
    ("limits", "/properties/limits"),
    ("retry", "/properties/retry"),
    ("plugins: NAME", "/$defs/plugin"),
    ("transfers", "/$defs/transfer"),
    ("from, map, prepare, credentials", "/$defs/source"),
    ("select", "/$defs/transfer/properties/select"),
    ("select: repositories", "/$defs/transfer/properties/select/properties/repositories"),
    ("select: tags", "/$defs/transfer/properties/select/properties/tags"),
    ("select: tags: newest", "/$defs/transfer/properties/select/properties/tags/properties/newest"),
    ("to", "/$defs/to"),
];

fn page(schema: &Value) -> String {
    let mut text = HEAD.to_owned();
    for (name, pointer) in SECTIONS {
        let section = schema.pointer(pointer).unwrap();
        let _ = write!(text, "\n## {name}\n\n");
        table(&mut text, schema, section);
    }
    text.push_str("\n# Options of the built-in plugins\n\nThey stand under `with`. Any of them may be a variable, or `{$file: PATH}`.\n");
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, options) in
        definitions.iter().filter_map(|(name, options)| Some((name.strip_prefix("options-")?, options)))
    {
        let uses: Vec<&str> =
            [("source", "from"), ("mapper", "map"), ("provisioner", "prepare"), ("issuer", "credentials")]
                .into_iter()
                .filter(|(kind, _)| {
                    definitions[*kind]["properties"]["plugin"]["anyOf"][0]["enum"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|it| it == name)
                })
                .map(|(_, key)| key)
                .collect();
        let _ = write!(text, "\n## {name}\n\n{} For `{}`.\n\n", said(options), uses.join("`, `"));
        table(&mut text, schema, options);
    }
    text
}

/// The keys of a mapping.
fn table(text: &mut String, schema: &Value, mapping: &Value) {
    let none = Vec::new();
    let required = mapping["required"].as_array().unwrap_or(&none);
    text.push_str("| key | | |\n|---|---|---|\n");
    for (key, value) in mapping["properties"].as_object().unwrap_or(&Map::new()) {
        let needed = if required.iter().any(|it| it == key) { " (required)" } else { "" };
        let referred = value["$ref"].as_str().map_or(value, |it| schema.pointer(it.trim_start_matches('#')).unwrap());
        let said = if said(value).is_empty() { said(referred) } else { said(value) };
        let said = said.replace('|', "\\|");
        let _ = writeln!(text, "| `{key}`{needed} | {} | {said} |", kind(schema, value));
    }
}

fn said(value: &Value) -> &str {
    value["description"].as_str().unwrap_or_default()
}

/// What a value is, in a word or two.
fn kind(schema: &Value, value: &Value) -> String {
    if let Some(reference) = value["$ref"].as_str() {
        return kind(schema, schema.pointer(reference.trim_start_matches('#')).unwrap());
    }
    if let Some(words) = value["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", word.as_str().unwrap())).collect::<Vec<_>>().join(", ");
    }
    if let Some(constant) = value.get("const") {
        return format!("`{constant}`");
    }
    if let Some(any) = value["anyOf"].as_array() {
        let list = any.iter().any(|other| other["type"] == "array") && any[0]["type"] != "array";
        let text = any.get(1).and_then(|other| other["pattern"].as_str()).unwrap_or_default();
        return match any[0].get("const") {
            Some(constant) if *constant == 0 => "duration".to_owned(),
            _ if text.contains("[kKmMgG]") => "size".to_owned(),
            _ if list => format!("{}, or a list", kind(schema, &any[0])),
            _ => kind(schema, &any[0]),
        };
    }
    let name = |word: &Value| match word.as_str() {
        Some("object") => "mapping",
        Some("array") => "list",
        Some("integer" | "number") => "number",
        Some("boolean") => "true or false",
        Some("string") => "text",
        _ => "",
    };
    match &value["type"] {
        // A number will do for a text, and nothing for a mapping: what is meant comes first.
        Value::Array(words) if words[0] == "string" || words[0] == "object" => name(&words[0]).to_owned(),
        Value::Array(words) => words.iter().map(name).collect::<Vec<_>>().join(" or "),
        word => name(word).to_owned(),
    }
}

/// After a change: `IMAGE_TRANSFER_WRITE_FIXTURES=1 cargo test --locked --test e2e documentation`.
#[test]
fn the_page_of_every_key_is_what_the_schema_says() {
    let said = Workplace::new().run(&["schema"]).expect(0);
    let text = page(&serde_json::from_str(&said.stdout).unwrap());
    let path = tools::repository().join("docs/reference.md");
    if std::env::var_os("IMAGE_TRANSFER_WRITE_FIXTURES").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text);
}
