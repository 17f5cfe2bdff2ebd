//! Budgets: CPU time, wall clock, memory, the size of answers; and what becomes of an instance that breaks one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::*;

async fn failure(spec: Spec, behaviour: &str) -> Failure {
    match misbehave(spec, json!({"behaviour": behaviour})).await {
        Err(PluginError::Broken { failure, .. }) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_loop_ends_when_its_cpu_time_does() {
    let spec = Spec { cpu: Duration::from_millis(200), ..hostile() };
    assert_eq!(failure(spec, "loop").await, Failure::Cpu(Duration::from_millis(200)));
}

#[tokio::test]
async fn a_loop_ends_when_its_wall_clock_does() {
    let spec = Spec { timeout: Duration::from_millis(200), ..hostile() };
    assert_eq!(failure(spec, "loop").await, Failure::Timeout(Duration::from_millis(200)));
}

#[tokio::test]
async fn a_memory_bomb_meets_its_cap() {
    let spec = Spec { memory: 16 << 20, ..hostile() };
    assert_eq!(failure(spec, "memory").await, Failure::Memory(16 << 20));
}

#[tokio::test]
async fn a_trap_names_plugin_version_and_call_and_ends_the_enumeration() {
    let plugin = load(hostile()).await;
    let mut source = plugin.source(&json!({"behaviour": "trap"}), None).await.unwrap();
    let error = source.next().await.unwrap_err();
    assert!(error.to_string().starts_with("plugin `hostile` 0.1.0, source.next: trapped: "), "{error}");
    let again = source.next().await.unwrap_err();
    assert!(matches!(again, PluginError::Broken { failure: Failure::Gone, .. }), "{again}");
}

#[tokio::test]
async fn a_mapper_that_trapped_is_replaced() {
    let plugin = load(hostile()).await;
    let mut mapper = plugin.mapper(&json!({"behaviour": "trap"})).await.unwrap();
    for _ in 0..2 {
        let error = mapper.map(&[image("a.io/n/app:1")]).await.unwrap_err();
        assert!(matches!(error, PluginError::Broken { failure: Failure::Trap(_), .. }), "{error}");
    }
}

#[tokio::test]
async fn too_many_images_or_too_much_text_in_one_answer_are_refused() {
    let images = failure(hostile(), "huge-batch").await;
    assert!(matches!(images, Failure::TooMuch { .. } | Failure::Memory(_)), "{images}");
    let config = json!({"behaviour": "huge-batch", "count": 10_001});
    let error = misbehave(hostile(), config).await.unwrap_err();
    assert!(error.to_string().ends_with("handed back more than 10000 images in one batch"), "{error}");
    let text = misbehave(hostile(), json!({"behaviour": "huge-text"})).await.unwrap().unwrap();
    let bad = text[0].as_ref().unwrap_err();
    assert!(bad.text.chars().count() <= 4097, "a repository of 16 MiB is cut where it is shown");
}

#[tokio::test]
async fn clocks_and_random_numbers_are_real() {
    let first = fetched(hostile(), json!({"behaviour": "clock"})).await;
    let second = fetched(hostile(), json!({"behaviour": "clock"})).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn waits_for_the_host_are_not_cpu_time() {
    const BUDGET: Duration = Duration::from_millis(400);
    let server = TestServer::start(|_| Reply::new(200)).await;
    // Two leave at once, the others wait 50 ms each for their token.
    let hosts = [(server.host(), NonZeroU32::new(20).unwrap())].into();
    let host = host_at(&Rates { hosts, ..Rates::default() }, Redactor::default());
    let plugin = Arc::new(host.load(Spec { cpu: BUDGET, ..hostile() }).await.unwrap());
    let config = json!({"behaviour": "slow-host", "endpoint": server.url("/").as_str(), "count": 22});
    let mut source = plugin.source(&config, None).await.unwrap();
    let began = Instant::now();
    let batch = source.next().await.unwrap().unwrap();
    assert!(began.elapsed() > 2 * BUDGET, "the call has to wait for longer than it may compute");
    assert_eq!(batch[0].as_ref().unwrap().source.repository.as_str(), "patient");
    assert_eq!(server.received().len(), 22);
}

#[tokio::test]
async fn a_source_that_was_given_up_in_the_middle_of_a_call_is_not_entered_again() {
    let plugin = load(hostile()).await;
    let mut source = plugin.source(&json!({"behaviour": "loop"}), None).await.unwrap();
    tokio::time::timeout(Duration::from_millis(50), source.next()).await.unwrap_err();
    for error in [source.next().await.unwrap_err(), source.position().await.unwrap_err()] {
        assert!(matches!(error, PluginError::Broken { failure: Failure::Gone, .. }), "{error}");
    }
}

#[tokio::test]
async fn an_image_with_too_many_destinations_fails_alone() {
    let plugin = load(hostile()).await;
    let mut mapper = plugin.mapper(&json!({"behaviour": "huge-batch", "count": 65})).await.unwrap();
    let mapped = mapper.map(&[image("a.io/n/app:1")]).await.unwrap();
    assert_eq!(mapped[0].as_ref().unwrap_err().to_string(), "a name that it gave is none: it has more than 64 targets");
}

#[tokio::test]
async fn more_than_the_host_copies_at_a_time_is_refused() {
    let spec = Spec { memory: 256 << 20, ..hostile() };
    let config = json!({"behaviour": "huge-text", "count": 40 << 20});
    let error = misbehave(spec, config).await.unwrap_err();
    let PluginError::Broken { failure, .. } = error else { panic!("{error}") };
    assert_eq!(failure, Failure::TooMuch { what: "bytes in one answer", limit: 32 << 20 });
}
