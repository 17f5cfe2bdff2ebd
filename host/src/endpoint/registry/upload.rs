//! Blobs of a registry, written (distribution specification, "Pushing blobs").

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use futures_util::StreamExt as _;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::CONTENT_RANGE;
use http::header::CONTENT_TYPE;
use http::header::LOCATION;

use crate::endpoint::EndpointError;
use crate::endpoint::Mount;
use crate::endpoint::Session;
use crate::endpoint::answer::asked;
use crate::endpoint::registry::Registry;
use crate::endpoint::registry::chunk::Splitter;
use crate::endpoint::registry::client::Scope;
use crate::endpoint::registry::header;
use crate::endpoint::registry::session::Upload;
use crate::endpoint::registry::session::uploads;
use crate::http::Body;
use crate::http::ByteStream;
use crate::http::Class;
use crate::http::Request;
use crate::oci::Descriptor;
use crate::oci::Repository;

/// An upload that did not come to its end.
pub(in crate::endpoint) struct Broken {
    pub(in crate::endpoint) error: EndpointError,
    /// The session, if the registry may know it still.
    pub(in crate::endpoint) session: Option<Upload>,
}

impl std::fmt::Debug for Broken {
    /// Without the session, whose URL may be signed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, session kept: {}", self.error, self.session.is_some())
    }
}

impl From<EndpointError> for Broken {
    fn from(error: EndpointError) -> Self {
        Self { error, session: None }
    }
}

/// That a registry wants blobs in pieces, which was learned from a refusal. It is believed for [`LEARNED`] only: the refusal may
/// have been another server behind the same name, or its limit may be raised meanwhile.
pub(super) struct Chunks {
    since: Instant,
}

/// How long a registry is believed to want chunks.
const LEARNED: Duration = Duration::from_mins(5);

/// How long a chunk is where the registry names no minimum, in bytes: GHCR takes no longer ones.
const CHUNK: u64 = 4 << 20;

/// The longest minimum that is honoured, in bytes.
const MAX_CHUNK: u64 = 64 << 20;

/// How long the token must live on when an upload's request begins. Registries check it then, not at the end of the body.
const TOKEN: Duration = Duration::from_mins(1);

/// From this size on, in bytes, a session that broke off is kept: below, to ask how far it came costs as much as to begin again.
const KEPT: u64 = 1 << 20;

/// How long giving up a session may take.
const ABORT: Duration = Duration::from_secs(10);

