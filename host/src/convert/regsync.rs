//! regclient's regsync: steps of one image, one repository or one registry.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::convert::draft::Copy;
use crate::convert::fields::Fields;
use crate::convert::names::Name;
use crate::convert::names::host_and_namespace;
use crate::convert::patterns;
use crate::convert::ranges;
use crate::convert::reading::Reading;
use crate::convert::tags::Choice;
use crate::convert::tags::Tags;
use crate::workflow::tree::Node;

const CLOCK: &str = "a workflow runs when it is started: have cron or a CronJob start it";

const CREDS: &[(&str, &str)] = &[
    ("hostname", "name the registry by the host that it is reached at"),
    ("regcert", "write the certificate into a file and name that as `ca`"),
    ("clientcert", "write it into a file and name that as `client-cert`"),
    ("clientkey", "write it into a file and name that as `client-key`"),
    ("clientCert", "write it into a file and name that as `client-cert`"),
    ("clientKey", "write it into a file and name that as `client-key`"),
    ("credHelper", "docker's `config.json` may name the helper: it is asked where a registry has no login here"),
    ("credExpire", "helpers are asked again when a login is refused"),
    ("credHost", "docker's `config.json` may name the helper"),
    ("mirrors", "there are no mirrors: name the registry that is to be pulled from"),
    ("priority", "there are no mirrors"),
    ("pathPrefix", "there are no mirrors: write the whole name of the repository"),
    ("repoAuth", "each repository has a token of its own anyway"),
    ("api", "only the OCI distribution API is spoken"),
    ("apiOpts", "only the OCI distribution API is spoken"),
    ("blobChunk", "blobs are streamed, and go on by chunks where an upload breaks"),
    ("blobMax", "blobs are streamed, and go on by chunks where an upload breaks"),
    ("reqConcurrent", "`limits.blobs` and `limits.images` bound what is on its way, over all registries"),
];

const DEFAULTS: &[(&str, &str)] = &[
    ("cacheCount", "what was asked once is known for the run"),
    ("cacheTime", "what was asked once is known for the run"),
    ("userAgent", "requests say who sends them"),
    ("blobLimit", "blobs are streamed"),
];

const STEP: &[(&str, &str)] = &[
    ("interval", CLOCK),
    ("schedule", CLOCK),
    ("ratelimit", "a registry that says 429 or how much is left is waited for by itself"),
    ("backup", "tags are not kept aside before they are replaced; `existing: fail` or `skip` keeps what is there"),
    ("mediaTypes", "every type of manifest is copied"),
    ("hooks", "nothing is started before or after an image"),
    ("referrerFilters", "all referrers are copied or none"),
    ("referrerSource", "referrers are copied from where the image is"),
    ("referrerTarget", "referrers are copied to where the image goes"),
    ("referrerSlow", "referrers are found by the API or by their tag"),
    ("fastCheck", "referrers are looked at in every run"),
    ("fastCopy", "referrers are looked at in every run"),
    ("forceRecursive", "`image-transfer verify --deep` reads every blob again"),
    ("includeExternal", "layers with URLs of their own are left where they are, as registries have it"),
];

pub(super) fn read(reading: &mut Reading, root: &Node) {
    let Some(mut fields) = reading.mapping(root, "regsync's file") else { return };
    fields.take("version");
    for node in reading.items(fields.take("creds"), "`creds`") {
        creds(reading, node);
    }
    let defaults = fields.take("defaults").and_then(|node| reading.mapping(node, "`defaults`"));
    let defaults = defaults.map(|fields| self::defaults(reading, fields)).unwrap_or_default();
    for node in reading.items(fields.take("sync"), "`sync`") {
        step(reading, node, &defaults);
    }
    reading.rest(fields, &[]);
}

