//! Where strangers can send a request: names with addresses of the test's own, redirects, other origins.

use super::super::testnames::Zone;
use super::*;

/// The server's URL under another name.
fn called(server: &TestServer, name: &str, path: &str) -> Url {
    let port = server.host().rsplit_once(':').expect("port").1.to_owned();
    format!("http://{name}:{port}{path}").parse().expect("url")
}

async fn redirecting(to: impl Into<String>) -> TestServer {
    let to = to.into();
    TestServer::start(move |_| Reply::new(307).header("Location", to.clone())).await
}

fn reaching(reach: Reach) -> Profile {
    Profile { reach, ..Profile::default() }
}

#[tokio::test]
async fn a_name_that_leads_to_private_addresses_is_reached_only_if_the_user_named_it() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let zone = Zone::of(&["registry.corp=127.0.0.1"]);
    let url = called(&server, "registry.corp", "/");
    let gateway = zone.gateway(Named::default());
    assert_eq!(gateway.send(&reaching(Reach::Any), get(url.clone())).await.expect("answer").status(), 200);
    let error = failure(gateway.send(&reaching(Reach::Public), get(url.clone())).await);
    assert_eq!(error.to_string(), format!("{} is a private address", authority(&url)));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_where_the_connection_is_made_to() {
    let (first, second) = (TestServer::start(|_| Reply::new(200)).await, TestServer::start(|_| Reply::new(200)).await);
    let zone =
        Zone::of(&["rebind.example=127.0.0.1;169.254.169.254", "mixed.example=10.0.0.1,127.0.0.1,169.254.169.254"]);
    let gateway = zone.gateway(Named::default());
    // There is one look-up for a connection: what it gave is what was checked.
    let (private, public) = (reaching(Reach::Private), reaching(Reach::Public));
    gateway.send(&private, get(called(&first, "rebind.example", "/"))).await.expect("answer");
    let error = failure(gateway.send(&private, get(called(&second, "rebind.example", "/"))).await);
    assert!(matches!(error, HttpError::PrivateAddress { .. }), "{error}");
    let error = failure(gateway.send(&public, get(called(&first, "mixed.example", "/"))).await);
    assert!(matches!(error, HttpError::PrivateAddress { .. }), "{error}");
    assert_eq!((first.received().len(), second.received().len()), (1, 0));
}

#[tokio::test]
async fn a_connection_that_the_user_may_have_is_not_lent_to_a_stranger() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let zone = Zone::of(&["both.example=127.0.0.1"]);
    let gateway = zone.gateway(Named::default());
    let url = called(&server, "both.example", "/");
    gateway.send(&reaching(Reach::Any), get(url.clone())).await.expect("answer").drain().await;
    // An idle connection to this very name is in the other pool.
    assert!(matches!(
        failure(gateway.send(&reaching(Reach::Public), get(url)).await),
        HttpError::PrivateAddress { .. }
    ));
}

#[tokio::test]
async fn a_private_registry_may_send_to_its_storage_by_name_but_not_to_a_metadata_service() {
    let storage = TestServer::start(|_| Reply::new(200).body("blob")).await;
    let zone =
        Zone::of(&["registry.corp=127.0.0.1", "storage.corp=127.0.0.1", "meta.corp=169.254.169.254,100.100.100.200"]);
    let gateway = zone.gateway(Named::default());
    let registry = redirecting(called(&storage, "storage.corp", "/signed")).await;
    let ask = get(called(&registry, "registry.corp", "/v2/"));
    let response = gateway.send(&Profile::default(), ask).await.expect("answer");
    assert!(response.is_private());
    assert_eq!(response.bytes(10).await.expect("body"), "blob");
    for target in ["http://meta.corp/latest/", "http://169.254.169.254/latest/", "http://[fd00:ec2::254]/latest/"] {
        let registry = redirecting(target).await;
        let error = failure(gateway.send(&Profile::default(), get(called(&registry, "registry.corp", "/v2/"))).await);
        assert!(error.to_string().contains("private address"), "{target}: {error}");
        assert_eq!(error.class(), Class::Permanent);
    }
}

#[tokio::test]
async fn a_redirect_of_a_stranger_leads_to_no_private_address_whatever_it_is_called() {
    let inside = TestServer::start(|_| Reply::new(200)).await;
    let zone = Zone::of(&["inside.example=127.0.0.1", "localhost=127.0.0.1", "localhost.=127.0.0.1"]);
    let gateway = zone.gateway(Named::default());
    let stranger = "http://stranger.example/".parse().expect("url");
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "user@127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "inside.example",
    ] {
        let mut target = called(&inside, host, "/secret");
        let told = gateway.told(&Profile::default(), &stranger, &target, false);
        target.set_username("").expect("a host");
        let error = failure(gateway.send(&told, get(target)).await);
        assert!(matches!(error, HttpError::PrivateAddress { .. }), "{host}: {error}");
    }
    assert_eq!(inside.received().len(), 0);
}

