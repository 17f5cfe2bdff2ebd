//! What went over the wire, as the proxies before the registries counted it.

use std::fmt;
use std::ops::AddAssign;

use crate::harness::proxy::Proxy;

/// Requests, bytes and connections of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Requests for manifests and tags.
    pub manifests: usize,
    /// Requests for blobs and uploads.
    pub blobs: usize,
    /// All others, such as the one that asks how to log in.
    pub others: usize,
    /// Bytes of blobs.
    pub bytes: u64,
    pub connections: usize,
}

impl Traffic {
    /// What passed `proxy`.
    pub fn through(proxy: &Proxy) -> Self {
        let mut traffic = Self { connections: proxy.connections(), ..Self::default() };
        for request in proxy.requests() {
            let path = request.path.as_str();
            if path.contains("/blobs/") {
                traffic.blobs += 1;
                traffic.bytes += request.bytes;
            } else if path.contains("/manifests/") || path.contains("/tags/") {
                traffic.manifests += 1;
            } else {
                traffic.others += 1;
            }
        }
        traffic
    }

    /// All requests.
    pub fn requests(self) -> usize {
        self.manifests + self.blobs + self.others
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.manifests += other.manifests;
        self.blobs += other.blobs;
        self.others += other.others;
        self.bytes += other.bytes;
        self.connections += other.connections;
    }
}

impl fmt::Display for Traffic {
    #[expect(clippy::cast_precision_loss, reason = "mebibytes to read")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifests, blobs, others, bytes, connections } = self;
        let mebibytes = *bytes as f64 / f64::from(1 << 20);
        write!(f, "{} ({manifests} + {blobs} + {others}) | {mebibytes:.1} | {connections}", self.requests())
    }
}
