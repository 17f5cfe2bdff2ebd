mod reach;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;

use super::*;
use crate::endpoint::Credential;
use crate::endpoint::Issuer;
use crate::endpoint::Login;
use crate::http::testserver::Received;
use crate::http::testserver::Reply;
use crate::http::testserver::TestServer;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::oci::Repository;
use crate::secret::Secret;

fn basic_login() -> Login {
    Login::Given(Credential::Basic { username: "ann".to_owned(), password: Secret::new("placeholder") })
}

fn client(server: &TestServer, login: Login) -> Client {
    let settings = Settings { plain_http: true, login, ..Settings::default() };
    client_with(server, &settings, Places::default())
}

fn client_with(server: &TestServer, settings: &Settings, places: Places) -> Client {
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    let back_off = BackOff { base: Duration::from_millis(1), ..BackOff::default() };
    Client::build(gateway, &server.host(), settings, places, back_off)
}

fn repository() -> Repository {
    "team/app".parse().expect("name")
}

async fn ask(client: &Client, method: Method, path: &str, body: Body) -> Result<Response, EndpointError> {
    let url = client.url(path).await?;
    client.send(&[Scope::pull(&repository())], Request { method, url, headers: HeaderMap::new(), body }).await
}

async fn get(client: &Client, path: &str) -> Result<Response, EndpointError> {
    ask(client, Method::GET, path, Body::Empty).await
}

fn failure(outcome: Result<Response, EndpointError>) -> EndpointError {
    match outcome {
        Ok(response) => panic!("expected an error, got {}", response.status()),
        Err(error) => error,
    }
}

fn challenge(request: &Received, error: &str) -> Reply {
    let realm = format!("http://{}/token", request.header("host"));
    let error = if error.is_empty() { String::new() } else { format!(",error=\"{error}\"") };
    let value = format!("Bearer realm=\"{realm}\",service=\"test\",scope=\"repository:team/app:pull\"{error}");
    Reply::new(401)
        .header("WWW-Authenticate", value)
        .body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#)
}

