//! xelalexv/dregsy: tasks from one registry to another, each with mappings of paths.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::convert::credentials::is_ecr;
use crate::convert::draft::Copy;
use crate::convert::fields::Fields;
use crate::convert::names::Name;
use crate::convert::names::without_scheme;
use crate::convert::patterns;
use crate::convert::ranges;
use crate::convert::reading::Reading;
use crate::convert::tags::Choice;
use crate::convert::tags::Tags;
use crate::workflow::Place;
use crate::workflow::tree::Node;

const ROOT: &[(&str, &str)] = &[
    ("relay", "images are moved by this program itself"),
    ("skopeo", "images are moved by this program itself; write certificates of `certs-dir` as `ca` of their registry"),
    ("docker", "images are moved by this program itself"),
    ("dockerhost", "images are moved by this program itself"),
    ("api-version", "images are moved by this program itself"),
    ("lister", "a catalog is read whole, page by page"),
    ("watch", "a workflow is read when it is started"),
];

const TASK: &[(&str, &str)] = &[
    ("interval", "a workflow runs when it is started: have cron or a CronJob start it"),
    ("verbose", "it is a flag of the run: `image-transfer run --verbose`"),
];

pub(super) fn read(reading: &mut Reading, root: &Node) {
    let Some(mut fields) = reading.mapping(root, "dregsy's file") else { return };
    for node in reading.items(fields.take("tasks"), "`tasks`") {
        task(reading, node);
    }
    reading.rest(fields, ROOT);
}

/// One side of a task.
struct Side {
    registry: String,
    /// The plugin that logs in there, if it is Amazon's.
    ecr: Option<Value>,
}

fn task(reading: &mut Reading, node: &Node) {
    let Some(mut fields) = reading.mapping(node, "a task") else { return };
    let name = fields.take("name").and_then(|node| reading.text(node, "`name`"));
    let sides = ["source", "target"].map(|name| {
        let Some(node) = fields.take(name) else {
            reading.error(node.at, format!("a task has no `{name}`"));
            return None;
        };
        side(reading, node, name)
    });
    let mappings = reading.items(fields.take("mappings"), "`mappings`");
    reading.rest(fields, TASK);
    let [Some(source), Some(target)] = sides else { return };
    let mut copy = Copy { group: name, ..Copy::default() };
    if let Some(plugin) = target.ecr {
        // That tool makes repositories of this registry, and of no other.
        copy.to.insert("prepare".to_owned(), plugin);
    }
    for node in mappings {
        mapping(reading, node, &source.registry, &target.registry, &copy);
    }
}

fn side(reading: &mut Reading, node: &Node, what: &str) -> Option<Side> {
    let mut fields = reading.mapping(node, &format!("`{what}`"))?;
    let Some(registry) = fields.take("registry") else {
        reading.error(node.at, format!("`{what}` has no `registry`"));
        return None;
    };
    let text = reading.text(registry, "`registry`")?;
    let key = reading.registry_key(without_scheme(&text), registry.at)?;
    let mut ecr = None;
    let refresh = fields.take("auth-refresh");
    match fields.take("auth") {
        Some(auth) => {
            self::auth(reading, &key, auth);
            if what == "target" && is_ecr(&key) {
                let note = "repositories that are missing there are not made: the plugin `ecr` does that as `prepare`, with a key of the API";
                reading.note(auth.at, note);
            }
        }
        None => ecr = reading.ecr_login(&key, registry.at),
    }
    if let (Some(node), None) = (refresh, &ecr) {
        reading.note(node.at, "`auth-refresh` is left out: the login that is written beside it is used");
    }
    if reading.flag(fields.take("skip-tls-verify"), "`skip-tls-verify`") == Some(true) {
        reading.draft.registry(&key).insert("insecure".to_owned(), true.into());
    }
    if let Some(node) = fields.take("lister") {
        lister(reading, node, &key);
    }
    reading.rest(fields, &[]);
    Some(Side { registry: key, ecr })
}

/// `{"username": "…", "password": "…"}` in base64, or `none`.
fn auth(reading: &mut Reading, key: &str, node: &Node) {
    let Some(text) = reading.raw(node, "`auth`") else { return };
    if text == "none" {
        reading.set_login(key, node.at, &[("anonymous", true.into())]);
        return;
    }
    let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let part = |name: &str| decoded.as_ref()?.get(name)?.as_str().map(crate::convert::variables::literal);
    if let (Some(username), Some(password)) = (part("username"), part("password")) {
        reading.login(key, Some((username, node)), Some((password, node)));
    } else {
        reading.note(node.at, "`auth` is left out: it is not the base64 of {\"username\": …, \"password\": …}");
    }
}

