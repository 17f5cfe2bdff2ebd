use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::proptest;

use super::*;
use crate::journal::History;
use crate::journal::Identity;
use crate::journal::Key;
use crate::journal::Left;
use crate::journal::Past;
use crate::journal::Planned;
use crate::journal::SourceState;
use crate::journal::StateDir;

fn identity(fingerprint: &str) -> Identity {
    Identity { name: "nightly".to_owned(), path: "/w/nightly.yaml".into(), fingerprint: fingerprint.to_owned() }
}

fn open(state: &Path) -> Journal {
    Journal::open(&StateDir::at(state), identity("f")).unwrap()
}

fn database(state: &Path) -> PathBuf {
    StateDir::at(state).of(&identity("f")).join(StateDir::DATABASE)
}

fn planned(key: i64) -> Planned {
    Planned { key: Key(key), text: format!("job {key}") }
}

fn plan(keys: &[i64], position: Option<&str>) -> Entry {
    let jobs = keys.iter().map(|key| planned(*key)).collect();
    Entry::Planned { transfer: "t".into(), jobs, position: position.map(str::to_owned) }
}

fn done(key: i64) -> Entry {
    let tally = Tally { copied: 1, blobs: 2, bytes: 30, ..Tally::default() };
    Entry::Ended(Ended { key: Key(key), done: vec![(Key(key), Key(-key))], left: None, tally })
}

fn failed(key: i64) -> Entry {
    let left =
        Left { transfer: "t".into(), job: planned(key), class: Some("retry".to_owned()), failures: "why".to_owned() };
    Entry::Ended(Ended { key: Key(key), done: vec![], left: Some(left), tally: Tally::default() })
}

/// What a process finds that comes after one that was killed when all of `entries` were written.
async fn after(state: &Path, entries: Vec<Entry>) -> Past {
    let writer = open(state).begin().unwrap();
    for entry in entries {
        writer.note_now(entry).await;
    }
    // Its lock would go with its process.
    std::fs::remove_file(database(state).with_file_name("lock")).unwrap();
    open(state).past().unwrap().expect("a run that did not end")
}

fn texts(past: &Past) -> Vec<&str> {
    past.jobs.iter().map(|job| job.text.as_str()).collect()
}

#[tokio::test]
async fn what_was_noted_is_there_after_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let upload = Entry::Uploading { key: Key(9), location: "https://r.test/up/1".to_owned() };
    let past =
        after(state.path(), vec![plan(&[1, 2, 3], Some("p1")), done(1), failed(2), upload, plan(&[4], Some("p2"))])
            .await;
    assert_eq!(past.done, [(Key(1), Key(-1))]);
    assert_eq!(texts(&past), ["job 3", "job 2", "job 4"]);
    assert_eq!(past.sources["t"], SourceState { position: Some("p2".to_owned()), listed: false });
    assert_eq!(past.uploads[0].location, "https://r.test/up/1");

    let history = History::read(&StateDir::at(state.path()));
    let run = history.find("nightly/1").unwrap();
    assert_eq!((run.state, run.tally.copied, run.tally.bytes, run.open), (RunState::Killed, 1, 30, 2));
    assert_eq!((run.failed[0].class.as_str(), run.failed[0].jobs), ("retry", 1));
}

#[tokio::test]
async fn a_run_that_ended_whole_is_not_gone_on_with() {
    let state = tempfile::tempdir().unwrap();
    let writer = open(state.path()).begin().unwrap();
    for entry in [plan(&[1], Some("p")), done(1), Entry::Listed { transfer: "t".into() }] {
        writer.note(entry).await;
    }
    writer.end(RunState::Whole).await;
    assert!(open(state.path()).past().unwrap().is_none());
    assert_eq!(History::read(&StateDir::at(state.path())).runs[0].state, RunState::Whole);
}

#[tokio::test]
async fn a_run_that_is_gone_on_with_keeps_its_number_and_adds_up() {
    let state = tempfile::tempdir().unwrap();
    let past = after(state.path(), vec![plan(&[1, 2], None), done(1)]).await;
    let writer = open(state.path()).go_on(past.run).unwrap();
    writer.note(done(2)).await;
    writer.end(RunState::Whole).await;
    let history = History::read(&StateDir::at(state.path()));
    let [run] = &history.runs[..] else { panic!("one run: {:?}", history.runs) };
    assert_eq!((run.legs, run.tally.copied, run.open), (2, 2, 0));
}

