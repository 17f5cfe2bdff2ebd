//! Synthetic images, the same from the same seed.

use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::store::Store;

/// The repository that everything is in.
pub const REPOSITORY: &str = "bench/app";

/// A layer that is not compressed.
const OCI_TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// The first bytes of a gzip stream: what does not begin like one would be compressed by some tools, and so be another blob.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// `count` images `t0`, `t1`, … of `own` layers of `size` bytes each, one layer of `shared` bytes that all have, and a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images {
    pub count: usize,
    pub own: usize,
    pub size: usize,
    pub shared: usize,
    /// Layers are archives as they are, not compressed: some tools compress them on the way, so that another image arrives.
    pub plain: bool,
}

impl Images {
    /// Puts them into `store`.
    pub fn push(self, store: &dyn Store) {
        let mut random = fastrand::Rng::with_seed(self.count as u64);
        let layer_type = if self.plain { OCI_TAR } else { OCI_LAYER };
        let mut layer = |length: usize| {
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            if !self.plain {
                bytes[..GZIP.len()].copy_from_slice(&GZIP);
            }
            bytes
        };
        let base = layer(self.shared.max(GZIP.len()));
        for number in 0..self.count {
            let mut graph = Graph::new();
            let mut layers = Vec::new();
            if self.shared > 0 {
                layers.push(graph.blob(layer_type, base.clone()));
            }
            for _ in 0..self.own {
                layers.push(graph.blob(layer_type, layer(self.size)));
            }
            let image = graph.image(&format!("linux/image{number}"), &layers);
            graph.tag(&format!("t{number}"), &image);
            graph.push(store, REPOSITORY);
        }
    }

    /// Their tags.
    pub fn tags(self) -> impl Iterator<Item = String> {
        (0..self.count).map(|number| format!("t{number}"))
    }

    /// Bytes of all different layers.
    pub fn bytes(self) -> usize {
        self.shared + self.count * self.own * self.size
    }

    /// Blobs that differ: layers and configurations.
    pub fn blobs(self) -> usize {
        usize::from(self.shared > 0) + self.count * (self.own + 1)
    }
}
