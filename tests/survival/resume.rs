//! `--resume` goes on where a run was killed.

use crate::harness::command::Workplace;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::registry::Registry;
use crate::survival::fill;
use crate::survival::same;
use crate::survival::workflow;

const STATE: [&str; 2] = ["--state", "state"];

#[test]
fn after_a_kill_what_is_done_costs_no_request_and_what_was_listed_is_not_listed_again() {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    for repository in ["a", "b", "c"] {
        fill(&source, repository, 4);
    }
    let (from, to) = (source.proxy(), target.proxy());
    place.file("workflow.yaml", &workflow(from.address(), to.address(), &["a", "b", "c"]));

    // Killed with all of `a` and a part of `b` at the target.
    from.fault("GET", "/v2/b/manifests/.*", usize::MAX, Action::Hold(gate.clone()));
    let running = place.start(&[&["run", "workflow.yaml"], &STATE[..]].concat(), &[]);
    gate.await_arrivals(1);
    running.kill();
    running.finish();
    gate.open();
    let before = same(&source, &target, "a");
    assert_eq!((before, same(&source, &target, "b")), (4, 0));

    let history = place.run(&[&["history"], &STATE[..]].concat()).expect(0).stdout;
    assert!(history.contains("killed") && history.contains("4 copied"), "{history}");

    from.reset();
    to.reset();
    let args = ["run", "workflow.yaml", "--resume", "--report", "report.json"];
    let finished = place.run(&[&args, &STATE[..]].concat()).expect(0);
    for repository in ["a", "b", "c"] {
        assert_eq!(same(&source, &target, repository), 4);
    }
    let about_a = |transcript: String| transcript.lines().filter(|line| line.contains("/v2/a/")).count();
    assert_eq!((about_a(from.transcript()), about_a(to.transcript())), (0, 0), "{}", from.transcript());
    assert!(finished.stdout.contains("4 done before"), "{}", finished.stdout);
    assert_eq!(place.report("report.json")["summary"]["before"], 4);

    let history = place.run(&[&["history"], &STATE[..]].concat()).expect(0).stdout;
    assert_eq!(history.lines().count(), 1, "it is the same run: {history}");
    assert!(history.contains("  done  ") && history.contains("12 copied;"), "{history}");
}

#[test]
fn a_run_that_was_stopped_goes_on_with_what_it_left() {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    fill(&source, "app", 10);
    let from = source.proxy();
    place.file("workflow.yaml", &workflow(from.address(), target.address(), &["app"]));
    from.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    let running = place.start(&[&["run", "workflow.yaml"], &STATE[..]].concat(), &[]);
    gate.await_arrivals(1);
    running.interrupt();
    running.await_text("finishing what is in flight");
    gate.open();
    running.finish().expect(130);
    let first = same(&source, &target, "app");
    assert!(first > 0 && first < 10, "{first}");

    from.reset();
    place.run(&[&["run", "workflow.yaml", "--resume"], &STATE[..]].concat()).expect(0);
    assert_eq!(same(&source, &target, "app"), 10);
    assert_eq!(from.count("HEAD", "/manifests/"), 10 - first, "{}", from.transcript());
    assert_eq!(from.count("GET", "/tags/list"), 0, "its list was whole: {}", from.transcript());
}

