//! Rate tokens, host gates, the bandwidth cap, and the count of requests by host.

mod bandwidth;
mod gate;
mod tokens;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bandwidth::Bandwidth;
use gate::Gate;
use tokens::Tokens;

/// The longest pause that a host can ask for. A longer `Retry-After` is cut to this, so that a wrong header cannot end a run.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Named rates that are kept. There is one for each action of an API.
const MOST_NAMED: usize = 4096;

/// How fast requests may leave.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// Requests a second over all hosts.
    pub overall: Option<NonZeroU32>,
    /// Requests a second by host (`host` or `host:port` as in a URL's authority).
    pub hosts: HashMap<String, NonZeroU32>,
    /// Bytes a second over all downloads.
    pub bandwidth: Option<u64>,
}

/// What a response means for its host's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The host served the request.
    Served,
    /// The host asked for a pause, and perhaps said how long.
    Pause(Option<Duration>),
    /// Neither: an error that says nothing of the host's load.
    Other,
}

/// Rate tokens, overall and per host, and the gates that a 429 closes.
#[derive(Debug)]
pub struct Limiter {
    overall: Option<Tokens>,
    rates: HashMap<String, NonZeroU32>,
    hosts: Mutex<BTreeMap<String, Arc<Host>>>,
    named: Mutex<HashMap<Named, Arc<Tokens>>>,
    bandwidth: Option<Bandwidth>,
}

/// A rate of one kind of request to a host: the host, the name, and requests a second.
type Named = (String, String, NonZeroU32);

#[derive(Debug)]
struct Host {
    tokens: Option<Tokens>,
    gate: Mutex<Gate>,
    requests: AtomicU64,
}

/// Leave to send one request, and the moment it was given.
#[derive(Clone, Debug)]
pub struct Permit {
    host: Arc<Host>,
    name: String,
    given: Instant,
}

impl Limiter {
    /// Limits by `rates`.
    #[must_use]
    pub fn new(rates: &Rates) -> Self {
        Self {
            overall: rates.overall.map(Tokens::new),
            rates: rates.hosts.iter().map(|(host, rate)| (host.to_ascii_lowercase(), *rate)).collect(),
            hosts: Mutex::default(),
            named: Mutex::default(),
            bandwidth: rates.bandwidth.map(Bandwidth::new),
        }
    }

    /// Waits until a request to `host` (`host` or `host:port`) may leave: the host's gate is open, and a token of the host's and
    /// one of the overall rate are taken. The host's come first, so that waiting for one host holds up no other.
    pub async fn acquire(&self, host: &str) -> Permit {
        let state = self.host(host);
        loop {
            wait_for(&state.gate).await;
            if let Some(tokens) = &state.tokens {
                tokens.take().await;
            }
            if let Some(tokens) = &self.overall {
                tokens.take().await;
            }
            // The gate may have closed meanwhile; the tokens are then spent, which only makes the rate lower.
            let now = Instant::now();
            if lock(&state.gate).opens_in(now).is_none() {
                state.requests.fetch_add(1, Ordering::Relaxed);
                return Permit { host: state, name: host.to_owned(), given: now };
            }
        }
    }

    /// Waits until one more request of the kind called `name` may leave for `host`, at most `rate` of them a second. This comes
    /// before [`Self::acquire`]. False if there are too many names already.
    pub async fn pace(&self, host: &str, name: &str, rate: NonZeroU32) -> bool {
        let key = (host.to_owned(), name.to_owned(), rate);
        let tokens = {
            let mut named = lock(&self.named);
            if named.len() >= MOST_NAMED && !named.contains_key(&key) {
                return false;
            }
            Arc::clone(named.entry(key).or_insert_with(|| Arc::new(Tokens::new(rate))))
        };
        tokens.take().await;
        true
    }

    /// Waits until `bytes` that were downloaded fit the bandwidth.
    pub async fn downloaded(&self, bytes: usize) {
        if let Some(pause) = self.bandwidth.as_ref().and_then(|it| it.reserve(bytes, Instant::now())) {
            tokio::time::sleep(pause).await;
        }
    }

    /// How many requests have left, by host.
    #[must_use]
    pub fn counts(&self) -> Vec<(String, u64)> {
        lock(&self.hosts).iter().map(|(name, host)| (name.clone(), host.requests.load(Ordering::Relaxed))).collect()
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        let bare = name.rsplit_once(':').map_or(name, |(host, _)| host);
        let rate = self.rates.get(name).or_else(|| self.rates.get(bare)).copied();
        let host =
            Arc::new(Host { tokens: rate.map(Tokens::new), gate: Mutex::default(), requests: AtomicU64::new(0) });
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

impl Permit {
    /// Tells the host's gate how the request ended.
    pub fn report(&self, signal: Signal) {
        let pause = lock(&self.host.gate).report(signal, self.given, Instant::now());
        if let Some(pause) = pause {
            tracing::debug!(host = %self.name, ?pause, "the host asks for a pause");
            if pause >= Duration::from_secs(5) {
                tracing::warn!("{} is limiting requests: paused for {} s", self.name, pause.as_secs());
            }
        }
    }
}

async fn wait_for(gate: &Mutex<Gate>) {
    loop {
        let Some(pause) = lock(gate).opens_in(Instant::now()) else { return };
        // Spread, so that not everyone who waited arrives at once.
        let spread = pause.min(Duration::from_secs(1)).mul_f64(0.2 * fastrand::f64());
        tokio::time::sleep(pause + spread).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn requests_are_counted_by_host() {
        let limiter = Limiter::new(&Rates::default());
        limiter.acquire("b.example").await;
        limiter.acquire("a.example:5000").await;
        limiter.acquire("b.example").await;
        assert_eq!(limiter.counts(), [("a.example:5000".to_owned(), 1), ("b.example".to_owned(), 2)]);
    }

    #[tokio::test]
    async fn a_pause_holds_up_its_host_and_no_other() {
        let limiter = Limiter::new(&Rates::default());
        limiter.acquire("busy.example").await.report(Signal::Pause(Some(Duration::from_hours(1))));
        limiter.acquire("idle.example").await;
        let busy = futures_util::FutureExt::now_or_never(limiter.acquire("busy.example"));
        assert!(busy.is_none());
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
}
