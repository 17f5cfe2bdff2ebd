//! Verification of content as it passes.

use std::io;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::endpoint::EndpointError;
use crate::http::ByteStream;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Hasher;

/// Hashes and counts what passes, and holds the frame that completes `blob` back until the stream has ended and length and
/// digest match. Otherwise the stream ends in an [`EndpointError::Mismatch`] (inside an [`io::Error`] of kind `InvalidData`),
/// so whoever uploads it has sent at least one byte less than promised and the upload cannot complete.
///
/// Only that one frame waits, not each for its successor: nothing is delayed before the end.
#[must_use]
pub fn verified(inner: ByteStream, registry: &str, blob: &Descriptor) -> ByteStream {
    let verifier = Verifier {
        inner,
        registry: registry.to_owned(),
        digest: blob.digest.clone(),
        size: blob.size,
        received: 0,
        hasher: blob.digest.hasher(),
        held: None,
    };
    stream::try_unfold(Some(verifier), |state| async move {
        let Some(mut verifier) = state else { return Ok(None) };
        match verifier.next().await? {
            Step::Frame(frame) => Ok(Some((frame, Some(verifier)))),
            Step::Last(Some(frame)) => Ok(Some((frame, None))),
            Step::Last(None) => Ok(None),
        }
    })
    .boxed()
}

/// A stream without a byte of what is known to be wrong before it is read.
pub(super) fn refused(error: EndpointError) -> ByteStream {
    stream::iter([Err(io::Error::new(io::ErrorKind::InvalidData, error))]).boxed()
}

struct Verifier {
    inner: ByteStream,
    registry: String,
    digest: Digest,
    size: u64,
    received: u64,
    hasher: Hasher,
    held: Option<Bytes>,
}

enum Step {
    Frame(Bytes),
    Last(Option<Bytes>),
}

impl Verifier {
    async fn next(&mut self) -> io::Result<Step> {
        while let Some(frame) = self.inner.next().await.transpose()? {
            if frame.is_empty() {
                continue;
            }
            self.received += frame.len() as u64;
            if self.received > self.size {
                return Err(self.mismatch(format!("{} bytes", self.size), "more".to_owned()));
            }
            self.hasher.update(&frame);
            if self.received < self.size {
                return Ok(Step::Frame(frame));
            }
            self.held = Some(frame);
        }
        if self.received < self.size {
            return Err(self.mismatch(format!("{} bytes", self.size), format!("{} bytes", self.received)));
        }
        let actual = self.hasher.clone().finish();
        if actual == self.digest {
            Ok(Step::Last(self.held.take()))
        } else {
            Err(self.mismatch("content of that digest".to_owned(), actual.to_string()))
        }
    }

    fn mismatch(&self, expected: String, actual: String) -> io::Error {
        let what = format!("blob {}", self.digest);
        let error = EndpointError::Mismatch { registry: self.registry.clone(), what, expected, actual };
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"a layer";

    /// Passes `frames` as the blob that `CONTENT` is, and gives what came out: the bytes, and the error at the end.
    async fn pass(frames: &[&'static [u8]]) -> (Vec<u8>, Option<String>) {
        let blob = Descriptor::new("a/b", Digest::of(CONTENT), CONTENT.len() as u64);
        let frames: Vec<_> = frames.iter().map(|frame| Ok(Bytes::from_static(frame))).collect();
        let mut stream = verified(stream::iter(frames).boxed(), "registry.test", &blob);
        let mut passed = Vec::new();
        while let Some(frame) = stream.next().await {
            match frame {
                Ok(frame) => passed.extend_from_slice(&frame),
                Err(error) => return (passed, Some(error.to_string())),
            }
        }
        (passed, None)
    }

    #[tokio::test]
    async fn content_passes_wherever_it_is_split() {
        for at in 0..=CONTENT.len() {
            let (head, tail) = CONTENT.split_at(at);
            assert_eq!(pass(&[b"", head, b"", tail, b""]).await, (CONTENT.to_vec(), None), "split at {at}");
        }
    }

    #[tokio::test]
    async fn corrupt_content_never_passes_whole_wherever_it_is_split() {
        const CORRUPT: &[u8] = b"a lazer";
        for at in 0..=CORRUPT.len() {
            let (head, tail) = CORRUPT.split_at(at);
            let (passed, error) = pass(&[head, tail]).await;
            assert!(passed.len() < CONTENT.len() && error.unwrap().contains("content of that digest"), "split at {at}");
        }
    }

    #[tokio::test]
    async fn short_content_ends_in_an_error() {
        let (passed, error) = pass(&[&CONTENT[..3]]).await;
        assert_eq!(passed, CONTENT[..3]);
        assert!(error.unwrap().ends_with("expected 7 bytes, got 3 bytes"));
    }

    #[tokio::test]
    async fn longer_content_ends_in_an_error_and_its_last_frame_is_held_back() {
        assert_eq!(pass(&[&CONTENT[..3], &CONTENT[3..], b"!"]).await.0, CONTENT[..3]);
        assert!(pass(&[b"a layer and more"]).await.1.unwrap().ends_with("expected 7 bytes, got more"));
    }

    #[tokio::test]
    async fn an_empty_blob_passes_and_is_still_verified() {
        let empty = Descriptor::new("a/b", Digest::of(b""), 0);
        assert!(verified(stream::empty().boxed(), "registry.test", &empty).next().await.is_none());
        let wrong = Descriptor::new("a/b", Digest::of(b"x"), 0);
        assert!(verified(stream::empty().boxed(), "registry.test", &wrong).next().await.unwrap().is_err());
    }
}
