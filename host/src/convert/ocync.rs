//! clowdhaus/ocync: registries by name, groups of targets, mappings with a choice of tags.

use std::collections::HashMap;

use serde_json::json;

use crate::convert::draft::Copy;
use crate::convert::fields::Fields;
use crate::convert::names::Name;
use crate::convert::names::without_scheme;
use crate::convert::ranges;
use crate::convert::reading::Reading;
use crate::convert::tags::Choice;
use crate::convert::tags::Tags;
use crate::workflow::Place;
use crate::workflow::tree::Content;
use crate::workflow::tree::Node;

/// Tags that this tool leaves out unless they are asked for, in upper or lower case.
const PRE_RELEASES: &str = "/(?i:.*-(?:rc|alpha|beta|pre|snapshot|nightly).*)/";

const GLOBAL: &[(&str, &str)] = &[
    ("cache_dir", "what is done is noted in a journal: `image-transfer run --state DIR`"),
    ("cache_ttl", "what is there is asked for in each run; `--resume` goes on with one that broke off"),
    ("staging_size_limit", "nothing is put on disk"),
];

const REGISTRY: &[(&str, &str)] = &[
    (
        "max_concurrent",
        "`limits.blobs` and `limits.images` bound what is on its way; `qps` bounds requests to one registry",
    ),
    ("head_first", "digests are asked for by HEAD first anyway"),
    (
        "aws_profile",
        "the key is taken from the environment: `aws configure export-credentials --profile NAME --format env`",
    ),
];

const TAGS: &[(&str, &str)] = &[
    ("min_tags", "a choice that finds fewer tags is no error"),
    ("immutable_tags", "each tag is asked for at its target; `existing: skip` leaves those that are there alone"),
    ("semver_prerelease", "a pre-release is in only if the range names one"),
];

const ARTIFACTS: &[(&str, &str)] = &[
    ("include", "all referrers are copied or none"),
    ("exclude", "all referrers are copied or none"),
    ("require_artifacts", "an image without referrers is no error"),
];

/// What the file names, for its mappings.
#[derive(Default)]
struct Names {
    /// Host by alias.
    registries: HashMap<String, String>,
    groups: HashMap<String, Vec<String>>,
}

/// What mappings have where they do not say otherwise.
#[derive(Clone, Copy, Default)]
struct Defaults<'n> {
    source: Option<&'n Node>,
    targets: Option<&'n Node>,
    tags: Option<&'n Node>,
    platforms: Option<&'n Node>,
    artifacts: Option<&'n Node>,
}

impl<'n> Defaults<'n> {
    fn take(fields: &mut Fields<'n>) -> Self {
        let [source, targets, tags, platforms, artifacts] =
            ["source", "targets", "tags", "platforms", "artifacts"].map(|name| fields.take(name));
        Self { source, targets, tags, platforms, artifacts }
    }

    fn or(self, other: Self) -> Self {
        Self {
            source: self.source.or(other.source),
            targets: self.targets.or(other.targets),
            tags: self.tags.or(other.tags),
            platforms: self.platforms.or(other.platforms),
            artifacts: self.artifacts.or(other.artifacts),
        }
    }
}

pub(super) fn read(reading: &mut Reading, root: &Node) {
    let Some(mut fields) = reading.mapping(root, "ocync's file") else { return };
    if let Some(mut global) = fields.take("global").and_then(|node| reading.mapping(node, "`global`")) {
        if let Some(count) = reading.count(global.take("max_concurrent_transfers"), "`max_concurrent_transfers`") {
            reading.draft.limit("images", count);
        }
        reading.rest(global, GLOBAL);
    }
    let mut names = Names::default();
    registries(reading, fields.take("registries"), &mut names);
    groups(reading, fields.take("target_groups"), &mut names);
    let mut defaults = Defaults::default();
    if let Some(mut node) = fields.take("defaults").and_then(|node| reading.mapping(node, "`defaults`")) {
        defaults = Defaults::take(&mut node);
        reading.rest(node, &[]);
    }
    for node in reading.items(fields.take("mappings"), "`mappings`") {
        mapping(reading, node, defaults, &names);
    }
    reading.rest(fields, &[]);
}

