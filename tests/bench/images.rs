//! Synthetic images, the same from the same seed.

use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::store::Store;

/// The repository that everything is in.
pub const REPOSITORY: &str = "bench/app";

/// `count` images `t0`, `t1`, … of `own` layers of `size` bytes each, and one layer of `shared` bytes that all have.
#[derive(Clone, Copy)]
pub struct Images {
    pub count: usize,
    pub own: usize,
    pub size: usize,
    pub shared: usize,
}

impl Images {
    /// Puts them into `store`.
    pub fn push(self, store: &dyn Store) {
        let mut random = fastrand::Rng::with_seed(self.count as u64);
        let mut bytes = |length: usize| {
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            bytes
        };
        let base = bytes(self.shared);
        for number in 0..self.count {
            let mut graph = Graph::new();
            let mut layers = Vec::new();
            if self.shared > 0 {
                layers.push(graph.blob(OCI_LAYER, base.clone()));
            }
            for _ in 0..self.own {
                layers.push(graph.blob(OCI_LAYER, bytes(self.size)));
            }
            let image = graph.image("linux/amd64", &layers);
            graph.tag(&format!("t{number}"), &image);
            graph.push(store, REPOSITORY);
        }
    }

    /// Bytes of all different layers.
    pub fn bytes(self) -> usize {
        self.shared + self.count * self.own * self.size
    }
}
