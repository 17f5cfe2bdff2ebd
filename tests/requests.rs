//! What a run costs, counted at the registries' doors.

use std::collections::BTreeMap;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::proxy::Action;
use crate::harness::proxy::Proxy;
use crate::harness::registry::Registry;
use crate::harness::store::Store;

/// A workflow with one rule, between two proxies.
fn rule(source: &Proxy, target: &Proxy, left: &str, right: &str) -> String {
    let (from, to) = (source.address(), target.address());
    format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/{left}\": \"{to}/{right}\"}}}}}}\n",
        plain(&[from, to])
    )
}

#[test]
fn an_unchanged_tag_costs_two_requests() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    Graph::usual("unchanged", "1").push(&source.remote(), "app");
    let place = Workplace::new();
    let text = rule(&from, &to, "app:1", "app:1");
    place.workflow(&text).expect(0);
    for proxy in [&from, &to] {
        proxy.reset();
    }
    place.workflow(&text).expect(0);
    for proxy in [&from, &to] {
        assert_eq!(proxy.count("HEAD", "^/v2/app/manifests/1$"), 1, "{}", proxy.transcript());
        let pings = proxy.count("GET", "^/v2/$");
        assert!(pings <= 1 && proxy.requests().len() == 1 + pings, "{}", proxy.transcript());
    }
    let report = place.report("report.json");
    assert_eq!(report["images"][0]["targets"][0]["status"], "unchanged");
}

#[test]
fn a_blob_is_pulled_once_and_uploaded_once_however_many_images_share_it() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    let mut shared = Vec::new();
    for number in 0..12 {
        let mut graph = Graph::new();
        let mut layers: Vec<_> =
            (0..3).map(|layer| graph.blob(OCI_LAYER, format!("shared {layer}").repeat(5000))).collect();
        shared = layers.iter().map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect();
        layers.push(graph.blob(OCI_LAYER, format!("own layer of {number}")));
        let image = graph.image("linux/amd64", &layers);
        graph.tag("1", &image);
        graph.push(&source.remote(), &format!("team/app{number}"));
    }
    let (here, there) = (from.address(), to.address());
    let text = format!(
        "{}limits: {{images: 12}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{here}\"}}}}\n    to: {{registry: \"{there}\"}}\n",
        plain(&[here, there])
    );
    Workplace::new().workflow(&text).expect(0);
    let mut uploads: BTreeMap<String, usize> = BTreeMap::new();
    for request in to.matching("PUT", "/blobs/uploads/") {
        let path = request.path.replace("%3A", ":");
        let digest = path.split("digest=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        *uploads.entry(digest).or_default() += 1;
    }
    assert!(uploads.values().all(|count| *count == 1), "{uploads:?}");
    for digest in &shared {
        assert_eq!(uploads.get(digest), Some(&1));
        assert_eq!(from.count("GET", &format!("/blobs/{digest}")), 1, "{}", from.transcript());
        let mounts = to.requests().iter().filter(|one| one.path.contains("mount=") && one.status == 201).count();
        assert!(mounts >= 11 * shared.len(), "{}", to.transcript());
    }
    for number in 0..12 {
        target.remote().content(&format!("team/app{number}"), "1").unwrap();
    }
}

/// Six tags of two small layers and one of 2 MiB that all share.
fn six_tags(registry: &Registry) {
    for number in 0..6 {
        let mut graph = Graph::new();
        let mut layers = vec![graph.blob(OCI_LAYER, vec![1; 2 << 20])];
        layers.extend((0..2).map(|layer| graph.blob(OCI_LAYER, format!("layer {layer} of {number}"))));
        let image = graph.image(&format!("linux/of{number}"), &layers);
        graph.tag(&format!("t{number}"), &image);
        graph.push(&registry.remote(), "team/app");
    }
}

/// All tags, one image at a time, so that what is asked does not hang on chance.
fn one_at_a_time(source: &Proxy, target: &Proxy, existing: &str) -> String {
    let (from, to) = (source.address(), target.address());
    format!(
        "{}limits: {{images: 1}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\", repositories: [team/app]}}}}\n    \
         to: {{registry: \"{to}\", existing: {existing}}}\n",
        plain(&[from, to])
    )
}

#[test]
fn a_new_repository_is_written_without_a_look_at_tags_and_small_blobs() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    six_tags(&source);
    Workplace::new().workflow(&one_at_a_time(&from, &to, "overwrite")).expect(0);
    assert_eq!(to.count("HEAD", "/manifests/"), 1, "the first tag\n{}", to.transcript());
    assert_eq!(to.count("GET", "/tags/list"), 1, "{}", to.transcript());
    assert_eq!(to.count("HEAD", "/blobs/"), 1, "the large layer\n{}", to.transcript());
    assert_eq!(from.count("HEAD", "/manifests/"), 1, "the first tag\n{}", from.transcript());
    assert_eq!(from.count("GET", "/manifests/"), 6, "{}", from.transcript());
    for number in 0..6 {
        let (there, here) = (target.remote(), source.remote());
        let tag = format!("t{number}");
        assert_eq!(there.content("team/app", &tag).unwrap(), here.content("team/app", &tag).unwrap());
    }
}

#[test]
fn a_repository_that_holds_something_is_looked_into_before_anything_is_written() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    six_tags(&source);
    Graph::single("of somebody else", "theirs").push(&target.remote(), "team/app");
    Workplace::new().workflow(&one_at_a_time(&from, &to, "overwrite")).expect(0);
    assert_eq!(to.count("HEAD", "/manifests/"), 6, "{}", to.transcript());
    assert_eq!(to.count("GET", "/tags/list"), 1, "{}", to.transcript());
    assert_eq!(to.count("HEAD", "/blobs/"), 6 * 3 + 1, "{}", to.transcript());
}

