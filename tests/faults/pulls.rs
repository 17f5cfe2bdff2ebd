//! Blobs that break off, come wrong, or come encoded.

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::harness::store::Store as _;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::fault::set;
use crate::support::stage::APP;
use crate::support::stage::Stage;

const MIB: usize = 1 << 20;

#[test]
fn a_pull_that_breaks_goes_on_where_it_broke_and_the_upload_does_not_notice() {
    let (graph, digest) = layered(3 * MIB + 5);
    for stage in Stage::both() {
        let stage = stage.with(&graph);
        stage.source.fault("GET", &format!("/blobs/{digest}$"), Times::First(3), Fault::Cut(MIB));
        stage.run(CALM + 3).copied();
        let pulls = stage.source.matching("GET", &format!("/blobs/{digest}$"));
        let ranges: Vec<_> = pulls
            .iter()
            .map(|seen| seen.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("range")).map(|it| it.1.clone()))
            .collect();
        let from = |mebibytes| Some(format!("bytes={}-", mebibytes * MIB));
        assert_eq!(ranges, [None, from(1), from(2), from(3)]);
        assert_eq!(stage.target.count("PUT", &format!("digest={digest}")), 1, "{}", stage.target.transcript());
    }
}

#[test]
fn a_pull_that_breaks_without_a_byte_each_time_is_given_up() {
    let (graph, digest) = layered(MIB);
    let stage = Stage::plain().with(&graph);
    stage.source.fault("GET", &format!("/blobs/{digest}$"), Times::Always, Fault::Cut(0));
    // Five tries of the blob, in each of which it is taken up five times.
    stage.run(CALM + 60).failed("retry");
    assert_eq!(stage.target.storage().tags(APP), [] as [&str; 0]);
}

/// The first pull breaks after a MiB; the second has `fault`.
fn resumed_with(fault: Fault) -> Stage {
    let (graph, digest) = layered(2 * MIB);
    let stage = Stage::plain().with(&graph);
    let path = format!("/blobs/{digest}$");
    stage.source.fault("GET", &path, Times::Nth(1), Fault::Cut(MIB));
    // The first rule counts only its own first: this one is asked from the second on.
    stage.source.fault("GET", &path, Times::Nth(1), fault);
    stage.run(CALM + 6).copied();
    stage
}

#[test]
fn a_resumption_that_gets_the_whole_blob_throws_away_what_it_has() {
    let (graph, digest) = layered(2 * MIB);
    let whole = graph.blobs[&digest].clone();
    let stage = resumed_with(Fault::change(move |_, reply| {
        (reply.status, reply.body) = (200, whole.clone());
        reply.headers.retain(|(name, _)| name != "Content-Range");
    }));
    assert_eq!(stage.source.count("GET", &format!("/blobs/{digest}$")), 2);
    assert_eq!(stage.target.count("PUT", &format!("digest={digest}")), 1);
}

#[test]
fn a_resumption_from_another_byte_is_not_believed() {
    let range = |from: usize| format!("bytes {from}-{}/{}", 2 * MIB - 1, 2 * MIB);
    resumed_with(Fault::header("Content-Range", range(MIB - 1)));
    resumed_with(Fault::header("Content-Range", range(0)));
    resumed_with(Fault::header("Content-Range", format!("bytes {MIB}-{}/{}", 2 * MIB - 1, 2 * MIB + 1)));
    resumed_with(Fault::change(|_, reply| reply.headers.retain(|(name, _)| name != "Content-Range")));
}

#[test]
fn a_resumption_that_lies_about_where_it_begins_is_found_out_by_the_digest() {
    resumed_with(Fault::change(|_, reply| reply.body.rotate_left(1)));
}

#[test]
fn a_resumption_that_is_refused_begins_the_blob_again() {
    // 2.8's 416 promises a body that does not come.
    let refused = Reply::empty(416).with("Content-Length", (2 * MIB).to_string());
    resumed_with(Fault::Answer(Reply { body: vec![b'x'; 33], ..refused }));
    resumed_with(Fault::Answer(Reply::empty(416)));
}

/// Every pull of the layer has `fault`: it is pulled twice, no upload of it is completed, and there is no tag.
fn spoiled_by(fault: &Fault) {
    let (graph, digest) = layered(MIB);
    for stage in Stage::both() {
        let stage = stage.with(&graph);
        stage.source.fault("GET", &format!("/blobs/{digest}$"), Times::Always, fault.clone());
        stage.run(CALM + 4).failed("corrupt");
        assert_eq!(stage.source.count("GET", &format!("/blobs/{digest}$")), 2, "{}", stage.source.transcript());
        assert_eq!(stage.target.storage().blob(APP, &digest), None);
        assert_eq!(stage.target.storage().tags(APP), [] as [&str; 0]);
        assert_eq!(stage.target.storage().open_sessions(), 0);
    }
}

#[test]
fn a_corrupt_byte_completes_no_upload_and_is_pulled_once_more() {
    spoiled_by(&Fault::Flip(MIB / 2));
    spoiled_by(&Fault::Flip(MIB - 1));
}

#[test]
fn more_bytes_than_the_manifest_says_complete_no_upload() {
    spoiled_by(&Fault::Extra(1));
    spoiled_by(&Fault::Endless);
}

#[test]
fn fewer_bytes_than_the_manifest_says_complete_no_upload() {
    spoiled_by(&Fault::change(|_, reply| reply.body.truncate(MIB - 1)));
}

#[test]
fn a_byte_that_flips_once_is_pulled_again() {
    let (graph, digest) = layered(MIB);
    let stage = Stage::plain().with(&graph);
    stage.source.fault("GET", &format!("/blobs/{digest}$"), Times::First(1), Fault::Flip(7));
    stage.run(CALM + 4).copied();
}

#[test]
fn a_byte_that_flips_after_other_mishaps_is_pulled_again() {
    let (graph, digest) = layered(MIB);
    let stage = Stage::plain().with(&graph);
    stage.target.fault("PUT", &format!("digest={digest}"), Times::First(2), Fault::CutRequest(1000));
    stage.source.fault("GET", &format!("/blobs/{digest}$"), Times::Nth(3), Fault::Flip(7));
    stage.run(CALM + 12).copied();
}

#[test]
fn an_encoded_answer_is_refused_and_none_is_asked_for() {
    for path in ["/blobs/", "/manifests/sha256"] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault("GET", path, Times::Always, Fault::header("Content-Encoding", "gzip"));
        stage.run(CALM).failed("permanent").says("content encoding");
        let asked_for = stage.source.seen().into_iter().flat_map(|seen| seen.headers);
        let asked_for = asked_for.filter(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"));
        assert!(asked_for.into_iter().all(|(_, value)| value == "identity"));
    }
}

#[test]
fn a_digest_of_another_algorithm_in_a_header_is_tolerated() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let other = format!("sha512:{}", "0".repeat(128));
    for registry in [&stage.source, &stage.target] {
        let other = other.clone();
        registry.fault(
            "*",
            "/(blobs|manifests)/(sha256|uploads)",
            Times::Always,
            Fault::change(move |_, reply| {
                if reply.status < 300 {
                    set(reply, "Docker-Content-Digest", &other);
                }
            }),
        );
    }
    stage.run(CALM).copied();
}
