//! What `plugin test` reads: options, what the plugin is asked about, recordings.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;

use crate::cli::CommandError;
use crate::cli::args::TestArgs;
use crate::oci::Reference;
use crate::oci::Repository;
use crate::oci::TagOrDigest;
use crate::plugin::Attributes;
use crate::plugin::Destination;
use crate::plugin::Image;
use crate::plugin::Recording;

/// The plugin's options: those of the file, and over them those of the command line.
pub(super) fn options(args: &TestArgs) -> Result<Value, CommandError> {
    let mut options = match &args.options {
        Some(path) => {
            let text = text(path)?;
            let value: Value = serde_yaml::from_str(&text).map_err(|error| unreadable(path, &error))?;
            match value {
                Value::Object(options) => options,
                Value::Null => Map::new(),
                _ => return Err(CommandError::Usage(format!("{}: options are names with values", path.display()))),
            }
        }
        None => Map::new(),
    };
    for (name, text) in &args.with {
        let value =
            serde_yaml::from_str(text).map_err(|error| CommandError::Usage(format!("--with {name}: {error}")))?;
        options.insert(name.clone(), value);
    }
    Ok(Value::Object(options))
}

/// What answers in place of the network: without a file, nothing.
pub(super) fn recording(path: Option<&Path>) -> Result<Recording, CommandError> {
    let Some(path) = path else { return Ok(Recording::default()) };
    let recording: Recording = json(path)?;
    match recording.problem() {
        Some(problem) => Err(CommandError::Usage(format!("{}: {problem}", path.display()))),
        None => Ok(recording),
    }
}

/// An image of the input: its reference alone, or more of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a reference, or a mapping with `source`")]
struct Given {
    source: String,
    /// The tag beside a digest.
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    attributes: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    tag: Option<String>,
}

/// The images that a mapper is asked about.
pub(super) fn images(path: Option<&Path>) -> Result<Vec<Image>, CommandError> {
    entries(path, |entry| {
        let given = match entry {
            Value::String(source) => {
                Given { source: source.clone(), tag: None, targets: Vec::new(), attributes: Map::new() }
            }
            other => serde_json::from_value(other.clone()).map_err(|error| error.to_string())?,
        };
        image(given)
    })
}

fn image(given: Given) -> Result<Image, String> {
    let source: Reference = given.source.parse().map_err(|error| format!("`{}`: {error}", given.source))?;
    let tag = match (given.tag, &source.version) {
        (Some(tag), _) => Some(tag.parse().map_err(|error| format!("`{tag}`: {error}"))?),
        (None, TagOrDigest::Tag(tag)) => Some(tag.clone()),
        (None, TagOrDigest::Digest(_)) => None,
    };
    let targets: Result<_, String> = given.targets.into_iter().map(destination).collect();
    Ok(Image { source, tag, targets: targets?, attributes: attributes(&given.attributes) })
}

fn destination(target: Target) -> Result<Destination, String> {
    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: Option<String>) -> Result<Option<T>, String> {
        text.map(|text| text.parse().map_err(|error| format!("`{text}`: {error}"))).transpose()
    }
    let Target { registry, repository, tag } = target;
    Ok(Destination { registry: parsed(registry)?, repository: parsed(repository)?, tag: parsed(tag)? })
}

fn attributes(given: &Map<String, Value>) -> Attributes {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    given.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The repositories that a provisioner is asked for.
pub(super) fn repositories(path: Option<&Path>) -> Result<Vec<(Repository, Attributes)>, CommandError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, expecting = "a name, or a mapping with `name`")]
    struct Wanted {
        name: String,
        #[serde(default)]
        attributes: Map<String, Value>,
    }
    entries(path, |entry| {
        let wanted = match entry {
            Value::String(name) => Wanted { name: name.clone(), attributes: Map::new() },
            other => serde_json::from_value(other.clone()).map_err(|error| error.to_string())?,
        };
        let name = wanted.name.parse().map_err(|error| format!("`{}`: {error}", wanted.name))?;
        Ok((name, attributes(&wanted.attributes)))
    })
}

/// The registries that credentials are asked for.
pub(super) fn registries(path: Option<&Path>) -> Result<Vec<String>, CommandError> {
    entries(path, |entry| entry.as_str().map(str::to_owned).ok_or_else(|| "not a text".to_owned()))
}

fn entries<T>(path: Option<&Path>, read: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, CommandError> {
    let Some(path) = path else {
        return Err(CommandError::Usage("--input is missing: what is the plugin asked about?".to_owned()));
    };
    let entries: Vec<Value> = json(path)?;
    let numbered = entries.iter().enumerate();
    let read = numbered.map(|(number, entry)| {
        read(entry)
            .map_err(|problem| CommandError::Usage(format!("{}: entry {}: {problem}", path.display(), number + 1)))
    });
    read.collect()
}

/// A JSON file.
pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, CommandError> {
    serde_json::from_str(&text(path)?).map_err(|error| unreadable(path, &error))
}

fn text(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> CommandError {
    CommandError::Usage(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(entries: &Value) -> Result<Vec<Image>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), entries.to_string()).unwrap();
        images(Some(file.path())).map_err(|error| error.to_string())
    }

    #[test]
    fn an_image_is_a_reference_or_more_of_it() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let read = read(&json!([
            "reg.example/app:1",
            {"source": format!("reg.example/app@{digest}"), "tag": "2", "targets": [{"repository": "x/app"}],
             "attributes": {"public": true, "size": "3"}},
        ]))
        .unwrap();
        assert_eq!(read[0].tag.as_ref().unwrap().as_str(), "1");
        assert_eq!(read[1].source.version.digest().unwrap().as_str(), digest);
        assert_eq!(read[1].tag.as_ref().unwrap().as_str(), "2");
        assert_eq!(read[1].targets[0].repository.as_ref().unwrap().as_str(), "x/app");
        let expected = [("public", "true"), ("size", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read[1].attributes, expected);
    }

    #[test]
    fn an_entry_that_is_none_is_told_by_its_number() {
        let error = read(&json!(["reg.example/app:1", "reg.example/UPPER:1"])).unwrap_err();
        assert!(error.contains("entry 2: `reg.example/UPPER:1`"), "{error}");
        let error = read(&json!([{"source": "reg.example/app:1", "tags": []}])).unwrap_err();
        assert!(error.contains("entry 1: unknown field `tags`"), "{error}");
    }
}
