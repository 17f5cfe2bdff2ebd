//! One rule: a left side and its targets, checked against each other.

use image_transfer_sdk::Destination;
use image_transfer_sdk::Image;
use image_transfer_sdk::Reference;
use image_transfer_sdk::config::Problems;
use image_transfer_sdk::config::pointer;
use image_transfer_sdk::reference::DOCKER_HUB;
use serde_json::Value;

use crate::side::Repositories;
use crate::side::Source;
use crate::side::Tags;
use crate::side::Target;

/// What fills the gaps of targets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) registry: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// A rule that makes sense.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The left side as it was written: the report speaks of it.
    pub(crate) key: String,
    pub(crate) source: Source,
    targets: Vec<Target>,
}

impl Rule {
    /// Reads a rule. What is wrong with it is noted; then there is none.
    pub(crate) fn read(key: &str, targets: &Value, problems: &mut Problems) -> Option<Self> {
        let place = format!("{}: {key}", pointer(&["rules", key]));
        let source = problems.check(&place, Source::parse(key));
        let texts = problems.check(&place, texts(targets))?;
        let mut good = Vec::new();
        let count = texts.len();
        for text in texts {
            let name = if text.is_empty() { place.clone() } else { format!("{place} -> {text}") };
            let target = Target::parse(text).and_then(|target| match &source {
                Some(source) => fit(source, &target, text).map(|()| target),
                None => Ok(target),
            });
            good.extend(problems.check(&name, target));
        }
        (good.len() == count).then_some(Self { key: key.to_owned(), source: source?, targets: good })
    }

    /// The image of this rule with this name.
    pub(crate) fn image(&self, repository: &str, tag: Option<&str>, defaults: &Defaults) -> Image {
        let digest = match &self.source.tags {
            Tags::Digest { digest, .. } => Some(digest.clone()),
            Tags::Named(_) | Tags::Listed { .. } => None,
        };
        let destination = |target: &Target| Destination {
            registry: target.registry.clone().or_else(|| defaults.registry.clone()),
            repository: Some(self.repository(target, repository, defaults)),
            tag: self.tag(target, tag),
        };
        Image {
            targets: self.targets.iter().map(destination).collect(),
            source: Reference {
                registry: self.source.registry.clone(),
                repository: repository.to_owned(),
                tag: tag.map(str::to_owned),
                digest,
            },
            attributes: vec![("rule".to_owned(), self.key.clone())],
        }
    }

    fn repository(&self, target: &Target, repository: &str, defaults: &Defaults) -> String {
        let (name, short) = match (&target.repository, &self.source.repositories) {
            (Some(name), Repositories::One { .. }) => (name.clone(), !name.contains('/')),
            (None, Repositories::One { short, .. }) => (repository.to_owned(), *short),
            (base, Repositories::Matching { prefix, .. }) => {
                let rest = repository.strip_prefix(prefix.as_str()).unwrap_or(repository);
                let name = match (base, &target.registry) {
                    (Some(base), _) => format!("{base}/{rest}"),
                    (None, Some(_)) => rest.to_owned(),
                    (None, None) => repository.to_owned(),
                };
                let short = !name.contains('/');
                (name, short)
            }
        };
        let last = name.rsplit('/').next().unwrap_or(&name);
        match &defaults.namespace {
            Some(namespace) if short => format!("{namespace}/{last}"),
            None if target.registry.as_deref() == Some(DOCKER_HUB) && !name.contains('/') => {
                format!("library/{name}")
            }
            _ => name,
        }
    }

    /// The target's tag at the place of the source's, where it lists any; else the source's.
    fn tag(&self, target: &Target, tag: Option<&str>) -> Option<String> {
        let at = match &self.source.tags {
            Tags::Named(tags) => tags.iter().position(|other| Some(other.as_str()) == tag).unwrap_or(0),
            Tags::Digest { .. } | Tags::Listed { .. } => 0,
        };
        target.tags.get(at).cloned().or_else(|| tag.map(str::to_owned))
    }
}

/// The targets of a rule as texts; the empty one is the source's own name.
fn texts(targets: &Value) -> Result<Vec<&str>, String> {
    fn one(target: &Value) -> Result<&str, String> {
        match target {
            Value::Null => Ok(""),
            Value::String(text) => Ok(text.trim()),
            other => Err(format!("`{other}` is not a target: expected a text, a list of texts, or nothing")),
        }
    }
    match targets {
        Value::Array(targets) if targets.is_empty() => Err("the list of targets is empty".to_owned()),
        Value::Array(targets) => targets.iter().map(one).collect(),
        target => one(target).map(|text| vec![text]),
    }
}

/// Whether a target can take what the source names.
fn fit(source: &Source, target: &Target, text: &str) -> Result<(), String> {
    if let (Repositories::Matching { .. }, Some(name), None) =
        (&source.repositories, &target.repository, &target.registry)
        && !name.contains('/')
        && (text.contains(['.', ':']) || text == "localhost")
    {
        return Err(format!("`{text}` reads as a repository; write `{text}/` for a registry"));
    }
    if let Some(digest) = &target.digest {
        return match &source.tags {
            Tags::Digest { digest: same, .. } if same == digest => Ok(()),
            _ => Err("a target with a digest needs a source with the same digest".to_owned()),
        };
    }
    match (&source.tags, target.tags.len()) {
        (_, 0) | (Tags::Digest { .. }, 1) => Ok(()),
        (Tags::Named(tags), count) if tags.len() == count => Ok(()),
        (Tags::Named(tags), 1) => {
            Err(format!("{} tags cannot all become `{}`; leave the target's tag out", tags.len(), target.tags[0]))
        }
        (Tags::Named(tags), count) => {
            let tags = tags.len();
            Err(format!("{tags} tags on the left, {count} on the right; list as many, or several targets"))
        }
        (Tags::Digest { .. }, count) => Err(format!("one image cannot get {count} tags; list several targets")),
        (Tags::Listed { .. }, _) => {
            Err("a target with a tag needs a source with one; leave the target's tag out to keep the source's"
                .to_owned())
        }
    }
}
