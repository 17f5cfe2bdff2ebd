//! What arrives is what was there, byte for byte.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_IMAGE;
use crate::harness::graph::OCI_INDEX;
use crate::harness::layout::Layout;
use crate::harness::proxy::Action;
use crate::harness::random;
use crate::harness::random::Shape;
use crate::harness::registry::Kind;
use crate::harness::registry::Lock;
use crate::harness::registry::Registry;
use crate::harness::skopeo;
use crate::harness::store::Store;

/// Where images are.
enum Place {
    Registry(Registry),
    Layout(TempDir),
}

impl Place {
    fn registry(kind: Kind) -> Self {
        Self::Registry(Registry::start(kind, &Lock::Open))
    }

    fn layout() -> Self {
        Self::Layout(tempfile::tempdir().unwrap())
    }

    /// As a workflow names it.
    fn name(&self) -> String {
        match self {
            Self::Registry(registry) => registry.address().to_string(),
            Self::Layout(directory) => format!("oci:{}", directory.path().display()),
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Registry(registry) => Some(registry.address()),
            Self::Layout(_) => None,
        }
    }

    fn store(&self) -> Box<dyn Store> {
        match self {
            Self::Registry(registry) => Box::new(registry.remote()),
            Self::Layout(directory) => Box::new(Layout::at(directory.path())),
        }
    }

    fn skopeo(&self, repository: &str, tag: &str) -> String {
        match self {
            Self::Registry(registry) => skopeo::docker(registry.address(), repository, tag),
            Self::Layout(directory) => skopeo::oci(directory.path(), repository, tag),
        }
    }
}

/// Copies random repositories from one place to another and compares: every manifest and blob that a tag leads to, and, where
/// skopeo can read it (OCI types, no index in an index, no artifact), what skopeo makes of both.
fn copies_are_equal(from: &Place, to: &Place) {
    let graphs: Vec<(String, Graph)> = [(11, Shape::ALL), (12, Shape::ALL), (13, Shape::PLAIN), (14, Shape::OCI)]
        .into_iter()
        .map(|(seed, shape)| (format!("team/r{seed}"), random::graph(seed, shape)))
        .collect();
    for (repository, graph) in &graphs {
        graph.push(&*from.store(), repository);
    }
    let addresses: Vec<SocketAddr> = [from, to].iter().filter_map(|place| place.address()).collect();
    let (source, target) = (from.name(), to.name());
    let registries = if addresses.is_empty() { "version: 1\n".to_owned() } else { plain(&addresses) };
    let text = format!(
        "{registries}transfers:\n  - from: {{plugin: catalog, with: {{registry: \"{source}\"}}}}\n    to: {{registry: \"{target}\"}}\n"
    );
    let place = Workplace::new();
    place.workflow(&text).expect(0);
    for (repository, graph) in &graphs {
        assert_eq!(to.store().tags(repository), graph.tags.keys().cloned().collect::<Vec<_>>());
        for (tag, digest) in &graph.tags {
            let there = to.store().manifest(repository, tag).unwrap();
            assert_eq!(there, *graph.manifests.iter().find(|manifest| manifest.digest == *digest).unwrap());
            assert_eq!(
                to.store().content(repository, tag),
                from.store().content(repository, tag),
                "{repository}:{tag}"
            );
            if repository.ends_with("r14") || (tag.starts_with('v') && plain_oci(graph, digest)) {
                let (here, there) = (from.skopeo(repository, tag), to.skopeo(repository, tag));
                assert_eq!(skopeo::raw(&here), skopeo::raw(&there));
                assert_eq!(skopeo::files(&here), skopeo::files(&there));
            }
        }
    }
}

/// Whether it is an OCI image, or an OCI index of nothing but images.
fn plain_oci(graph: &Graph, digest: &str) -> bool {
    let manifest = graph.manifests.iter().find(|manifest| manifest.digest == digest).unwrap();
    let nested = String::from_utf8_lossy(&manifest.bytes).matches(OCI_INDEX).count() > 1;
    (manifest.media_type == OCI_INDEX && !nested) || manifest.media_type == OCI_IMAGE
}

#[test]
fn from_a_registry_to_a_registry() {
    copies_are_equal(&Place::registry(Kind::Debian28), &Place::registry(Kind::Debian28));
}

