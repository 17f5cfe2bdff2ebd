//! What arrives is what was there, byte for byte.

use crate::harness::graph::Graph;
use crate::harness::layout::Layout;
use crate::harness::random;
use crate::harness::random::Shape;
use crate::harness::registry::Kind;
use crate::harness::registry::Lock;
use crate::harness::registry::Registry;
use crate::harness::skopeo;
use crate::harness::store::Store;

/// The harness itself: a registry gives back what was pushed.
#[test]
fn the_harness_reads_what_it_wrote() {
    let registry = Registry::start(Kind::Distribution3, &Lock::Open);
    let crane = Registry::start(Kind::Crane, &Lock::Open);
    let locked = Registry::locked();
    let debian = Registry::open();
    let proxy = debian.proxy();
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::at(directory.path());
    for seed in 0..4 {
        let graph = random::graph(seed, Shape::ALL);
        let repository = format!("r{seed}");
        for store in [&registry.remote() as &dyn Store, &crane.remote(), &locked.remote(), &debian.remote(), &layout] {
            graph.push(store, &repository);
            for (tag, digest) in &graph.tags {
                assert_eq!(store.manifest(&repository, tag).unwrap().digest, *digest);
                assert!(store.content(&repository, tag).unwrap().len() > 2);
            }
        }
        let plain = random::graph(seed, Shape::OCI);
        plain.push(&debian.remote(), "plain");
        plain.push(&layout, "plain");
        for tag in plain.tags.keys() {
            let here = skopeo::files(&skopeo::docker(proxy.address(), "plain", tag));
            assert_eq!(here, skopeo::files(&skopeo::oci(directory.path(), "plain", tag)));
            assert!(proxy.count("GET", "/blobs/") > 0);
        }
    }
    let _ = Graph::usual("x", "1");
}
