//! The workflow file as a JSON Schema (draft 2020-12), for editors that complete and check.
//!
//! It says less than the reader does: nothing of variables' values, of files, or of what plugins check by themselves. What the
//! reader accepts, it accepts: a variable may stand wherever a number or a word may, and `{$file: PATH}` for any option.

mod options;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::workflow::Limits;
use crate::workflow::schema::json::options::definition;
use crate::workflow::schema::json::options::options;
use crate::workflow::schema::json::options::plugin_use;

/// A plugin whose options are part of the schema.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub struct PluginOptions {
    /// Its name in a workflow.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// Its options, as a JSON Schema of its own.
    pub schema: Value,
    /// Whether it says which images.
    pub source: bool,
    /// Whether it says where to.
    pub mapper: bool,
    /// Whether it makes what must exist.
    pub provisioner: bool,
    /// Whether it logs in.
    pub credentials: bool,
}

/// The schema of a workflow file that may use `plugins`.
#[must_use]
pub fn json_schema(plugins: &[PluginOptions]) -> Value {
    let mut definitions = Map::new();
    definitions.insert(
        "variable".to_owned(),
        json!({"type": "string", "pattern": r"\$\{", "description": "${ENV}, ${ENV:-default}, ${ENV:?message} or ${vars.NAME}."}),
    );
    definitions.insert(
        "file".to_owned(),
        json!({
            "type": "object",
            "description": "What a YAML or JSON file holds; its path is relative to the workflow file.",
            "properties": {"$file": {"type": "string"}},
            "required": ["$file"],
            "additionalProperties": false,
        }),
    );
    for plugin in plugins {
        definitions.insert(definition(&plugin.name), options(plugin));
    }
    let mut add = |name: &str, description: &str, fits: fn(&PluginOptions) -> bool| {
        let fitting: Vec<&PluginOptions> = plugins.iter().filter(|plugin| fits(plugin)).collect();
        definitions.insert(name.to_owned(), plugin_use(description, &fitting));
    };
    add("source", "A source plugin: which images there are.", |plugin| plugin.source);
    add("mapper", "A mapper plugin: where each image lands.", |plugin| plugin.mapper);
    add("provisioner", "A plugin that makes what must exist before the first push.", |plugin| plugin.provisioner);
    add("issuer", "A plugin that issues the login, again before it runs out.", |plugin| plugin.credentials);
    for (name, schema) in [("registry", registry()), ("plugin", plugin()), ("transfer", transfer()), ("to", to())] {
        definitions.insert(name.to_owned(), schema);
    }
    let mut root = root();
    root["$defs"] = definitions.into();
    root
}

fn root() -> Value {
    let Limits { images, blobs, .. } = Limits::default();
    let mut root = object(
        "A workflow of image-transfer: what to move, where to, and how.",
        &json!({
            "version": number("The version of the file format.", &json!({"const": 1})),
            "name": text("What the run is called in reports; without it the file's name."),
            "vars": {
                "type": ["object", "null"],
                "description": "Variables that the file refers to as ${vars.NAME}. --set NAME=VALUE overrides them; one without a value must be set.",
            },
            "registries": {
                "type": "object",
                "description": "How each registry is reached, by host[:port] or host[:port]/namespace; the longest match wins.",
                "additionalProperties": {"$ref": "#/$defs/registry"},
            },
            "limits": object("How fast and how much at once.", &json!({
                "qps": count("Requests a second over all registries; without it no limit."),
                "images": count(&format!("Images on their way at once; {images} without it.")),
                "blobs": count(&format!("Blobs on their way at once, over all images; {blobs} without it.")),
                "bandwidth": size("Bytes a second over all blobs; without it no limit."),
                "idle": duration("How long a registry may give no sign of life before the request is tried again; 1m without it."),
                "minimum-rate": size("Bytes a second that an answer must bring; 1KiB without it, 0: however slow."),
            })),
            "retry": object("What is tried again.", &json!({
                "rounds": number("Rounds over what failed, after the first; 2 without it.", &json!({"type": "integer", "minimum": 0})),
                "patience": duration("How long a registry that serves nothing is waited for; 30m without it."),
            })),
            "plugins": {
                "type": "object",
                "description": "Components of your own, and grants and budgets of built-in ones.",
                "propertyNames": {"pattern": "^[a-z0-9-]+$"},
                "additionalProperties": {"$ref": "#/$defs/plugin"},
            },
            "plugin-dirs": list("Directories whose components are all plugins, by their file names.", &json!({"type": "string"})),
            "transfers": {
                "type": "array",
                "description": "What is moved. They run side by side, but for `needs`.",
                "items": {"$ref": "#/$defs/transfer"},
                "minItems": 1,
            },
        }),
    );
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "image-transfer workflow".into();
    root["required"] = json!(["version", "transfers"]);
    root
}

