//! Blobs of a registry, read (distribution specification, "Pulling blobs").

use http::HeaderMap;
use http::Method;
use http::header::CONTENT_LENGTH;

use crate::endpoint::EndpointError;
use crate::endpoint::error::asked;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::header;
use crate::endpoint::registry::resume;
use crate::endpoint::verify::verified;
use crate::http::ByteStream;
use crate::http::Class;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Repository;

impl Registry {
    pub(in crate::endpoint) async fn has_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
    ) -> Result<bool, EndpointError> {
        let (scopes, path) = ([Scope::pull(repository)], path(repository, &blob.digest));
        match self.ask(&scopes, Method::HEAD, &path, HeaderMap::new()).await {
            Ok(_) => Ok(true),
            Err(error) if error.class() == Class::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens the blob, wherever the registry redirects to. A length other than the descriptor's is found out before any byte
    /// is read.
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
            return Err(self.mismatch(what, &format!("{} bytes", blob.size), &format!("{length} bytes")));
        }
        let stream = resume::resumed(self.client.clone(), scope, path, blob.size, response.stream());
        Ok(verified(stream, &self.name.to_string(), blob))
    }
}

fn path(repository: &Repository, digest: &Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}
