//! The plugin host with real components: the official ones, and one that misbehaves as it is told.

mod budgets;
mod requests;
mod sandbox;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::http::Gateway;
use crate::http::testserver::Reply;
use crate::http::testserver::TestServer;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::oci::Reference;
use crate::oci::TagOrDigest;
use crate::secret::Redactor;

/// Registries in memory: the layer above implements the same trait over real ones.
#[derive(Default)]
struct Shelf(BTreeMap<String, Vec<String>>);

struct Rows(Vec<Vec<String>>);

impl Shelf {
    fn pages(rows: &[String]) -> Box<dyn Pages> {
        Box::new(Rows(rows.chunks(2).rev().map(<[String]>::to_vec).collect()))
    }
}

impl Registries for Shelf {
    fn repositories(&self, _: &str) -> Result<Box<dyn Pages>, ListError> {
        Ok(Self::pages(&self.0.keys().cloned().collect::<Vec<_>>()))
    }

    fn tags(&self, _: &str, repository: &str) -> Result<Box<dyn Pages>, ListError> {
        let tags = self.0.get(repository);
        tags.map(|tags| Self::pages(tags)).ok_or_else(|| ListError::NotFound(format!("no {repository}")))
    }
}

impl Pages for Rows {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<String>>, ListError>> {
        std::future::ready(Ok(self.0.pop())).boxed()
    }
}

fn shelf() -> Shelf {
    let tags = |tags: &[&str]| tags.iter().map(ToString::to_string).collect();
    Shelf([("team/app".to_owned(), tags(&["1", "2", "3"])), ("team/base".to_owned(), tags(&["latest"]))].into())
}

/// All tests share one cache of compiled components, beside the test binary.
fn host_with(redactor: Redactor) -> Host {
    host_at(&Rates::default(), redactor)
}

fn host_at(rates: &Rates, redactor: Redactor) -> Host {
    host_of(Gateway::new(Arc::new(Limiter::new(rates))), redactor)
}

fn host_of(gateway: Gateway, redactor: Redactor) -> Host {
    let cache = std::env::current_exe().unwrap().with_file_name("plugin-cache");
    let registries = Arc::new(shelf());
    let transports = Transports::default();
    Host::new(HostOptions {
        gateway,
        registries,
        transports,
        cache: CacheDir::At(cache),
        redactor,
        calls: Calls::default(),
    })
    .unwrap()
}

fn host() -> Host {
    host_with(Redactor::default())
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/plugins").join(name)
}

fn hostile() -> Spec {
    Spec::new("hostile", Origin::Path { path: fixture("hostile.wasm"), sha256: None })
}

fn image(reference: &str) -> Image {
    let source: Reference = reference.parse().unwrap();
    let TagOrDigest::Tag(tag) = &source.version else { panic!("{reference}") };
    Image { tag: Some(tag.clone()), source, targets: vec![], attributes: vec![] }
}

async fn load(spec: Spec) -> Arc<Plugin> {
    Arc::new(host().load(spec).await.unwrap())
}

async fn misbehave(spec: Spec, config: Value) -> Result<Option<Vec<Result<Image, BadImage>>>, PluginError> {
    load(spec).await.source(&config, None).await?.next().await
}

async fn fetched(spec: Spec, config: Value) -> BTreeMap<String, String> {
    let batch = misbehave(spec, config).await.unwrap().unwrap();
    batch.into_iter().next().unwrap().unwrap().attributes.into_iter().collect()
}

