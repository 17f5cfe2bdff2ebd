//! How a registry is found.

use super::*;

#[tokio::test]
async fn a_dead_registry_is_asked_for_once_and_its_error_shared() {
    let server = TestServer::start(|_| Reply::new(503)).await;
    let client = client(&server, Login::Anonymous);
    let asks = (0..16).map(|_| get(&client, "/v2/team/app/tags/list"));
    for outcome in futures_util::future::join_all(asks).await {
        let error = failure(outcome);
        assert_eq!(error.to_string(), format!("{}: GET /v2/: 503 Service Unavailable", server.host()));
        assert_eq!(error.class(), Class::Retry);
    }
    let lines = server.lines();
    assert_eq!(lines[0], "GET /v2/team/app/tags/list", "the first request is as good as a greeting");
    assert_eq!(lines[1..], ["GET /v2/"; 5]);
}

#[tokio::test]
async fn the_first_request_stands_for_the_greeting_where_nobody_logs_in() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let client = client(&server, Login::Anonymous);
    let asks = (0..16).map(|_| get(&client, "/v2/team/app/tags/list"));
    for outcome in futures_util::future::join_all(asks).await {
        assert_eq!(outcome.expect("answer").status(), 200);
    }
    assert_eq!(server.lines(), ["GET /v2/team/app/tags/list"; 16]);
}

#[tokio::test]
async fn a_first_request_that_is_refused_teaches_how_to_log_in() {
    let server = token_registry(|_| true).await;
    let client = client(&server, Login::Anonymous);
    let asks = (0..16).map(|_| get(&client, "/v2/team/app/tags/list"));
    for outcome in futures_util::future::join_all(asks).await {
        assert_eq!(outcome.expect("answer").status(), 200);
    }
    assert_eq!((server.count("GET /token"), server.count("GET /v2/team")), (1, 17));
    assert!(!server.lines().iter().any(|line| line == "GET /v2/"), "{:?}", server.lines());
}

#[tokio::test]
async fn a_loopback_registry_is_spoken_to_in_plain_http_if_it_speaks_no_tls() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    for settings in [Settings::default(), Settings { insecure: true, ..Settings::default() }] {
        let client = client_with(&server, &Settings { login: Login::Anonymous, ..settings }, Places::default());
        assert_eq!(client.url("/v2/a?n=1").await.expect("url"), server.url("/v2/a?n=1"));
    }
    assert_eq!(server.count("GET /v2/"), 2);
}
