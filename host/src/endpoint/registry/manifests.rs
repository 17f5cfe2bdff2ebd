//! Manifests of a registry (distribution specification, "Pulling manifests", "Pushing Manifests").

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;

use crate::endpoint::EndpointError;
use crate::endpoint::Put;
use crate::endpoint::answer::asked;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::client::Whole;
use crate::http::Body;
use crate::http::Class;
use crate::http::Request;
use crate::oci::Content;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::ManifestError;
use crate::oci::MediaType;
use crate::oci::Repository;
use crate::oci::TagOrDigest;

/// The header in which a registry tells the digest of what it serves or took.
const DIGEST: &str = "docker-content-digest";

impl Registry {
    /// Some registries refuse HEAD (405), answer it 401 although GET works (Harbor, anonymously), or tell no digest: these are
    /// asked by GET.
    pub(in crate::endpoint) async fn resolve(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Option<Digest>, EndpointError> {
        let scopes = [Scope::pull(repository)];
        let response = match self.ask(&scopes, Method::HEAD, &path(repository, version), accept()).await {
            Ok(response) => response,
            Err(error) if error.class() == Class::NotFound => return Ok(None),
            Err(error) if error.status().is_some_and(head_refused) => {
                return self.digest_by_get(repository, version).await;
            }
            Err(error) => return Err(error),
        };
        match (told(response.headers()), version.digest()) {
            (Some(told), Some(asked_for)) if told.algorithm() == asked_for.algorithm() && told != *asked_for => {
                Err(self.mismatch(format!("manifest of {repository}"), asked_for, &told))
            }
            (_, Some(asked_for)) => Ok(Some(asked_for.clone())),
            (Some(told), None) => Ok(Some(told)),
            (None, None) => self.digest_by_get(repository, version).await,
        }
    }

    /// Reads the manifest and verifies its bytes: against the digest it was asked by, or else the one the registry tells.
    pub(in crate::endpoint) async fn manifest(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Manifest, EndpointError> {
        match self.read_manifest(repository, version).await {
            // The bytes may have been spoiled on the way: once more, and then it is the registry's own fault.
            Err(error @ EndpointError::Mismatch { .. }) => {
                tracing::debug!(%error, "reads again");
                self.read_manifest(repository, version).await
            }
            read => read,
        }
    }

    async fn read_manifest(&self, repository: &Repository, version: &TagOrDigest) -> Result<Manifest, EndpointError> {
        let url = self.client.url(&path(repository, version)).await?;
        let Whole { headers, bytes } =
            self.client.read(&[Scope::pull(repository)], &url, &accept(), Manifest::MAX_BYTES).await?;
        let told = told(&headers);
        let served = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let what = name(repository, version);
        let expected = version.digest().or(told.as_ref());
        let manifest = Manifest::new(served, bytes, expected);
        let manifest = manifest.map_err(|source| self.unreadable(&what, source))?;
        match told {
            Some(told)
                if told.algorithm() == manifest.digest().algorithm()
                    && told != *manifest.digest()
                    && *manifest.content() != Content::Schema1 =>
            {
                Err(self.mismatch(what, &told, manifest.digest()))
            }
            _ => Ok(manifest),
        }
    }

    /// Writes the bytes as they came, under the media type that came with them.
    pub(in crate::endpoint) async fn put_manifest(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
        manifest: &Manifest,
    ) -> Result<Put, EndpointError> {
        let url = self.client.url(&path(repository, version)).await?;
        let request = asked(&Method::PUT, &url);
        let media_type = HeaderValue::from_str(manifest.media_type().as_str());
        let media_type = media_type.map_err(|_| self.protocol(&request, "the manifest's media type is no header"))?;
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type)]);
        let body = Body::Bytes(Bytes::clone(manifest.bytes()));
        let scopes = [Scope::push(repository)];
        let sent = self.client.send(&scopes, Request { method: Method::PUT, url, headers, body }).await;
        let response = sent.map_err(|error| self.too_large(error, &request, manifest))?;
        if let Some(told) = told(response.headers())
            && told.algorithm() == manifest.digest().algorithm()
            && told != *manifest.digest()
        {
            return Err(self.mismatch(
                format!("{} as it was stored", name(repository, version)),
                manifest.digest(),
                &told,
            ));
        }
        let subject_listed = manifest.subject().is_none() || response.headers().contains_key("oci-subject");
        response.drain().await;
        Ok(Put { subject_listed })
    }

    async fn digest_by_get(
        &self,
        repository: &Repository,
        version: &TagOrDigest,
    ) -> Result<Option<Digest>, EndpointError> {
        match self.manifest(repository, version).await {
            Ok(manifest) => Ok(Some(manifest.digest().clone())),
            Err(error) if error.class() == Class::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn unreadable(&self, what: &str, source: ManifestError) -> EndpointError {
        match source {
            ManifestError::DigestMismatch { expected, actual } => self.mismatch(what.to_owned(), &expected, &actual),
            source => EndpointError::Manifest { registry: self.name.to_string(), what: what.to_owned(), source },
        }
    }

    /// docker/distribution answers a manifest over its limit with 400 `MANIFEST_INVALID`, proxies with 413: neither says why.
    fn too_large(&self, error: EndpointError, request: &str, manifest: &Manifest) -> EndpointError {
        const LIMIT: usize = 4 << 20;
        let length = manifest.bytes().len();
        match error.status() {
            Some(StatusCode::PAYLOAD_TOO_LARGE) => {}
            Some(StatusCode::BAD_REQUEST) if length > LIMIT => {}
            _ => return error,
        }
        self.protocol(request, format!("the manifest has {length} bytes, more than the registry takes: {error}"))
    }
}

/// The manifest as people name it.
fn name(repository: &Repository, version: &TagOrDigest) -> String {
    let sign = if version.digest().is_some() { '@' } else { ':' };
    format!("{repository}{sign}{version}")
}

fn path(repository: &Repository, version: &TagOrDigest) -> String {
    format!("/v2/{repository}/manifests/{version}")
}

/// Which types of manifest are wanted.
fn accept() -> HeaderMap {
    HeaderValue::try_from(MediaType::ACCEPT.join(", ")).into_iter().map(|types| (ACCEPT, types)).collect()
}

fn told(headers: &HeaderMap) -> Option<Digest> {
    headers.get(DIGEST)?.to_str().ok()?.parse().ok()
}

fn head_refused(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    )
}
