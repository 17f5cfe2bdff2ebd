use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::TryStreamExt as _;
use futures_util::stream;
use serde_json::json;

use crate::endpoint::Login;
use crate::endpoint::Mount;
use crate::endpoint::Session;
use crate::http::ByteStream;
use crate::http::Class;
use crate::http::testserver::Received;
use crate::http::testserver::Reply;
use crate::http::testserver::TestServer;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::Repository;
use crate::oci::TagOrDigest;

use super::*;

const CONTENT: &[u8] = b"0123456789";

fn registry(server: &TestServer) -> Arc<Registry> {
    let settings = Settings { plain_http: true, login: Login::Anonymous, ..Settings::default() };
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    Arc::new(Registry::new(gateway, &server.host(), &settings))
}

fn app() -> Repository {
    "team/app".parse().unwrap()
}

fn v1() -> TagOrDigest {
    TagOrDigest::Tag("v1".parse().unwrap())
}

fn blob(content: &[u8]) -> Descriptor {
    Descriptor::new("a/b", Digest::of(content), content.len() as u64)
}

fn bytes(content: &[u8]) -> ByteStream {
    let frames: Vec<_> = content.chunks(64 << 10).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    stream::iter(frames).boxed()
}

/// The requests so far without those that find out how the registry wants to be spoken to.
fn lines(server: &TestServer) -> Vec<String> {
    server.lines().into_iter().filter(|line| line != "GET /v2/").collect()
}