fn registries(reading: &mut Reading, node: Option<&Node>, names: &mut Names) {
    let Some(node) = node else { return };
    let Content::Mapping(entries) = &node.content else {
        reading.error(node.at, format!("`registries` must be a mapping, not {}", node.kind()));
        return;
    };
    for entry in entries {
        let Some(mut fields) = reading.mapping(&entry.value, "a registry") else { continue };
        let Some(url) = fields.take("url") else {
            reading.error(entry.key_at, format!("the registry `{}` has no `url`", entry.key));
            continue;
        };
        let key = reading.text(url, "`url`");
        let key = key.and_then(|text| reading.registry_key(without_scheme(&text).trim_end_matches('/'), url.at));
        let Some(key) = key else { continue };
        names.registries.insert(entry.key.clone(), key.clone());
        login(reading, &mut fields, &key, url.at);
        reading.rest(fields, REGISTRY);
    }
}

fn login(reading: &mut Reading, fields: &mut Fields<'_>, key: &str, at: Place) {
    let kind = fields.take("auth_type").and_then(|node| Some((reading.raw(node, "`auth_type`")?.to_owned(), node.at)));
    let credentials = fields.take("credentials");
    let token = fields.take("token");
    if let Some(mut login) = credentials.and_then(|node| reading.mapping(node, "`credentials`")) {
        let [username, password] = ["username", "password"].map(|name| {
            let node = login.take(name)?;
            Some((reading.text(node, &format!("`{name}`"))?, node))
        });
        reading.login(key, username, password);
        reading.rest(login, &[]);
    }
    if let Some(node) = token {
        let note = "`token` is left out: a bearer token cannot be given; a user with the token as password mostly does the same";
        reading.note(node.at, note);
    }
    match kind.as_ref().map(|(kind, at)| (kind.as_str(), *at)) {
        Some(("anonymous", at)) => reading.set_login(key, at, &[("anonymous", true.into())]),
        Some((cloud @ ("gar" | "gcr" | "acr"), at)) => {
            let note =
                format!("`auth_type: {cloud}` is left out: log in by docker's `config.json` or its credential helper");
            reading.note(at, note);
        }
        Some(("ecr", at)) => {
            reading.ecr_login(key, at);
        }
        None if credentials.is_none() && token.is_none() => {
            reading.ecr_login(key, at);
            let cloud = [".pkg.dev", "gcr.io", ".azurecr.io"].iter().any(|domain| key.ends_with(domain));
            if cloud {
                let note = format!(
                    "the login of `{key}` is left out: log in by docker's `config.json` or its credential helper"
                );
                reading.note(at, note);
            }
        }
        None | Some(("basic" | "static_token" | "token" | "ghcr" | "docker_config", _)) => {}
        Some((other, at)) => reading.error(at, format!("there is no `auth_type: {other}`")),
    }
}

fn groups(reading: &mut Reading, node: Option<&Node>, names: &mut Names) {
    let Some(node) = node else { return };
    let Content::Mapping(entries) = &node.content else {
        reading.error(node.at, format!("`target_groups` must be a mapping, not {}", node.kind()));
        return;
    };
    for entry in entries {
        let members = reading.texts(Some(&entry.value), "a registry").into_iter().map(|(text, _)| text).collect();
        names.groups.insert(entry.key.clone(), members);
    }
}

impl Names {
    /// The host of an alias.
    fn host(&self, reading: &mut Reading, alias: &str, at: Place) -> Option<String> {
        let host = self.registries.get(alias).cloned();
        if host.is_none() {
            reading.error(at, format!("there is no registry named `{alias}`"));
        }
        host
    }

    /// The hosts of a group, of one alias, or of a list.
    fn hosts(&self, reading: &mut Reading, node: &Node) -> Vec<String> {
        let mut hosts = Vec::new();
        for (name, at) in reading.texts(Some(node), "a target") {
            let aliases = self.groups.get(&name).cloned().unwrap_or_else(|| vec![name]);
            hosts.extend(aliases.iter().filter_map(|alias| self.host(reading, alias, at)));
        }
        hosts
    }
}

