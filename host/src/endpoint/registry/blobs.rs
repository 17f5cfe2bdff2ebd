//! Blobs of a registry, read (distribution specification, "Pulling blobs").

use http::HeaderMap;
use http::Method;
use http::header::CONTENT_LENGTH;

use crate::endpoint::EndpointError;
use crate::endpoint::answer::asked;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::header;
use crate::endpoint::registry::resume;
use crate::endpoint::verify::refused;
use crate::endpoint::verify::verified;
use crate::http::ByteStream;
use crate::http::Class;
use crate::http::Response;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Repository;

impl Registry {
    /// Whether the blob is there. One of another length than the manifest says is not the one that it means: the source then has
    /// to show its own. Registries that tell no length, or 0 whatever the blob, are believed.
    pub(in crate::endpoint) async fn has_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
    ) -> Result<bool, EndpointError> {
        let (scopes, path) = ([Scope::pull(repository)], path(repository, &blob.digest));
        match self.ask(&scopes, Method::HEAD, &path, HeaderMap::new()).await {
            Ok(response) => Ok(length(&response).is_none_or(|length| length == blob.size)),
            Err(error) if error.class() == Class::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens the blob, wherever the registry redirects to. If it announces another length than the descriptor's, the stream ends
    /// before its first byte, as one ends that breaks off with wrong bytes.
    pub(in crate::endpoint) async fn open_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
    ) -> Result<ByteStream, EndpointError> {
        let (scope, path) = (Scope::pull(repository), path(repository, &blob.digest));
        let response = self.ask(std::slice::from_ref(&scope), Method::GET, &path, HeaderMap::new()).await?;
        let request = asked(&Method::GET, response.url());
        response.check_identity().map_err(|source| self.transport(&request, source))?;
        if let Some(length) = header(&response, CONTENT_LENGTH.as_str()).and_then(|it| it.parse::<u64>().ok())
            && length != blob.size
        {
            let what = format!("blob {} of {repository}", blob.digest);
            return Ok(refused(self.mismatch(what, &format!("{} bytes", blob.size), &format!("{length} bytes"))));
        }
        let stream = resume::resumed(self.client.clone(), scope, path, blob.size, response.stream());
        Ok(verified(stream, &self.name.to_string(), blob))
    }
}

/// What the registry says of the blob's length; none where it says nothing, or nothing that tells anything.
fn length(response: &Response) -> Option<u64> {
    header(response, CONTENT_LENGTH.as_str())?.parse().ok().filter(|length| *length > 0)
}

fn path(repository: &Repository, digest: &Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}
