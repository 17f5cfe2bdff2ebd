//! The scripted registry without a script is a registry like any other.

use std::sync::Arc;

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::random;
use crate::harness::random::Shape;
use crate::harness::registry::Registry;
use crate::harness::skopeo;
use crate::harness::store::ACCEPT;
use crate::harness::store::Remote;
use crate::harness::store::Store as _;
use crate::support::lock::Kind;
use crate::support::registry::Scripted;
use crate::support::stage::APP;
use crate::support::stage::Stage;

#[test]
fn skopeo_reads_and_writes_it() {
    let graph = random::graph(11, Shape::PLAIN);
    let (one, two, real) = (Scripted::start(Kind::Open, None), Scripted::start(Kind::Open, None), Registry::open());
    graph.push(one.storage().as_ref(), "app");
    graph.push(&real.remote(), "app");
    for tag in graph.tags.keys() {
        let from = skopeo::docker(one.address(), "app", tag);
        assert_eq!(skopeo::files(&from), skopeo::files(&skopeo::docker(real.address(), "app", tag)));
        skopeo::copy(&from, &skopeo::docker(two.address(), "app", tag));
        assert_eq!(two.storage().content("app", tag), one.storage().content("app", tag));
    }
}

type Headers = Vec<(&'static str, &'static str)>;

#[test]
fn it_answers_as_docker_registry_does() {
    let (graph, digest) = layered(5000);
    let (scripted, real) = (Scripted::start(Kind::Open, None), Registry::open());
    let remotes = [Remote::new(scripted.address(), None), real.remote()];
    let absent = format!("sha256:{}", "0".repeat(64));
    for remote in &remotes {
        // By HTTP to both: the uploads of the one are tried as well.
        graph.push(remote, "team/app");
    }
    let accept = [("Accept", ACCEPT)];
    let questions: Vec<(&str, String, Headers)> = vec![
        ("GET", "/v2/".to_owned(), vec![]),
        ("GET", "/v2/_catalog".to_owned(), vec![]),
        ("GET", "/v2/_catalog?n=2000".to_owned(), vec![]),
        ("GET", "/v2/team/app/tags/list".to_owned(), vec![]),
        ("GET", "/v2/none/tags/list".to_owned(), vec![]),
        ("HEAD", "/v2/team/app/manifests/1".to_owned(), accept.to_vec()),
        ("GET", "/v2/team/app/manifests/1".to_owned(), accept.to_vec()),
        ("GET", format!("/v2/team/app/manifests/{}", graph.tags["1"]), accept.to_vec()),
        ("GET", "/v2/team/app/manifests/none".to_owned(), accept.to_vec()),
        ("GET", format!("/v2/team/app/manifests/{absent}"), accept.to_vec()),
        ("HEAD", format!("/v2/team/app/blobs/{digest}"), vec![]),
        ("GET", format!("/v2/team/app/blobs/{digest}"), vec![]),
        ("GET", format!("/v2/team/app/blobs/{digest}"), vec![("Range", "bytes=4000-")]),
        ("GET", format!("/v2/team/app/blobs/{absent}"), vec![]),
        ("POST", format!("/v2/team/two/blobs/uploads/?mount={digest}&from=team/app"), vec![]),
        ("POST", format!("/v2/team/two/blobs/uploads/?mount={absent}&from=team/app"), vec![]),
        ("POST", "/v2/team/two/blobs/uploads/".to_owned(), vec![]),
        ("PUT", "/v2/team/app/manifests/2".to_owned(), vec![("Content-Type", crate::harness::graph::OCI_IMAGE)]),
    ];
    for (method, target, headers) in questions {
        let [ours, theirs] = remotes.each_ref().map(|remote| remote.send(method, &target, &headers, b""));
        assert_eq!(ours.status, theirs.status, "{method} {target}");
        for name in ["docker-content-digest", "content-range"] {
            assert_eq!(ours.head.header(name), theirs.head.header(name), "{method} {target}: {name}");
        }
        if ours.status < 300 && method != "POST" {
            assert_eq!(ours.head.header("content-length").is_some(), theirs.head.header("content-length").is_some());
            if !target.ends_with("list") && !target.ends_with("_catalog") && target != "/v2/" {
                assert_eq!(ours.body, theirs.body, "{method} {target}");
                assert_eq!(ours.head.header("content-type"), theirs.head.header("content-type"), "{method} {target}");
            }
        }
    }
}

#[test]
fn an_image_passes_between_two_of_them_with_the_fewest_requests() {
    let (graph, _) = layered(100_000);
    for stage in Stage::both() {
        let stage = stage.with(&graph);
        stage.run(CALM).copied();
        let logged_in = |registry: &Scripted| registry.lock().tokens() >= 1;
        assert!(logged_in(&stage.source) && logged_in(&stage.target));
        assert_eq!(stage.target.storage().tags(APP), ["1"]);
        assert!(stage.target.peak() > 0);
        for registry in [&stage.source, &stage.target] {
            registry.reset();
        }
        let ended = stage.run(8);
        assert_eq!(ended.statuses(), ["unchanged"]);
    }
}

#[test]
fn pages_of_a_listing_follow_each_other() {
    let (graph, _) = layered(10);
    let stage = Stage::plain().with(&graph);
    let manifest = stage.source.storage().manifest(APP, "1").unwrap();
    for registry in [&stage.source, &stage.target] {
        graph.push(registry.storage().as_ref(), APP);
        for number in 0..2500 {
            registry.storage().put_manifest(APP, Some(&format!("t{number}")), &manifest);
        }
    }
    let ended = stage.run(2 * 2501 + 20);
    assert_eq!(ended.finished.code, Some(0));
    assert_eq!(ended.targets().len(), 2501);
    assert_eq!(stage.source.count("GET", "/tags/list"), 3);
}

#[test]
fn what_must_hold_is_noticed_when_it_does_not() {
    let (graph, digest) = layered(100);
    let broken = |spoil: &dyn Fn(&Stage)| {
        let stage = Stage::plain().with(&graph);
        graph.push(stage.target.storage().as_ref(), APP);
        spoil(&stage);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stage.check(0)));
        std::panic::set_hook(hook);
        outcome.is_err()
    };
    assert!(!broken(&|_| {}));
    assert!(broken(&|stage| stage.target.storage().put_blob(APP, &digest, b"other bytes")));
    assert!(broken(&|stage| drop(stage.target.storage().lock().repository(APP).blobs.remove(&digest))));
    assert!(broken(&|stage| drop(stage.source.storage().lock().repository(APP).tags.remove("1"))));
    assert!(broken(&|stage| {
        Remote::new(stage.target.address(), None).send("GET", "/v2/", &[], b"");
    }));
    let storage = Arc::clone(Stage::plain().source.storage());
    assert_eq!(storage.open_sessions(), 0);
}
