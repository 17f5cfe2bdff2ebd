//! The OCI distribution protocol over a [`Storage`], as the specification has it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use serde_json::json;

use crate::harness::api::Call;
use crate::harness::api::Reply;
use crate::harness::graph::OCI_INDEX;
use crate::harness::graph::Stored;
use crate::harness::store::sha256;
use crate::harness::store::text;
use crate::support::lock::Lock;
use crate::support::storage::Storage;
use crate::support::uploads;

/// Names that one page of a listing holds at most.
const PAGE: usize = 1000;

static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^/v2/(?<name>.+)/(?<kind>manifests|blobs|tags|referrers)/(?<rest>.*)$").unwrap());

/// What a registry is made of.
pub struct Parts {
    pub storage: std::sync::Arc<Storage>,
    pub lock: Lock,
    /// `http://127.0.0.1:PORT`
    pub origin: String,
}

impl Parts {
    /// Does what is asked.
    pub fn answer(&self, call: &Call) -> Reply {
        let path = call.path.replace("%3A", ":").replace("%2F", "/");
        let found = PATH.captures(&path);
        let name = found.as_ref().map(|found| found["name"].to_owned());
        if let Some(stopped) = self.lock.stops(call, name.as_deref()) {
            return stopped;
        }
        match (path.as_str(), found) {
            ("/v2/" | "/v2", _) => Reply::json(200, &json!({})),
            ("/v2/_catalog", _) => list(call, "repositories", None, self.storage.repositories()),
            (_, Some(found)) => match (&found["kind"], &found["rest"]) {
                ("manifests", reference) => self.manifest(call, &found["name"], reference),
                ("blobs", rest) if rest == "uploads/" || rest == "uploads" => {
                    uploads::begin(self, call, &found["name"])
                }
                ("blobs", rest) if rest.starts_with("uploads/") => {
                    uploads::session(self, call, &found["name"], &rest["uploads/".len()..])
                }
                ("blobs", digest) => self.blob(call, &found["name"], digest),
                ("tags", "list") => self.tags(call, &found["name"]),
                ("referrers", digest) => self.referrers(call, &found["name"], digest),
                _ => error(404, "NOT_FOUND"),
            },
            _ => error(404, "NOT_FOUND"),
        }
    }

    fn manifest(&self, call: &Call, name: &str, reference: &str) -> Reply {
        if call.method == "PUT" {
            return self.put_manifest(call, name, reference);
        }
        if !matches!(call.method.as_str(), "GET" | "HEAD") {
            return error(405, "UNSUPPORTED");
        }
        match self.storage.lock().manifest(name, reference) {
            Some(found) => Reply { status: 200, headers: Vec::new(), body: found.bytes.clone() }
                .with("Content-Type", &found.media_type)
                .with("Docker-Content-Digest", &found.digest),
            None => error(404, "MANIFEST_UNKNOWN"),
        }
    }

    fn put_manifest(&self, call: &Call, name: &str, reference: &str) -> Reply {
        let Ok(value) = serde_json::from_slice::<Value>(&call.body) else { return error(400, "MANIFEST_INVALID") };
        let digest = sha256(&call.body);
        if reference.contains(':') && reference != digest {
            return error(400, "DIGEST_INVALID");
        }
        let mut state = self.storage.lock();
        if let Some(missing) = state.missing(name, &value) {
            let errors =
                json!({"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "unknown", "detail": missing}]});
            return Reply::json(404, &errors);
        }
        let media_type = call.header("content-type").unwrap_or_default().to_owned();
        let repository = state.repository(name);
        repository
            .manifests
            .insert(digest.clone(), Stored { digest: digest.clone(), media_type, bytes: call.body.clone() });
        if !reference.contains(':') {
            repository.tags.insert(reference.to_owned(), digest.clone());
        }
        let reply = Reply::empty(201)
            .with("Location", format!("/v2/{name}/manifests/{digest}"))
            .with("Docker-Content-Digest", digest);
        match value.get("subject") {
            Some(subject) => reply.with("OCI-Subject", text(&subject["digest"])),
            None => reply,
        }
    }

    fn blob(&self, call: &Call, name: &str, digest: &str) -> Reply {
        if !matches!(call.method.as_str(), "GET" | "HEAD") {
            return error(405, "UNSUPPORTED");
        }
        let Some(bytes) = self.storage.lock().blob(name, digest).cloned() else { return error(404, "BLOB_UNKNOWN") };
        let reply = |status, body: &[u8]| {
            Reply { status, headers: Vec::new(), body: body.to_vec() }
                .with("Content-Type", "application/octet-stream")
                .with("Docker-Content-Digest", digest)
                .with("Accept-Ranges", "bytes")
        };
        let from = call.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        match from {
            Some(from) if from < bytes.len() => reply(206, &bytes[from..])
                .with("Content-Range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())),
            Some(_) => reply(416, b"").with("Content-Range", format!("bytes */{}", bytes.len())),
            None => reply(200, &bytes),
        }
    }

    fn tags(&self, call: &Call, name: &str) -> Reply {
        let state = self.storage.lock();
        match state.repositories.get(name) {
            Some(repository) => list(call, "tags", Some(name), repository.tags.keys().cloned().collect()),
            None => error(404, "NAME_UNKNOWN"),
        }
    }

    fn referrers(&self, call: &Call, name: &str, subject: &str) -> Reply {
        let wanted = call.parameter("artifactType");
        let state = self.storage.lock();
        let manifests = state.repositories.get(name).into_iter().flat_map(|repository| repository.manifests.values());
        let found = manifests.filter_map(|stored| {
            let value: Value = serde_json::from_slice(&stored.bytes).ok()?;
            let kind = value.get("artifactType").cloned().unwrap_or_else(|| value["config"]["mediaType"].clone());
            let fits = value["subject"]["digest"] == subject && wanted.as_ref().is_none_or(|wanted| kind == **wanted);
            fits.then(|| {
                json!({"mediaType": stored.media_type, "digest": stored.digest, "size": stored.bytes.len(),
                    "artifactType": kind})
            })
        });
        let found: Vec<Value> = found.collect();
        let mut reply = Reply::json(200, &json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}));
        crate::support::fault::set(&mut reply, "Content-Type", OCI_INDEX);
        reply
    }
}

/// A page of `names` (distribution specification, "Listing Tags").
fn list(call: &Call, key: &str, name: Option<&str>, names: Vec<String>) -> Reply {
    let count = call.parameter("n").and_then(|n| n.parse().ok()).unwrap_or(PAGE);
    if count > PAGE {
        return error(400, "PAGINATION_NUMBER_INVALID");
    }
    let last = call.parameter("last").unwrap_or_default();
    let mut rest = names.into_iter().filter(|name| *name > last);
    let page: Vec<String> = rest.by_ref().take(count).collect();
    let mut value = json!({key: page});
    if let Some(name) = name {
        value["name"] = json!(name);
    }
    let reply = Reply::json(200, &value);
    match (rest.next(), page.last()) {
        (Some(_), Some(last)) => reply.with("Link", format!("<{}?n={count}&last={last}>; rel=\"next\"", call.path)),
        _ => reply,
    }
}

/// An error as the specification has it.
pub fn error(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({"errors": [{"code": code, "message": code.to_lowercase()}]}))
}