#[tokio::test]
async fn a_chain_of_redirects_keeps_to_the_reach_of_its_weakest_link() {
    let inside = TestServer::start(|_| Reply::new(200)).await;
    let storage = redirecting(inside.url("/")).await;
    let registry = redirecting(called(&storage, "storage.corp", "/")).await;
    let zone = Zone::of(&["registry.corp=127.0.0.1", "storage.corp=127.0.0.1"]);
    let gateway = zone.gateway(Named::default());
    let ask = || get(called(&registry, "registry.corp", "/"));
    // Private all the way.
    assert_eq!(gateway.send(&reaching(Reach::Any), ask()).await.expect("answer").status(), 200);
    // A stranger gets no further than to itself, also where it answers.
    assert!(failure(gateway.send(&reaching(Reach::Public), ask()).await).to_string().contains("private address"));
    assert_eq!(inside.received().len(), 1);
}

#[tokio::test]
async fn a_host_that_the_workflow_lists_may_be_sent_to_wherever_it_is() {
    let storage = TestServer::start(|_| Reply::new(200)).await;
    let zone = Zone::of(&["storage.corp=127.0.0.1"]);
    let target = called(&storage, "storage.corp", "/");
    let from: Url = "http://stranger.example/".parse().expect("url");
    let ask = |listed: Vec<String>| {
        let gateway = zone.gateway(Named::new(listed, |_| true));
        let told = gateway.told(&reaching(Reach::Public), &from, &target, false);
        let target = target.clone();
        async move { gateway.send(&told, get(target)).await }
    };
    assert_eq!(ask(vec![authority(&target)]).await.expect("answer").status(), 200);
    // To be mentioned is not enough: the name of a source is no invitation to whoever else would like to send there.
    assert!(matches!(failure(ask(Vec::new()).await), HttpError::PrivateAddress { .. }));
}

#[tokio::test]
async fn storage_of_a_large_cloud_may_be_inside_of_it_if_its_certificate_is_checked() {
    let gateway = gateway();
    let told = |skip_verify: bool, to: &str| {
        let profile = Profile { skip_verify, ..Profile::default() };
        let registry = "https://registry.example/".parse().expect("url");
        gateway.told(&profile, &registry, &to.parse().expect("url"), false).reach
    };
    assert_eq!(told(false, "https://bucket.cos.ap-guangzhou.myqcloud.com/blob"), Reach::Private);
    assert_eq!(told(true, "https://bucket.cos.ap-guangzhou.myqcloud.com/blob"), Reach::Public);
    assert_eq!(told(false, "http://bucket.cos.ap-guangzhou.myqcloud.com/blob"), Reach::Public);
    assert_eq!(told(false, "https://storage.example/blob"), Reach::Public);
}

#[tokio::test]
async fn what_belongs_to_one_origin_does_not_cross_to_another() {
    let other = TestServer::start(|_| Reply::new(200)).await;
    let registry = redirecting(other.url("/elsewhere")).await;
    let mut ask = get(registry.url("/v2/"));
    for (name, value) in [
        (header::AUTHORIZATION, "Bearer not-a-real-token"),
        (header::COOKIE, "session=not-a-real-one"),
        (header::PROXY_AUTHORIZATION, "Basic not-a-real-one"),
    ] {
        ask.headers.insert(name, HeaderValue::from_static(value));
    }
    gateway().send(&Profile::default(), ask).await.expect("answer");
    let came = &other.received()[0];
    for name in ["authorization", "cookie", "proxy-authorization", "referer"] {
        assert_eq!(came.header(name), "", "{name}");
    }
    let identity = Some((b"chain".to_vec(), Secret::new("key")));
    let profile = Profile { identity, ..Profile::default() };
    let told = |to: &str| {
        gateway().told(&profile, &"https://a.example/".parse().expect("url"), &to.parse().expect("url"), false)
    };
    assert!(told("https://a.example/path").identity.is_some());
    for to in ["https://a.example:8443/", "https://b.example/", "http://a.example/", "https://a.example./"] {
        assert!(told(to).identity.is_none(), "{to}");
    }
}

#[test]
fn the_peer_of_a_request_by_a_proxy_is_not_its_host() {
    let url = "http://registry.corp/".parse().expect("url");
    let proxy = Some(SecretUrl::new("http://proxy.corp:3128".parse().expect("url")));
    assert!(connection::goes_by_proxy(&Profile { proxy, ..Profile::default() }, &url));
}

#[test]
fn a_stranger_cannot_have_the_proxy_itself_asked() {
    let proxy = || Some(SecretUrl::new("http://proxy.corp:3128".parse().expect("url")));
    let asked = |reach| {
        police(&Profile { proxy: proxy(), reach, ..Profile::default() }, &"http://proxy.corp/".parse().expect("url"))
    };
    assert!(asked(Reach::Public).is_err(), "its name is looked up without a check");
    assert!(asked(Reach::Private).is_ok() && asked(Reach::Any).is_ok());
}

#[test]
fn a_profile_and_a_proxy_are_printed_without_their_secrets() {
    let proxy = SecretUrl::new("http://someone:not-a-real-password@proxy.corp:3128".parse().expect("url"));
    let identity = Some((b"chain".to_vec(), Secret::new("not-a-real-key")));
    let profile = Profile { proxy: Some(proxy), identity, ..Profile::default() };
    let shown = format!("{profile:?}");
    assert!(shown.contains("http://proxy.corp:3128") && !shown.contains("not-a-real"), "{shown}");
}
