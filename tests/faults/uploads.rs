//! Uploads that break, are answered late or oddly, or are refused half-way.

use std::sync::Arc;

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::harness::graph::Graph;
use crate::harness::store::Store as _;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::fault::set;
use crate::support::protocol::error;
use crate::support::stage::APP;
use crate::support::stage::Stage;

const MIB: usize = 1 << 20;

/// The methods of the requests about the upload of `digest`, with their statuses, of a run of which the layer is by far the largest
/// blob: `POST` and `HEAD` are told by what is around them.
fn puts(stage: &Stage, digest: &str) -> Vec<u16> {
    stage.target.matching("PUT", &format!("digest={digest}")).into_iter().map(|seen| seen.status).collect()
}

#[test]
fn an_upload_that_breaks_is_looked_for_and_begun_again() {
    let (graph, digest) = layered(3 * MIB);
    for stage in Stage::both() {
        let stage = stage.with(&graph);
        let path = format!("digest={digest}");
        stage.target.fault("PUT", &path, Times::First(2), Fault::CutRequest(MIB));
        stage.run(CALM + 10).copied();
        assert_eq!(puts(&stage, &digest), [0, 0, 201]);
        // After each break: is it there? It is not, so a new session.
        let seen = stage.target.seen();
        let broken = seen.iter().position(|seen| seen.path.replace("%3A", ":").contains(&path)).unwrap();
        let heads = seen[broken..].iter().filter(|it| it.method == "HEAD" && it.path.ends_with(&digest));
        assert_eq!(heads.count(), 2, "{}", stage.target.transcript());
    }
}

#[test]
fn a_session_that_the_registry_forgot_is_begun_again() {
    let (graph, digest) = layered(MIB);
    let stage = Stage::plain().with(&graph);
    let gone = Fault::Answer(error(404, "BLOB_UPLOAD_UNKNOWN"));
    stage.target.fault("PUT", &format!("digest={digest}"), Times::First(1), Fault::CutRequest(MIB / 2));
    stage.target.fault("PUT", &format!("digest={digest}"), Times::First(1), gone.clone());
    for method in ["GET", "DELETE", "HEAD"] {
        stage.target.fault(method, "/blobs/uploads/", Times::Always, gone.clone());
    }
    stage.run(CALM + 12).copied();
    assert_eq!(puts(&stage, &digest), [0, 404, 201]);
}

/// What is stored is not sent again, however its PUT is answered.
#[test]
fn an_upload_whose_answer_is_lost_is_found_and_not_sent_again() {
    let (graph, digest) = layered(MIB);
    for fault in [Fault::Lost, Fault::Instead(Reply::empty(500)), Fault::Instead(Reply::empty(504))] {
        for stage in Stage::both() {
            let stage = stage.with(&graph);
            stage.target.fault("PUT", &format!("digest={digest}"), Times::Always, fault.clone());
            stage.run(CALM + 2).copied();
            assert_eq!(puts(&stage, &digest).len(), 1);
            assert_eq!(stage.source.count("GET", &format!("/blobs/{digest}")), 1);
        }
    }
}

#[test]
fn a_manifest_whose_answer_is_lost_is_sent_again() {
    for fault in [Fault::Lost, Fault::Instead(Reply::empty(502))] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.target.fault("PUT", "/manifests/", Times::First(2), fault);
        stage.run(CALM + 2).copied();
    }
}

#[test]
fn a_tag_whose_answer_is_lost_and_that_may_not_change_is_found() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let immutable = error(400, "TAG_INVALID");
    stage.target.fault("PUT", "/manifests/1", Times::First(1), Fault::Lost);
    stage.target.fault("PUT", "/manifests/1", Times::Always, Fault::Answer(immutable.clone()));
    stage.run(CALM + 2).copied();

    // Another image under the tag is another matter.
    let stage = Stage::plain().with(&graph);
    stage.target.fault("PUT", "/manifests/1", Times::Always, Fault::Answer(immutable));
    stage.run(CALM + 2).failed("permanent").says("TAG_INVALID");
}