impl Registry {
    /// Asks for a cross-repository mount (distribution specification, "Mounting a blob from another repository"). A refusal
    /// is no error: some registries answer 401 or 403 for a source they cannot see, 404 or 405 for want of the feature.
    pub(in crate::endpoint) async fn mount_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        from: &Repository,
    ) -> Result<Mount, EndpointError> {
        let scopes = [Scope::push(repository), Scope::pull(from)];
        let mut url = self.client.url(&uploads(repository)).await?;
        url.query_pairs_mut().append_pair("mount", blob.digest.as_str()).append_pair("from", from.as_str());
        let request = Request { method: Method::POST, url: url.clone(), headers: HeaderMap::new(), body: Body::Empty };
        match self.client.send(&scopes, request).await {
            Ok(response) if response.status() == StatusCode::CREATED => Ok(Mount::Mounted),
            Ok(response) => {
                let upload = self.upload(&asked(&Method::POST, &url), &response).await.ok();
                response.drain().await;
                Ok(Mount::Refused(upload.map(Session)))
            }
            Err(error) if matches!(error, EndpointError::Transport { .. }) => Err(error),
            Err(error) if matches!(error.class(), Class::Retry | Class::Wait(_)) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "mount refused");
                Ok(Mount::Refused(None))
            }
        }
    }

    pub(in crate::endpoint) async fn push_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        session: Option<Upload>,
        stream: ByteStream,
    ) -> Result<(), Broken> {
        let scopes = [Scope::push(repository)];
        self.client.ensure_token(&scopes, TOKEN).await?;
        let (mut upload, offset) = self.at_hand(repository, &scopes, blob, session).await?;
        let chunk = CHUNK.max(upload.minimum.min(MAX_CHUNK));
        let in_chunks = blob.size - offset > chunk && self.wants_chunks();
        let source = SourceError::default();
        let stream = source.watch(stream);
        let pushed = if in_chunks || offset > 0 {
            let chunk = if in_chunks { chunk } else { blob.size - offset };
            self.push_chunks(&scopes, blob, &mut upload, Cut { offset, chunk }, stream).await
        } else {
            self.push_whole(&scopes, blob, &upload, stream).await
        };
        let Err(error) = pushed else { return Ok(()) };
        if let Some(error) = source.take() {
            self.abort(repository, upload).await;
            return Err(error.into());
        }
        if offset > 0 && error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) {
            // It was still writing what came before the break when it was asked, and is further by now.
            let session = Some(Upload { offset: None, refused: Some(offset), ..upload });
            return Err(Broken { error: reclassified(error, Class::Retry), session });
        }
        let refused_for_length =
            matches!(error.status(), Some(StatusCode::PAYLOAD_TOO_LARGE | StatusCode::RANGE_NOT_SATISFIABLE));
        if refused_for_length {
            self.abort(repository, upload).await;
            let worth_chunks = !in_chunks && blob.size > chunk;
            self.learn(worth_chunks);
            return Err(reclassified(error, if worth_chunks { Class::RestartBlob } else { Class::Permanent }).into());
        }
        self.after_doubt(repository, blob, upload, error).await
    }

    /// Gives the session up, as far as the registry can be reached: what is left of it is the registry's to collect.
    pub(in crate::endpoint) async fn abort(&self, repository: &Repository, upload: Upload) {
        let scopes = [Scope::push(repository)];
        let request =
            Request { method: Method::DELETE, url: upload.location, headers: HeaderMap::new(), body: Body::Empty };
        if let Ok(Err(error)) = tokio::time::timeout(ABORT, self.client.send(&scopes, request)).await {
            tracing::debug!(%error, "upload session not given up");
        }
    }

    /// After an error that does not tell whether the upload was completed: if the blob is there, it was. To send the last
    /// request again would be wrong, since registries answer it 404 after a success.
    async fn after_doubt(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        upload: Upload,
        error: EndpointError,
    ) -> Result<(), Broken> {
        let broken_off = matches!(error.class(), Class::Retry | Class::Wait(_));
        if broken_off || error.class() == Class::RestartBlob {
            match self.has_blob(repository, blob).await {
                Ok(true) => return Ok(()),
                // Nobody can be reached, so nobody can be told.
                Err(EndpointError::Transport { .. }) if blob.size < KEPT => return Err(error.into()),
                Ok(false) | Err(_) => {}
            }
        }
        if broken_off && blob.size >= KEPT {
            return Err(Broken { error, session: Some(Upload { offset: None, ..upload }) });
        }
        self.abort(repository, upload).await;
        Err(error.into())
    }

    /// One PUT with all bytes.
    async fn push_whole(
        &self,
        scopes: &[Scope],
        blob: &Descriptor,
        upload: &Upload,
        mut stream: ByteStream,
    ) -> Result<(), EndpointError> {
        let body = if blob.size == 0 {
            if let Some(Err(error)) = stream.next().await {
                return Err(self.protocol("upload of an empty blob", error.to_string()));
            }
            Body::Empty
        } else {
            Body::Stream { length: blob.size, stream }
        };
        self.complete(scopes, blob, upload, body).await
    }

    /// A PATCH for each chunk, then a PUT without bytes. Where each chunk begins is counted here: registries answer a `Range`
    /// that lags behind (ECR) or means nothing (`0-0`).
    async fn push_chunks(
        &self,
        scopes: &[Scope],
        blob: &Descriptor,
        upload: &mut Upload,
        Cut { mut offset, chunk }: Cut,
        stream: ByteStream,
    ) -> Result<(), EndpointError> {
        let splitter = Splitter::new(stream);
        // What the registry has passes by, to be hashed: the end comes only if all of it is right.
        if let Err(error) = splitter.skip(offset).await {
            return Err(self.protocol("upload", error.to_string()));
        }
        while offset < blob.size {
            let length = chunk.min(blob.size - offset);
            let request = asked(&Method::PATCH, &upload.location);
            let range = HeaderValue::try_from(format!("{offset}-{}", offset + length - 1));
            let range = range.map_err(|_| self.protocol(&request, "no range"))?;
            let mut headers = octets();
            headers.insert(CONTENT_RANGE, range);
            // A stream, not bytes: it is sent once. Sent again it might be appended twice, as 2.8 does.
            let body = Body::Stream { length, stream: splitter.chunk(length) };
            let url = upload.location.clone();
            self.client.ensure_token(scopes, TOKEN).await?;
            let response = self.client.send(scopes, Request { method: Method::PATCH, url, headers, body }).await?;
            if response.headers().contains_key(LOCATION) {
                upload.location = self.upload(&request, &response).await?.location;
            }
            response.drain().await;
            offset += length;
        }
        self.complete(scopes, blob, upload, Body::Empty).await
    }

    async fn complete(
        &self,
        scopes: &[Scope],
        blob: &Descriptor,
        upload: &Upload,
        body: Body,
    ) -> Result<(), EndpointError> {
        let mut url = upload.location.clone();
        url.query_pairs_mut().append_pair("digest", blob.digest.as_str());
        self.client.ensure_token(scopes, TOKEN).await?;
        let response = self.client.send(scopes, Request { method: Method::PUT, url, headers: octets(), body }).await?;
        let told = header(&response, "docker-content-digest").and_then(|it| it.parse::<crate::oci::Digest>().ok());
        response.drain().await;
        match told {
            // docker/distribution 2.8 tells the SHA-256 of what was sent as SHA-512.
            Some(told) if told.algorithm() == blob.digest.algorithm() && told != blob.digest => {
                Err(self.mismatch("blob as it was stored".to_owned(), &blob.digest, &told))
            }
            _ => Ok(()),
        }
    }

    fn wants_chunks(&self) -> bool {
        let chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.as_ref().is_some_and(|chunks| chunks.since.elapsed() < LEARNED)
    }

    fn learn(&self, wants_chunks: bool) {
        let chunks = wants_chunks.then(|| Chunks { since: Instant::now() });
        *self.chunks.lock().unwrap_or_else(PoisonError::into_inner) = chunks;
    }
}

/// Where chunks begin, and how long they are.
#[derive(Clone, Copy)]
struct Cut {
    offset: u64,
    chunk: u64,
}

/// Keeps the error in which the source of an upload ended: what the HTTP client makes of it no longer tells what it was.
#[derive(Clone, Default)]
struct SourceError(Arc<Mutex<Option<io::Error>>>);

impl SourceError {
    fn watch(&self, stream: ByteStream) -> ByteStream {
        let kept = self.clone();
        let keep = move |error: io::Error| {
            let passed = io::Error::new(error.kind(), error.to_string());
            *kept.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            passed
        };
        stream.map(move |frame| frame.map_err(&keep)).boxed()
    }

    fn take(&self) -> Option<EndpointError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?.downcast().ok()
    }
}

fn reclassified(error: EndpointError, class: Class) -> EndpointError {
    match error {
        EndpointError::Answered(mut answer) => {
            answer.class = class;
            EndpointError::Answered(answer)
        }
        other => other,
    }
}

fn octets() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))])
}
