//! Where images are, for a test that reads and writes them without the program under test.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Mutex;

use base64::Engine as _;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

use super::graph::Stored;
use super::http1::Connection;
use super::http1::Response;

/// Every type of manifest there is.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// All that is reachable from a manifest, by digest.
pub type Content = BTreeMap<String, Vec<u8>>;

/// A registry or a tree of layouts.
pub trait Store {
    /// A manifest by tag or digest.
    fn manifest(&self, repository: &str, reference: &str) -> Option<Stored>;
    fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>>;
    fn put_blob(&self, repository: &str, digest: &str, bytes: &[u8]);
    /// By tag where there is one.
    fn put_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Stored);
    /// Sorted.
    fn tags(&self, repository: &str) -> Vec<String>;

    /// All that `reference` leads to, or a sentence on what is missing. Layers that are not distributed are left out.
    fn content(&self, repository: &str, reference: &str) -> Result<Content, String> {
        let mut content = Content::new();
        let mut open = vec![reference.to_owned()];
        while let Some(reference) = open.pop() {
            if content.contains_key(&reference) {
                continue;
            }
            let manifest =
                self.manifest(repository, &reference).ok_or(format!("no manifest {repository} {reference}"))?;
            let value: Value = serde_json::from_slice(&manifest.bytes).map_err(|error| error.to_string())?;
            assert_eq!(sha256(&manifest.bytes), manifest.digest);
            content.insert(manifest.digest, manifest.bytes);
            for child in value["manifests"].as_array().into_iter().flatten() {
                open.push(text(&child["digest"]));
            }
            let blobs = [&value["layers"], &value["blobs"]].into_iter().filter_map(Value::as_array).flatten();
            for blob in blobs.chain(value.get("config")) {
                let digest = text(&blob["digest"]);
                let media_type = text(&blob["mediaType"]);
                if media_type.contains("foreign")
                    || media_type.contains("nondistributable")
                    || content.contains_key(&digest)
                {
                    continue;
                }
                let bytes = self.blob(repository, &digest).ok_or(format!("no blob {repository} {digest}"))?;
                assert_eq!(sha256(&bytes), digest);
                content.insert(digest, bytes);
            }
        }
        Ok(content)
    }
}

/// `sha256:…`
pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A registry over HTTP.
pub struct Remote {
    address: SocketAddr,
    authorization: Option<String>,
    connection: Mutex<Option<Connection>>,
}

impl Remote {
    pub fn new(address: SocketAddr, login: Option<(&str, &str)>) -> Self {
        let authorization = login.map(|(user, password)| {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
        });
        Self { address, authorization, connection: Mutex::new(None) }
    }

    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.send_stream(method, target, headers, body.len() as u64, &mut |writer| writer.write_all(body))
    }

    /// One request; once more on a new connection where the registry has closed the old one meanwhile.
    fn send_stream(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        length: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Response {
        let mut headers = headers.to_vec();
        if let Some(authorization) = &self.authorization {
            headers.push(("Authorization", authorization));
        }
        let mut connection = self.connection.lock().unwrap();
        if let Some(open) = connection.as_mut()
            && let Ok(response) = open.send_stream(method, target, &headers, length, write)
        {
            return response;
        }
        let open = connection.insert(Connection::open(self.address).unwrap());
        open.send_stream(method, target, &headers, length, write).unwrap()
    }

    fn upload(&self, repository: &str) -> String {
        let opened = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"");
        assert_eq!(opened.status, 202, "{}", String::from_utf8_lossy(&opened.body));
        opened.head.header("location").unwrap().to_owned()
    }

    /// Uploads `length` bytes that `write` writes; it is called once.
    pub fn put_blob_stream(
        &self,
        repository: &str,
        digest: &str,
        length: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) {
        let location = self.upload(repository);
        let mark = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{mark}digest={digest}");
        let kind = [("Content-Type", "application/octet-stream")];
        let done = self.send_stream("PUT", &target, &kind, length, write);
        assert_eq!(done.status, 201, "{}", String::from_utf8_lossy(&done.body));
    }

    /// Whether the blob is there.
    pub fn has_blob(&self, repository: &str, digest: &str) -> bool {
        self.send("HEAD", &format!("/v2/{repository}/blobs/{digest}"), &[], b"").status == 200
    }
}

impl Store for Remote {
    fn manifest(&self, repository: &str, reference: &str) -> Option<Stored> {
        let response = self.send("GET", &format!("/v2/{repository}/manifests/{reference}"), &[("Accept", ACCEPT)], b"");
        let media_type = response.head.header("content-type").unwrap_or_default().to_owned();
        let digest = sha256(&response.body);
        (response.status == 200).then_some(Stored { digest, media_type, bytes: response.body })
    }

    fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        let response = self.send("GET", &format!("/v2/{repository}/blobs/{digest}"), &[], b"");
        (response.status == 200).then_some(response.body)
    }

    fn put_blob(&self, repository: &str, digest: &str, bytes: &[u8]) {
        if !self.has_blob(repository, digest) {
            self.put_blob_stream(repository, digest, bytes.len() as u64, &mut |writer| writer.write_all(bytes));
        }
    }

    fn put_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Stored) {
        let reference = tag.unwrap_or(&manifest.digest);
        let target = format!("/v2/{repository}/manifests/{reference}");
        let done = self.send("PUT", &target, &[("Content-Type", &manifest.media_type)], &manifest.bytes);
        assert_eq!(done.status, 201, "{}", String::from_utf8_lossy(&done.body));
    }

    fn tags(&self, repository: &str) -> Vec<String> {
        let response = self.send("GET", &format!("/v2/{repository}/tags/list"), &[], b"");
        let value: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let mut tags: Vec<String> = value["tags"].as_array().into_iter().flatten().map(text).collect();
        tags.sort();
        tags
    }
}
