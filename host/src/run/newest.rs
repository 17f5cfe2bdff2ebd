//! `newest` needs to see all tags of a repository before it can choose.

use futures_util::StreamExt;
use futures_util::stream;

use crate::endpoint::EndpointError;
use crate::endpoint::Endpoints;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Manifest;
use crate::oci::Reference;
use crate::oci::TagOrDigest;
use crate::plugin::Image;
use crate::select::Candidate;
use crate::select::Newest;
use crate::select::NewestBy;
use crate::select::pick_newest;

/// Attributes by which a source tells when an image was made, so that its configuration need not be read.
const CREATED: [&str; 2] = ["created", "pushed-at"];

/// Configurations that are read at a time.
const READERS: usize = 8;

/// Holds back the images of one repository until the next begins, then lets the newest pass. Only one repository is held at a time:
/// a source that comes back to a repository later begins a new choice.
pub(super) struct Grouping {
    newest: Newest,
    endpoints: Endpoints,
    held: Vec<Image>,
}

/// A repository whose newest images could not be told.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell which tags of {registry}/{repository} are the newest")]
pub(super) struct NewestError {
    registry: String,
    repository: String,
    source: EndpointError,
}

impl Grouping {
    pub(super) fn new(newest: Newest, endpoints: Endpoints) -> Self {
        Self { newest, endpoints, held: Vec::new() }
    }

    /// Whether the repository of `image` is being held.
    pub(super) fn holds(&self, image: &Image) -> bool {
        let source = &image.source;
        self.held.first().is_some_and(|first| {
            (&first.source.registry, &first.source.repository) == (&source.registry, &source.repository)
        })
    }

    /// Takes one image; gives the choice of the repository before it, if it is the first of the next.
    pub(super) async fn take(&mut self, image: Image) -> Result<Vec<Image>, NewestError> {
        let next = !self.held.is_empty() && !self.holds(&image);
        let chosen = if next { self.flush().await } else { Ok(Vec::new()) };
        self.held.push(image);
        chosen
    }

    /// The choice of the repository that is held.
    pub(super) async fn flush(&mut self) -> Result<Vec<Image>, NewestError> {
        let mut held = std::mem::take(&mut self.held);
        if held.len() <= self.newest.count.get() {
            return Ok(held);
        }
        let mut candidates = Vec::new();
        let endpoints = &self.endpoints;
        let by = self.newest.by;
        let mut reading = stream::iter(held.iter().map(|image| candidate(endpoints, image, by))).buffered(READERS);
        while let Some(candidate) = reading.next().await {
            candidates.extend(candidate?);
        }
        drop(reading);
        let chosen = pick_newest(candidates, self.newest);
        held.retain(|image| {
            image.tag.as_ref().is_some_and(|tag| chosen.iter().any(|candidate| candidate.tag == tag.as_str()))
        });
        Ok(held)
    }
}

async fn candidate(endpoints: &Endpoints, image: &Image, by: NewestBy) -> Result<Option<Candidate>, NewestError> {
    let Some(tag) = &image.tag else { return Ok(None) };
    let told = image.attributes.iter().find(|(name, _)| CREATED.contains(&name.as_str()));
    let created = match (by, told) {
        (NewestBy::Created, Some((_, created))) => Some(created.clone()),
        (NewestBy::Created, None) => created(endpoints, &image.source).await.map_err(|source| NewestError {
            registry: image.source.registry.to_string(),
            repository: image.source.repository.to_string(),
            source,
        })?,
        (NewestBy::Semver | NewestBy::Name, _) => None,
    };
    Ok(Some(Candidate { tag: tag.as_str().to_owned(), created }))
}

/// The date in the configuration of an image, or of the first image of an index.
async fn created(endpoints: &Endpoints, reference: &Reference) -> Result<Option<String>, EndpointError> {
    let endpoint = endpoints.open(&reference.registry, Some(&reference.repository))?;
    let mut version = reference.version.clone();
    for _ in 0..3 {
        let manifest = endpoint.manifest(&reference.repository, &version).await?;
        match next(&manifest) {
            Next::Manifest(digest) => version = digest,
            Next::Config(config) => {
                let stream = endpoint.open_blob(&reference.repository, &config).await?;
                return Ok(created_in(stream).await);
            }
            Next::Nothing => return Ok(None),
        }
    }
    Ok(None)
}

enum Next {
    Manifest(TagOrDigest),
    Config(Box<Descriptor>),
    Nothing,
}

fn next(manifest: &Manifest) -> Next {
    match manifest.content() {
        Content::Index(entries) => {
            entries.first().map_or(Next::Nothing, |entry| Next::Manifest(entry.digest.clone().into()))
        }
        // Nobody's configuration is that large; an artifact may put anything there.
        Content::Image { config: Some(config), .. } if config.size <= Manifest::MAX_BYTES as u64 => {
            Next::Config(Box::new(config.clone()))
        }
        Content::Image { .. } | Content::Schema1 => Next::Nothing,
    }
}

async fn created_in(mut stream: crate::http::ByteStream) -> Option<String> {
    let mut bytes = Vec::new();
    while let Some(frame) = stream.next().await {
        bytes.extend_from_slice(&frame.ok()?);
    }
    let config: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(config.get("created")?.as_str()?.to_owned())
}