#[test]
fn tags_that_must_not_be_replaced_are_looked_for_in_a_new_repository_too() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    six_tags(&source);
    for existing in ["skip", "fail"] {
        to.reset();
        Workplace::new().workflow(&one_at_a_time(&from, &to, existing)).expect(0);
        assert_eq!(to.count("HEAD", "/manifests/t"), 6, "{}", to.transcript());
    }
}

#[test]
fn a_token_is_fetched_once_for_each_scope() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.guard(), target.proxy());
    for number in 0..20 {
        Graph::single(&format!("token {number}"), &format!("v{number}")).push(&source.remote(), "team/app");
    }
    Workplace::new().workflow(&rule(&from, &to, "team/app", "team/app")).expect(0);
    assert_eq!(target.remote().tags("team/app").len(), 20);
    assert_eq!(from.count("GET", "^/token"), 1, "{}", from.transcript());
}

#[test]
fn pushing_with_tokens_fetches_one_for_pull_and_push() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.guard());
    for number in 0..10 {
        Graph::single(&format!("push {number}"), &format!("v{number}")).push(&source.remote(), "team/app");
    }
    Workplace::new().workflow(&rule(&from, &to, "team/app", "mirror/app")).expect(0);
    assert_eq!(target.remote().tags("mirror/app").len(), 10);
    assert!(to.count("GET", "^/token") <= 2, "{}", to.transcript());
}

#[test]
fn a_registry_that_is_busy_is_asked_again() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    Graph::single("busy", "1").push(&source.remote(), "app");
    let busy = |status, after: &str| Action::Answer {
        status,
        headers: vec![("Retry-After".to_owned(), after.to_owned())],
        body: Vec::new(),
    };
    from.fault("GET", "/blobs/", 2, busy(429, "0"));
    to.fault("POST", "/blobs/uploads/", 2, busy(503, "0"));
    to.fault("PUT", "/manifests/", 1, busy(429, "0"));
    Workplace::new().workflow(&rule(&from, &to, "app:1", "app:1")).expect(0);
    assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
}

#[test]
fn the_tag_is_written_last() {
    let (source, target) = (Registry::open(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    Graph::usual("last", "1").push(&source.remote(), "app");
    Workplace::new().workflow(&rule(&from, &to, "app:1", "app:1")).expect(0);
    let writes: Vec<String> =
        to.requests().into_iter().filter(|one| one.method == "PUT" && one.status == 201).map(|one| one.path).collect();
    assert_eq!(writes.iter().position(|path| path == "/v2/app/manifests/1"), Some(writes.len() - 1), "{writes:?}");
}

#[test]
fn several_targets_are_fed_from_one_pull() {
    let source = Registry::open();
    let targets = [Registry::open(), Registry::open(), Registry::open()];
    let from = source.proxy();
    Graph::usual("several", "1").push(&source.remote(), "app");
    let addresses: Vec<_> = targets.iter().map(Registry::address).collect();
    let list: String = addresses.iter().map(|address| format!("      - {{registry: \"{address}\"}}\n")).collect();
    let text = format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{}/app:1\": \"\"}}}}}}\n    to:\n{list}",
        plain(&[addresses, vec![from.address()]].concat()),
        from.address()
    );
    Workplace::new().workflow(&text).expect(0);
    for target in &targets {
        assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
    }
    let mut pulls: BTreeMap<String, usize> = BTreeMap::new();
    for request in from.matching("GET", "/blobs/") {
        *pulls.entry(request.path).or_default() += 1;
    }
    assert!(!pulls.is_empty() && pulls.values().all(|count| *count == 1), "{pulls:?}");
}

#[test]
fn a_layer_that_images_share_is_pulled_once_for_several_targets() {
    let source = Registry::open();
    let targets = [Registry::open(), Registry::open(), Registry::open()];
    let from = source.proxy();
    six_tags(&source);
    let addresses: Vec<_> = targets.iter().map(Registry::address).collect();
    let list: String = addresses.iter().map(|address| format!("      - {{registry: \"{address}\"}}\n")).collect();
    let text = format!(
        "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{}/team/app\": \"\"}}}}}}\n    to:\n{list}",
        plain(&[addresses, vec![from.address()]].concat()),
        from.address()
    );
    Workplace::new().workflow(&text).expect(0);
    let mut pulls: BTreeMap<String, usize> = BTreeMap::new();
    for request in from.matching("GET", "/blobs/") {
        *pulls.entry(request.path).or_default() += 1;
    }
    assert!(pulls.len() == 1 + 6 * 3 && pulls.values().all(|count| *count == 1), "{pulls:?}");
    for target in &targets {
        assert_eq!(target.remote().tags("team/app").len(), 6);
    }
}

#[test]
fn credentials_stay_with_their_registry() {
    let (source, target) = (Registry::locked(), Registry::open());
    let (from, to) = (source.proxy(), target.proxy());
    Graph::single("secret", "1").push(&source.remote(), "app");
    let text = format!(
        "version: 1\nregistries:\n  \"{0}\": {{plain-http: true, username: test, password: not-a-real-password}}\n  \"{1}\": {{plain-http: true}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{0}/app:1\": \"{1}/app:1\"}}}}}}\n",
        from.address(),
        to.address()
    );
    let finished = Workplace::new().workflow(&text).expect(0);
    assert!(from.requests().iter().any(|one| one.head.header("authorization").is_some()));
    assert!(to.requests().iter().all(|one| one.head.header("authorization").is_none()));
    assert!(!finished.stdout.contains("not-a-real-password") && !finished.stderr.contains("not-a-real-password"));
}