fn registry() -> Value {
    let mut schema = object(
        "How a registry is reached. Without a login docker's and podman's files are asked, else access is anonymous.",
        &json!({
            "username": text("The user."),
            "password": text("The password; write it as ${NAME}."),
            "identity-token": text("A refresh token instead of user and password."),
            "anonymous": flag("No login, whatever docker's files say."),
            "credentials": {"$ref": "#/$defs/issuer"},
            "ca": text("Certificates (PEM file) to trust besides the usual ones."),
            "client-cert": text("The certificate to show (PEM file)."),
            "client-key": text("Its key (PEM file)."),
            "skip-verify": flag("Accept any certificate."),
            "plain-http": flag("http, not https."),
            "insecure": flag("https with any certificate, then http."),
            "proxy": text("http://, https://, socks5:// or socks5h://; without it the environment's proxy."),
            "qps": count("Requests a second to this registry."),
        }),
    );
    schema["dependentRequired"] = json!({
        "username": ["password"], "password": ["username"], "client-cert": ["client-key"], "client-key": ["client-cert"],
    });
    schema["minProperties"] = 1.into();
    schema
}

fn plugin() -> Value {
    let mut schema = object(
        "A component of your own, or grants and budgets of a built-in one.",
        &json!({
            "path": text("The component; without it the built-in plugin of that name is meant."),
            "sha256": text("Its SHA-256; another file is refused."),
            "oci": text("The component in a registry, in place of `path`: host/repository@sha256:…"),
            "hosts": list("Hosts it may reach: host, host:port or *.domain.", &json!({"type": "string"})),
            "memory": size("Memory of an instance."),
            "timeout": duration("Wall clock of each call."),
            "cpu": duration("Computing in each call."),
        }),
    );
    schema["dependentRequired"] = json!({"sha256": ["path"]});
    // An entry may be empty.
    schema["type"] = json!(["object"]);
    schema
}

fn transfer() -> Value {
    let mut schema = object(
        "Images from one source.",
        &json!({
            "name": text("Its name; transfer-1, transfer-2, … without it."),
            "from": {"$ref": "#/$defs/source"},
            "select": select(),
            "map": one_or_many("Mapper plugins, one after the other.", &json!({"$ref": "#/$defs/mapper"}), 0),
            "to": one_or_many("Where to; several targets are filled from one pull.", &json!({"$ref": "#/$defs/to"}), 1),
            "needs": one_or_many("Transfers that must end before this one starts.", &json!({"type": ["string", "number"]}), 0),
        }),
    );
    schema["required"] = json!(["from"]);
    schema
}

fn select() -> Value {
    let patterns = |what: &str| {
        let names = "globs, or regular expressions between slashes, that match whole names";
        list(&format!("{what}: {names}."), &json!({"type": ["string", "number"], "minLength": 1}))
    };
    object(
        "Which of the source's images; without it all.",
        &json!({
            "repositories": object("Repositories by their names at the source, without the registry.", &json!({
                "include": patterns("These; without it all"),
                "exclude": patterns("Not these"),
            })),
            "tags": object("Which tags of each repository.", &json!({
                "include": patterns("These; without it all"),
                "exclude": patterns("Not these"),
                "semver": text("A range of versions, such as >=1.2, <3 or ~1.4. Tags that are no version are out."),
                "newest": newest(),
            })),
            "platforms": list("These platforms of a multi-platform image, as os/arch[/variant].", &json!({"type": "string"})),
            "referrers": flag("Signatures, SBOMs and other referrers too."),
        }),
    )
}

fn newest() -> Value {
    let mut schema = object(
        "Only so many of each repository's tags that passed.",
        &json!({
            "count": count("How many."),
            "by": word("What newer means; semver without it.", &["semver", "name", "created"]),
        }),
    );
    schema["required"] = json!(["count"]);
    schema
}

fn to() -> Value {
    object(
        "A target. It fills what neither the source nor a mapper named.",
        &json!({
            "registry": text("host[:port], or oci:DIRECTORY for a directory of OCI image layouts."),
            "namespace": text("Put before the whole name of the source's repository where no plugin named the target's."),
            "prepare": {"$ref": "#/$defs/provisioner"},
            "existing": word("What happens to a tag that is there; overwrite without it.", &["overwrite", "skip", "fail"]),
        }),
    )
}

