//! Where a registry may send its client, and with what.

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::fault::set;
use crate::support::registry::Scripted;
use crate::support::stage::APP;
use crate::support::stage::Stage;

/// No request that came there had any `Authorization`.
#[track_caller]
fn nobody_logged_in(at: &Scripted) {
    for seen in at.seen() {
        let login = seen.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        assert_eq!(login, None, "{seen:?}");
    }
}

/// 307 to the same path at `origin`.
fn redirect(origin: &str) -> Fault {
    let origin = origin.to_owned();
    Fault::act(move |call| Reply::empty(307).with("Location", format!("{origin}{}", call.path)))
}

#[test]
fn a_redirect_to_another_host_is_followed_without_a_login() {
    let (graph, digest) = layered(3_000_000);
    for stage in Stage::both() {
        let mut stage = stage.with(&graph);
        let storage = std::sync::Arc::clone(stage.source.storage());
        let origin = stage.side_door(&storage).origin().to_owned();
        stage.source.fault("GET", "/blobs/", Times::Always, redirect(&origin));
        // The pull breaks there, and is taken up at the registry.
        stage.others()[0].fault("GET", &digest, Times::First(1), Fault::Cut(1 << 20));
        stage.run(CALM + 8).copied();
        assert_eq!(stage.others()[0].count("GET", "/blobs/"), 3);
        nobody_logged_in(&stage.others()[0]);
    }
}

#[test]
fn redirects_in_a_circle_end_after_ten() {
    for path in ["/manifests/", "/blobs/"] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault("*", path, Times::Always, redirect(""));
        stage.run(CALM + 24).failed("permanent").says("more than 10 times");
    }
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let (graph, _) = layered(1000);
    let stage = Stage::tls().with(&graph);
    let plain = Scripted::start(crate::support::lock::Kind::Open, None);
    graph.push(plain.storage().as_ref(), APP);
    for (registry, method, path) in [(&stage.source, "GET", "/blobs/"), (&stage.target, "POST", "/blobs/uploads/")] {
        registry.fault(method, path, Times::Always, redirect(plain.origin()));
        stage.run(2 * CALM).failed("permanent").says("from https to http");
        registry.script().clear();
    }
    assert_eq!(plain.transcript(), "");
}

#[test]
fn a_redirect_to_a_metadata_service_is_refused() {
    for to in ["http://169.254.169.254", "http://[fd00:ec2::254]", "http://100.100.100.200", "http://2852039166"] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault("GET", "/blobs/", Times::Always, redirect(to));
        stage.run(CALM).failed("permanent").says("private address");
    }
}

/// The `Location` of every upload session leads to `origin`.
fn uploads_at(stage: &Stage, origin: &str) {
    let (from, to) = (stage.target.origin().to_owned(), origin.to_owned());
    let moved = Fault::change(move |_, reply| {
        let location = reply.headers.iter().find(|(name, _)| name == "Location").map(|it| it.1.clone());
        if let Some(location) = location {
            set(reply, "Location", &location.replacen(&from, &to, 1));
        }
    });
    stage.target.fault("POST", "/blobs/uploads/", Times::Always, moved);
}

#[test]
fn an_upload_at_another_host_gets_the_blob_and_no_login() {
    let (graph, digest) = layered(100_000);
    for stage in Stage::both() {
        let mut stage = stage.with(&graph);
        let storage = std::sync::Arc::clone(stage.target.storage());
        let origin = stage.side_door(&storage).origin().to_owned();
        uploads_at(&stage, &origin);
        // It breaks once, so that the session is looked after there too.
        stage.others()[0].fault("PUT", &digest, Times::First(1), Fault::CutRequest(10_000));
        stage.run(CALM + 8).copied();
        assert!(stage.others()[0].count("PUT", "/blobs/uploads/") >= 3);
        nobody_logged_in(&stage.others()[0]);
    }
}

#[test]
fn an_upload_at_another_host_that_asks_for_a_login_gets_none() {
    let (graph, _) = layered(1000);
    let mut stage = Stage::plain().with(&graph);
    let origin = stage.bystander().origin().to_owned();
    uploads_at(&stage, &origin);
    let other = &stage.others()[0];
    for challenge in [
        "Basic realm=\"please\"".to_owned(),
        format!("Bearer realm=\"{origin}/token\",service=\"scripted\",scope=\"repository:{APP}:pull,push\""),
    ] {
        let refusal = Reply::empty(401).with("WWW-Authenticate", challenge);
        other.script().clear();
        other.fault("*", "", Times::Always, Fault::Answer(refusal));
        stage.run(3 * CALM).failed("permanent").says("401");
        nobody_logged_in(&stage.others()[0]);
    }
    assert_eq!(stage.others()[0].count("GET", "^/token"), 0);
}

#[test]
fn an_upload_at_a_metadata_service_or_without_tls_is_refused() {
    for to in ["http://169.254.169.254", "http://[fd00:ec2::254]", "http://metadata.google.internal"] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        uploads_at(&stage, to);
        stage.run(CALM).failed("permanent").says("private address");
    }
    let (graph, _) = layered(1000);
    let stage = Stage::tls().with(&graph);
    let plain = Scripted::start(crate::support::lock::Kind::Open, None);
    uploads_at(&stage, plain.origin());
    stage.run(CALM).failed("permanent").says("from https to http");
    assert_eq!(plain.transcript(), "");
}