fn creds(reading: &mut Reading, node: &Node) {
    let Some(mut fields) = reading.mapping(node, "an entry of `creds`") else { return };
    let Some(registry) = fields.take("registry") else {
        reading.error(node.at, "an entry of `creds` has no `registry`");
        return;
    };
    let Some(key) = reading.text(registry, "`registry`") else { return };
    let Some(key) = reading.registry_key(&key, registry.at) else { return };
    reading.draft.registry(&key);
    let user = fields.take("user").and_then(|node| Some((reading.text(node, "`user`")?, node)));
    if let Some(pass) = fields.take("pass") {
        // A file of a secret's text is no reference to the environment: it becomes a variable like one that is written out.
        let text = reading.raw(pass, "`pass`").unwrap_or_default();
        let text = crate::convert::variables::Variables::Template.read(text).unwrap_or_else(|template| template);
        reading.login(&key, user, Some((text, pass)));
    } else {
        reading.login(&key, user, None);
    }
    if let Some(node) = fields.take("token")
        && let Some(token) = reading.text(node, "`token`")
    {
        let token = reading.secret("REGISTRY_TOKEN", &key, &token, node.at);
        reading.set_login(&key, node.at, &[("identity-token", token.into())]);
    }
    let tls = fields.take("tls").and_then(|node| reading.raw(node, "`tls`"));
    let scheme = fields.take("scheme").and_then(|node| reading.raw(node, "`scheme`"));
    match (tls.map(str::to_lowercase).as_deref(), scheme) {
        (Some("disabled"), _) | (_, Some("http")) => {
            reading.draft.registry(&key).insert("plain-http".to_owned(), true.into());
        }
        (Some("insecure"), _) => {
            reading.draft.registry(&key).insert("skip-verify".to_owned(), true.into());
        }
        (Some("enabled" | "") | None, _) => {}
        (Some(other), _) => {
            reading.error(node.at, format!("`tls` must be enabled, insecure or disabled, not `{other}`"));
        }
    }
    if let Some(node) = fields.take("reqPerSec")
        && let Some(text) = reading.raw(node, "`reqPerSec`")
    {
        match text.parse::<u32>() {
            Ok(0) => {}
            Ok(rate) => {
                reading.draft.registry(&key).insert("qps".to_owned(), rate.into());
            }
            Err(_) => reading.note(node.at, format!("`reqPerSec: {text}` is left out: `qps` is a whole number")),
        }
    }
    reading.rest(fields, CREDS);
}

/// What a step has where it does not say otherwise.
#[derive(Default)]
struct Defaults {
    referrers: bool,
    /// Signatures and the like by the tags that cosign gives them.
    digest_tags: bool,
}

fn defaults(reading: &mut Reading, mut fields: Fields<'_>) -> Defaults {
    if let Some(parallel) = reading.count(fields.take("parallel"), "`parallel`") {
        reading.draft.limit("images", parallel);
    }
    let skip = fields.take("skipDockerConfig");
    if reading.flag(skip, "`skipDockerConfig`") == Some(true)
        && let Some(node) = skip
    {
        let note = "docker's logins are asked all the same: `anonymous: true` of a registry keeps it from that";
        reading.note(node.at, note);
    }
    let referrers = [fields.take("referrers"), fields.take("digestTags")]
        .map(|node| reading.flag(node, "`referrers`") == Some(true));
    let mut reasons = DEFAULTS.to_vec();
    reasons.extend(STEP);
    reading.rest(fields, &reasons);
    Defaults { referrers: referrers[0], digest_tags: referrers[1] }
}