#[test]
fn from_a_registry_to_a_layout() {
    copies_are_equal(&Place::registry(Kind::Debian28), &Place::layout());
}

#[test]
fn from_a_layout_to_a_registry() {
    copies_are_equal(&Place::layout(), &Place::registry(Kind::Debian28));
}

#[test]
fn from_a_layout_to_a_layout() {
    copies_are_equal(&Place::layout(), &Place::layout());
}

#[test]
fn from_distribution_2_to_distribution_3() {
    copies_are_equal(&Place::registry(Kind::Debian28), &Place::registry(Kind::Distribution3));
}

#[test]
fn from_distribution_3_to_crane() {
    copies_are_equal(&Place::registry(Kind::Distribution3), &Place::registry(Kind::Crane));
}

#[test]
fn from_crane_to_distribution_2() {
    copies_are_equal(&Place::registry(Kind::Crane), &Place::registry(Kind::Debian28));
}

/// One big enough image between two registries; what the proxy before the source does to its layers is the test's.
fn through_a_bad_source(action: &Action, times: usize, code: i32) {
    let (source, target) = (Registry::open(), Registry::open());
    let proxy = source.proxy();
    let mut graph = Graph::new();
    let mut bytes = vec![0; 3 << 20];
    fastrand::Rng::with_seed(5).fill(&mut bytes);
    let layer = graph.blob(crate::harness::graph::OCI_LAYER, bytes);
    let digest = layer["digest"].as_str().unwrap().to_owned();
    let image = graph.image("linux/amd64", &[layer]);
    graph.tag("1", &image);
    graph.push(&source.remote(), "app");
    proxy.fault("GET", &format!("/blobs/{digest}"), times, action.clone());
    let place = Workplace::new();
    let text = format!(
        "{}retry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{}/app:1\": \"{}/app:1\"}}}}}}\n",
        plain(&[proxy.address(), target.address()]),
        proxy.address(),
        target.address()
    );
    place.workflow(&text).expect(code);
    if code == 0 {
        assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
    } else {
        assert_eq!(target.remote().manifest("app", "1"), None);
        assert!(!target.remote().has_blob("app", &digest));
    }
}

#[test]
fn a_pull_that_breaks_is_taken_up_where_it_broke() {
    through_a_bad_source(&Action::CutResponse(1 << 20), 2, 0);
}

#[test]
fn a_byte_that_flips_once_is_pulled_again() {
    through_a_bad_source(&Action::FlipByte(1 << 20), 1, 0);
}

#[test]
fn a_source_that_is_corrupt_completes_no_upload_and_gets_no_tag() {
    through_a_bad_source(&Action::FlipByte(1 << 20), usize::MAX, 1);
}

#[test]
fn an_upload_that_breaks_is_begun_again() {
    let (source, target) = (Registry::open(), Registry::open());
    let proxy = target.proxy();
    Graph::single("broken", "1").push(&source.remote(), "app");
    proxy.fault("PUT", "/blobs/uploads/", 2, Action::CutRequest(10));
    let rule = format!("{{\"{}/app:1\": \"{}/app:1\"}}", source.address(), proxy.address());
    let text = format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {rule}}}}}\n",
        plain(&[source.address(), proxy.address()])
    );
    Workplace::new().workflow(&text).expect(0);
    assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
}

#[test]
fn the_harness_reads_what_it_wrote() {
    let debian = Registry::open();
    let (locked, proxy) = (Registry::locked(), debian.proxy());
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::at(directory.path());
    let graph = random::graph(1, Shape::OCI);
    for store in [&locked.remote() as &dyn Store, &debian.remote(), &layout] {
        graph.push(store, "app");
        for (tag, digest) in &graph.tags {
            assert_eq!(store.manifest("app", tag).unwrap().digest, *digest);
            assert!(store.content("app", tag).unwrap().len() > 2);
        }
    }
    for tag in graph.tags.keys() {
        let here = skopeo::files(&skopeo::docker(proxy.address(), "app", tag));
        assert_eq!(here, skopeo::files(&skopeo::oci(directory.path(), "app", tag)));
    }
    assert!(proxy.count("GET", "/blobs/") > 0);
}
