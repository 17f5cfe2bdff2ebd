//! An upload that broke off goes on where the registry still knows its session.

use std::thread;
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::OpenFlags;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::http1::PATIENCE;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::proxy::Proxy;
use crate::harness::proxy::Request;
use crate::harness::registry::Kind;
use crate::harness::registry::Lock;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;
use crate::harness::store::text;
use crate::survival::database;
use crate::survival::same;
use crate::survival::workflow;

const MIB: usize = 1 << 20;
/// So large that what the kernel holds for a connection is a small part of it.
const LAYER: usize = 64 * MIB;

/// One image with a layer of 64 MiB, a target behind a proxy.
fn stage(kind: Kind) -> (Registry, Registry, Proxy, Workplace) {
    let (source, target, place) = (Registry::open(), Registry::start(kind, &Lock::Open), Workplace::new());
    let mut graph = Graph::new();
    let mut bytes = vec![0; LAYER];
    fastrand::Rng::with_seed(7).fill(&mut bytes);
    let layer = graph.blob(OCI_LAYER, bytes);
    let image = graph.image("linux/amd64", &[layer]);
    graph.tag("v1", &image);
    graph.push(&source.remote(), "app");
    let to = target.proxy();
    place.file("workflow.yaml", &workflow(source.address(), to.address(), &["app"]));
    (source, target, to, place)
}

/// The hexadecimal digits of the layer's digest, which are in the path of each of its requests but the chunks'.
fn layer(source: &Registry) -> String {
    let manifest = source.remote().manifest("app", "v1").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    text(&manifest["layers"][0]["digest"]).trim_start_matches("sha256:").to_owned()
}

/// Asserts that the session went on with one chunk, which began after the first MiB and before `most`, and never from the blob's
/// beginning.
///
/// Before it one other may be refused, by a race that is the registry's own: distribution 3 takes the length of the session's file for its
/// status, without a look at whether the request that broke off is still being served. That one goes on writing what the system holds of
/// its connection, and nothing says when it is done. A chunk from where the status said is refused then (416, `upload resumed at wrong
/// offset`; or its connection breaks first, since it is refused unread), and the session is asked again.
#[track_caller]
fn went_on(to: &Proxy, most: usize) {
    let chunks = to.matching("PATCH", "/uploads/");
    let start = |chunk: &Request| -> usize {
        chunk.head.header("content-range").unwrap().split('-').next().unwrap().parse().unwrap()
    };
    let (taken, refused): (Vec<_>, Vec<_>) = chunks.iter().partition(|chunk| chunk.status == 202);
    assert!(taken.len() == 1 && (MIB + 1..=most).contains(&start(taken[0])), "{}", to.transcript());
    let early = |chunk: &Request| matches!(chunk.status, 0 | 416) && (MIB + 1..start(taken[0])).contains(&start(chunk));
    assert!(refused.len() <= 1 && refused.iter().all(|chunk| early(chunk)), "{}", to.transcript());
}

/// Waits until the journal has an upload session: it is written soon after the session began, and not before its first byte.
fn await_session(place: &Workplace) {
    let journal = Connection::open_with_flags(database(place), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let begun = Instant::now();
    while journal.query_row("SELECT count(*) FROM uploads", [], |row| row.get::<_, u32>(0)).unwrap() == 0 {
        assert!(begun.elapsed() < PATIENCE, "no session is noted");
        thread::yield_now();
    }
}

#[test]
fn an_upload_that_broke_goes_on_in_its_session() {
    let (source, target, to, place) = stage(Kind::Distribution3);
    to.fault("PUT", &layer(&source), 1, Action::CutRequest(16 * MIB as u64));
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(0);
    assert_eq!(same(&source, &target, "app"), 1);
    went_on(&to, 16 * MIB);
}

#[test]
fn an_upload_goes_on_after_the_process_was_killed() {
    let (source, target, to, place) = stage(Kind::Distribution3);
    let gate = Gate::default();
    to.fault("PUT", &layer(&source), 1, Action::StallRequest(16 * MIB as u64, gate.clone()));
    let running = place.start(&["run", "workflow.yaml", "--state", "state"], &[]);
    gate.await_arrivals(1);
    await_session(&place);
    running.kill();
    running.finish();
    gate.open();
    place.run(&["run", "workflow.yaml", "--state", "state", "--resume"]).expect(0);
    assert_eq!(same(&source, &target, "app"), 1);
    went_on(&to, LAYER);
}

#[test]
fn an_upload_whose_session_is_lost_begins_again() {
    // docker-registry 2.8 forgets a session whose request broke.
    let (source, target, to, place) = stage(Kind::Debian28);
    to.fault("PUT", &layer(&source), 1, Action::CutRequest(16 * MIB as u64));
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(0);
    assert_eq!(same(&source, &target, "app"), 1);
    assert_eq!(to.count("PATCH", "/uploads/"), 0, "{}", to.transcript());
}

#[test]
fn a_corrupt_source_completes_no_session_that_goes_on() {
    let (source, target, to, place) = stage(Kind::Distribution3);
    let from = source.proxy();
    place.file("workflow.yaml", &workflow(from.address(), to.address(), &["app"]));
    to.fault("PUT", &layer(&source), 1, Action::CutRequest(16 * MIB as u64));
    // The first pull is right, the second and third are not, in the part that the registry has already.
    let layer = layer(&source);
    from.fault("GET", &layer, 1, Action::FlipByte(u64::MAX));
    from.fault("GET", &layer, usize::MAX, Action::FlipByte(5));
    place.run(&["run", "workflow.yaml", "--state", "state"]).expect(1).says("content of that digest");
    assert_eq!(same(&source, &target, "app"), 0);
}
