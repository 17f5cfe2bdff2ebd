//! A run that is stopped finishes what it began and says so.

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::registry::Registry;
use crate::harness::store::Store;

/// Ten images on their way, one at a time, the first blob of the first held at the door.
fn stage() -> (Registry, Registry, crate::harness::proxy::Proxy, Gate, Workplace) {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    for number in 0..10 {
        Graph::single(&format!("interrupted {number}"), &format!("v{number}")).push(&source.remote(), "app");
    }
    let proxy = source.proxy();
    proxy.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    let (from, to) = (proxy.address(), target.address());
    let rule = format!("{{\"{from}/app\": \"{to}/app\"}}");
    let text = format!(
        "{}limits: {{images: 1}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {rule}}}}}\n",
        plain(&[from, to])
    );
    place.file("workflow.yaml", &text);
    (source, target, proxy, gate, place)
}

#[test]
fn the_first_signal_finishes_what_is_in_flight() {
    let (source, target, _proxy, gate, place) = stage();
    let running = place.start(&["run", "workflow.yaml", "--report", "report.json"], &[]);
    gate.await_arrivals(1);
    running.interrupt();
    running.await_text("finishing what is in flight");
    gate.open();
    running.finish().expect(130);
    let report = place.report("report.json");
    assert_eq!((&report["summary"]["interrupted"], &report["summary"]["failed"]), (&true.into(), &0.into()));
    let tags = target.remote().tags("app");
    assert!(!tags.is_empty() && tags.len() < 10, "{tags:?}");
    for tag in tags {
        assert_eq!(target.remote().content("app", &tag), source.remote().content("app", &tag));
    }
}

#[test]
fn the_second_signal_gives_up_what_is_in_flight() {
    let (_source, target, _proxy, gate, place) = stage();
    let running = place.start(&["run", "workflow.yaml", "--report", "report.json"], &[]);
    gate.await_arrivals(1);
    running.interrupt();
    running.await_text("finishing what is in flight");
    running.interrupt();
    let finished = running.finish().expect(130);
    assert!(place.path().join("report.json").is_file(), "no report: {}", finished.stderr);
    assert_eq!(target.remote().tags("app"), Vec::<String>::new());
    let report = place.report("report.json");
    assert_eq!(report["summary"]["interrupted"], true);
    let images = report["images"].as_array().unwrap();
    assert!(!images.is_empty(), "what was given up is told");
    for image in images {
        assert_eq!(image["targets"][0]["error"]["class"], "stopped", "{image}");
    }
}