#[tokio::test]
async fn a_run_that_is_gone_on_with_often_does_not_grow() {
    let state = tempfile::tempdir().unwrap();
    let past = after(state.path(), vec![plan(&[1, 2], None), failed(1), done(2)]).await;
    for _ in 0..10 {
        let writer = open(state.path()).go_on(past.run).unwrap();
        writer.note(failed(1)).await;
        writer.end(RunState::Failed).await;
    }
    let connection = Connection::open(database(state.path())).unwrap();
    let count = |table: &str| -> i64 {
        connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(["jobs", "done"].map(count), [2, 2], "what failed, now and the time before");
    assert_eq!(texts(&open(state.path()).past().unwrap().unwrap()), ["job 1"]);
}

#[tokio::test]
async fn a_transfer_with_a_rejected_image_is_listed_again_from_its_beginning() {
    let state = tempfile::tempdir().unwrap();
    let rejected = Entry::Rejected { transfer: "t".into(), image: "i".to_owned(), reason: "no name".to_owned() };
    let past =
        after(state.path(), vec![plan(&[1], Some("p1")), rejected, Entry::Listed { transfer: "t".into() }]).await;
    assert!(past.sources.is_empty());
    let writer = open(state.path()).go_on(past.run).unwrap();
    writer.end(RunState::Failed).await;
    assert_eq!(History::read(&StateDir::at(state.path())).runs[0].rejected, 0, "it will be told again");
}

#[tokio::test]
async fn a_full_disk_stops_neither_the_run_nor_what_comes_after() {
    let state = tempfile::tempdir().unwrap();
    let journal = open(state.path());
    let pages: i64 = journal.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    journal.connection.pragma_update(None, "max_page_count", pages + 1).unwrap();
    let writer = journal.begin().unwrap();
    writer.note_now(plan(&[1], Some("p1"))).await;
    let large = Planned { key: Key(2), text: "x".repeat(100_000) };
    writer.note_now(Entry::Planned { transfer: "t".into(), jobs: vec![large], position: Some("p2".to_owned()) }).await;
    writer.note_now(done(1)).await;
    writer.note_now(plan(&[3], Some("p3"))).await;
    writer.end(RunState::Whole).await;

    let past = open(state.path()).past().unwrap().expect("a run with gaps is not whole");
    assert_eq!(past.done, [(Key(1), Key(-1))]);
    assert_eq!(texts(&past), ["job 3"]);
    assert_eq!(past.sources["t"].position.as_deref(), Some("p1"), "the job after it is lost");
}

#[test]
fn a_journal_of_another_form_or_workflow_is_left_alone() {
    let state = tempfile::tempdir().unwrap();
    drop(open(state.path()));
    let refused = |fingerprint: &str| Journal::open(&StateDir::at(state.path()), identity(fingerprint)).err();

    let connection = Connection::open(database(state.path())).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    assert!(matches!(refused("f"), Some(JournalError::Version { found: 7, known: 1, .. })));
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.execute("UPDATE workflow SET name = 'weekly'", []).unwrap();
    assert!(matches!(refused("f"), Some(JournalError::Foreign { name, .. }) if name == "weekly"));
    drop(connection);
    std::fs::write(database(state.path()), "no database, but long enough to be looked at".repeat(100)).unwrap();
    assert!(matches!(refused("f"), Some(JournalError::Database { .. })));
}

#[tokio::test]
async fn a_workflow_that_changed_is_not_gone_on_with() {
    let state = tempfile::tempdir().unwrap();
    let writer = open(state.path()).begin().unwrap();
    writer.end(RunState::Interrupted).await;
    let journal = Journal::open(&StateDir::at(state.path()), identity("another")).unwrap();
    assert!(matches!(journal.past(), Err(JournalError::Changed { run: 1 })));
    // A new run of it is no problem.
    journal.begin().unwrap().end(RunState::Whole).await;
}

#[tokio::test]
async fn old_runs_are_pruned() {
    let state = tempfile::tempdir().unwrap();
    for key in 1..=120 {
        let writer = open(state.path()).begin().unwrap();
        writer.note(plan(&[key], Some("p"))).await;
        writer.note(failed(key)).await;
        writer.end(RunState::Failed).await;
    }
    let connection = Connection::open(database(state.path())).unwrap();
    let count = |table: &str| -> i64 {
        connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    // Of the last run, what ended is forgotten when the next begins.
    assert_eq!(["runs", "jobs", "sources"].map(count), [101, 7, 1]);
}

/// What a run does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Plan(usize),
    Done(usize),
    Fail(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..5_usize).prop_map(Step::Plan),
        any::<usize>().prop_map(Step::Done),
        any::<usize>().prop_map(Step::Fail)
    ]
}

/// A run of many entries that ends at any moment, against what must be known then.
async fn replay(steps: Vec<Step>) {
    let state = tempfile::tempdir().unwrap();
    let (mut entries, mut open, mut finished) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (mut next, mut position) = (1, None);
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Plan(count) => {
                let keys: Vec<i64> = (next..).take(count).collect();
                next += i64::try_from(count).unwrap();
                open.extend(&keys);
                position = Some(number.to_string());
                entries.push(plan(&keys, position.as_deref()));
            }
            Step::Done(_) | Step::Fail(_) if open.is_empty() => {}
            Step::Done(which) => {
                let key = open.remove(which % open.len());
                finished.insert(key);
                entries.push(done(key));
            }
            Step::Fail(which) => entries.push(failed(open[which % open.len()])),
        }
    }
    let past = after(state.path(), entries).await;
    let jobs: BTreeSet<i64> = past.jobs.iter().map(|job| job.text[4..].parse().unwrap()).collect();
    let told: BTreeSet<i64> = past.done.iter().map(|(target, _)| target.0).collect();
    assert_eq!((jobs, told), (open.into_iter().collect(), finished));
    assert_eq!(past.sources.get("t").and_then(|source| source.position.clone()), position);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_that_is_cut_anywhere_knows_each_job_and_no_position_too_far(steps in vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(replay(steps));
    }
}
