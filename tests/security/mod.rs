//! Each promise of docs/security.md, tried by who would break it: registries and plugins that do not mean well.

mod caps;
mod credentials;
mod documentation;
mod files;
mod leaks;
mod names;
mod sandbox;
mod strangers;

use std::sync::Arc;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Recorder;
use crate::harness::api::Reply;
use crate::harness::api::Server;
use crate::harness::graph::Graph;
use crate::harness::tools;

/// An HTTP server that answers as it is told, and what came to it.
struct Host {
    server: Server,
    recorder: Arc<Recorder>,
}

struct Script<F>(F);

impl<F: Fn(&Call) -> Reply + Send + Sync + 'static> Api for Script<F> {
    fn answer(&self, call: &Call) -> Reply {
        (self.0)(call)
    }
}

impl Host {
    fn start(answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let recorder = Recorder::new(Arc::new(Script(answer)));
        Self { server: Server::start(recorder.clone()), recorder }
    }

    /// One where nobody should ever ask for anything.
    fn bystander() -> Self {
        Self::start(|_| Reply::empty(404))
    }

    fn calls(&self) -> Vec<Call> {
        self.recorder.calls()
    }

    /// `127.0.0.1:PORT`.
    fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Fails the test if any request brought something that logs in, or one of `secrets` wherever in it.
    #[track_caller]
    fn got_no_credentials(&self, secrets: &[&str]) {
        for call in self.calls() {
            for name in ["authorization", "cookie", "proxy-authorization"] {
                assert_eq!(call.header(name), None, "{} {}", call.method, call.path);
            }
            let whole = format!("{call:?}{}", String::from_utf8_lossy(&call.body));
            for secret in secrets {
                assert!(!whole.contains(secret), "{secret} came with {} {}", call.method, call.path);
            }
        }
    }
}

/// Storage behind a registry: the blobs of `graph` by the last segment of the path.
fn storage(graph: &Graph) -> Host {
    let blobs = graph.blobs.clone();
    Host::start(move |call| {
        let digest = call.path.rsplit('/').next().unwrap_or_default().replace("%3A", ":");
        blobs.get(&digest).map_or_else(|| Reply::empty(404), |bytes| Reply { body: bytes.clone(), ..Reply::empty(200) })
    })
}

/// The manifest of `graph` that `reference`, a tag or a digest, leads to.
fn manifest(graph: &Graph, reference: &str) -> Option<Reply> {
    let digest = graph.tags.get(reference).map_or(reference, String::as_str);
    let stored = graph.manifests.iter().find(|stored| stored.digest == digest)?;
    let reply = Reply { body: stored.bytes.clone(), ..Reply::empty(200) };
    Some(reply.with("Content-Type", stored.media_type.as_str()).with("Docker-Content-Digest", digest))
}

/// An error as registries give it.
fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &serde_json::json!({"errors": [{"code": code, "message": message}]}))
}

/// The plugin that misbehaves as it is told.
fn hostile() -> String {
    tools::repository().join("tests/fixtures/plugins/hostile.wasm").display().to_string()
}
