//! Registries that are restarted, stopped, full, or want a pause, while a run is under way.

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;
use crate::survival::fill;
use crate::survival::same;
use crate::survival::workflow;

fn busy(pause: &str) -> Action {
    Action::Answer { status: 429, headers: vec![("Retry-After".to_owned(), pause.to_owned())], body: vec![] }
}

#[test]
fn a_registry_that_is_restarted_is_waited_for() {
    let (source, mut target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    fill(&source, "app", 6);
    let from = source.proxy();
    place.file("workflow.yaml", &workflow(from.address(), target.address(), &["app"]));
    from.fault("GET", "/manifests/sha256", 2, Action::Hold(gate.clone()));
    let running = place.start(&["run", "workflow.yaml", "--report", "report.json", "-v"], &[]);
    gate.await_arrivals(1);
    target.stop();
    gate.open();
    running.await_text("nothing leaves for this host for a while");
    target.start_again();
    running.finish().expect(0);
    assert_eq!(same(&source, &target, "app"), 6);
    assert_eq!(place.report("report.json")["summary"]["copied"], 6);
}

#[test]
fn a_registry_that_stays_away_fails_its_images_after_the_patience_and_they_are_gone_on_with() {
    let (source, mut target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    fill(&source, "app", 3);
    let from = source.proxy();
    let text = workflow(from.address(), target.address(), &["app"]) + "retry: {rounds: 0, patience: 1s}\n";
    place.file("workflow.yaml", &text);
    from.fault("GET", "/manifests/sha256", 1, Action::Hold(gate.clone()));
    let running = place.start(&["run", "workflow.yaml", "--state", "state"], &[]);
    gate.await_arrivals(1);
    target.stop();
    gate.open();
    running.finish().expect(1).says("refused");
    target.start_again();
    place.run(&["run", "workflow.yaml", "--state", "state", "--resume"]).expect(0);
    assert_eq!(same(&source, &target, "app"), 3);
}

#[test]
fn a_registry_that_is_full_fails_what_does_not_fit_and_takes_the_rest_later() {
    let (source, mut target, place) = (Registry::open(), Registry::cramped(256), Workplace::new());
    fill(&source, "app", 3);
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, vec![7; 2 << 20]);
    let image = graph.image("linux/amd64", &[layer]);
    graph.tag("large", &image);
    graph.push(&source.remote(), "app");
    let text = workflow(source.address(), target.address(), &["app"]) + "retry: {rounds: 0}\n";
    place.file("workflow.yaml", &text);
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(1).says("large");
    assert_eq!(target.remote().tags("app"), ["v0", "v1", "v2"]);
    assert_eq!(same(&source, &target, "app"), 3);
    target.start_again();
    place.run(&["run", "workflow.yaml", "--state", "state", "--resume"]).expect(0);
    assert_eq!(same(&source, &target, "app"), 4);
}

#[test]
fn a_registry_that_wants_a_pause_is_waited_for_while_others_go_on() {
    let (source, busy_one, other, place) = (Registry::open(), Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "a", 3);
    fill(&source, "b", 12);
    let to = busy_one.proxy();
    to.fault("HEAD", "/manifests/", 2, busy("3"));
    let (from, busy_at, other_at) = (source.address(), to.address(), other.address());
    let transfer = |repository: &str, to: std::net::SocketAddr| {
        format!(
            "  - from: {{plugin: catalog, with: {{registry: \"{from}\", repositories: [{repository}]}}}}\n    to: {{registry: \"{to}\"}}\n"
        )
    };
    let head = plain(&[from, busy_at, other_at]);
    let text =
        format!("{head}limits: {{images: 1}}\ntransfers:\n{}{}", transfer("a", busy_at), transfer("b", other_at));
    place.file("workflow.yaml", &text);
    place.run(&["run", "workflow.yaml", "--report", "report.json"]).expect(0);
    assert_eq!((same(&source, &busy_one, "a"), same(&source, &other, "b")), (3, 12));
    let report = place.report("report.json");
    let order: Vec<&str> =
        report["images"].as_array().unwrap().iter().map(|it| it["transfer"].as_str().unwrap()).collect();
    let first_busy = order.iter().position(|transfer| *transfer == "transfer-1").unwrap();
    assert!(first_busy >= 10, "those of the other registry did not go on: {order:?}");
}

#[test]
fn a_registry_that_serves_nothing_is_given_up_after_the_patience() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 2);
    let to = target.proxy();
    to.fault("HEAD", "/manifests/", usize::MAX, busy("1"));
    let text = workflow(source.address(), to.address(), &["app"]) + "retry: {rounds: 0, patience: 2s}\n";
    place.file("workflow.yaml", &text);
    place.run(&["run", "workflow.yaml", "--report", "report.json"]).expect(1).says("429");
    assert_eq!(target.remote().tags("app"), Vec::<String>::new());
    assert!(to.requests().len() < 20, "{}", to.transcript());
}

#[test]
fn a_registry_that_has_no_requests_left_is_not_asked_until_its_window_begins_anew() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 2);
    let from = source.proxy();
    let spent = Action::Answer {
        status: 200,
        headers: vec![
            ("RateLimit-Remaining".to_owned(), "0;w=60".to_owned()),
            ("RateLimit-Reset".to_owned(), "2".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ],
        body: b"{\"name\":\"app\",\"tags\":[\"v0\",\"v1\"]}\n".to_vec(),
    };
    from.fault("GET", "/tags/list", 1, spent);
    place.file("workflow.yaml", &workflow(from.address(), target.address(), &["app"]));
    let began = std::time::Instant::now();
    place.run(&["run", "workflow.yaml"]).expect(0);
    assert!(began.elapsed() >= std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(same(&source, &target, "app"), 2);
}
