//! Hostile registries: whatever they answer, what arrives is whole and right, or it is not there and the report says why.
//!
//! Each run goes through [`crate::support::stage`], which checks what must hold after any fault.

mod busy;
mod elsewhere;
mod faithful;
mod login;
mod manifests;
mod names;
mod pulls;
mod soak;
mod uploads;

use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::store::text;

/// Requests of one image of one layer that nothing happens to, both registries together: each is pinged and asked for two tokens,
/// and the two blobs cost four requests each.
const CALM: usize = 24;

/// One image of one layer of `size` random bytes, tagged `1`; the layer's digest.
fn layered(size: usize) -> (Graph, String) {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(size as u64).fill(&mut bytes);
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, bytes);
    let image = graph.image("linux/amd64", std::slice::from_ref(&layer));
    graph.tag("1", &image);
    (graph, text(&layer["digest"]))
}