#[test]
fn what_failed_is_tried_again_and_only_that() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 3);
    let to = target.proxy();
    place.file("workflow.yaml", &workflow(source.address(), to.address(), &["app"]));
    let denied =
        Action::Answer { status: 403, headers: vec![], body: b"{\"errors\":[{\"code\":\"DENIED\"}]}".to_vec() };
    to.fault("PUT", "/manifests/v1", 1, denied);
    place.run(&[&["run", "workflow.yaml"], &STATE[..]].concat()).expect(1);

    let listed = place.run(&[&["history", "workflow/1", "--failed", "failed.yaml"], &STATE[..]].concat()).expect(0);
    assert!(listed.stdout.contains("app:v1") && listed.stdout.contains("1 permanent"), "{}", listed.stdout);
    assert!(place.read("failed.yaml").contains(&format!("{}/app:v1", source.address())));
    let json = place.run(&[&["history", "workflow/1", "--json"], &STATE[..]].concat()).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["state"], &json["failures"][0]["class"]), (&"failed".into(), &"permanent".into()));

    to.reset();
    place.run(&[&["run", "workflow.yaml", "--resume"], &STATE[..]].concat()).expect(0);
    assert_eq!(same(&source, &target, "app"), 3);
    assert_eq!(to.count("HEAD", "/manifests/"), 1, "{}", to.transcript());
}

#[test]
fn going_on_again_and_again_leaves_no_more_than_there_was() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 5);
    let to = target.proxy();
    place.file("workflow.yaml", &workflow(source.address(), to.address(), &["app"]));
    to.fault("PUT", "/manifests/", usize::MAX, Action::Answer { status: 403, headers: vec![], body: vec![] });
    for _ in 0..4 {
        place.run(&[&["run", "workflow.yaml", "--resume"], &STATE[..]].concat()).expect(1);
    }
    let history = place.run(&[&["history"], &STATE[..]].concat()).expect(0).stdout;
    assert!(history.contains("  failed    5 failed;"), "{history}");
}

#[test]
fn a_run_that_is_done_is_not_gone_on_with_but_begun_anew() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 1);
    place.file("workflow.yaml", &workflow(source.address(), target.address(), &["app"]));
    let run = [&["run", "workflow.yaml", "--resume"], &STATE[..]].concat();
    place.run(&run).expect(0);
    let finished = place.run(&run).expect(0);
    assert!(finished.stderr.contains("no run to go on with"), "{}", finished.stderr);
    assert!(finished.stdout.starts_with("1 unchanged"), "{}", finished.stdout);
}

#[test]
fn a_deadline_stops_a_run_like_a_signal_and_it_can_be_gone_on_with() {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    fill(&source, "app", 3);
    let from = source.proxy();
    place.file("workflow.yaml", &workflow(from.address(), target.address(), &["app"]));
    // Nothing comes, so only the deadline and the end of the grace can end it.
    from.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    let deadline = ["run", "workflow.yaml", "--deadline", "500ms", "--grace", "200ms"];
    let finished = place.run(&[&deadline, &STATE[..]].concat()).expect(130);
    assert!(finished.stderr.contains("the deadline has come"), "{}", finished.stderr);
    assert!(finished.stderr.contains("giving up what is in flight"), "{}", finished.stderr);
    gate.open();
    place.run(&[&["run", "workflow.yaml", "--resume"], &STATE[..]].concat()).expect(0);
    assert_eq!(same(&source, &target, "app"), 3);
}

#[test]
fn the_newest_are_chosen_among_all_tags_whenever_the_run_was_killed() {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    for repository in ["a", "b", "c"] {
        fill(&source, repository, 5);
    }
    let to = target.proxy();
    let text = workflow(source.address(), to.address(), &["a", "b", "c"])
        .replace("    to:", "    select: {tags: {newest: {count: 2, by: name}}}\n    to:");
    place.file("workflow.yaml", &text);
    to.fault("PUT", "/v2/b/manifests/.*", usize::MAX, Action::Hold(gate.clone()));
    let running = place.start(&[&["run", "workflow.yaml"], &STATE[..]].concat(), &[]);
    gate.await_arrivals(1);
    running.kill();
    running.finish();
    gate.open();
    place.run(&[&["run", "workflow.yaml", "--resume"], &STATE[..]].concat()).expect(0);
    for repository in ["a", "b", "c"] {
        same(&source, &target, repository);
        assert_eq!(crate::harness::store::Store::tags(&target.remote(), repository), ["v3", "v4"]);
    }
}
