//! Referrers and cosign's tags, which follow an image (OCI distribution specification, "Listing Referrers" and "Referrers tag
//! schema").

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::endpoint::EndpointError;
use crate::http::Class;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::MediaType;
use crate::oci::Tag;
use crate::oci::TagOrDigest;
use crate::transfer::TransferError;
use crate::transfer::engine::fetch;
use crate::transfer::graph::Graph;
use crate::transfer::target::Target;

/// Referrers of referrers that are followed: an SBOM, its signature, and one more.
const MAX_DEPTH: usize = 4;

/// Referrers of one image, its entries and its referrers together, that are followed.
const MAX: usize = 2 * Manifest::MAX_WIDTH;

/// Source repositories whose cosign tags are remembered. Sources tell one repository after another, so a few are enough; a forgotten
/// one is listed again.
const REMEMBERED: usize = 64;

/// What all jobs share about referrers.
#[derive(Default)]
pub(super) struct Referrers {
    /// Cosign's tags of a source repository, listed once. The key is `registry/repository`.
    tags: Mutex<HashMap<String, Arc<OnceCell<Vec<Tag>>>>>,
    /// One writer at a time for the fallback tag of a subject at a target.
    merging: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// Referrers of one image that were met. A registry that lists the same ones for whatever it is asked would otherwise lead in
/// circles, and each level deep multiply what is asked.
#[derive(Default)]
struct Followed(Mutex<HashSet<Digest>>);

impl Followed {
    /// Whether `referrer` is met for the first time.
    fn first(&self, referrer: &Digest) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(referrer.clone())
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Referrers {
    /// Copies what refers to `manifest` and to the entries of an index. A target that fails here is failed, even if it had the image
    /// itself.
    pub(super) async fn copy(&self, graph: &Graph<'_>, manifest: &Manifest, targets: &[&Target]) {
        if targets.is_empty() {
            return;
        }
        let followed = Followed::default();
        let copied = async {
            for subject in subjects(manifest) {
                self.follow(graph, &followed, &subject, targets, 0).await?;
                self.cosign(graph, &subject, targets).await?;
            }
            Ok::<(), TransferError>(())
        };
        if let Err(error) = Box::pin(copied).await {
            for target in targets {
                target.spoil(&error);
            }
        }
    }

    /// Copies what refers to `subject`, then what refers to that.
    fn follow<'a>(
        &'a self,
        graph: &'a Graph<'_>,
        followed: &'a Followed,
        subject: &'a Digest,
        targets: &'a [&'a Target],
        depth: usize,
    ) -> BoxFuture<'a, Result<(), TransferError>> {
        async move {
            let source = graph.source;
            let referrers = source.endpoint.referrers(source.repository(), subject).await;
            let mut referrers = referrers.map_err(|error| source.error(error))?;
            referrers.retain(|referrer| followed.first(&referrer.digest));
            if followed.count() > MAX {
                let reference = source.reference.clone();
                let source = Arc::new(crate::oci::ManifestError::TooMany { limit: MAX });
                return Err(TransferError::Manifest { reference, source });
            }
            if referrers.is_empty() {
                return Ok(());
            }
            let held = join_all(targets.iter().map(|target| held(target, subject))).await;
            for referrer in &referrers {
                let lacking: Vec<&Target> = targets
                    .iter()
                    .zip(&held)
                    .filter(|(_, held)| held.as_ref().is_some_and(|held| !held.contains(&referrer.digest)))
                    .map(|(target, _)| *target)
                    .collect();
                self.bring(graph, subject, referrer, &lacking).await?;
                if depth < MAX_DEPTH {
                    self.follow(graph, followed, &referrer.digest, targets, depth + 1).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    async fn bring(
        &self,
        graph: &Graph<'_>,
        subject: &Digest,
        referrer: &Descriptor,
        targets: &[&Target],
    ) -> Result<(), TransferError> {
        if targets.is_empty() {
            return Ok(());
        }
        let manifest = fetch(graph.source, &referrer.digest).await?;
        // The graph leaves out targets that have ended, and one that had the image has ended well: it gets a stand-in.
        let standing: Vec<Target> = targets.iter().map(|target| target.stand_in()).collect();
        let standing: Vec<&Target> = standing.iter().collect();
        graph.children(&manifest, &standing, 0).await?;
        let version = TagOrDigest::Digest(referrer.digest.clone());
        for (target, standing) in targets.iter().zip(standing) {
            if standing.alive()
                && let Some(put) = graph.put(&manifest, &version, standing).await
                && !put.subject_listed
                && let Err(error) = self.list(standing, subject, referrer).await
            {
                standing.fail(&error);
            }
            target.absorb(standing);
        }
        Ok(())
    }

    /// Adds `referrer` to the fallback tag of `subject`, for registries without the referrers API.
    async fn list(&self, target: &Target, subject: &Digest, referrer: &Descriptor) -> Result<(), TransferError> {
        let tag = Tag::of_referrers(subject);
        let turn = {
            let key = format!("{}/{}:{tag}", target.registry(), target.repository());
            let mut merging = self.merging.lock().unwrap_or_else(PoisonError::into_inner);
            merging.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(merging.entry(key).or_default())
        };
        let _turn = turn.lock().await;
        let version = TagOrDigest::Tag(tag);
        let present = absent_is_none(target.endpoint.manifest(target.repository(), &version).await);
        let present = present.map_err(|error| target.error(error))?;
        let index = merged(present.as_ref(), referrer).map_err(|source| TransferError::Manifest {
            reference: target.job.reference.clone(),
            source: Arc::new(source),
        })?;
        if let Some(index) = index {
            let put = target.endpoint.put_manifest(target.repository(), &version, &index).await;
            put.map_err(|error| target.error(error))?;
        }
        Ok(())
    }

    /// Copies cosign's tags of `subject`: `sha256-<hex>.sig`, `.att`, `.sbom` and whatever else follows the pattern.
    async fn cosign(&self, graph: &Graph<'_>, subject: &Digest, targets: &[&Target]) -> Result<(), TransferError> {
        let prefix = format!("{}.", Tag::of_referrers(subject));
        let tags = self.cosign_tags(graph).await?;
        for tag in tags.iter().filter(|tag| tag.as_str().starts_with(&prefix)) {
            let version = TagOrDigest::Tag(tag.clone());
            let source = graph.source;
            let manifest = source.endpoint.manifest(source.repository(), &version).await;
            let manifest = manifest.map_err(|error| source.error(error))?;
            for target in targets {
                let found = target.endpoint.resolve(target.repository(), &version).await;
                let standing = target.stand_in();
                match found {
                    Ok(Some(found)) if found == *manifest.digest() => {}
                    Ok(_) => {
                        graph.children(&manifest, &[&standing], 0).await?;
                        if standing.alive() {
                            graph.put(&manifest, &version, &standing).await;
                        }
                    }
                    Err(error) => standing.fail(&standing.error(error)),
                }
                target.absorb(&standing);
            }
        }
        Ok(())
    }

    async fn cosign_tags(&self, graph: &Graph<'_>) -> Result<Vec<Tag>, TransferError> {
        let source = graph.source;
        let cell = {
            let key = format!("{}/{}", source.reference.registry, source.repository());
            let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
            if tags.len() >= REMEMBERED {
                tags.retain(|_, list| Arc::strong_count(list) > 1);
            }
            Arc::clone(tags.entry(key).or_default())
        };
        let list = || async {
            let mut found = Vec::new();
            let mut pages = source.endpoint.tags(source.repository());
            while let Some(page) = pages.next().await? {
                found.extend(page.iter().filter(|tag| tag.starts_with("sha256-")).filter_map(|tag| tag.parse().ok()));
            }
            Ok(found)
        };
        cell.get_or_try_init(list).await.cloned().map_err(|error| source.error(error))
    }
}

/// The image itself and, for an index, its entries: signatures are made of either.
fn subjects(manifest: &Manifest) -> Vec<Digest> {
    let mut subjects = vec![manifest.digest().clone()];
    if let Content::Index(entries) = manifest.content() {
        let manifests = entries.iter().filter(|entry| entry.media_type.is_manifest());
        subjects.extend(manifests.map(|entry| entry.digest.clone()));
    }
    subjects
}

/// What the target lists for `subject`; none, and the target failed, if it cannot be asked.
async fn held(target: &Target, subject: &Digest) -> Option<Vec<Digest>> {
    match target.endpoint.referrers(target.repository(), subject).await {
        Ok(referrers) => Some(referrers.into_iter().map(|referrer| referrer.digest).collect()),
        Err(error) => {
            target.spoil(&target.error(error));
            None
        }
    }
}

fn absent_is_none(read: Result<Manifest, EndpointError>) -> Result<Option<Manifest>, EndpointError> {
    match read {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) if error.class() == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The fallback index with `referrer` in it; none if it is listed already.
fn merged(present: Option<&Manifest>, referrer: &Descriptor) -> Result<Option<Manifest>, crate::oci::ManifestError> {
    let mut body = match present {
        Some(present) => serde_json::from_slice(present.bytes())?,
        None => json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": []}),
    };
    let entry = serde_json::to_value(referrer)?;
    let Some(entries) = body.get_mut("manifests").and_then(serde_json::Value::as_array_mut) else {
        return Err(crate::oci::ManifestError::Unknown { media_type: MediaType::new(MediaType::OCI_INDEX) });
    };
    if entries.iter().any(|known| known.get("digest") == entry.get("digest")) {
        return Ok(None);
    }
    entries.push(entry);
    Manifest::new(Some(MediaType::OCI_INDEX), Bytes::from(serde_json::to_vec(&body)?), None).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_referrer_is_listed_once_with_its_artifact_type() {
        let mut referrer = Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(b"sbom"), 4);
        referrer.artifact_type = Some("application/spdx+json".to_owned());
        let index = merged(None, &referrer).unwrap().unwrap();
        let expected = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{}","size":4,"artifactType":"application/spdx+json"}}]}}"#,
            MediaType::OCI_INDEX,
            MediaType::OCI_MANIFEST,
            Digest::of(b"sbom"),
        );
        assert_eq!(std::str::from_utf8(index.bytes()).unwrap(), expected);
        assert_eq!(merged(Some(&index), &referrer).unwrap(), None);
    }
}
