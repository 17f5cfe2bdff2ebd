//! How registries are reached: certificates, proxies, connections, rates.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use crate::harness::certificates::Certificates;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::registry::Registry;
use crate::harness::store::Store;

/// Copies `app:1` from an open registry into the one at `address` and from there to another open one; `settings` are of the one in
/// the middle. Gives how that ended, and whether the image came out as it went in.
fn through(address: SocketAddr, settings: &str) -> (Finished, bool) {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::usual("transport", "1").push(&source.remote(), "app");
    let text = format!(
        "{}  \"{address}\": {{{settings}}}\nretry: {{rounds: 0}}\ntransfers:\n  - name: in\n    from: {{plugin: rules, with: {{rules: {{\"{}/app:1\": \"{address}/app\"}}}}}}\n  - needs: [in]\n    from: {{plugin: rules, with: {{rules: {{\"{address}/app:1\": \"{}/app\"}}}}}}\n",
        plain(&[source.address(), target.address()]),
        source.address(),
        target.address(),
    );
    let finished = Workplace::new().workflow(&text);
    let arrived = target.remote().tags("app") == ["1"]
        && target.remote().content("app", "1") == source.remote().content("app", "1");
    (finished, arrived)
}

#[test]
fn a_registry_with_an_authority_of_its_own_needs_ca_or_skip_verify() {
    let certificates = Certificates::new();
    let registry = Registry::tls(&certificates, false);
    let (finished, arrived) = through(registry.address(), "");
    finished.expect(1).says("certificate").says("hint: ");
    assert!(!arrived);
    for settings in [
        format!("ca: {}", certificates.path("ca.pem").display()),
        "skip-verify: true".to_owned(),
        "insecure: true".to_owned(),
    ] {
        let (finished, arrived) = through(registry.address(), &settings);
        finished.expect(0);
        assert!(arrived, "{settings}");
    }
}

#[test]
fn a_registry_that_wants_a_client_certificate_gets_it() {
    let certificates = Certificates::new();
    let registry = Registry::tls(&certificates, true);
    let ca = format!("ca: {}", certificates.path("ca.pem").display());
    let (finished, arrived) = through(registry.address(), &ca);
    finished.expect(1);
    assert!(!arrived);
    let [pem, key] = ["client.pem", "client.key"].map(|name| certificates.path(name).display().to_string());
    let (finished, arrived) = through(registry.address(), &format!("{ca}, client-cert: {pem}, client-key: {key}"));
    finished.expect(0);
    assert!(arrived);
}

#[test]
fn a_proxy_of_the_workflow_or_the_environment_is_used() {
    let registry = Registry::open();
    Graph::usual("proxied", "1").push(&registry.remote(), "app");
    // No name server knows this name: whoever gets there went through the proxy.
    let text = |settings: &str| {
        format!(
            "version: 1\nregistries: {{registry.invalid: {{plain-http: true{settings}}}}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"registry.invalid/app:1\": \"oci:out//app\"}}}}}}\n"
        )
    };
    let place = Workplace::new();
    place.workflow(&text("")).expect(1);
    let proxy = registry.proxy();
    place.workflow(&text(&format!(", proxy: \"http://{}\"", proxy.address()))).expect(0);
    assert!(proxy.count("GET", "^http://registry.invalid/v2/app/") > 0, "{}", proxy.transcript());

    let proxy = registry.proxy();
    let place = Workplace::new();
    place.file("workflow.yaml", &text(""));
    let variable = format!("http://{}", proxy.address());
    place.run_with(&["run", "workflow.yaml"], &[("HTTP_PROXY", &variable), ("http_proxy", &variable)]).expect(0);
    assert!(proxy.count("GET", "^http://registry.invalid/v2/app/") > 0, "{}", proxy.transcript());
}

/// A registry with 60 tags of one image, and another that has them already.
fn sixty_tags() -> (Registry, Registry) {
    let (source, target) = (Registry::open(), Registry::open());
    for registry in [&source, &target] {
        Graph::single("many", "1").push(&registry.remote(), "app");
        registry.multiply_tag("app", "1", 59);
    }
    (source, target)
}

fn all_tags(from: SocketAddr, to: SocketAddr, limits: &str) -> String {
    format!(
        "{}limits: {{{limits}}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/app\": \"{to}/app\"}}}}}}\n",
        plain(&[from, to])
    )
}

#[test]
fn connections_are_reused() {
    let (source, target) = sixty_tags();
    let (from, to) = (source.proxy(), target.proxy());
    Workplace::new().workflow(&all_tags(from.address(), to.address(), "images: 4")).expect(0);
    for proxy in [from, to] {
        let (requests, connections) = (proxy.requests().len(), proxy.connections());
        assert!(requests >= 60, "{requests} requests");
        // One for each image on its way and one for the listing; a connection that comes back a moment late may cost another.
        assert!(connections <= 10, "{connections} connections for {requests} requests");
    }
}

#[test]
fn requests_keep_to_the_rate_overall_and_of_each_registry() {
    let (source, target) = sixty_tags();
    let (from, to) = (source.address(), target.address());
    let place = Workplace::new();
    let began = Instant::now();
    place.workflow(&all_tags(from, to, "qps: 60")).expect(0);
    // 60 tags at both sides are 120 requests; six are the burst.
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());

    let text = all_tags(from, to, "images: 5")
        .replace(&format!("\"{to}\": {{plain-http: true}}"), &format!("\"{to}\": {{plain-http: true, qps: 30}}"));
    let began = Instant::now();
    place.workflow(&text).expect(0);
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());
}

#[test]
fn downloads_keep_to_the_bandwidth() {
    let (source, target) = (Registry::open(), Registry::open());
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, vec![7; 8 << 20]);
    let image = graph.image("linux/amd64", &[layer]);
    graph.tag("1", &image);
    graph.push(&source.remote(), "app");
    let began = Instant::now();
    Workplace::new().workflow(&all_tags(source.address(), target.address(), "bandwidth: 4MiB")).expect(0);
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
    assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
}
