//! tkestack/image-transfer (rules, security) and AliyunContainerService/image-syncer (images, auth): a source on the left, targets on the
//! right.

use serde_json::Map;
use serde_json::Value;

use crate::convert::Format;
use crate::convert::Request;
use crate::convert::draft::Copy;
use crate::convert::format::is_login;
use crate::convert::names::Name;
use crate::convert::names::host_and_namespace;
use crate::convert::names::is_registry;
use crate::convert::names::without_scheme;
use crate::convert::patterns;
use crate::convert::reading::Reading;
use crate::convert::tags::Choice;
use crate::convert::tags::Tags;
use crate::workflow::Place;
use crate::workflow::tree::Content;
use crate::workflow::tree::Entry;
use crate::workflow::tree::Node;

/// Reads rules, logins, or both in one file.
pub(super) fn read(reading: &mut Reading, root: &Node, format: Format, request: &Request) {
    let Content::Mapping(entries) = &root.content else {
        if !root.is_null() {
            reading.error(root.at, format!("a file of {format} must be a mapping, not {}", root.kind()));
        }
        return;
    };
    let both = entries.iter().any(|entry| entry.key == "images");
    if format == Format::ImageSyncer && both {
        let Some(mut fields) = reading.mapping(root, "a configuration") else { return };
        if let Some(auth) = fields.take("auth") {
            logins(reading, auth);
        }
        if let Some(images) = fields.take("images") {
            syncer(reading, images, request);
        }
        reading.rest(fields, &[]);
    } else if entries.iter().all(|entry| entry.value.is_null() || is_login(&entry.value))
        && entries.iter().any(|entry| !entry.value.is_null())
    {
        logins(reading, root);
    } else if format == Format::ImageSyncer {
        syncer(reading, root, request);
    } else {
        classic(reading, entries, request);
    }
}

/// Each registry's user and password.
fn logins(reading: &mut Reading, node: &Node) {
    let Content::Mapping(entries) = &node.content else {
        reading.error(node.at, format!("logins must be a mapping, not {}", node.kind()));
        return;
    };
    for entry in entries {
        let Some(key) = reading.registry_key(without_scheme(&entry.key), entry.key_at) else { continue };
        reading.draft.registry(&key);
        if entry.value.is_null() {
            continue;
        }
        let Some(mut fields) = reading.mapping(&entry.value, "a login") else { continue };
        let [username, password] = ["username", "password"].map(|name| {
            let node = fields.take(name)?;
            Some((reading.text(node, &format!("`{name}`"))?, node))
        });
        reading.login(&key, username, password);
        if reading.flag(fields.take("insecure"), "`insecure`") == Some(true) {
            reading.draft.registry(&key).insert("insecure".to_owned(), true.into());
        }
        reading.rest(fields, &[]);
    }
}

/// The rules of tkestack/image-transfer are those of the plugin `rules`, word for word.
fn classic(reading: &mut Reading, entries: &[Entry], request: &Request) {
    let mut rules = Map::new();
    for entry in entries {
        let target = if entry.value.is_null() {
            Value::from("")
        } else {
            let targets = reading.texts(Some(&entry.value), "a target");
            for (target, at) in &targets {
                misread(reading, target, *at);
                if target.is_empty() && request.to.is_none() {
                    reading.error(*at, "the target is empty: say --to HOST for those");
                }
            }
            let mut targets: Vec<Value> = targets.into_iter().map(|(target, _)| target.into()).collect();
            if targets.len() == 1 { targets.remove(0) } else { targets.into() }
        };
        misread(reading, &entry.key, entry.key_at);
        rules.insert(entry.key.clone(), target);
    }
    if rules.is_empty() {
        return;
    }
    let mut options = Map::new();
    let mut copy = Copy::default();
    if let Some(to) = &request.to {
        let (registry, namespace) = host_and_namespace(to);
        options.insert("registry".to_owned(), registry.into());
        if let Some(namespace) = namespace {
            options.insert("namespace".to_owned(), namespace.into());
        }
    } else {
        copy.to.insert("registry".to_owned(), "docker.io".into());
    }
    reading.draft.rules(rules, options, &copy);
}

/// That tool took the first of three segments for a registry, whatever it looks like.
fn misread(reading: &mut Reading, name: &str, at: Place) {
    if let Some((first, rest)) = name.split_once('/')
        && rest.contains('/')
        && !is_registry(first)
        && !name.starts_with("oci:")
    {
        reading
            .note(at, format!("`{first}` is a namespace on Docker Hub here; as a registry it needs a dot or a port"));
    }
}

/// The rules of image-syncer.
fn syncer(reading: &mut Reading, node: &Node, request: &Request) {
    let Content::Mapping(entries) = &node.content else {
        reading.error(node.at, format!("images must be a mapping, not {}", node.kind()));
        return;
    };
    let default = request.to.as_deref().map(host_and_namespace);
    for entry in entries {
        let source = Name::parse(without_scheme(&entry.key));
        let mut given = reading.texts(Some(&entry.value), "a target");
        if entry.value.is_null() || given.is_empty() {
            given = vec![(String::new(), entry.key_at)];
        }
        let mut targets = Vec::new();
        for (target, at) in given {
            if !target.is_empty() {
                targets.push(Name::parse(without_scheme(&target)));
            } else if let Some((registry, namespace)) = &default {
                let repository = match namespace {
                    Some(namespace) => format!("{namespace}/{}", source.last()),
                    None => source.repository.clone(),
                };
                targets.push(Name { registry: registry.clone(), repository, version: String::new() });
            } else {
                reading.error(at, "the target is empty: say --to HOST/NAMESPACE for those");
            }
        }
        let Some(tags) = choice(reading, &source.version, entry.key_at) else { continue };
        for target in &targets {
            let digest = target.version.starts_with('@');
            if matches!(tags, Tags::Listed(_)) && !target.version.is_empty() {
                reading.error(entry.value.at, "a target with tags needs a source with as many");
            }
            let kept = Name { version: if digest { String::new() } else { target.version.clone() }, ..target.clone() };
            reading.draft.copy(&Copy::default(), &source, &[kept], std::slice::from_ref(&tags));
        }
    }
}

/// The tags that a source of image-syncer names: none for all, a list, an expression between slashes, or a digest.
fn choice(reading: &mut Reading, version: &str, at: Place) -> Option<Tags> {
    if version.is_empty() {
        return Some(Tags::all());
    }
    if let Some((_, digest)) = version.split_once('@') {
        return Some(Tags::Digest(digest.to_owned()));
    }
    let tags = version.trim_start_matches(':');
    match tags.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        None => Some(Tags::Named(tags.split(',').map(|tag| tag.trim().to_owned()).collect())),
        Some(expression) => match patterns::anywhere(expression) {
            Ok(pattern) => Some(Tags::Listed(Choice { include: vec![pattern], ..Choice::default() })),
            Err(problem) => {
                reading.note(at, format!("this rule is left out: {problem}"));
                None
            }
        },
    }
}
