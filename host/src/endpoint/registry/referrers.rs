//! What refers to a manifest (distribution specification, "Listing Referrers" and "Referrers Tag Schema").

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::ACCEPT;
use serde::Deserialize;
use url::Url;

use crate::endpoint::EndpointError;
use crate::endpoint::answer::asked;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::client::Whole;
use crate::endpoint::registry::link;
use crate::http::Class;
use crate::http::same_origin;
use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::MediaType;
use crate::oci::Repository;
use crate::oci::Tag;

/// The most referrers of one manifest that are read, and the most pages of them.
const MAX: usize = 100_000;

#[derive(Deserialize)]
struct Page {
    manifests: Option<Vec<Descriptor>>,
}

impl Registry {
    /// Asks the referrers API, and where the registry has none, the fallback tag.
    pub(in crate::endpoint) async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, EndpointError> {
        let first = self.client.url(&format!("/v2/{repository}/referrers/{subject}")).await?;
        let request = asked(&Method::GET, &first);
        let (mut found, mut next, mut pages) = (Vec::new(), Some(first), 0);
        while let Some(url) = next.take() {
            let Some((page, after)) = self.page(repository, url).await? else {
                return if pages == 0 { self.fallback(repository, subject).await } else { Ok(found) };
            };
            found.extend(page);
            (next, pages) = (after, pages + 1);
            if found.len() > MAX || pages > MAX {
                return Err(self.protocol(&request, format!("more than {MAX} referrers or pages of them")));
            }
        }
        Ok(found)
    }

    /// One page and where the next one is; none where the registry does not know the API. Some then answer with a page for
    /// people, and 200.
    async fn page(
        &self,
        repository: &Repository,
        url: Url,
    ) -> Result<Option<(Vec<Descriptor>, Option<Url>)>, EndpointError> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(MediaType::OCI_INDEX))]);
        let scopes = [Scope::pull(repository)];
        let Whole { headers, bytes } = match self.client.read(&scopes, &url, &headers, Manifest::MAX_BYTES).await {
            Ok(whole) => whole,
            Err(error) if error.class() == Class::NotFound || error.status().is_some_and(unsupported) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let next = match link::next(&headers) {
            Some(target) => Some(self.follow(&url, &target).await?),
            None => None,
        };
        if next.as_ref().is_some_and(|next| !same_origin(next, &url)) {
            let request = asked(&Method::GET, &url);
            return Err(self.protocol(&request, "the link to the next page leads to another host"));
        }
        let next = next.filter(|next| *next != url);
        Ok(serde_json::from_slice::<Page>(&bytes).ok().map(|page| (page.manifests.unwrap_or_default(), next)))
    }

    async fn fallback(&self, repository: &Repository, subject: &Digest) -> Result<Vec<Descriptor>, EndpointError> {
        match self.manifest(repository, &Tag::of_referrers(subject).into()).await {
            Ok(manifest) => Ok(match manifest.content() {
                Content::Index(referrers) => referrers.clone(),
                Content::Image { .. } | Content::Schema1 => Vec::new(),
            }),
            Err(error) if error.class() == Class::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn unsupported(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}