/// A registry with a token server that gives `t1`, `t2`, … and takes the tokens that `valid` says.
async fn token_registry(valid: impl Fn(&str) -> bool + Send + Sync + 'static) -> TestServer {
    let given = AtomicUsize::new(0);
    TestServer::start(move |request| {
        if request.target.starts_with("/token") {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::new(200).body(format!(r#"{{"token":"t{number}","expires_in":300}}"#));
        }
        match request.header("authorization").strip_prefix("Bearer ") {
            Some(token) if valid(token) => Reply::new(200).body("content"),
            Some(_) => challenge(request, "invalid_token"),
            None => challenge(request, ""),
        }
    })
    .await
}

#[tokio::test]
async fn thirty_two_requests_cost_one_ping_and_one_token() {
    let server = token_registry(|_| true).await;
    let client = client(&server, basic_login());
    let asks = (0..32).map(|_| get(&client, "/v2/team/app/tags/list"));
    for outcome in futures_util::future::join_all(asks).await {
        assert_eq!(outcome.expect("answer").status(), 200);
    }
    assert_eq!((server.count("GET /v2/ "), server.count("GET /token"), server.count("GET /v2/team")), (0, 1, 32));
    assert_eq!(server.lines().iter().filter(|line| *line == "GET /v2/").count(), 1);
    let token = server.received().into_iter().find(|it| it.target.starts_with("/token")).expect("token request");
    assert_eq!(token.target, "/token?service=test&scope=repository%3Ateam%2Fapp%3Apull&account=ann");
    assert_eq!(token.header("authorization"), "Basic YW5uOnBsYWNlaG9sZGVy");
}

#[tokio::test]
async fn a_cancelled_waiter_leaves_the_others_their_token() {
    let server = token_registry(|_| true).await;
    let client = client(&server, Login::Anonymous);
    // The first is dropped in the middle of its ping or token fetch.
    let first = tokio::time::timeout(Duration::from_micros(300), get(&client, "/v2/team/app/tags/list")).await;
    drop(first);
    assert_eq!(get(&client, "/v2/team/app/tags/list").await.expect("answer").status(), 200);
}

#[tokio::test]
async fn a_registry_that_asks_for_a_token_only_later_is_understood_by_all_at_once() {
    let server = TestServer::start(|request| match (request.target.as_str(), request.header("authorization")) {
        ("/v2/", _) => Reply::new(200),
        (target, _) if target.starts_with("/token") => Reply::new(200).body(r#"{"token":"t"}"#),
        (_, "") => challenge(request, ""),
        _ => Reply::new(200),
    })
    .await;
    let client = client(&server, basic_login());
    let asks = (0..16).map(|_| get(&client, "/v2/team/app/tags/list"));
    for outcome in futures_util::future::join_all(asks).await {
        assert_eq!(outcome.expect("answer").status(), 200);
    }
    assert_eq!(server.count("GET /token"), 1);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let server = token_registry(|token| token == "t2").await;
    let client = client(&server, basic_login());
    assert_eq!(get(&client, "/v2/team/app/tags/list").await.expect("answer").status(), 200);
    assert_eq!(server.count("GET /token"), 2);
    assert_eq!(server.count("GET /v2/team"), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_a_permanent_error() {
    let server = token_registry(|_| false).await;
    let error = failure(get(&client(&server, basic_login()), "/v2/team/app/tags/list").await);
    assert_eq!((error.class(), error.status()), (Class::Permanent, Some(StatusCode::UNAUTHORIZED)));
    assert_eq!(server.count("GET /token"), 2);
    let expected = format!(
        "{}: GET /v2/team/app/tags/list: 401 Unauthorized: UNAUTHORIZED: authentication required",
        server.host()
    );
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().expect("hint").contains("what ann may do"));
}

#[tokio::test]
async fn a_scope_that_is_held_and_not_enough_is_not_asked_for_again() {
    let server = TestServer::start(|request| match request.target.as_str() {
        target if target.starts_with("/token") => Reply::new(200).body(r#"{"access_token":"t"}"#),
        _ => challenge(request, "insufficient_scope"),
    })
    .await;
    let error = failure(get(&client(&server, Login::Anonymous), "/v2/team/app/tags/list").await);
    assert_eq!(error.class(), Class::Permanent);
    // The first of the two stood for the greeting.
    assert_eq!((server.count("GET /token"), server.count("GET /v2/team")), (1, 2));
    let host = server.host();
    let hint = format!("no credentials for {host}: add it to `registries:` or run `docker login {host}`");
    assert_eq!(error.hint(), Some(hint));
}

#[tokio::test]
async fn harbor_may_answer_a_stale_token_with_basic() {
    let given = AtomicUsize::new(0);
    let server = TestServer::start(move |request| {
        if request.target.starts_with("/service/token") {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::new(200).body(format!(r#"{{"token":"t{number}"}}"#));
        }
        match (request.target.as_str(), request.header("authorization")) {
            ("/v2/_catalog", header) if header.starts_with("Basic ") => Reply::new(200).body("catalog"),
            ("/v2/team/app/tags/list", "Bearer t2") => Reply::new(200).body("tags"),
            (_, "") => Reply::new(401).header("WWW-Authenticate", "Bearer realm=\"/service/token\",service=\"harbor\""),
            _ => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"harbor\""),
        }
    })
    .await;
    let client = client(&server, basic_login());
    assert_eq!(get(&client, "/v2/team/app/tags/list").await.expect("a new token").status(), 200);

    // Its catalog takes Basic alone; that is learned, and the second page goes there at once.
    for _ in 0..2 {
        let url = client.url("/v2/_catalog").await.expect("url");
        let request = Request { method: Method::GET, url, headers: HeaderMap::new(), body: Body::Empty };
        assert_eq!(client.send(&[Scope::catalog()], request).await.expect("basic").status(), 200);
    }
    assert_eq!(server.count("GET /v2/_catalog"), 4);
}

#[tokio::test]
async fn a_wrong_password_is_told_with_registry_and_user() {
    let server = TestServer::start(|request| match request.target.as_str() {
        target if target.starts_with("/token") => {
            Reply::new(401).body(r#"{"details":"incorrect username or password"}"#)
        }
        _ => challenge(request, ""),
    })
    .await;
    let host = server.host();
    let error = failure(get(&client(&server, basic_login()), "/v2/team/app/tags/list").await);
    let expected = format!("{host}: login of ann refused: 401 Unauthorized: incorrect username or password");
    assert_eq!(error.to_string(), expected);
    let hint = format!("check the password of ann for {host} in `registries:`, or run `docker login {host}` again");
    assert_eq!((error.hint(), error.class()), (Some(hint), Class::Permanent));
}

#[tokio::test]
async fn basic_goes_with_each_request_where_that_is_asked_for() {
    let server = TestServer::start(|request| match request.header("authorization") {
        "Basic YW5uOnBsYWNlaG9sZGVy" => Reply::new(200),
        _ => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"test\""),
    })
    .await;
    assert_eq!(get(&client(&server, basic_login()), "/v2/a").await.expect("answer").status(), 200);
    assert_eq!(server.lines(), ["GET /v2/", "GET /v2/a"]);

    let error = failure(get(&client(&server, Login::Anonymous), "/v2/a").await);
    assert!(error.hint().expect("hint").starts_with("no credentials for "));
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn an_identity_token_goes_by_post_and_falls_back_to_get() {
    for (post, lines) in [
        (200, ["POST /token"].as_slice()),
        (404, &["POST /token", "GET /token?service=test&scope=repository%3Ateam%2Fapp%3Apull"]),
    ] {
        let server =
            TestServer::start(move |request| match (request.method.as_str(), request.header("authorization")) {
                ("POST", _) => Reply::new(post).body(r#"{"access_token":"t"}"#),
                (_, "Bearer t") => Reply::new(200),
                _ if request.target.starts_with("/token") => Reply::new(200).body(r#"{"token":"t"}"#),
                _ => challenge(request, ""),
            })
            .await;
        let login = Login::Given(Credential::IdentityToken(Secret::new("identity")));
        assert_eq!(get(&client(&server, login), "/v2/team/app/tags/list").await.expect("answer").status(), 200);
        let received = server.received();
        let tokens: Vec<_> = received.iter().filter(|it| it.target.starts_with("/token")).collect();
        assert_eq!(tokens.iter().map(|it| it.line()).collect::<Vec<_>>(), lines);
        let form = "grant_type=refresh_token&client_id=image-transfer&service=test&scope=repository%3Ateam%2Fapp%3Apull&refresh_token=identity";
        assert_eq!(tokens[0].body, form);
    }
}

#[tokio::test]
async fn no_authorization_goes_to_a_foreign_location() {
    let foreign = TestServer::start(|_| Reply::new(200)).await;
    let server = token_registry(|_| true).await;
    let client = client(&server, basic_login());
    get(&client, "/v2/team/app/tags/list").await.expect("answer");
    let location = foreign.url("/upload?signature=x").to_string();
    get(&client, &location).await.expect("answer");
    assert_eq!(foreign.received()[0].header("authorization"), "");
    assert_eq!(foreign.lines(), ["GET /upload?signature=x"]);
}

#[tokio::test]
async fn a_401_of_a_storage_host_costs_no_token() {
    let storage = TestServer::start(|_| Reply::new(401).header("WWW-Authenticate", "Basic realm=\"storage\"")).await;
    let location = storage.url("/blob").to_string();
    let server = TestServer::start(move |request| match request.target.as_str() {
        "/v2/" => Reply::new(200),
        _ => Reply::new(307).header("Location", location.clone()),
    })
    .await;
    let error = failure(get(&client(&server, basic_login()), "/v2/team/app/blobs/x").await);
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!((storage.received().len(), storage.received()[0].header("authorization").len()), (1, 0));
}

#[tokio::test]
async fn what_is_small_is_tried_again() {
    let asked = AtomicUsize::new(0);
    let server = TestServer::start(move |request| match request.target.as_str() {
        "/v2/" => Reply::new(200),
        _ => match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::new(503),
            1 => Reply::new(429).header("Retry-After", "0"),
            2 => Reply::new(429).header("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),
            _ => Reply::new(201),
        },
    })
    .await;
    let body = Body::Bytes("manifest".into());
    let response = ask(&client(&server, Login::Anonymous), Method::PUT, "/v2/team/app/manifests/1", body).await;
    assert_eq!(response.expect("answer").status(), 201);
    assert!(server.received()[1..].iter().all(|request| request.body == "manifest"));
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn five_failures_are_enough_and_permanent_ones_are_not_repeated() {
    let server = TestServer::start(|request| match request.target.as_str() {
        "/v2/" => Reply::new(200),
        "/v2/broken" => Reply::new(500),
        _ => Reply::new(404).body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#),
    })
    .await;
    let client = client(&server, Login::Anonymous);
    client.greet().await.expect("greeting");
    assert_eq!(failure(get(&client, "/v2/broken").await).class(), Class::Retry);
    assert_eq!(server.count("GET /v2/broken"), 5);
    let error = failure(get(&client, "/v2/missing").await);
    assert_eq!((error.class(), error.has_code("MANIFEST_UNKNOWN")), (Class::NotFound, true));
    assert_eq!(server.count("GET /v2/missing"), 1);
}

#[tokio::test]
async fn a_stream_is_sent_once_and_its_stale_token_is_forgotten() {
    let server = token_registry(|token| token == "t2").await;
    let client = client(&server, basic_login());
    let upload = || Body::Stream { length: 4, stream: stream::iter([Ok("blob".into())]).boxed() };
    let error = failure(ask(&client, Method::PUT, "/v2/team/app/blobs/uploads/1", upload()).await);
    assert_eq!((error.class(), server.count("PUT ")), (Class::Reauthenticate, 1));
    let response = ask(&client, Method::PUT, "/v2/team/app/blobs/uploads/1", upload()).await;
    assert_eq!(response.expect("a new token").status(), 200);
}

#[tokio::test]
async fn a_token_is_renewed_when_it_would_not_live_long_enough() {
    let server = token_registry(|_| true).await;
    let client = client(&server, Login::Anonymous);
    let scopes = [Scope::pull(&repository())];
    for _ in 0..3 {
        client.ensure_token(&scopes, Duration::from_mins(2)).await.expect("token");
    }
    assert_eq!(server.count("GET /token"), 1);
}

#[tokio::test]
async fn logins_come_from_files_by_repository() {
    let directory = tempfile::tempdir().expect("directory");
    let server = token_registry(|_| true).await;
    let file = directory.path().join("config.json");
    let (host, login) = (server.host(), r#"{"username":"ann","password":"placeholder"}"#);
    std::fs::write(&file, format!(r#"{{"auths":{{"{host}/team":{login}}}}}"#)).expect("file");
    let settings = Settings { plain_http: true, ..Settings::default() };
    let client = client_with(&server, &settings, Places { files: vec![file], path: None });
    get(&client, "/v2/team/app/tags/list").await.expect("answer");
    let token = server.received().into_iter().find(|it| it.target.starts_with("/token")).expect("token request");
    assert_eq!(token.header("authorization"), "Basic YW5uOnBsYWNlaG9sZGVy");
}

struct Counting(AtomicUsize);

impl Issuer for Counting {
    fn issue(&self, registry: &str) -> BoxFuture<'_, Result<(Credential, Option<Duration>), String>> {
        let registry = registry.to_owned();
        Box::pin(async move {
            let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            let password = Secret::new(format!("placeholder-{number}"));
            assert!(registry.starts_with("127.0.0.1:"));
            Ok((Credential::Basic { username: "robot".to_owned(), password }, Some(Duration::from_hours(1))))
        })
    }
}

#[tokio::test]
async fn an_issued_credential_is_asked_for_once_and_again_when_it_is_refused() {
    // "robot:placeholder-2" in Basic.
    let server = TestServer::start(|request| match request.header("authorization") {
        "Basic cm9ib3Q6cGxhY2Vob2xkZXItMg==" => Reply::new(200),
        _ => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"test\""),
    })
    .await;
    let issuer = Arc::new(Counting(AtomicUsize::new(0)));
    let client = client(&server, Login::Issued(issuer.clone()));
    for _ in 0..3 {
        assert_eq!(get(&client, "/v2/a").await.expect("answer").status(), 200);
    }
    assert_eq!(issuer.0.load(Ordering::SeqCst), 2);
}
