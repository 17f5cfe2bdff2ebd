//! What plugins ask of the outside: where to, how often, by which way.

use super::*;

#[tokio::test]
async fn an_ungranted_host_is_denied_and_nothing_is_sent() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let config = json!({"behaviour": "fetch", "url": server.url("/x").as_str()});
    let answer = fetched(hostile(), config).await;
    assert!(answer["denied"].contains("plugins.hostile.hosts"), "{answer:?}");
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn a_private_address_is_reached_only_by_the_very_name_that_the_user_wrote() {
    let server = TestServer::start(|_| Reply::new(200).body("hello")).await;
    let config = json!({"behaviour": "fetch", "url": server.url("/x").as_str()});
    let granted = Spec { hosts: vec![server.host()], ..hostile() };
    assert_eq!(fetched(granted, config.clone()).await["status"], "200");
    let wildcard = Spec { hosts: vec!["*.0.0.1".to_owned()], ..hostile() };
    let answer = fetched(wildcard, config).await;
    assert!(answer.contains_key("denied"), "{answer:?}");
    let own_option = json!({"behaviour": "fetch", "endpoint": server.url("/y").as_str()});
    assert_eq!(fetched(hostile(), own_option).await["status"], "200");
    assert_eq!(server.lines(), ["GET /x", "GET /y"]);
}

#[tokio::test]
async fn a_redirect_is_handed_to_the_plugin_and_not_followed() {
    let server = TestServer::start(|request| match request.target.as_str() {
        "/first" => Reply::new(302).header("location", "/second"),
        _ => Reply::new(200),
    })
    .await;
    let config = json!({"behaviour": "fetch", "endpoint": server.url("/first").as_str()});
    assert_eq!(fetched(hostile(), config).await["status"], "302");
    assert_eq!(server.lines(), ["GET /first"]);
}

#[tokio::test]
async fn requests_are_sent_together_and_no_more_than_are_allowed() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let fetch = |count: usize| json!({"behaviour": "fetch-all", "endpoint": server.url("/x").as_str(), "count": count});
    assert_eq!(fetched(hostile(), fetch(40)).await["well"], "40");
    let answer = fetched(hostile(), fetch(70)).await;
    assert_eq!((answer["well"].as_str(), answer["denied"].as_str()), ("64", "more than 64 requests at a time"));
    let ungranted = json!({"behaviour": "fetch-all", "url": server.url("/x").as_str(), "count": 2});
    let answer = fetched(hostile(), ungranted).await;
    assert!(answer["denied"].contains("plugins.hostile.hosts") && answer["well"] == "0", "{answer:?}");
}

#[tokio::test]
async fn a_documented_rate_is_kept_over_all_instances_of_a_run() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let plugin = load(hostile()).await;
    let config = json!({"behaviour": "fetch-all", "endpoint": server.url("/x").as_str(), "count": 10, "rate": 100});
    let start = std::time::Instant::now();
    for _ in 0..3 {
        plugin.source(&config, None).await.unwrap().next().await.unwrap();
    }
    // 30 requests at 100 a second, 10 of them at once.
    assert!(start.elapsed() >= std::time::Duration::from_millis(190), "{:?}", start.elapsed());
    let none = json!({"behaviour": "fetch-all", "endpoint": server.url("/x").as_str(), "rate": 0});
    assert!(fetched(hostile(), none).await["denied"].contains("0 requests a second"));
}

#[tokio::test]
async fn a_host_with_a_registry_is_reached_as_the_registry_is() {
    let proxy = TestServer::start(|_| Reply::new(200).body("by proxy")).await;
    let profile = crate::http::Profile {
        proxy: Some(crate::secret::SecretUrl::new(proxy.url("/"))),
        ..crate::http::Profile::default()
    };
    let transports = Transports::from([("harbor.corp".to_owned(), profile)]);
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    let cache = CacheDir::At(std::env::current_exe().unwrap().with_file_name("plugin-cache"));
    let (registries, redactor) = (Arc::new(shelf()), Redactor::default());
    let host =
        Host::new(HostOptions { gateway, registries, transports, cache, redactor, calls: Calls::default() }).unwrap();
    let plugin = Arc::new(host.load(hostile()).await.unwrap());
    let config = json!({"behaviour": "fetch", "endpoint": "http://harbor.corp/api"});
    let batch = plugin.source(&config, None).await.unwrap().next().await.unwrap().unwrap();
    let image = batch.into_iter().next().unwrap().unwrap();
    assert!(image.attributes.contains(&("body".to_owned(), "by proxy".to_owned())), "{image:?}");
    assert_eq!(proxy.lines(), ["GET http://harbor.corp/api"]);
}
