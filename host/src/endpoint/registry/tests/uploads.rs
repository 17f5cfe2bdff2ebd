//! Blobs as they are written and mounted.

use super::*;

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
    let upload = Upload { location: server.url("/up/1"), minimum: 0, offset: Some(0), refused: None };
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
    let error = registry(&server).push_blob(&app(), &blob(CONTENT), None, bytes(CONTENT)).await.unwrap_err().error;
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
    let error = registry(&server).push_blob(&app(), &blob(CONTENT), None, source).await.unwrap_err().error;
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
    let error = registry.push_blob(&app(), &blob(&content), None, bytes(&content)).await.unwrap_err().error;
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

/// A registry that has half of `blob` in session 1, of which it says `ranges` one after the other, and that goes on from `end` only.
async fn half_way(ranges: &'static [u64], end: u64) -> TestServer {
    let asked = AtomicUsize::new(0);
    TestServer::start(move |request: &Received| match request.method.as_str() {
        "POST" => Reply::new(202).header("Location", "/up/2"),
        "GET" if request.target.starts_with("/up/") => {
            let range = ranges[asked.fetch_add(1, Ordering::SeqCst).min(ranges.len() - 1)];
            Reply::new(204).header("Range", format!("0-{}", range - 1)).header("Location", "/up/1?state=1")
        }
        "PATCH" if !request.header("content-range").starts_with(&format!("{end}-")) => Reply::new(416),
        "PATCH" => Reply::new(202),
        "PUT" => Reply::new(201),
        _ => Reply::new(404),
    })
    .await
}

/// Uploads a blob of 2 MiB, beginning with session 1, until that is done; the requests.
async fn gone_on_with(server: &TestServer) -> Vec<String> {
    let (registry, content) = (registry(server), vec![7; 2 << 20]);
    let mut session = Some(registry.reopen("/up/1").await.unwrap());
    for _ in 0..3 {
        match registry.push_blob(&app(), &blob(&content), session.take(), bytes(&content)).await {
            Ok(()) => return lines(server),
            Err(broken) => {
                assert_eq!(broken.error.class(), Class::Retry);
                session = broken.session;
            }
        }
    }
    panic!("{:?}", lines(server))
}

#[tokio::test]
async fn a_session_that_was_further_than_its_registry_said_goes_on() {
    let server = half_way(&[1 << 19, 1 << 20], 1 << 20).await;
    let lines = gone_on_with(&server).await;
    let (get, patch) = ("GET /up/1", "PATCH /up/1?state=1");
    assert_eq!(lines[..4], [get, patch, "GET /up/1?state=1", patch]);
    assert!(lines[4].starts_with("PUT /up/1?state=1&digest=") && lines.len() == 5, "{lines:?}");
}

#[tokio::test]
async fn a_session_that_does_not_go_on_where_it_says_that_it_is_is_given_up() {
    let server = half_way(&[1 << 19], 1 << 20).await;
    let lines = gone_on_with(&server).await;
    let expected = [
        "GET /up/1",
        "PATCH /up/1?state=1",
        "GET /up/1?state=1",
        "DELETE /up/1?state=1",
        "POST /v2/team/app/blobs/uploads/",
    ];
    assert_eq!(lines[..5], expected);
    assert!(lines[5].starts_with("PUT /up/2?digest=") && lines.len() == 6, "{lines:?}");
}