fn lister(reading: &mut Reading, node: &Node, key: &str) {
    let Some(mut fields) = reading.mapping(node, "`lister`") else { return };
    let kind = fields.take("type").and_then(|node| Some((reading.raw(node, "`type`")?.to_owned(), node.at)));
    if let Some((kind, at)) = kind.filter(|(kind, _)| kind != "catalog") {
        let note = format!(
            "the lister `{kind}` is left out: repositories of `{key}` are read from its catalog; for Docker Hub see the plugin `dockerhub`"
        );
        reading.note(at, note);
    }
    let reason = "a catalog is read whole, page by page";
    reading.rest(fields, &[("search", reason), ("maxItems", reason), ("cacheDuration", reason)]);
}

fn mapping(reading: &mut Reading, node: &Node, source: &str, target: &str, copy: &Copy) {
    let Some(mut fields) = reading.mapping(node, "a mapping") else { return };
    let mut text = |reading: &mut Reading, name: &str| {
        let node = fields.take(name)?;
        reading.raw(node, &format!("`{name}`")).map(str::to_owned)
    };
    let (from, to) = (text(reading, "from"), text(reading, "to"));
    let platform = text(reading, "platform");
    let Some(from) = from else {
        reading.error(node.at, "a mapping has no `from`");
        return;
    };
    let mut copy = copy.clone();
    if let Some(platform) = platform.filter(|platform| platform != "all") {
        copy.select.insert("platforms".to_owned(), json!([platform]));
        reading.note(node.at, "the target keeps an index of this one platform, where skopeo puts the image alone");
    }
    // Bytes are forwarded as they came, so that digests are kept anyway.
    fields.take("preserve-digests");
    let choices = choices(reading, &mut fields);
    reading.rest(fields, &[]);
    let choices = match choices {
        Ok(choices) => choices,
        Err((at, problem)) => {
            reading.note(at, format!("the mapping of `{from}` is left out: {problem}"));
            return;
        }
    };
    let carried = match from.strip_prefix("regex:") {
        Some(expression) => matching(reading, expression, to.as_deref(), (source, target), &copy, &choices),
        None => single(reading, &from, to.as_deref(), (source, target), &copy, &choices),
    };
    if let Err(problem) = carried {
        reading.note(node.at, format!("the mapping of `{from}` is left out: {problem}"));
    }
}

/// One repository. Where it goes is known here and now.
fn single(
    reading: &mut Reading,
    from: &str,
    to: Option<&str>,
    (source, target): (&str, &str),
    copy: &Copy,
    choices: &[Tags],
) -> Result<(), String> {
    let path = format!("/{}", from.trim_start_matches('/'));
    let landing = match to {
        None | Some("") => path.clone(),
        Some(to) => match to.strip_prefix("regex:") {
            None => to.to_owned(),
            Some(replacement) => {
                let (expression, with) = replacement.split_once(',').ok_or("`to` has no replacement behind a comma")?;
                let expression = Regex::new(expression).map_err(|error| error.to_string())?;
                expression.replace_all(&path, with).into_owned()
            }
        },
    };
    let name = |registry: &str, path: &str| Name::parse(&format!("{registry}/{}", path.trim_start_matches('/')));
    reading.draft.copy(copy, &name(source, &path), &[name(target, &landing)], choices);
    Ok(())
}

/// All of a registry's repositories that match.
fn matching(
    reading: &mut Reading,
    expression: &str,
    to: Option<&str>,
    (source, target): (&str, &str),
    copy: &Copy,
    choices: &[Tags],
) -> Result<(), String> {
    // Checked as the host does; the plugin's expressions are much the same.
    patterns::bound(expression)?;
    let listed = |tags: &Tags| match tags {
        Tags::Named(names) => Ok(Tags::Listed(Choice { include: names.clone(), ..Choice::default() })),
        Tags::Listed(_) => Ok(tags.clone()),
        Tags::Digest(_) => Err("a digest goes with one repository alone".to_owned()),
    };
    let choices = choices.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
    let mut copy = copy.clone();
    copy.to.insert("registry".to_owned(), target.into());
    let mut map = Vec::new();
    match to.map(|to| (to, to.strip_prefix("regex:"))) {
        None | Some(("", _)) => {}
        Some((_, Some(replacement))) => {
            let (expression, with) = replacement.split_once(',').ok_or("`to` has no replacement behind a comma")?;
            let (expression, with) = without_slash(expression, with)?;
            map.push(json!({"plugin": "rewrite", "with": {"regex": [{"match": expression, "replace": with}]}}));
        }
        Some((prefix, None)) => {
            let namespace = prefix.trim_matches('/');
            if !namespace.is_empty() {
                copy.to.insert("namespace".to_owned(), namespace.into());
            }
        }
    }
    let expression = expression.trim_start_matches('^').trim_end_matches('$');
    let options = Map::from_iter([
        ("registry".to_owned(), Value::from(source)),
        ("repositories".to_owned(), json!([format!("/^{expression}$/")])),
    ]);
    reading.draft.catalog(&copy, &options, &choices, &map);
    Ok(())
}

