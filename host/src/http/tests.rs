mod reach;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use futures_util::TryStreamExt;
use futures_util::stream;

use super::testserver::Reply;
use super::testserver::TestServer;
use super::*;
use crate::limit::Rates;

fn gateway() -> Gateway {
    Gateway::new(Arc::new(Limiter::new(&Rates::default())))
}

fn patient_for(idle: Duration) -> Gateway {
    let patience = Patience { idle, ..Patience::default() };
    Gateway::for_user(Arc::new(Limiter::new(&Rates::default())), Named::default(), patience)
}

fn request(method: Method, url: Url, body: Body) -> Request {
    Request { method, url, headers: HeaderMap::new(), body }
}

fn get(url: Url) -> Request {
    request(Method::GET, url, Body::Empty)
}

fn frames(frames: usize, size: usize) -> ByteStream {
    stream::iter(std::iter::repeat_n(Bytes::from(vec![7; size]), frames).map(Ok)).boxed()
}

fn failure(outcome: Result<Response, HttpError>) -> HttpError {
    match outcome {
        Ok(response) => panic!("expected an error, got {}", response.status()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_streamed_body_goes_with_its_length_and_not_chunked() {
    let server = TestServer::start(|_| Reply::new(201)).await;
    let body = Body::Stream { length: 300_000, stream: frames(3, 100_000) };
    let response =
        gateway().send(&Profile::default(), request(Method::PUT, server.url("/up"), body)).await.expect("answer");
    assert_eq!(response.status(), 201);
    let received = &server.received()[0];
    assert_eq!((received.header("content-length"), received.header("transfer-encoding")), ("300000", ""));
    assert_eq!(received.body.len(), 300_000);
    assert!(received.header("user-agent").starts_with("image-transfer/"));
    assert_eq!(received.header("accept-encoding"), "identity");
}

#[tokio::test]
async fn a_post_without_a_body_says_so() {
    let server = TestServer::start(|_| Reply::new(202)).await;
    gateway().send(&Profile::default(), request(Method::POST, server.url("/"), Body::Empty)).await.expect("answer");
    assert_eq!(server.received()[0].header("content-length"), "0");
}

#[tokio::test]
async fn an_early_answer_to_an_upload_is_seen() {
    let server = TestServer::start_early(|_| Reply::new(413)).await;
    for _ in 0..10 {
        let body = Body::Stream { length: 64 << 20, stream: frames(64, 1 << 20) };
        let outcome = gateway().send(&Profile::default(), request(Method::PUT, server.url("/up"), body)).await;
        assert_eq!(outcome.expect("the answer, not a broken connection").status(), 413);
    }
}

#[tokio::test]
async fn a_failing_source_aborts_the_upload() {
    let server = TestServer::start(|_| Reply::new(201)).await;
    let stream = frames(1, 10).chain(stream::iter([Err(std::io::Error::other("digest does not match"))])).boxed();
    let body = Body::Stream { length: 20, stream };
    let error = failure(gateway().send(&Profile::default(), request(Method::PUT, server.url("/up"), body)).await);
    assert_eq!(error.to_string(), format!("request to {} given up: digest does not match", server.host()));
}

#[tokio::test]
async fn authorization_does_not_follow_a_redirect_to_another_origin() {
    let storage = TestServer::start(|_| Reply::new(200).body("blob")).await;
    let target = storage.url("/signed?key=1").to_string();
    let registry = TestServer::start(move |_| Reply::new(307).header("Location", target.clone())).await;
    let mut ask = get(registry.url("/v2/a/blobs/b"));
    ask.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer not-a-real-token"));
    let response = gateway().send(&Profile::default(), ask).await.expect("answer");
    assert_eq!(response.bytes(10).await.expect("body"), "blob");
    assert_eq!(registry.received()[0].header("authorization"), "Bearer not-a-real-token");
    assert_eq!(storage.received()[0].header("authorization"), "");
}

#[tokio::test]
async fn a_redirect_loop_ends_after_ten() {
    let server = TestServer::start(|_| Reply::new(302).header("Location", "/again")).await;
    let gateway = gateway();
    let error = failure(gateway.send(&Profile::default(), get(server.url("/"))).await);
    assert_eq!(error.to_string(), format!("{} redirects more than 10 times in a row", server.host()));
    assert_eq!(gateway.limiter().counts(), [(server.host(), 11)]);
}

#[tokio::test]
async fn a_plugin_sees_redirects_and_no_private_address() {
    let server = TestServer::start(|_| Reply::new(302).header("Location", "/elsewhere")).await;
    let guest = Profile { no_redirects: true, ..Profile::default() };
    assert_eq!(gateway().send(&guest, get(server.url("/"))).await.expect("answer").status(), 302);

    let public = Profile { reach: Reach::Public, ..guest };
    let error = failure(gateway().send(&public, get(server.url("/"))).await);
    assert_eq!(error.to_string(), format!("{} is a private address", server.host()));
    assert_eq!(error.class(), Class::Permanent);
}

#[tokio::test]
async fn a_body_longer_than_the_cap_is_refused() {
    let server = TestServer::start(|_| Reply::new(200).body(vec![0; 1000])).await;
    let response = gateway().send(&Profile::default(), get(server.url("/"))).await.expect("answer");
    let error = response.bytes(999).await.expect_err("too large");
    assert_eq!(error.to_string(), format!("answer of {} is longer than 999 bytes", server.host()));
}

#[tokio::test]
async fn a_truncated_body_is_an_error_of_the_stream() {
    let server = TestServer::start(|_| Reply::new(200).body(vec![0; 1000]).cut(500)).await;
    let response = gateway().send(&Profile::default(), get(server.url("/"))).await.expect("answer");
    let error = response.stream().try_collect::<Vec<_>>().await.expect_err("truncated");
    let class = error.get_ref().and_then(|it| it.downcast_ref::<HttpError>()).map(HttpError::class);
    assert_eq!(class, Some(Class::Retry));
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    let server = TestServer::start(|_| Reply::new(200).header("Content-Encoding", "gzip").body("x")).await;
    let response = gateway().send(&Profile::default(), get(server.url("/"))).await.expect("answer");
    assert!(matches!(response.check_identity(), Err(HttpError::Encoded { encoding, .. }) if encoding == "gzip"));
}

#[tokio::test]
async fn messages_say_what_people_search_for_and_hide_queries() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port").local_addr().expect("address");
    let url: Url = format!("http://{free}/v2/?signature=not-a-real-one").parse().expect("url");
    let error = failure(gateway().send(&Profile::default(), get(url)).await);
    assert_eq!(error.to_string(), format!("cannot connect to {free}: connection refused"));

    let server = TestServer::start(|_| Reply::new(400)).await;
    let url: Url = format!("https://{}/", server.host()).parse().expect("url");
    let error = failure(gateway().send(&Profile::default(), get(url)).await);
    assert!(error.to_string().starts_with(&format!("no secure connection to {}: ", server.host())), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let url: Url = format!("http://{}/", silent.local_addr().expect("address")).parse().expect("url");
    let gateway = patient_for(Duration::from_millis(50));
    let error = failure(gateway.send(&Profile::default(), get(url)).await);
    assert!(matches!(error, HttpError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_slow_source_is_no_idle_server() {
    let server = TestServer::start(|_| Reply::new(201)).await;
    let idle = Duration::from_millis(20);
    let gateway = patient_for(idle);
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let late = stream::once(async move { gone.await.map(|()| Bytes::from("x")).map_err(std::io::Error::other) });
    let body = Body::Stream { length: 2, stream: frames(1, 1).chain(late).boxed() };
    let profile = Profile::default();
    let mut sent = std::pin::pin!(gateway.send(&profile, request(Method::PUT, server.url("/up"), body)));
    assert!(tokio::time::timeout(4 * idle, &mut sent).await.is_err(), "it waits for its source");
    go.send(()).expect("still sending");
    assert_eq!(sent.await.expect("answer").status(), 201);
}

#[tokio::test]
async fn a_429_closes_the_gate_of_its_host() {
    let answers = AtomicUsize::new(0);
    let server = TestServer::start(move |_| match answers.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::new(429).header("Retry-After", "3600"),
        _ => Reply::new(200),
    })
    .await;
    let gateway = gateway();
    assert_eq!(gateway.send(&Profile::default(), get(server.url("/"))).await.expect("answer").status(), 429);
    let next =
        tokio::time::timeout(Duration::from_millis(50), gateway.send(&Profile::default(), get(server.url("/")))).await;
    assert!(next.is_err(), "the gate is closed");
    assert_eq!(server.received().len(), 1);
}