#[tokio::test]
async fn the_embedded_plugins_describe_themselves() {
    let host = host();
    let all = [
        ("acr", "source, provisioner, credentials"),
        ("catalog", "source"),
        ("ccr", "source, provisioner"),
        ("dockerhub", "source, provisioner"),
        ("ecr", "source, provisioner, credentials"),
        ("gitlab", "source, provisioner"),
        ("harbor", "source, provisioner"),
        ("quay", "source, provisioner"),
        ("rewrite", "mapper"),
        ("rules", "source"),
        ("tcr", "source, provisioner, credentials"),
    ];
    assert_eq!(Host::builtins(), all.map(|(name, _)| name));
    for (name, expected) in all {
        let plugin = host.load(Spec::new(name, Origin::Builtin)).await.unwrap();
        assert_eq!(plugin.info().name, name);
        assert_eq!(plugin.capabilities().to_string(), expected);
        assert_eq!(plugin.info().schema["additionalProperties"], json!(false), "{name}");
        assert!(plugin.imports().iter().all(|import| !import.starts_with("wasi:sockets")), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_usable_component_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plugin.wasm");
    let spec = || Spec::new("mine", Origin::Path { path: path.clone(), sha256: None });
    let mut messages = Vec::new();
    for bytes in [&b"\0asm\x01\0\0\0"[..], b"(component)", b"", b"\0asm\x0d\0\x01\0"] {
        std::fs::write(&path, bytes).unwrap();
        messages.push(host().load(spec()).await.err().unwrap().to_string());
    }
    assert_eq!(
        messages,
        [
            "plugin `mine` is not a WebAssembly component: it is a core module",
            "plugin `mine` is not a WebAssembly component: it is text",
            "plugin `mine` is not a WebAssembly component: it is empty",
            "plugin `mine` exports none of source, mapper, provisioner and credentials together with plugin-info \
             (image-transfer:plugin@0.1.0): it exports nothing",
        ]
    );
}

#[tokio::test]
async fn a_pinned_component_must_have_its_hash() {
    let pinned = |sha256: &str| Spec {
        origin: Origin::Path { path: fixture("hostile.wasm"), sha256: Some(sha256.to_owned()) },
        ..hostile()
    };
    let error = host().load(pinned(&"0".repeat(64))).await.err().unwrap();
    let PluginError::Checksum { actual, .. } = error else { panic!("{error}") };
    assert!(host().load(pinned(&actual)).await.is_ok());
}

#[tokio::test]
async fn options_are_checked_by_the_plugins_own_schema() {
    let rewrite = load(Spec::new("rewrite", Origin::Builtin)).await;
    let problems = rewrite.check(&json!({"prefiks": "x/"}));
    assert_eq!(problems[0].pointer, "/prefiks");
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `prefix`?"));
    assert_eq!(rewrite.check(&json!({"prefix": "x/"})), []);
}

#[tokio::test]
async fn rules_list_the_tags_that_a_rule_leaves_out() {
    let rules = load(Spec::new("rules", Origin::Builtin)).await;
    let config =
        json!({"rules": {"a.io/team/app": "b.io/team/app", "a.io/team/base:latest": ["c.io/x/y:1", "c.io/x/z:2"]}});
    let mut source = rules.source(&config, None).await.unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = source.next().await.unwrap() {
        for image in batch {
            let image = image.unwrap();
            seen.push((image.source.to_string(), image.targets.len()));
        }
    }
    let expected =
        [("a.io/team/app:1", 1), ("a.io/team/app:2", 1), ("a.io/team/app:3", 1), ("a.io/team/base:latest", 2)];
    assert_eq!(seen, expected.map(|(text, targets)| (text.to_owned(), targets)));
}

#[tokio::test]
async fn a_catalog_is_listed_through_the_host_and_mapped_in_batches() {
    let catalog = load(Spec::new("catalog", Origin::Builtin)).await;
    let mut source = catalog.source(&json!({"registry": "a.io"}), None).await.unwrap();
    let mut images = Vec::new();
    while let Some(batch) = source.next().await.unwrap() {
        images.extend(batch.into_iter().map(Result::unwrap));
    }
    let rewrite = load(Spec::new("rewrite", Origin::Builtin)).await;
    let mut mapper = rewrite.mapper(&json!({"prefix": "mirror/"})).await.unwrap();
    let mapped = mapper.map(&images).await.unwrap();
    let names: Vec<String> = mapped
        .into_iter()
        .map(|destinations| destinations.unwrap()[0].repository.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(names, ["mirror/team/app", "mirror/team/app", "mirror/team/app", "mirror/team/base"]);
}

#[tokio::test]
async fn wrong_options_are_told_one_by_one() {
    let rules = load(Spec::new("rules", Origin::Builtin)).await;
    let config = json!({"rules": {"a.io/Team/app": "b.io/x/y", "a.io/n/app:1": "b.io/x/UPPER"}});
    let error = rules.source(&config, None).await.err().unwrap();
    assert!(error.is_invalid_config());
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[tokio::test]
async fn a_name_outside_the_grammar_spoils_only_its_image() {
    let batch = misbehave(hostile(), json!({"behaviour": "short-answer"})).await.unwrap().unwrap();
    assert!(batch[0].is_err());
}

#[tokio::test]
async fn a_source_that_breaks_off_says_so_and_may_be_asked_again() {
    let plugin = load(hostile()).await;
    let mut source = plugin.source(&json!({"behaviour": "break-off"}), None).await.unwrap();
    for _ in 0..2 {
        assert_eq!(source.next().await.unwrap().unwrap().len(), 1);
    }
    for _ in 0..2 {
        let error = source.next().await.unwrap_err();
        assert!(error.may_pass(), "{error}");
    }
}

#[tokio::test]
async fn what_a_plugin_does_not_do_is_said() {
    let rewrite = load(Spec::new("rewrite", Origin::Builtin)).await;
    let error = rewrite.source(&json!({}), None).await.err().unwrap();
    assert_eq!(error.to_string(), "plugin `rewrite` exports no source, only mapper");
    let error = rewrite.provisioner(&json!({})).await.err().unwrap();
    assert_eq!(error.to_string(), "plugin `rewrite` exports no provisioner, only mapper");
    let error = rewrite.issuer(&json!({})).await.err().unwrap();
    assert_eq!(error.to_string(), "plugin `rewrite` exports no credentials, only mapper");
}

#[tokio::test]
async fn only_a_regular_file_is_read() {
    for path in ["/dev/zero", "/"] {
        let spec = Spec::new("mine", Origin::Path { path: path.into(), sha256: None });
        let error = host().load(spec).await.err().unwrap();
        assert_eq!(error.to_string(), format!("cannot read plugin `mine` from {path}: not a file"));
    }
    let spec = Spec::new("mine", Origin::Path { path: fixture("missing.wasm"), sha256: None });
    assert!(matches!(host().load(spec).await.err().unwrap(), PluginError::Read { .. }));
}

#[tokio::test]
async fn one_instance_serves_all_batches_of_a_mapping() {
    let plugin = load(hostile()).await;
    let images: Vec<Image> = (0..2500).map(|number| image(&format!("a.io/n/app:{number}"))).collect();
    let mut mapper = plugin.mapper(&json!({"behaviour": "good"})).await.unwrap();
    for _ in 0..2 {
        let mapped = mapper.map(&images).await.unwrap();
        assert_eq!(mapped.len(), 2500);
        assert!(mapped.iter().all(|it| it.as_ref().unwrap()[0].repository.as_ref().unwrap().as_str() == "n/app"));
    }
}

#[tokio::test]
async fn a_refusal_of_one_image_leaves_the_mapping_as_it_is() {
    let plugin = load(hostile()).await;
    let mut mapper = plugin.mapper(&json!({"behaviour": "break-off"})).await.unwrap();
    for _ in 0..2 {
        let mapped = mapper.map(&[image("a.io/n/app:1")]).await.unwrap();
        assert_eq!(mapped[0], Err(CallError::Unavailable("told to break off".to_owned())));
    }
}

#[tokio::test]
async fn a_component_runs_without_a_cache_too() {
    let gateway = Gateway::new(Arc::new(Limiter::new(&Rates::default())));
    let (cache, redactor) = (CacheDir::Off, Redactor::default());
    let (registries, transports) = (Arc::new(shelf()), Transports::default());
    let host =
        Host::new(HostOptions { gateway, registries, transports, cache, redactor, calls: Calls::default() }).unwrap();
    assert_eq!(host.load(hostile()).await.unwrap().info().name, "hostile");
}

#[tokio::test]
async fn registries_are_listed_page_by_page() {
    let config = json!({"behaviour": "listing", "registry": "a.io", "repository": "team/app"});
    let batch = misbehave(hostile(), config).await.unwrap().unwrap();
    let tags: Vec<String> = batch.into_iter().map(|image| image.unwrap().tag.unwrap().to_string()).collect();
    assert_eq!(tags, ["1", "2"]);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_struck_from_log_lines_which_name_the_plugin() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let host = host_with(Redactor::new([crate::secret::Secret::new("not-a-real-password")]));
    let plugin = Arc::new(host.load(hostile()).await.unwrap());
    let config = json!({"behaviour": "secret-log", "password": "not-a-real-password"});
    plugin.source(&config, None).await.unwrap().next().await.unwrap();
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("the password is ***") && text.contains("hostile"), "{text}");
    assert!(!text.contains("not-a-real-password"), "{text}");
}

#[tokio::test]
async fn a_provisioner_answers_for_each_repository_and_an_issuer_says_until_when() {
    let host = host_with(Redactor::new([crate::secret::Secret::new("not-a-real-password")]));
    let plugin = Arc::new(host.load(hostile()).await.unwrap());
    let config = json!({"behaviour": "good", "password": "not-a-real-password"});
    let mut preparation = plugin.provisioner(&config).await.unwrap();
    let repositories = ["n/a", "n/denied", "n/b"].map(|name| (name.parse().unwrap(), Vec::new()));
    let ensured = preparation.ensure(&repositories).await.unwrap();
    assert_eq!((&ensured[0], &ensured[2]), (&Ok(Ensured::Created), &Ok(Ensured::Existed)));
    assert_eq!(ensured[1], Err(CallError::Unauthorized("n/denied is refused to ***".to_owned())));
    let issued = plugin.issuer(&config).await.unwrap().issue("a.io").await.unwrap();
    assert_eq!((issued.username.as_str(), issued.password.reveal()), ("test", "not-a-real-password"));
    let expires_at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
    assert_eq!(issued.expires_at, Some(expires_at));
}

#[tokio::test]
async fn a_provisioner_and_an_issuer_that_trapped_are_replaced() {
    let plugin = load(hostile()).await;
    let config = json!({"behaviour": "trap"});
    let mut preparation = plugin.provisioner(&config).await.unwrap();
    let mut issuer = plugin.issuer(&config).await.unwrap();
    for _ in 0..2 {
        let error = preparation.ensure(&[("n/a".parse().unwrap(), Vec::new())]).await.unwrap_err();
        assert!(matches!(error, PluginError::Broken { failure: Failure::Trap(_), .. }), "{error}");
        let error = issuer.issue("a.io").await.unwrap_err();
        assert!(matches!(error, PluginError::Broken { failure: Failure::Trap(_), .. }), "{error}");
    }
}
