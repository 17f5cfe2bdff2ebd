//! `skopeo sync --src yaml`: repositories by registry; where they go is on its command line.

use crate::convert::Request;
use crate::convert::draft::Copy;
use crate::convert::names::Name;
use crate::convert::names::host_and_namespace;
use crate::convert::names::without_scheme;
use crate::convert::patterns;
use crate::convert::ranges;
use crate::convert::reading::Reading;
use crate::convert::tags::Choice;
use crate::convert::tags::Tags;
use crate::oci::Digest;
use crate::workflow::tree::Content;
use crate::workflow::tree::Entry;
use crate::workflow::tree::Node;

const REASONS: &[(&str, &str)] = &[(
    "cert-dir",
    "write the files in it as `ca` (*.crt), `client-cert` (*.cert) and `client-key` (*.key) of the registry",
)];

pub(super) fn read(reading: &mut Reading, root: &Node, request: &Request) {
    let Some(to) = request.to.as_deref() else {
        reading.error(root.at, "skopeo's file does not say where images go: add --to HOST[:PORT][/NAMESPACE]");
        return;
    };
    let Content::Mapping(registries) = &root.content else {
        reading.error(root.at, format!("skopeo's file must be a mapping of registries, not {}", root.kind()));
        return;
    };
    for registry in registries {
        self::registry(reading, registry, to, request.scoped);
    }
}

fn registry(reading: &mut Reading, registry: &Entry, to: &str, scoped: bool) {
    let host = without_scheme(&registry.key);
    let (Some(key), Some(mut fields)) =
        (reading.registry_key(host, registry.key_at), reading.mapping(&registry.value, "a registry"))
    else {
        return;
    };
    if let Some(node) = fields.take("credentials")
        && let Some(mut login) = reading.mapping(node, "`credentials`")
    {
        let [username, password] = ["username", "password"].map(|name| {
            let node = login.take(name)?;
            Some((reading.text(node, &format!("`{name}`"))?, node))
        });
        reading.login(&key, username, password);
        reading.rest(login, &[("identitytoken", "write it as `identity-token` of the registry")]);
    }
    if reading.flag(fields.take("tls-verify"), "`tls-verify`") == Some(false) {
        reading.draft.registry(&key).insert("insecure".to_owned(), true.into());
    }
    for (section, read) in
        [("images", images as Read), ("images-by-tag-regex", by_expression), ("images-by-semver", by_version)]
    {
        let Some(node) = fields.take(section) else { continue };
        let Content::Mapping(entries) = &node.content else {
            reading.error(node.at, format!("`{section}` must be a mapping, not {}", node.kind()));
            continue;
        };
        for entry in entries {
            let source = Name::parse(&format!("{host}/{}", entry.key));
            let target = target(to, &source, scoped);
            let choices = read(reading, entry);
            reading.draft.copy(&Copy::default(), &source, &[target], &choices);
        }
    }
    reading.rest(fields, REASONS);
}

/// A reader of the choices that an entry of a section makes.
type Read = fn(&mut Reading, &Entry) -> Vec<Tags>;

/// Where a repository goes: by its last segment alone, or, scoped, by its whole name with the registry's before it.
fn target(to: &str, source: &Name, scoped: bool) -> Name {
    let (registry, namespace) = host_and_namespace(to);
    let name = if scoped { format!("{}/{}", source.registry, source.repository) } else { source.last().to_owned() };
    let repository = namespace.map_or(name.clone(), |namespace| format!("{namespace}/{name}"));
    Name { registry, repository, version: String::new() }
}

/// Tags and digests; none are all.
fn images(reading: &mut Reading, entry: &Entry) -> Vec<Tags> {
    let node = Some(&entry.value).filter(|node| !node.is_null());
    let nodes = reading.items(node, "the tags of an image");
    let texts: Vec<String> = nodes.iter().filter_map(|node| reading.text(node, "a tag")).collect();
    if nodes.is_empty() {
        return vec![Tags::all()];
    }
    let (digests, tags): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.parse::<Digest>().is_ok());
    let named = (!tags.is_empty()).then_some(Tags::Named(tags));
    named.into_iter().chain(digests.into_iter().map(Tags::Digest)).collect()
}

fn by_expression(reading: &mut Reading, entry: &Entry) -> Vec<Tags> {
    let Some(expression) = reading.raw(&entry.value, "an expression").map(str::to_owned) else { return Vec::new() };
    match patterns::anywhere(&expression) {
        Ok(pattern) => vec![Tags::Listed(Choice { include: vec![pattern], ..Choice::default() })],
        Err(problem) => {
            reading.note(entry.value.at, format!("`{}` is left out: {problem}", entry.key));
            Vec::new()
        }
    }
}

fn by_version(reading: &mut Reading, entry: &Entry) -> Vec<Tags> {
    let Some(range) = reading.raw(&entry.value, "a range of versions").map(str::to_owned) else { return Vec::new() };
    match ranges::alternatives(&range) {
        Ok(ranges) => {
            let listed = |range| Tags::Listed(Choice { semver: Some(range), ..Choice::default() });
            ranges.into_iter().map(listed).collect()
        }
        Err(problem) => {
            reading.note(entry.value.at, format!("`{}` is left out: {problem}", entry.key));
            Vec::new()
        }
    }
}