#[test]
fn a_session_whose_answer_is_lost_is_opened_again() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    stage.target.fault("POST", "/blobs/uploads/", Times::First(2), Fault::Lost);
    stage.run(CALM + 2).copied();
}

#[test]
fn an_early_answer_to_an_upload_is_read_and_heeded() {
    let (graph, digest) = layered(8 * MIB);
    for stage in Stage::both() {
        let stage = stage.with(&graph);
        let challenge = stage.target.lock().challenge(Some(&format!("repository:{APP}:pull,push")));
        let path = format!("digest={digest}");
        stage.target.fault("PUT", &path, Times::First(1), Fault::Early(challenge));
        stage.target.fault("PUT", &path, Times::First(1), Fault::Early(error(404, "BLOB_UPLOAD_UNKNOWN")));
        stage.run(CALM + 12).copied();
        assert_eq!(puts(&stage, &digest), [401, 404, 201]);
    }
}

#[test]
fn an_early_denial_of_an_upload_is_final() {
    let (graph, digest) = layered(8 * MIB);
    for stage in Stage::both() {
        let stage = stage.with(&graph);
        stage.target.fault("PUT", &format!("digest={digest}"), Times::Always, Fault::Early(error(403, "DENIED")));
        stage.run(CALM + 4).failed("permanent").says("DENIED");
        assert_eq!(puts(&stage, &digest), [403]);
        assert_eq!(stage.target.storage().tags(APP), [] as [&str; 0]);
    }
}

#[test]
fn a_token_that_runs_out_during_an_upload_is_renewed() {
    let (graph, digest) = layered(3 * MIB);
    // After the first session is opened, after the first blob is stored, and after the last, before the manifest.
    for (method, path, nth) in [("POST", "/blobs/uploads/", 1), ("PUT", "digest=", 1), ("PUT", "digest=", 2)] {
        for stage in Stage::both() {
            let stage = stage.with(&graph);
            stage.target.fault(method, path, Times::Nth(nth), Fault::Expire);
            stage.run(CALM + 12).copied();
            let transcript = stage.target.transcript();
            assert!(puts(&stage, &digest).contains(&201), "{transcript}");
            assert!(stage.target.lock().tokens() >= 3, "{transcript}");
        }
    }
}

/// An upload in chunks, after the registry has refused it in one: 9 MiB in chunks of 4.
fn in_chunks(fault: Option<Fault>) -> Stage {
    let (graph, digest) = layered(9 * MIB);
    let stage = Stage::plain().with(&graph);
    let too_long = Fault::Early(Reply::empty(413));
    stage.target.fault("PUT", &format!("digest={digest}"), Times::First(1), too_long);
    if let Some(fault) = fault {
        stage.target.fault("PATCH", "/blobs/uploads/", Times::Always, fault);
    }
    stage.run(CALM + 14).copied();
    stage
}

#[test]
fn a_blob_that_is_too_long_for_one_request_goes_in_chunks() {
    let stage = in_chunks(None);
    let patches: Vec<_> =
        stage.target.matching("PATCH", "").into_iter().map(|seen| (seen.length, seen.status)).collect();
    assert_eq!(patches, [(4 * MIB, 202), (4 * MIB, 202), (MIB, 202)]);
}

#[test]
fn a_range_that_is_stuck_does_not_matter() {
    in_chunks(Some(Fault::header("Range", "0-0")));
    in_chunks(Some(Fault::header("Range", format!("0-{}", 4 * MIB - 1))));
    in_chunks(Some(Fault::change(|_, reply| reply.headers.retain(|(name, _)| name != "Range"))));
}

#[test]
fn a_chunk_that_is_answered_201_is_stored() {
    in_chunks(Some(Fault::change(|_, reply| reply.status = 201)));
    in_chunks(Some(Fault::change(|_, reply| {
        reply.status = 201;
        reply.headers.retain(|(name, _)| name != "Location");
    })));
}

