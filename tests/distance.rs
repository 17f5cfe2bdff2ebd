//! What is different where a registry is far away, so that a request is mostly on its way.

use std::time::Duration;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::proxy::Proxy;
use crate::harness::registry::Registry;
use crate::harness::store::Store;

/// Far enough to be noticed.
const ROUND_TRIP: Duration = Duration::from_millis(20);

const TAGS: usize = 12;

/// A registry with some tags of `app`.
fn filled() -> Registry {
    let source = Registry::open();
    for number in 0..TAGS {
        Graph::single(&format!("far away {number}"), &format!("v{number}")).push(&source.remote(), "app");
    }
    source
}

/// All tags of `app`, within `limits`.
fn workflow(from: &Proxy, to: &Registry, limits: &str) -> String {
    let (from, to) = (from.address(), to.address());
    format!(
        "{}limits: {{{limits}}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\", repositories: [app]}}}}\n    \
         to: {{registry: \"{to}\"}}\n",
        plain(&[from, to])
    )
}

#[test]
fn more_images_are_looked_at_from_afar_than_are_copied() {
    let (source, target, place, gate) = (filled(), Registry::open(), Workplace::new(), Gate::default());
    let near = source.proxy();
    place.workflow(&workflow(&near, &target, "images: 4")).expect(0);
    let from = Proxy::far(source.address(), ROUND_TRIP);
    from.fault("HEAD", "/manifests/", usize::MAX, Action::Hold(gate.clone()));
    place.file("again.yaml", &workflow(&from, &target, "images: 4"));
    let running = place.start(&["run", "again.yaml", "--report", "report.json"], &[]);
    gate.await_arrivals(7);
    gate.open();
    running.finish().expect(0);
    let summary = &place.report("report.json")["summary"];
    assert_eq!((&summary["unchanged"], &summary["failed"]), (&TAGS.into(), &0.into()), "{summary}");
    let connections = from.connections();
    assert!(connections <= 8, "{connections} connections for seven images at a time and the list");
}

#[test]
fn what_was_looked_at_and_waits_for_its_turn_is_not_begun_once_a_run_is_stopped() {
    let (source, target, place) = (filled(), Registry::open(), Workplace::new());
    let from = Proxy::far(source.address(), ROUND_TRIP);
    let (looks, blobs) = (Gate::after(usize::MAX), Gate::default());
    from.fault("HEAD", "/manifests/", usize::MAX, Action::Hold(looks.clone()));
    from.fault("GET", "/blobs/", usize::MAX, Action::Hold(blobs.clone()));
    place.file("workflow.yaml", &workflow(&from, &target, "images: 2"));
    let running = place.start(&["run", "workflow.yaml", "--report", "report.json"], &[]);
    looks.await_arrivals(3);
    blobs.await_arrivals(2);
    running.interrupt();
    running.await_text("finishing what is in flight");
    blobs.open();
    running.finish().expect(130);
    let report = place.report("report.json");
    assert_eq!(report["images"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!((target.remote().tags("app").len(), &report["summary"]["failed"]), (2, &0.into()));
    from.forgive();
    place.run(&["run", "workflow.yaml", "--resume"]).expect(0);
    assert_eq!(target.remote().tags("app").len(), TAGS);
}

#[test]
fn more_small_blobs_are_on_their_way_from_afar() {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    let mut graph = Graph::new();
    let layers: Vec<_> = (0..5).map(|layer| graph.blob(OCI_LAYER, format!("small layer {layer}"))).collect();
    let image = graph.image("linux/amd64", &layers);
    graph.tag("1", &image);
    graph.push(&source.remote(), "app");
    let from = Proxy::far(source.address(), ROUND_TRIP);
    from.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    place.file("workflow.yaml", &workflow(&from, &target, "blobs: 3"));
    let running = place.start(&["run", "workflow.yaml"], &[]);
    gate.await_arrivals(5);
    gate.open();
    running.finish().expect(0);
    assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
}

#[test]
fn any_number_is_a_limit() {
    let (source, target) = (filled(), Registry::open());
    let from = source.proxy();
    let text = workflow(&from, &target, "images: 18446744073709551615, blobs: 18446744073709551615");
    Workplace::new().workflow(&text).expect(0);
    assert_eq!(target.remote().tags("app").len(), TAGS);
}
