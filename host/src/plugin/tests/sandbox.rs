//! What a component finds where it looks for files, an environment and a network; and which names are its own to give.

use super::*;
use crate::http::Named;
use crate::http::testnames::Zone;

async fn with(gateway: Gateway, spec: Spec, config: Value) -> BTreeMap<String, String> {
    let plugin = Arc::new(host_of(gateway, Redactor::default()).load(spec).await.unwrap());
    let batch = plugin.source(&config, None).await.unwrap().next().await.unwrap().unwrap();
    batch.into_iter().next().unwrap().unwrap().attributes.into_iter().collect()
}

#[tokio::test]
async fn a_guest_finds_no_file_no_environment_and_no_socket() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let port: u16 = server.host().rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(std::env::vars().count() > 0, "there is something to find");
    let found = fetched(hostile(), json!({"behaviour": "wasi", "count": port})).await;
    let expected = [
        ("arguments", "0"),
        ("connect", "access-denied"),
        ("cwd", ""),
        ("datagram", "access-denied"),
        ("directories", "0"),
        ("environment", "0"),
        ("listen", "access-denied"),
        ("lookup", "permanent-resolver-failure"),
    ];
    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn a_granted_name_that_leads_inside_is_refused_unless_it_is_named_itself() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let port = server.host().rsplit_once(':').unwrap().1.to_owned();
    let names = ["api.cloud.example=127.0.0.1", "rebind.cloud.example=127.0.0.1;9.9.9.9"];
    let fetch = |host: &str| json!({"behaviour": "fetch", "url": format!("http://{host}:{port}/x")});
    let wildcard = || Spec { hosts: vec!["*.cloud.example".to_owned()], ..hostile() };
    for host in ["api.cloud.example", "rebind.cloud.example"] {
        let gateway = Zone::of(&names).gateway(Named::default());
        let found = with(gateway, wildcard(), fetch(host)).await;
        assert_eq!(found["denied"], format!("{host}:{port} is a private address"), "{found:?}");
    }
    assert_eq!(server.received().len(), 0);
    let named = Spec { hosts: vec!["api.cloud.example".to_owned()], ..hostile() };
    let gateway = Zone::of(&names).gateway(Named::default());
    assert_eq!(with(gateway, named, fetch("api.cloud.example")).await["status"], "200");
}

#[tokio::test]
async fn odd_spellings_of_a_host_are_not_granted_with_another() {
    let server = TestServer::start(|_| Reply::new(200)).await;
    let port = server.host().rsplit_once(':').unwrap().1.to_owned();
    let granted = || Spec { hosts: vec!["api.example".to_owned(), "*.cloud.example".to_owned()], ..hostile() };
    for url in [
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://LOCALHOST.:{port}/"),
        format!("http://api.example@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@api.example/"),
        format!("http://127.0.0.1:{port}#@api.example/"),
        format!("http://api.example.127.0.0.1:{port}/"),
        format!("\thttp://127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        "http://api.example%00.evil.example/".to_owned(),
    ] {
        let found = fetched(granted(), json!({"behaviour": "fetch", "url": url})).await;
        assert!(found.contains_key("denied") || found.contains_key("transport"), "{url:?}: {found:?}");
    }
    assert_eq!(server.received().len(), 0);
}

#[tokio::test]
async fn an_answer_longer_than_its_cap_is_not_handed_to_a_plugin() {
    let server = TestServer::start(|_| Reply::new(200).body(vec![b'x'; (16 << 20) + 1])).await;
    let config = json!({"behaviour": "fetch", "endpoint": server.url("/").as_str()});
    assert_eq!(fetched(hostile(), config).await["too-large"], (16 << 20).to_string());
}

#[tokio::test]
async fn a_part_of_this_program_vouches_for_what_it_names_and_a_component_from_a_file_does_not() {
    let named = Named::new([], |_| false);
    let host = host_of(Zone::of(&[]).gateway(named.clone()), Redactor::default());
    let rules = Arc::new(host.load(Spec::new("rules", Origin::Builtin)).await.unwrap());
    let config = json!({"rules": {"a.example/team/app:1": "b.example/team/app:1"}});
    rules.source(&config, None).await.unwrap().next().await.unwrap();
    let mine = Arc::new(host.load(hostile()).await.unwrap());
    mine.source(&json!({"behaviour": "good"}), None).await.unwrap().next().await.unwrap();
    let elsewhere = json!({"behaviour": "elsewhere", "text": "elpmaxe.c"});
    let mapped = mine.mapper(&elsewhere).await.unwrap().map(&[image("a.example/team/app:1")]).await.unwrap();
    assert_eq!(mapped[0].as_ref().unwrap()[0].registry.as_ref().unwrap().to_string(), "c.example");
    let known = ["a.example", "b.example", "hostile.example", "c.example"].map(|host| named.has(host));
    assert_eq!(known, [true, true, false, false]);
}
