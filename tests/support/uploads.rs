//! Upload sessions (distribution specification, "Pushing blobs").

use std::sync::Arc;

use crate::harness::api::Call;
use crate::harness::api::Reply;
use crate::harness::store::sha256;
use crate::support::protocol::Parts;
use crate::support::protocol::error;
use crate::support::storage::State;

/// `POST …/blobs/uploads/`: a mount, a blob in one request, or a new session.
pub fn begin(parts: &Parts, call: &Call, name: &str) -> Reply {
    if call.method != "POST" {
        return error(405, "UNSUPPORTED");
    }
    let mut state = parts.storage.lock();
    if let (Some(digest), Some(from)) = (call.parameter("mount"), call.parameter("from"))
        && parts.lock.may_pull(call, &from)
        && let Some(bytes) = state.blob(&from, &digest).cloned()
    {
        state.repository(name).blobs.insert(digest.clone(), bytes);
        return created(name, &digest);
    }
    let session = state.begin(name);
    match call.parameter("digest") {
        Some(digest) => finish(&mut state, session, &digest, &call.body),
        None => under_way(202, parts, name, session, 0),
    }
}

/// What is asked of session `id`.
pub fn session(parts: &Parts, call: &Call, name: &str, id: &str) -> Reply {
    let mut state = parts.storage.lock();
    let id = id.parse().unwrap_or(0);
    let Some(session) = state.sessions.get_mut(&id).filter(|session| session.repository == name) else {
        return error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    match call.method.as_str() {
        "GET" => under_way(204, parts, name, id, session.bytes.len()),
        "PATCH" => {
            let first = call.header("content-range").and_then(|range| range.split('-').next()?.parse().ok());
            if first.is_some_and(|first: usize| first != session.bytes.len()) {
                return under_way(416, parts, name, id, session.bytes.len());
            }
            session.bytes.extend_from_slice(&call.body);
            under_way(202, parts, name, id, session.bytes.len())
        }
        "PUT" => match call.parameter("digest") {
            Some(digest) => finish(&mut state, id, &digest, &call.body),
            None => error(400, "DIGEST_INVALID"),
        },
        "DELETE" => {
            state.sessions.remove(&id);
            Reply::empty(204)
        }
        _ => error(405, "UNSUPPORTED"),
    }
}

/// A session whose request broke off is gone, as in docker/distribution 2.8.
pub fn broken(state: &mut State, path: &str) {
    if let Some((_, id)) = path.split_once("/blobs/uploads/") {
        state.sessions.remove(&id.split('?').next().unwrap_or_default().parse().unwrap_or(0));
    }
}

fn finish(state: &mut State, id: u64, digest: &str, last: &[u8]) -> Reply {
    let Some(mut session) = state.sessions.remove(&id) else { return error(404, "BLOB_UPLOAD_UNKNOWN") };
    session.bytes.extend_from_slice(last);
    if sha256(&session.bytes) != digest {
        return error(400, "DIGEST_INVALID");
    }
    let name = session.repository.clone();
    state.repository(&name).blobs.insert(digest.to_owned(), Arc::new(session.bytes));
    created(&name, digest)
}

fn created(name: &str, digest: &str) -> Reply {
    Reply::empty(201).with("Location", format!("/v2/{name}/blobs/{digest}")).with("Docker-Content-Digest", digest)
}

fn under_way(status: u16, parts: &Parts, name: &str, id: u64, length: usize) -> Reply {
    Reply::empty(status)
        .with("Location", format!("{}/v2/{name}/blobs/uploads/{id}", parts.origin))
        .with("Docker-Upload-UUID", id.to_string())
        .with("Range", format!("0-{}", length.saturating_sub(1)))
}