#[test]
fn a_chunk_that_breaks_begins_the_blob_again() {
    let (graph, digest) = layered(9 * MIB);
    for fault in [Fault::CutRequest(MIB), Fault::Lost, Fault::Expire, Fault::Instead(Reply::empty(503))] {
        let stage = Stage::plain().with(&graph);
        stage.target.fault("PUT", &format!("digest={digest}"), Times::First(1), Fault::Early(Reply::empty(413)));
        stage.target.fault("PATCH", "/blobs/uploads/", Times::First(1), fault);
        stage.run(CALM + 24).copied();
    }
}

#[test]
fn a_mount_that_opens_a_session_instead_is_answered_in_that_session() {
    let graph = Graph::single("mounted", "1");
    let stage = Stage::plain();
    for repository in ["team/one", "team/two"] {
        graph.push(stage.source.storage().as_ref(), repository);
    }
    let storage = Arc::clone(stage.target.storage());
    let refused = Fault::act(move |call| {
        let name = call.path.trim_start_matches("/v2/").trim_end_matches("/blobs/uploads/").to_owned();
        let id = storage.lock().begin(&name);
        Reply::empty(202).with("Location", format!("/v2/{name}/blobs/uploads/{id}"))
    });
    stage.target.fault("POST", "mount=", Times::Always, refused);
    let (from, to) = (stage.source.address(), stage.target.address());
    let text = format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/team/one:1\": \"{to}/team/one\"}}}}}}\n    name: first\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/team/two:1\": \"{to}/team/two\"}}}}}}\n    needs: first\n",
        stage.settings()
    );
    stage.run_workflow(&text, 2 * CALM + 12).copied();
    let posts = stage.target.matching("POST", "/team/two/blobs/uploads/");
    assert!(posts.len() == 3 && posts.iter().all(|seen| seen.path.contains("mount=")), "{}", stage.target.transcript());
    assert_eq!(stage.target.storage().open_sessions(), 0);
}

#[test]
fn a_mount_that_is_refused_in_any_way_becomes_an_upload() {
    for refusal in [
        error(401, "UNAUTHORIZED"),
        error(403, "DENIED"),
        error(404, "BLOB_UNKNOWN"),
        error(405, "UNSUPPORTED"),
        error(404, "NAME_UNKNOWN"),
    ] {
        let graph = Graph::single("refused", "1");
        let stage = Stage::plain().limits("images: 1");
        for repository in ["team/one", "team/two"] {
            graph.push(stage.source.storage().as_ref(), repository);
        }
        stage.target.fault("POST", "mount=", Times::Always, Fault::Answer(refusal));
        let (from, to) = (stage.source.address(), stage.target.address());
        let rules = format!("{{\"{from}/team/one:1\": \"{to}/team/one\", \"{from}/team/two:1\": \"{to}/team/two\"}}");
        let text = format!("{}transfers:\n  - from: {{plugin: rules, with: {{rules: {rules}}}}}\n", stage.settings());
        stage.run_workflow(&text, 2 * CALM + 16).copied();
    }
}

#[test]
fn a_blob_that_vanished_from_the_target_is_pushed_once_more() {
    let (graph, digest) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let storage = Arc::clone(stage.target.storage());
    let gone = digest.clone();
    // The registry's clean-up was faster than the manifest.
    stage.target.fault(
        "PUT",
        "/manifests/",
        Times::First(1),
        Fault::act(move |_| {
            storage.lock().repository(APP).blobs.remove(&gone);
            error(404, "MANIFEST_BLOB_UNKNOWN")
        }),
    );
    stage.run(CALM + 8).copied();
    assert_eq!(puts(&stage, &digest), [201, 201]);
}

#[test]
fn a_digest_that_the_target_stored_a_manifest_under_must_be_the_right_one() {
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    let wrong = format!("sha256:{}", "0".repeat(64));
    stage.target.fault(
        "PUT",
        "/manifests/",
        Times::Always,
        Fault::change(move |_, reply| {
            set(reply, "Docker-Content-Digest", &wrong);
        }),
    );
    let ended = stage.run(CALM + 4);
    assert_eq!(ended.finished.code, Some(1));
    ended.says("as it was stored");
}
