//! What is moved, how far, and how often.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use crate::harness::proxy::Proxy;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;
use crate::images::Images;
use crate::images::REPOSITORY;
use crate::measure;
use crate::measure::Figures;
use crate::tools::Tool;

/// One row of the benchmark.
pub struct Workload {
    pub name: &'static str,
    pub what: &'static str,
    pub images: Images,
    /// Whether all is at the target already.
    pub done: bool,
    /// A round trip; without one there is no proxy, and nobody counts.
    pub far: Option<Duration>,
    pub targets: usize,
}

/// Sources that were filled, by what is in them: filling takes longer than any run.
static SOURCES: Mutex<BTreeMap<(usize, usize, usize), &'static Registry>> = Mutex::new(BTreeMap::new());

impl Workload {
    pub fn all() -> Vec<Self> {
        let small = Images { count: 200, own: 2, size: 20_000, shared: 200_000 };
        let few = Images { count: 50, ..small };
        let near = |name, what, images, done| Self { name, what, images, done, far: None, targets: 1 };
        let far = Some(Duration::from_millis(50));
        vec![
            near(
                "bulk",
                "one image of 16 blobs, 1 GiB",
                Images { count: 1, own: 16, size: 64 << 20, shared: 0 },
                false,
            ),
            near("small", "200 images of two layers of 20 kB and one that all share", small, false),
            near("small-again", "the same, when all is there already", small, true),
            Self { name: "far", what: "50 of these, a round trip of 50 ms", images: few, done: false, far, targets: 1 },
            Self {
                name: "far-again",
                what: "the same, when all is there already",
                images: few,
                done: true,
                far,
                targets: 1,
            },
            Self {
                name: "multi",
                what: "50 of these to three targets",
                images: few,
                done: false,
                far: None,
                targets: 3,
            },
        ]
    }

    /// Runs `tool` once, on targets of its own, and compares what is there with the source.
    pub fn run(&self, tool: Tool) -> Figures {
        let source = self.source();
        let targets: Vec<Registry> = (0..self.targets).map(|_| Registry::open()).collect();
        let place = tempfile::tempdir().unwrap();
        if self.done {
            let addresses: Vec<SocketAddr> = targets.iter().map(Registry::address).collect();
            measure::run(&tool.command(place.path(), source.address(), &addresses), &[]);
        }
        let figures = match self.far {
            None => {
                let addresses: Vec<SocketAddr> = targets.iter().map(Registry::address).collect();
                measure::run(&tool.command(place.path(), source.address(), &addresses), &[])
            }
            Some(round_trip) => {
                let (from, to) =
                    (Proxy::far(source.address(), round_trip), Proxy::far(targets[0].address(), round_trip));
                let figures = measure::run(&tool.command(place.path(), from.address(), &[to.address()]), &[]);
                Figures { requests: Some((from.requests().len(), to.requests().len())), ..figures }
            }
        };
        for target in &targets {
            self.check(source, target);
        }
        figures
    }

    fn source(&self) -> &'static Registry {
        let images = self.images;
        let mut sources = SOURCES.lock().unwrap();
        sources.entry((images.count, images.own, images.size)).or_insert_with(|| {
            let registry = Box::leak(Box::new(Registry::open()));
            images.push(&registry.remote());
            registry
        })
    }

    /// Every tag has the source's manifest, and every blob of it is there.
    fn check(&self, source: &Registry, target: &Registry) {
        let (from, to) = (source.remote(), target.remote());
        for number in 0..self.images.count {
            let tag = format!("t{number}");
            let wanted = from.manifest(REPOSITORY, &tag).unwrap();
            assert_eq!(to.manifest(REPOSITORY, &tag).map(|it| it.digest), Some(wanted.digest), "{tag}");
            let manifest: serde_json::Value = serde_json::from_slice(&wanted.bytes).unwrap();
            for blob in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
                let digest = crate::harness::store::text(&blob["digest"]);
                assert!(to.has_blob(REPOSITORY, &digest), "{tag}: {digest}");
            }
        }
    }
}
