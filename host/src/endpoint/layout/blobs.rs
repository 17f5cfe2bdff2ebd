//! A layout's blobs: whole files, named by their digest.

use std::io;

use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use crate::endpoint::EndpointError;
use crate::endpoint::Mount;
use crate::endpoint::layout::Layout;
use crate::endpoint::layout::blocking;
use crate::endpoint::layout::place;
use crate::endpoint::verify::refused;
use crate::endpoint::verify::verified;
use crate::http::ByteStream;
use crate::oci::Descriptor;
use crate::oci::Repository;

/// How much is read at once, in bytes.
const FRAME: usize = 256 << 10;

impl Layout {
    /// Whether the blob is there with the right length. A file of another length was spoiled by something else than this
    /// program; it counts as missing and is written again.
    pub(in crate::endpoint) async fn has_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
    ) -> Result<bool, EndpointError> {
        let (place, size) = (self.place(repository)?, blob.size);
        let path = place.blob(&blob.digest);
        blocking(move || Ok(place.length(&path)? == Some(size))).await
    }

    pub(in crate::endpoint) async fn open_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
    ) -> Result<ByteStream, EndpointError> {
        let place = self.place(repository)?;
        let path = place.blob(&blob.digest);
        let (file, length) = blocking(move || {
            let absent = || place::at(&path, io::Error::new(io::ErrorKind::NotFound, "no such blob"));
            place.open(&path)?.ok_or_else(absent)
        })
        .await?;
        let registry = self.name().to_string();
        if length != blob.size {
            let what = format!("blob {}", blob.digest);
            let (expected, actual) = (format!("{} bytes", blob.size), format!("{length} bytes"));
            return Ok(refused(EndpointError::Mismatch { registry, what, expected, actual }));
        }
        let stream = ReaderStream::with_capacity(tokio::fs::File::from_std(file), FRAME).boxed();
        Ok(verified(stream, &registry, blob))
    }

    /// Links the blob from another repository of the tree, so that it takes its space once.
    pub(in crate::endpoint) async fn mount_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        from: &Repository,
    ) -> Result<Mount, EndpointError> {
        let source = self.place(from)?;
        if !self.has_blob(from, blob).await? {
            return Ok(Mount::Refused(None));
        }
        let (target, blob) = (self.prepare(repository).await?, blob.clone());
        blocking(move || {
            let path = target.blob(&blob.digest);
            // Not linked: the file system has no links, or the blob is there already, which its length tells.
            let mounted = target.link(&source.blob(&blob.digest), &path)? || target.length(&path)? == Some(blob.size);
            Ok(if mounted { Mount::Mounted } else { Mount::Refused(None) })
        })
        .await
    }

    /// Writes the blob beside its place and renames it when length and digest match.
    pub(in crate::endpoint) async fn push_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        stream: ByteStream,
    ) -> Result<(), EndpointError> {
        let place = self.prepare(repository).await?;
        let path = place.blob(&blob.digest);
        let (beside, target) = (place.clone(), path.clone());
        let (file, name) = blocking(move || beside.beside(&target)).await?;
        let mut file = tokio::fs::File::from_std(file);
        let mut stream = verified(stream, &self.name().to_string(), blob);
        while let Some(frame) = stream.next().await {
            let frame = frame.map_err(|error| match error.downcast::<EndpointError>() {
                Ok(error) => error,
                Err(source) => place::at(&path, source),
            })?;
            file.write_all(&frame).await.map_err(|source| place::at(&path, source))?;
        }
        file.flush().await.map_err(|source| place::at(&path, source))?;
        let file = file.into_std().await;
        blocking(move || place.finish(&file, name, &path)).await
    }
}