fn mapping(reading: &mut Reading, node: &Node, defaults: Defaults<'_>, names: &Names) {
    let Some(mut fields) = reading.mapping(node, "a mapping") else { return };
    let [from, to] = ["from", "to"].map(|name| {
        let node = fields.take(name)?;
        reading.text(node, &format!("`{name}`"))
    });
    let own = Defaults::take(&mut fields).or(defaults);
    reading.rest(fields, &[]);
    let (Some(from), Some(source), Some(targets)) = (from, own.source, own.targets) else {
        reading.error(node.at, "a mapping needs `from`, and `source` and `targets` here or in `defaults`");
        return;
    };
    let alias = reading.text(source, "`source`");
    let Some(source) = alias.and_then(|alias| names.host(reading, &alias, source.at)) else { return };
    let hosts = names.hosts(reading, targets);
    let mut copy = Copy::default();
    if let Some(node) = own.platforms {
        let platforms: Vec<String> =
            reading.texts(Some(node), "a platform").into_iter().map(|(text, _)| text).collect();
        copy.select.insert("platforms".to_owned(), json!(platforms));
    }
    if artifacts(reading, own.artifacts) {
        copy.select.insert("referrers".to_owned(), true.into());
    }
    let choices = match own.tags.map(|node| (node.at, choices(reading, node))) {
        None => vec![Tags::all()],
        Some((_, Ok(choices))) => choices,
        Some((at, Err(problem))) => {
            reading.note(at, format!("the mapping of `{from}` is left out: {problem}"));
            return;
        }
    };
    let landing = to.unwrap_or_else(|| from.clone());
    let targets: Vec<Name> = hosts.iter().map(|host| Name::parse(&format!("{host}/{landing}"))).collect();
    reading.draft.copy(&copy, &Name::parse(&format!("{source}/{from}")), &targets, &choices);
}

/// Whether referrers are copied: they are, unless the file says otherwise.
fn artifacts(reading: &mut Reading, node: Option<&Node>) -> bool {
    let Some(mut fields) = node.and_then(|node| reading.mapping(node, "`artifacts`")) else { return true };
    let enabled = reading.flag(fields.take("enabled"), "`enabled`");
    reading.rest(fields, ARTIFACTS);
    enabled != Some(false)
}

/// What `glob`, `semver`, `exclude`, `sort` and `latest` choose, and besides that what `include` does.
fn choices(reading: &mut Reading, node: &Node) -> Result<Vec<Tags>, String> {
    let Some(mut fields) = reading.mapping(node, "`tags`") else { return Ok(Vec::new()) };
    let mut texts = |reading: &mut Reading, name: &str| -> Vec<String> {
        let node = fields.take(name);
        reading.texts(node, &format!("`{name}`")).into_iter().map(|(text, _)| text).collect()
    };
    let (glob, include, exclude) = (texts(reading, "glob"), texts(reading, "include"), texts(reading, "exclude"));
    let range = fields.take("semver");
    let sort = fields.take("sort").and_then(|node| reading.raw(node, "`sort`"));
    let latest_at = fields.take("latest");
    let latest = reading.count(latest_at, "`latest`");
    reading.rest(fields, TAGS);
    let mut ranges = vec![None];
    if let Some(node) = range
        && let Some(text) = reading.text(node, "`semver`")
    {
        ranges = ranges::alternatives(&text)?.into_iter().map(Some).collect();
        reading.note(
            node.at,
            "a tag with a suffix, such as 1.2-alpine, is a pre-release here and out unless the range names one",
        );
    }
    let names = range.is_none() && sort.is_none() && latest.is_none() && exclude.is_empty();
    let exact = |glob: &String| !glob.contains(['*', '?', '[', '{']);
    let mut choices = Vec::new();
    if names && !glob.is_empty() && glob.iter().all(exact) {
        choices.push(Tags::Named(glob));
    } else {
        let by = if sort == Some("alpha") { "name" } else { "semver" };
        if let (Some(node), "semver", Some(_)) = (latest_at, by, latest) {
            reading.note(node.at, "tags that are no version are not among the newest here, where ocync puts them last");
        }
        if ranges.len() > 1 && latest.is_some() {
            return Err("the newest of several ranges together cannot be said".to_owned());
        }
        let listed = |semver| {
            let exclude = exclude.iter().cloned().chain([PRE_RELEASES.to_owned()]).collect();
            let include = glob.iter().filter(|glob| *glob != "*").cloned().collect();
            Tags::Listed(Choice { include, exclude, semver, newest: latest.map(|count| (count, by)) })
        };
        choices.extend(ranges.into_iter().map(listed));
    }
    if !include.is_empty() {
        choices.push(Tags::Listed(Choice { include, exclude, ..Choice::default() }));
    }
    Ok(choices)
}