fn object(description: &str, properties: &Value) -> Value {
    json!({"type": "object", "description": description, "properties": properties, "additionalProperties": false})
}

fn text(description: &str) -> Value {
    json!({"type": ["string", "number"], "minLength": 1, "description": description})
}

fn list(description: &str, items: &Value) -> Value {
    json!({"type": "array", "description": description, "items": items})
}

fn one_or_many(description: &str, item: &Value, least: usize) -> Value {
    json!({"description": description, "anyOf": [item, {"type": "array", "items": item, "minItems": least}]})
}

fn flag(description: &str) -> Value {
    json!({"description": description, "anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/variable"}]})
}

/// What `schema` says of a number; a text that is one will do.
fn number(description: &str, schema: &Value) -> Value {
    json!({"description": description, "anyOf": [schema, {"type": "string", "pattern": r"^[0-9]+$|\$\{"}]})
}

fn count(description: &str) -> Value {
    number(description, &json!({"type": "integer", "minimum": 1}))
}

fn size(description: &str) -> Value {
    let pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgG]i?)?[bB]?(/s)?\s*$|\$\{";
    json!({"description": description, "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}]})
}

fn duration(description: &str) -> Value {
    let pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|min|h)\s*$|^0$|\$\{";
    json!({"description": description, "anyOf": [{"const": 0}, {"type": "string", "pattern": pattern}]})
}

fn word(description: &str, words: &[&str]) -> Value {
    json!({"description": description, "anyOf": [{"enum": words}, {"$ref": "#/$defs/variable"}]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::SECTIONS;

    fn plugin_with(name: &str, schema: Value) -> PluginOptions {
        PluginOptions {
            name: name.to_owned(),
            summary: "for tests".to_owned(),
            schema,
            source: true,
            mapper: false,
            provisioner: false,
            credentials: true,
        }
    }

    /// The part of the schema that `path`, a name of a section, leads to.
    fn part<'a>(root: &'a Value, path: &str) -> &'a Value {
        let follow = |mut schema: &'a Value| {
            while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                schema = root.pointer(reference.trim_start_matches('#')).unwrap();
            }
            schema
        };
        path.split('.').filter(|segment| *segment != "a workflow").fold(root, |schema, segment| {
            let key = segment.trim_end_matches("[]");
            let inner = if key == "*" { &schema["additionalProperties"] } else { &schema["properties"][key] };
            let inner = follow(inner);
            let inner = if segment.ends_with("[]") { follow(&inner["items"]) } else { inner };
            inner.get("anyOf").map_or(inner, |any| follow(&any[0]))
        })
    }

    #[test]
    fn it_knows_the_keys_that_the_reader_knows() {
        let schema = json_schema(&[]);
        for (path, keys) in SECTIONS {
            let properties = part(&schema, path)["properties"].as_object().unwrap_or_else(|| panic!("{path}"));
            let known: Vec<&str> = properties.keys().map(String::as_str).collect();
            assert_eq!(known, *keys, "{path}");
        }
    }

    #[test]
    fn options_of_a_plugin_may_be_variables_and_files_and_refer_to_its_own_definitions() {
        let own = json!({
            "type": "object",
            "properties": {
                "levels": {"type": "integer", "description": "how many"},
                "pairs": {"type": "array", "items": {"$ref": "#/$defs/pair"}},
            },
            "$defs": {"pair": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false}},
            "required": ["levels"],
            "additionalProperties": false,
        });
        let validator = jsonschema::validator_for(&json_schema(&[plugin_with("own", own)])).unwrap();
        let with = |with: Value| json!({"version": 1, "transfers": [{"from": {"plugin": "own", "with": with}}]});
        for good in [
            json!({"levels": 1}),
            json!({"levels": "${vars.levels}", "pairs": {"$file": "pairs.yaml"}}),
            json!({"levels": 1, "pairs": [{"a": 1}, {"a": "${A}"}]}),
            json!({"$file": "options.yaml"}),
        ] {
            assert!(validator.is_valid(&with(good.clone())), "{good}");
        }
        for bad in [json!({}), json!({"levels": "one"}), json!({"levels": 1, "pairs": [{"b": 1}]}), json!({"other": 1})]
        {
            assert!(!validator.is_valid(&with(bad.clone())), "{bad}");
        }
        assert!(
            validator.is_valid(&json!({"version": 1, "transfers": [{"from": {"plugin": "mine", "with": {"x": 1}}}]}))
        );
    }
}
