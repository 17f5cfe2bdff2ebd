//! Upload sessions: opened, left by another process, gone on with (distribution specification, "Pushing a blob in chunks").

use http::HeaderMap;
use http::Method;
use http::header::LOCATION;
use http::header::RANGE;
use url::Url;

use crate::endpoint::EndpointError;
use crate::endpoint::answer::asked;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::header;
use crate::http::Body;
use crate::http::Request;
use crate::http::Response;
use crate::oci::Descriptor;
use crate::oci::Repository;

/// An open upload session: where its next request goes.
pub(in crate::endpoint) struct Upload {
    pub(in crate::endpoint) location: Url,
    /// `OCI-Chunk-Min-Length`, in bytes.
    pub(super) minimum: u64,
    /// Bytes that the registry has; none if it must be asked, since a request broke off or another process began the session.
    pub(super) offset: Option<u64>,
    /// How far it said that it was when it refused to go on from there.
    pub(super) refused: Option<u64>,
}

impl Registry {
    /// Opens an upload session.
    pub(in crate::endpoint) async fn begin(&self, repository: &Repository) -> Result<Upload, EndpointError> {
        let path = uploads(repository);
        let response = self.ask(&[Scope::push(repository)], Method::POST, &path, HeaderMap::new()).await?;
        let upload = self.upload(&format!("POST {path}"), &response).await;
        response.drain().await;
        upload
    }

    /// The session at `location`, which an earlier process left.
    pub(in crate::endpoint) async fn reopen(&self, location: &str) -> Result<Upload, EndpointError> {
        Ok(Upload { location: self.client.url(location).await?, minimum: 0, offset: None, refused: None })
    }

    /// The session to go on with and how much of the blob it has, or a new one.
    pub(super) async fn at_hand(
        &self,
        repository: &Repository,
        scopes: &[Scope],
        blob: &Descriptor,
        session: Option<Upload>,
    ) -> Result<(Upload, u64), EndpointError> {
        match session {
            Some(upload @ Upload { offset: Some(offset), .. }) => return Ok((upload, offset)),
            Some(upload) => {
                let refused = upload.refused;
                match self.status(scopes, blob, upload).await {
                    Some((upload, offset)) if refused == Some(offset) => self.abort(repository, upload).await,
                    Some((upload, offset)) => {
                        tracing::debug!(%repository, blob = %blob.digest, offset, "the upload goes on");
                        return Ok((upload, offset));
                    }
                    None => {}
                }
            }
            None => {}
        }
        Ok((self.begin(repository).await?, 0))
    }

    /// How far a session came (distribution specification, "Pushing a blob in chunks": GET of the session tells the `Range`). None if
    /// that is not known for sure, and the blob has to be sent from its beginning: `0-0` may be one byte or none, and docker/distribution
    /// 2.8 has lost the session by then.
    async fn status(&self, scopes: &[Scope], blob: &Descriptor, upload: Upload) -> Option<(Upload, u64)> {
        let url = upload.location.clone();
        let request = Request { method: Method::GET, url: url.clone(), headers: HeaderMap::new(), body: Body::Empty };
        let response = self.client.send(scopes, request).await.ok()?;
        let last = header(&response, RANGE.as_str()).and_then(last_byte);
        let minimum = upload.minimum;
        let mut upload = if response.headers().contains_key(LOCATION) {
            self.upload(&asked(&Method::GET, &url), &response).await.ok()?
        } else {
            upload
        };
        response.drain().await;
        upload.minimum = upload.minimum.max(minimum);
        let offset = last.filter(|last| (1..blob.size).contains(last))? + 1;
        upload.offset = Some(offset);
        Some((upload, offset))
    }

    pub(super) async fn upload(&self, request: &str, response: &Response) -> Result<Upload, EndpointError> {
        let location = header(response, LOCATION.as_str());
        let location = location.ok_or_else(|| self.protocol(request, "the answer has no Location"))?;
        let location = self.follow(response.url(), location).await?;
        let minimum = header(response, "oci-chunk-min-length").and_then(|it| it.trim().parse().ok()).unwrap_or(0);
        Ok(Upload { location, minimum, offset: Some(0), refused: None })
    }
}

pub(super) fn uploads(repository: &Repository) -> String {
    format!("/v2/{repository}/blobs/uploads/")
}

/// The last byte of a session's `Range`: `0-N`, with or without a unit before it.
fn last_byte(range: &str) -> Option<u64> {
    let range = range.trim();
    let range = range.strip_prefix("bytes=").or_else(|| range.strip_prefix("bytes ")).unwrap_or(range);
    range.strip_prefix("0-")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_tells_the_last_byte_however_it_is_written() {
        assert_eq!(["0-41", "bytes=0-41", "bytes 0-41", " 0-41 "].map(last_byte), [Some(41); 4]);
        assert_eq!(["", "41", "1-41", "0-", "0-x", "0--1"].map(last_byte), [None; 6]);
    }
}