/// That tool replaces in a path that begins with a slash, and the plugin `rewrite` in a name without one.
fn without_slash<'a>(expression: &'a str, with: &'a str) -> Result<(String, &'a str), String> {
    Regex::new(expression).map_err(|error| error.to_string())?;
    let bare = with.strip_prefix('/').unwrap_or(with);
    match expression.strip_prefix("^/") {
        Some(rest) => Ok((format!("^{rest}"), bare)),
        None if expression.starts_with(['/', '^']) => {
            Err(format!("`{expression}` of `to` needs the slash before the path, which a name does not have here"))
        }
        None => Ok((expression.to_owned(), with)),
    }
}

/// `tags` and `digests`: any of them may choose an image, and each `keep:` must let it pass.
fn choices(reading: &mut Reading, fields: &mut Fields<'_>) -> Result<Vec<Tags>, (Place, String)> {
    let digests: Vec<Tags> = reading
        .items(fields.take("digests"), "`digests`")
        .iter()
        .filter_map(|node| reading.raw(node, "a digest").map(|digest| Tags::Digest(digest.to_owned())))
        .collect();
    let nodes = reading.items(fields.take("tags"), "`tags`");
    let (mut named, mut choices, mut keeps) = (Vec::new(), Vec::new(), Vec::new());
    for node in nodes {
        let Some(text) = reading.raw(node, "a tag") else { continue };
        let told = |problem: String| (node.at, problem);
        if let Some(range) = text.strip_prefix("semver:") {
            reading.note(
                node.at,
                "pre-releases are out here unless the range names one, where dregsy takes them by their order",
            );
            for range in ranges::alternatives(range).map_err(told)? {
                choices.push(Choice { semver: Some(range), ..Choice::default() });
            }
        } else if let Some(expression) = text.strip_prefix("regex:") {
            let (pattern, inverted) = pattern(expression).map_err(told)?;
            choices.push(if inverted {
                Choice { exclude: vec![pattern], ..Choice::default() }
            } else {
                Choice { include: vec![pattern], ..Choice::default() }
            });
        } else if let Some(keep) = text.strip_prefix("keep:") {
            keeps.push((keep.trim(), node.at));
        } else {
            named.push(text.to_owned());
        }
    }
    if named.is_empty() && choices.is_empty() && digests.is_empty() {
        choices.push(Choice::default());
    }
    for (keep, at) in keeps {
        self::keep(keep, &mut named, &mut choices).map_err(|problem| (at, problem))?;
    }
    let named = (!named.is_empty()).then_some(Tags::Named(named));
    Ok(named.into_iter().chain(choices.into_iter().map(Tags::Listed)).chain(digests).collect())
}

/// Narrows all choices.
fn keep(keep: &str, named: &mut Vec<String>, choices: &mut [Choice]) -> Result<(), String> {
    if let Some(count) = keep.strip_prefix("latest").and_then(|rest| rest.trim().parse::<usize>().ok()) {
        if choices.len() != 1 || !named.is_empty() || count == 0 {
            return Err("`keep: latest` over several choices of tags cannot be said".to_owned());
        }
        choices[0].newest = Some((count, "semver"));
        return Ok(());
    }
    let (pattern, inverted) = pattern(keep)?;
    let matcher: crate::select::Pattern =
        pattern.parse().map_err(|error: crate::select::PatternError| error.to_string())?;
    named.retain(|tag| matcher.matches(tag) != inverted);
    for choice in choices {
        if inverted {
            choice.exclude.push(pattern.clone());
        } else if choice.include.is_empty() {
            choice.include.push(pattern.clone());
        } else {
            return Err(format!(
                "`keep: {keep}` and another expression would both have to match a tag: write one of both"
            ));
        }
    }
    Ok(())
}

/// An expression that matches tags whole, and whether it is those that do not match.
fn pattern(expression: &str) -> Result<(String, bool), String> {
    let expression = expression.trim();
    let inner = expression.strip_prefix('!');
    Ok((patterns::bound(inner.unwrap_or(expression))?, inner.is_some()))
}
