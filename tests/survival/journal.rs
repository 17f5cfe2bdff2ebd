//! A journal that cannot be used is told with what to do, and nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::command::Workplace;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::survival::database;
use crate::survival::fill;
use crate::survival::same;
use crate::survival::workflow;

/// One image, and the journal of a run that was stopped before it.
fn stage() -> (Registry, Registry, Workplace) {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    fill(&source, "app", 1);
    place.file("workflow.yaml", &workflow(source.address(), target.address(), &["app"]));
    (source, target, place)
}

#[test]
fn two_runs_of_one_workflow_at_once_are_refused() {
    let (source, target, place) = stage();
    let (from, gate) = (source.proxy(), Gate::default());
    place.file("workflow.yaml", &workflow(from.address(), target.address(), &["app"]));
    from.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
    let running = place.start(&["run", "workflow.yaml", "--state", "state"], &[]);
    gate.await_arrivals(1);
    place
        .run(&["run", "workflow.yaml", "--state", "state"])
        .expect(2)
        .says("another run of this workflow is under way (process ")
        .says("hint: wait until it has ended");
    let history = place.run(&["history", "--state", "state"]).expect(0).stdout;
    assert!(history.contains("running"), "{history}");
    gate.open();
    running.finish().expect(0);
    assert_eq!(same(&source, &target, "app"), 1);
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_where_it_was_asked_for_and_a_warning_where_not() {
    let (source, target, place) = stage();
    place.file("file", "not a directory");
    place
        .run(&["run", "workflow.yaml", "--state", "file/state"])
        .expect(2)
        .says("cannot keep a journal in file/state")
        .says("hint: name a directory that can be written with --state DIR, or go without by --no-journal");
    assert_eq!(same(&source, &target, "app"), 0, "nothing was started");
    let home = place.path().join("file").display().to_string();
    place
        .run_with(&["run", "workflow.yaml"], &[("HOME", &home)])
        .expect(0)
        .says("no journal, so --resume will not be possible");
    place
        .run_with(&["run", "workflow.yaml", "--resume"], &[("HOME", &home)])
        .expect(2)
        .says("cannot keep a journal in");
    assert_eq!(same(&source, &target, "app"), 1);
}

#[test]
fn a_journal_of_another_version_is_left_alone() {
    let (_source, _target, place) = stage();
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(0);
    let file = database(&place);
    // The version is a number of four bytes at offset 60 (SQLite, "Database File Format", section 1.3).
    let mut bytes = fs::read(&file).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&file, &bytes).unwrap();
    place
        .run(&["run", "workflow.yaml", "--resume", "--state", "state"])
        .expect(2)
        .says("has format 99; this version of image-transfer reads format 1")
        .says("hint: finish that run with the version that began it");
    assert_eq!(fs::read(&file).unwrap(), bytes);
    place.run(&["history", "--state", "state"]).expect(0).says("has format 99");
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let (_source, _target, place) = stage();
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(0);
    let text = "no database ".repeat(1000);
    fs::write(database(&place), &text).unwrap();
    place
        .run(&["run", "workflow.yaml", "--state", "state"])
        .expect(2)
        .says("cannot use the journal")
        .says("hint: move the file away");
    assert_eq!(fs::read_to_string(database(&place)).unwrap(), text);
}

#[test]
fn a_workflow_that_moves_something_else_now_is_not_gone_on_with() {
    let (source, target, place) = stage();
    let to = target.proxy();
    let text = workflow(source.address(), to.address(), &["app"]);
    place.file("workflow.yaml", &text.replace("\"app\"", "\"app\", \"missing\""));
    to.fault("PUT", "/manifests/", 1, Action::Answer { status: 403, headers: vec![], body: vec![] });
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(1);
    place.file("workflow.yaml", &text);
    place
        .run(&["run", "workflow.yaml", "--resume", "--state", "state"])
        .expect(2)
        .says("the workflow is not the one that run 1 began with")
        .says("hint: run without --resume");
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(0);
    assert_eq!(same(&source, &target, "app"), 1);
}

#[test]
fn limits_may_change_before_a_run_is_gone_on_with() {
    let (source, target, place) = stage();
    let to = target.proxy();
    let text = workflow(source.address(), to.address(), &["app"]);
    place.file("workflow.yaml", &text);
    to.fault("PUT", "/manifests/", 1, Action::Answer { status: 403, headers: vec![], body: vec![] });
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(1);
    place.file("workflow.yaml", &text.replace("images: 1", "images: 3, qps: 50"));
    place.run(&["run", "workflow.yaml", "--resume", "--state", "state"]).expect(0).says("going on with run 1");
    assert_eq!(same(&source, &target, "app"), 1);
}

#[test]
fn a_run_that_is_not_known_is_told() {
    let (_source, _target, place) = stage();
    place.run(&["history", "--state", "state"]).expect(0);
    place
        .run(&["history", "nightly/1", "--state", "state"])
        .expect(2)
        .says("no run is called \"nightly/1\"")
        .says("hint: ");
}

#[test]
fn the_journal_is_the_users_own_and_holds_no_secret() {
    let (source, target, place) = (Registry::locked(), Registry::open(), Workplace::new());
    fill(&source, "app", 2);
    let to = target.proxy();
    let login = format!("  \"{}\": {{plain-http: true, username: {USER}, password: {PASSWORD}}}\n", source.address());
    let text = workflow(source.address(), to.address(), &["app"])
        .replace(&format!("  \"{}\": {{plain-http: true}}\n", source.address()), &login);
    assert!(text.contains(PASSWORD), "{text}");
    place.file("workflow.yaml", &text);
    to.fault("PUT", "/manifests/v1", 1, Action::Answer { status: 403, headers: vec![], body: vec![] });
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(1);
    let directory = database(&place).parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()), "{}", path.display());
    }
}