fn step(reading: &mut Reading, node: &Node, defaults: &Defaults) {
    let Some(mut fields) = reading.mapping(node, "a step of `sync`") else { return };
    let mut texts = Vec::new();
    for name in ["source", "target", "type"] {
        match fields.take(name) {
            Some(node) => texts.push(reading.text_or(node, &format!("`{name}`"), "this step")),
            None => reading.error(node.at, format!("a step of `sync` has no `{name}`")),
        }
    }
    let mut select = Map::new();
    platforms(reading, &mut fields, &mut select);
    let given = [fields.take("referrers"), fields.take("digestTags")].map(|node| reading.flag(node, "`referrers`"));
    let wanted = [given[0].unwrap_or(defaults.referrers), given[1].unwrap_or(defaults.digest_tags)];
    if wanted.contains(&true) {
        select.insert("referrers".to_owned(), true.into());
    }
    let choices = choices(reading, &mut fields);
    let repositories = fields.take("repos").and_then(|node| reading.mapping(node, "`repos`"));
    let repositories = repositories.map(|fields| lists(reading, fields));
    if let Some(node) = fields.take("targetTag") {
        reading.note(
            node.at,
            "this step is left out: a template of target tags has no like; see `tag-prefix`, `tag-suffix` \
             and `tag-regex` of the plugin `rewrite`",
        );
        reading.rest(fields, STEP);
        return;
    }
    reading.rest(fields, STEP);
    let ([Some(source), Some(target), Some(kind)], Some(choices)) = (texts.as_slice(), choices) else { return };
    let copy = Copy { select, ..Copy::default() };
    match kind.as_str() {
        "image" => {
            let (source, target) = (Name::parse(source), Name::parse(target));
            let select = copy.select.clone();
            // A digest at the target says no more than the source's own.
            let target = if target.version.starts_with('@') { target.place() } else { target.image() };
            reading.draft.rule(&copy, select, source.image(), vec![target]);
        }
        "repository" => reading.draft.copy(&copy, &Name::parse(source), &[Name::parse(target)], &choices),
        "registry" => {
            let (registry, namespace) = host_and_namespace(target);
            let mut copy = copy;
            copy.to.insert("registry".to_owned(), registry.into());
            if let Some(namespace) = namespace {
                copy.to.insert("namespace".to_owned(), namespace.into());
            }
            let mut options = Map::from_iter([("registry".to_owned(), Value::from(source.as_str()))]);
            let (allow, deny) = repositories.unwrap_or_default();
            // The plugin's expressions match anywhere, so that these are what regsync makes of them.
            for (key, list) in [("repositories", allow), ("exclude", deny)] {
                let patterns: Vec<String> = list.iter().map(|expression| format!("/^{expression}$/")).collect();
                if !patterns.is_empty() {
                    options.insert(key.to_owned(), patterns.into());
                }
            }
            reading.draft.catalog(&copy, &options, &choices, &[]);
        }
        other => reading.error(node.at, format!("`type` must be registry, repository or image, not `{other}`")),
    }
}

fn platforms(reading: &mut Reading, fields: &mut Fields<'_>, select: &mut Map<String, Value>) {
    let one = fields.take("platform");
    let many = fields.take("platforms");
    let mut platforms: Vec<String> = reading.texts(many, "a platform").into_iter().map(|(text, _)| text).collect();
    if let Some(node) = many {
        reading.note(
            node.at,
            "the index is written anew with these platforms alone, so that its digest differs from the source's",
        );
    }
    if let Some(node) = one
        && let Some(platform) = reading.text(node, "`platform`")
    {
        platforms.push(platform);
        reading.note(node.at, "the target keeps an index of this one platform, where regsync puts the image alone");
    }
    if !platforms.is_empty() {
        select.insert("platforms".to_owned(), json!(platforms));
    }
}

/// `tags` and `tagSets`: any of them may choose a tag. None where one of them cannot be said.
fn choices(reading: &mut Reading, fields: &mut Fields<'_>) -> Option<Vec<Tags>> {
    let sets = reading.items(fields.take("tagSets"), "`tagSets`").iter().chain(fields.take("tags"));
    let mut choices = Vec::new();
    let mut whole = true;
    for node in sets {
        match set(reading, node) {
            Ok(mut some) => choices.append(&mut some),
            Err(problem) => {
                reading.note(node.at, format!("this step is left out: {problem}"));
                whole = false;
            }
        }
    }
    if choices.is_empty() {
        choices.push(Tags::all());
    }
    whole.then_some(choices)
}

fn set(reading: &mut Reading, node: &Node) -> Result<Vec<Tags>, String> {
    let Some(mut fields) = reading.mapping(node, "a set of tags") else { return Ok(Vec::new()) };
    let ranges = reading.texts(fields.take("semverRange"), "a range of versions");
    let (allow, deny) = lists(reading, fields);
    let (include, exclude) = (patterns::all_bound(&allow)?, patterns::all_bound(&deny)?);
    let mut alternatives = Vec::new();
    for (range, _) in ranges.iter().filter(|(range, _)| !range.is_empty()) {
        alternatives.extend(ranges::alternatives(range)?.into_iter().map(Some));
    }
    if alternatives.is_empty() {
        alternatives.push(None);
    }
    let listed =
        |semver| Tags::Listed(Choice { include: include.clone(), exclude: exclude.clone(), semver, newest: None });
    Ok(alternatives.into_iter().map(listed).collect())
}

/// `allow` and `deny`.
fn lists(reading: &mut Reading, mut fields: Fields<'_>) -> (Vec<String>, Vec<String>) {
    let lists = ["allow", "deny"].map(|name| {
        let nodes = reading.items(fields.take(name), &format!("`{name}`"));
        nodes.iter().filter_map(|node| reading.raw(node, "an expression").map(str::to_owned)).collect()
    });
    reading.rest(fields, &[]);
    lists.into()
}
