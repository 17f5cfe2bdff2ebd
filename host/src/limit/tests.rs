use super::*;

fn rates(hosts: &[(&str, u32)]) -> Rates {
    Rates {
        hosts: hosts
            .iter()
            .map(|(host, rate)| ((*host).to_owned(), NonZeroU32::new(*rate).expect("positive")))
            .collect(),
        ..Rates::default()
    }
}

async fn acquire(limiter: &Limiter, host: &str) -> Permit {
    limiter.acquire(host, Direction::Read, Load::Small).await.expect("a host that is well")
}

#[tokio::test]
async fn requests_are_counted_by_host() {
    let limiter = Limiter::new(&Rates::default());
    for host in ["b.example", "a.example:5000", "b.example"] {
        acquire(&limiter, host).await;
    }
    assert_eq!(limiter.counts(), [("a.example:5000".to_owned(), 1), ("b.example".to_owned(), 2)]);
}

#[tokio::test]
async fn a_pause_holds_up_its_host_and_no_other() {
    let limiter = Limiter::new(&Rates::default());
    acquire(&limiter, "busy.example").await.report(Signal::Pause(Some(Duration::from_hours(1))));
    acquire(&limiter, "idle.example").await;
    let busy = futures_util::FutureExt::now_or_never(acquire(&limiter, "busy.example"));
    assert!(busy.is_none());
    assert!(limiter.paused("busy.example").is_some() && limiter.paused("idle.example").is_none());
    assert_eq!(limiter.waits().len(), 1);
}

#[tokio::test]
async fn a_host_that_serves_nothing_is_waited_for_and_then_given_up() {
    let rates = Rates { patience: Duration::ZERO, ..Rates::default() };
    let limiter = Limiter::new(&rates);
    acquire(&limiter, "busy.example").await.report(Signal::Pause(Some(Duration::from_hours(1))));
    std::thread::yield_now();
    let given_up = limiter.acquire("busy.example", Direction::Read, Load::Small).await;
    assert!(matches!(given_up, Err(Unserved(_))));
}

#[tokio::test]
async fn blobs_take_no_room_of_small_requests() {
    let limiter = Limiter::new(&Rates { blobs: 1, ..Rates::default() });
    let way = [("a.example".to_owned(), Direction::Read), ("a.example".to_owned(), Direction::Read)];
    let held = limiter.slots(&way).await;
    assert_eq!(held.len(), 1);
    assert!(futures_util::FutureExt::now_or_never(limiter.slots(&way)).is_none());
    acquire(&limiter, "a.example").await;
    drop(held);
    limiter.slots(&way).await;
}

#[tokio::test]
async fn a_named_rate_holds_for_its_name_and_host_alone() {
    let limiter = Limiter::new(&Rates::default());
    let once = NonZeroU32::MIN;
    let next = |host, name| futures_util::FutureExt::now_or_never(limiter.pace(host, name, once));
    assert_eq!(next("a.example", "List"), Some(true));
    assert_eq!(next("a.example", "List"), None);
    assert_eq!(next("a.example", "Create"), Some(true));
    assert_eq!(next("b.example", "List"), Some(true));
}

#[test]
fn a_rate_without_a_port_holds_for_every_port() {
    let limiter = Limiter::new(&rates(&[("Any.example", 5), ("one.example:5000", 5)]));
    assert!(limiter.host("any.example:8443").tokens.is_some());
    assert!(limiter.host("any.example").tokens.is_some());
    assert!(limiter.host("one.example:5000").tokens.is_some());
    assert!(limiter.host("one.example:5001").tokens.is_none());
}