/// Pulls [`CONTENT`] from a server that answers as `answer` does, which gets the offset that was asked for.
async fn pull(answer: impl Fn(Option<usize>) -> Reply + Send + Sync + 'static) -> (Result<Bytes, String>, Vec<String>) {
    let server = TestServer::start(move |request: &Received| {
        if !request.target.contains("/blobs/") {
            return Reply::new(200);
        }
        answer(request.header("range").strip_prefix("bytes=").map(|it| it.trim_end_matches('-').parse().unwrap()))
    })
    .await;
    let read = match registry(&server).open_blob(&app(), &blob(CONTENT)).await {
        Ok(stream) => stream.try_collect::<Vec<Bytes>>().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let asked = server.received().into_iter().filter(|it| it.target.contains("/blobs/"));
    (read.map(|frames| frames.concat().into()), asked.map(|it| it.header("range").to_owned()).collect())
}

fn whole() -> Reply {
    Reply::new(200).body(CONTENT)
}

fn part(from: usize) -> Reply {
    Reply::new(206).header("Content-Range", format!("bytes {from}-9/10")).body(&CONTENT[from..])
}

#[tokio::test]
async fn a_broken_pull_goes_on_where_it_broke() {
    let (read, asked) = pull(|from| match from {
        None => whole().cut(4),
        Some(4) => part(4).cut(3),
        Some(from) => part(from),
    })
    .await;
    assert_eq!(read.unwrap(), CONTENT);
    assert_eq!(asked, ["", "bytes=4-", "bytes=7-"]);
}

#[tokio::test]
async fn a_server_without_ranges_is_read_again_and_the_start_thrown_away() {
    let (read, asked) = pull(|from| if from.is_none() { whole().cut(4) } else { whole() }).await;
    assert_eq!(read.unwrap(), CONTENT);
    assert_eq!(asked, ["", "bytes=4-"]);
}

#[tokio::test]
async fn another_range_than_the_one_asked_for_is_refused() {
    for range in ["bytes 3-9/10", "bytes 4-9/11", "bytes 4-9/*", "4-9/10", ""] {
        let (read, _) = pull(move |from| match from {
            None => whole().cut(4),
            Some(from) => Reply::new(206).header("Content-Range", range).body(&CONTENT[from..]),
        })
        .await;
        assert!(read.unwrap_err().contains("asked for bytes 4-"), "{range}");
    }
}

#[tokio::test]
async fn a_pull_that_keeps_breaking_without_progress_is_given_up() {
    let (read, asked) = pull(|from| from.map_or_else(|| whole().cut(1), |from| part(from).cut(1))).await;
    assert!(read.is_err());
    assert_eq!(asked, ["", "bytes=1-", "bytes=2-", "bytes=3-", "bytes=4-", "bytes=5-"]);
}

#[tokio::test]
async fn a_blob_of_another_length_is_refused_before_it_is_read() {
    let (read, _) = pull(|_| Reply::new(200).body(&CONTENT[1..])).await;
    assert!(read.unwrap_err().ends_with("expected 10 bytes, got 9 bytes"));
}

#[tokio::test]
async fn a_corrupt_blob_ends_in_an_error() {
    let (read, _) = pull(|_| Reply::new(200).body("0123456780")).await;
    assert!(read.unwrap_err().contains("expected content of that digest"));
}

/// Reads a listing to its end, from a server that answers each request line with a body and a `Link`.
async fn list(
    of_tags: bool,
    answer: impl Fn(&str) -> (u16, String, Option<String>) + Send + Sync + 'static,
) -> (Result<Vec<Vec<String>>, String>, Vec<String>) {
    let server = TestServer::start(move |request: &Received| {
        let (status, body, link) = answer(&request.target);
        let reply = Reply::new(status).body(body);
        link.into_iter().fold(reply, |reply, link| reply.header("Link", link))
    })
    .await;
    let mut listing = if of_tags { registry(&server).tags(&app()) } else { registry(&server).repositories() };
    let mut pages = Vec::new();
    let outcome = loop {
        match listing.next().await {
            Ok(Some(page)) => pages.push(page),
            Ok(None) => break Ok(pages),
            Err(error) => break Err(error.to_string()),
        }
    };
    (outcome, lines(&server))
}

fn tags(names: &[&str]) -> String {
    json!({"name": "team/app", "tags": names}).to_string()
}

#[tokio::test]
async fn links_are_followed_to_the_end_and_bad_names_left_out() {
    let (pages, asked) = list(true, |target| match target {
        "/v2/team/app/tags/list?n=1000" => {
            (200, tags(&["a", "../b", "c\u{1b}[31m"]), Some("</v2/team/app/tags/list?last=a>; rel=\"next\"".into()))
        }
        "/v2/team/app/tags/list?last=a" => (200, tags(&[]), Some("<list?last=b>; rel=next".into())),
        _ => (200, tags(&["d"]), None),
    })
    .await;
    assert_eq!(pages.unwrap(), [["a"], ["d"]]);
    let paths = ["?n=1000", "?last=a", "?last=b"].map(|query| format!("GET /v2/team/app/tags/list{query}"));
    assert_eq!(asked, paths);
}

#[tokio::test]
async fn a_listing_that_leads_in_a_circle_is_an_error() {
    let (pages, asked) = list(true, |target| {
        let (names, next) = if target.ends_with("last=b") { (["c"], "a") } else { (["b"], "b") };
        (200, tags(&names), Some(format!("</v2/team/app/tags/list?last={next}>; rel=next")))
    })
    .await;
    assert!(pages.unwrap_err().ends_with("the listing leads back to a page that was read before"));
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_page_that_brings_nothing_new_is_the_last() {
    let count = AtomicUsize::new(0);
    let (pages, asked) = list(true, move |_| {
        let next = count.fetch_add(1, Ordering::Relaxed);
        (200, tags(&["a", "b", "a"]), Some(format!("</v2/team/app/tags/list?next={next}>; rel=next")))
    })
    .await;
    assert_eq!(pages.unwrap(), [["a", "b"]]);
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let (pages, asked) = list(true, |_| (200, tags(&["a"]), Some("<http://127.0.0.2:1/next>; rel=next".into()))).await;
    assert!(pages.unwrap_err().ends_with("the link to the next page leads to another host"));
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_repository_without_tags_has_none() {
    let (pages, _) = list(true, |_| (200, r#"{"name":"team/app","tags":null}"#.into(), None)).await;
    assert_eq!(pages.unwrap(), Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn a_registry_that_ignores_the_size_of_a_page_is_asked_once() {
    let all: Vec<String> = (0..10_000).map(|at| format!("v{}", (at * 7919) % 10_000)).collect();
    let body = json!({"tags": all}).to_string();
    let (pages, asked) = list(true, move |_| (200, body.clone(), None)).await;
    assert_eq!(pages.unwrap(), [all]);
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn without_links_a_full_page_is_followed_by_its_last_name() {
    let names = |from: usize, to: usize| (from..to).map(|at| format!("r/{at:04}")).collect::<Vec<_>>();
    let (pages, asked) = list(false, move |target| {
        let page = if target.contains("last=r%2F0999") { names(1000, 1500) } else { names(0, 1000) };
        (200, json!({"repositories": page}).to_string(), None)
    })
    .await;
    assert_eq!(pages.unwrap(), [names(0, 1000), names(1000, 1500)]);
    assert_eq!(asked, ["GET /v2/_catalog?n=1000", "GET /v2/_catalog?n=1000&last=r%2F0999"]);
}

#[tokio::test]
async fn a_registry_that_ignores_the_mark_ends_after_one_more_page() {
    let page: Vec<String> = (0..1000).map(|at| format!("r{at}")).collect();
    let body = json!({"repositories": page}).to_string();
    let (pages, asked) = list(false, move |_| (200, body.clone(), None)).await;
    assert_eq!((pages.unwrap(), asked.len()), (vec![page], 2));
}

#[tokio::test]
async fn a_page_size_that_is_refused_is_lowered() {
    let (pages, asked) = list(false, |target| match target {
        "/v2/_catalog" => (200, json!({"repositories": ["a"]}).to_string(), None),
        _ => (400, String::new(), None),
    })
    .await;
    assert_eq!(pages.unwrap(), [["a"]]);
    assert_eq!(asked, ["GET /v2/_catalog?n=1000", "GET /v2/_catalog?n=100", "GET /v2/_catalog"]);
}

fn manifest() -> Manifest {
    Manifest::new(None, Bytes::from_static(br#"{"schemaVersion":2,"layers":[]}"#), None).unwrap()
}

#[tokio::test]
async fn a_head_is_enough_where_it_tells_the_digest() {
    let server =
        TestServer::start(|_| Reply::new(200).header("Docker-Content-Digest", manifest().digest().as_str())).await;
    let digest = registry(&server).resolve(&app(), &v1()).await.unwrap();
    assert_eq!(digest.as_ref(), Some(manifest().digest()));
    assert_eq!(lines(&server), ["HEAD /v2/team/app/manifests/v1"]);
    let accept = server.received().last().unwrap().header("accept").to_owned();
    assert!(
        accept.starts_with("application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, ")
    );
}

#[tokio::test]
async fn get_stands_in_for_a_head_that_is_refused_or_tells_nothing() {
    for status in [200, 401, 405] {
        let server = TestServer::start(move |request: &Received| match request.method.as_str() {
            "HEAD" => Reply::new(status),
            _ => Reply::new(200).body(manifest().bytes().clone()),
        })
        .await;
        let digest = registry(&server).resolve(&app(), &v1()).await.unwrap();
        assert_eq!(digest.as_ref(), Some(manifest().digest()), "{status}");
    }
}

#[tokio::test]
async fn what_is_missing_resolves_to_none() {
    let server = TestServer::start(|_| Reply::new(404)).await;
    assert_eq!(registry(&server).resolve(&app(), &v1()).await.unwrap(), None);
    let error = registry(&server).manifest(&app(), &v1()).await.unwrap_err();
    assert_eq!(error.class(), Class::NotFound);
}

#[tokio::test]
async fn a_manifest_is_verified_against_the_digest_that_the_registry_tells() {
    let told = Digest::of(b"other");
    let server = TestServer::start(move |_| {
        Reply::new(200).header("Docker-Content-Digest", told.as_str()).body(manifest().bytes().clone())
    })
    .await;
    let error = registry(&server).manifest(&app(), &v1()).await.unwrap_err();
    assert!(matches!(error, EndpointError::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_is_sent_as_it_came_and_its_subject_may_be_listed() {
    let server = TestServer::start(|_| Reply::new(201).header("OCI-Subject", "sha256:x")).await;
    let text = r#"{ "schemaVersion":2, "layers":[], "subject": {"mediaType":"a/b","digest":"DIGEST","size":1} }"#;
    let text = text.replace("DIGEST", Digest::of(b"x").as_str());
    let manifest =
        Manifest::new(Some("application/vnd.oci.image.manifest.v1+json"), text.clone().into(), None).unwrap();
    assert!(registry(&server).put_manifest(&app(), &v1(), &manifest).await.unwrap().subject_listed);
    let sent = server.received().pop().unwrap();
    assert_eq!((sent.line(), sent.body), ("PUT /v2/team/app/manifests/v1".to_owned(), Bytes::from(text)));
    assert_eq!(sent.headers["content-type"], "application/vnd.oci.image.manifest.v1+json");

    let silent = TestServer::start(|_| Reply::new(201)).await;
    assert!(!registry(&silent).put_manifest(&app(), &v1(), &manifest).await.unwrap().subject_listed);
}

#[tokio::test]
async fn a_mount_is_taken_refused_with_a_session_or_refused() {
    for (status, mounted, session) in
        [(201, true, false), (202, false, true), (401, false, false), (404, false, false), (405, false, false)]
    {
        let server = TestServer::start(move |_| Reply::new(status).header("Location", "/session?state=a%2Fb")).await;
        let outcome = registry(&server).mount_blob(&app(), &blob(CONTENT), &"team/base".parse().unwrap()).await;
        let expected = match outcome.unwrap() {
            Mount::Mounted => mounted,
            Mount::Refused(Some(Session(upload))) => session && upload.location == server.url("/session?state=a%2Fb"),
            Mount::Refused(None) => !mounted && !session,
        };
        assert!(expected, "{status}");
        let digest = blob(CONTENT).digest.as_str().replace(':', "%3A");
        let line = format!("POST /v2/team/app/blobs/uploads/?mount={digest}&from=team%2Fbase");
        assert!(lines(&server).contains(&line));
    }
}

#[tokio::test]
async fn an_upload_is_one_post_and_one_put_and_keeps_the_query_of_its_location() {
    let server = TestServer::start(|request: &Received| match request.method.as_str() {
        "POST" => Reply::new(202).header("Location", "/up/1?state=a%2Fb"),
        _ => Reply::new(201),
    })
    .await;
    registry(&server).push_blob(&app(), &blob(CONTENT), None, bytes(CONTENT)).await.unwrap();
    let digest = blob(CONTENT).digest.as_str().replace(':', "%3A");
    let put = format!("PUT /up/1?state=a%2Fb&digest={digest}");
    assert_eq!(lines(&server), ["POST /v2/team/app/blobs/uploads/".to_owned(), put]);
    let put = server.received().pop().unwrap();
    assert_eq!((put.header("content-length"), &put.body[..]), ("10", CONTENT));
}

#[tokio::test]
async fn a_session_that_a_mount_opened_is_used() {
    let server = TestServer::start(|_| Reply::new(201)).await;
    let upload = Upload { location: server.url("/up/1"), minimum: 0 };
    registry(&server).push_blob(&app(), &blob(b""), Some(upload), bytes(b"")).await.unwrap();
    let digest = blob(b"").digest.as_str().replace(':', "%3A");
    assert_eq!(lines(&server), [format!("PUT /up/1?digest={digest}")]);
    assert_eq!(server.received().pop().unwrap().header("content-length"), "0");
}

#[tokio::test]
async fn a_put_that_failed_after_the_registry_took_the_blob_is_a_success() {
    let server = TestServer::start(|request: &Received| match request.method.as_str() {
        "POST" => Reply::new(202).header("Location", "/up/1"),
        "PUT" => Reply::new(500),
        _ => Reply::new(200),
    })
    .await;
    registry(&server).push_blob(&app(), &blob(CONTENT), None, bytes(CONTENT)).await.unwrap();
    assert_eq!((server.count("PUT"), server.count("HEAD"), server.count("DELETE")), (1, 1, 0));
}

#[tokio::test]
async fn an_upload_that_failed_is_given_up() {
    let server = TestServer::start(|request: &Received| match request.method.as_str() {
        "POST" => Reply::new(202).header("Location", "/up/1"),
        "PUT" => Reply::new(500),
        "HEAD" => Reply::new(404),
        _ => Reply::new(204),
    })
    .await;
    let error = registry(&server).push_blob(&app(), &blob(CONTENT), None, bytes(CONTENT)).await.unwrap_err();
    assert_eq!(error.class(), Class::Retry);
    assert_eq!(lines(&server).last().unwrap(), "DELETE /up/1");
}

#[tokio::test]
async fn a_corrupt_source_is_the_error_and_the_blob_is_never_whole_at_the_registry() {
    let server = TestServer::start(|request: &Received| match request.method.as_str() {
        "POST" => Reply::new(202).header("Location", "/up/1"),
        _ => Reply::new(201),
    })
    .await;
    let source = crate::endpoint::verify::verified(bytes(b"0123456780"), "source.test", &blob(CONTENT));
    let error = registry(&server).push_blob(&app(), &blob(CONTENT), None, source).await.unwrap_err();
    assert!(error.to_string().starts_with("source.test: blob"), "{error}");
    assert!(server.received().iter().all(|request| request.body.len() < CONTENT.len()));
    assert_eq!(lines(&server).last().unwrap(), "DELETE /up/1");
}

#[tokio::test]
async fn a_registry_that_refuses_a_long_put_gets_chunks_the_next_time() {
    const MIB: usize = 1 << 20;
    let server = TestServer::start(|request: &Received| {
        let length: usize = request.header("content-length").parse().unwrap_or_default();
        match request.method.as_str() {
            "POST" => Reply::new(202).header("Location", "/up/0"),
            "PATCH" => {
                Reply::new(202).header("Location", format!("{}x?s=1", request.target.split('?').next().unwrap()))
            }
            "PUT" if length > 5 * MIB => Reply::new(413),
            "PUT" => Reply::new(201),
            _ => Reply::new(204),
        }
    })
    .await;
    let (registry, content) = (registry(&server), vec![7; 9 * MIB]);
    let error = registry.push_blob(&app(), &blob(&content), None, bytes(&content)).await.unwrap_err();
    assert_eq!(error.class(), Class::RestartBlob);
    registry.push_blob(&app(), &blob(&content), None, bytes(&content)).await.unwrap();

    let received = server.received();
    let chunks = received.iter().filter(|request| request.method == "PATCH");
    let seen: Vec<_> = chunks.map(|it| (it.target.as_str(), it.header("content-range"), it.body.len())).collect();
    assert_eq!(
        seen,
        [
            ("/up/0", "0-4194303", 4 * MIB),
            ("/up/0x?s=1", "4194304-8388607", 4 * MIB),
            ("/up/0xx?s=1", "8388608-9437183", MIB),
        ]
    );
    let digest = blob(&content).digest.as_str().replace(':', "%3A");
    assert_eq!(received.last().unwrap().line(), format!("PUT /up/0xxx?s=1&digest={digest}"));

    let small = registry.push_blob(&app(), &blob(CONTENT), None, bytes(CONTENT)).await;
    assert!(small.is_ok() && server.count("PATCH") == 3);
}

#[tokio::test]
async fn referrers_come_from_the_api_page_by_page() {
    let [first, second] = [blob(b"1"), blob(b"2")];
    let expected = [first.clone(), second.clone()];
    let server = TestServer::start(move |request: &Received| {
        if request.target.ends_with("page=2") {
            return Reply::new(200).body(json!({"manifests": [second]}).to_string());
        }
        let link = format!("<{}?page=2>; rel=\"next\"", request.target);
        Reply::new(200).header("Link", link).body(json!({"manifests": [first]}).to_string())
    })
    .await;
    assert_eq!(registry(&server).referrers(&app(), &Digest::of(b"subject")).await.unwrap(), expected);
}

#[tokio::test]
async fn without_the_api_referrers_come_from_the_fallback_tag() {
    let (subject, listed) = (Digest::of(b"subject"), blob(b"1"));
    let (fallback, expected) = (format!("/v2/team/app/manifests/sha256-{}", subject.hex()), listed.clone());
    let server = TestServer::start(move |request: &Received| {
        let index = json!({"schemaVersion": 2, "manifests": [listed]}).to_string();
        if request.target == fallback { Reply::new(200).body(index) } else { Reply::new(404) }
    })
    .await;
    assert_eq!(registry(&server).referrers(&app(), &subject).await.unwrap(), [expected]);
    assert_eq!(registry(&server).referrers(&app(), &Digest::of(b"lonely")).await.unwrap(), []);
}
