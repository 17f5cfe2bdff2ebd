//! Rate tokens, host gates, concurrency, retry budgets, the bandwidth cap, and the count of requests by host.

mod bandwidth;
mod budget;
mod distance;
mod flow;
mod gate;
mod host;
mod permit;
mod tokens;
mod traffic;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bandwidth::Bandwidth;
use host::Host;
use tokens::Tokens;

pub use flow::Slot;
pub use permit::Permit;
pub use traffic::Answers;
pub use traffic::FlowNumbers;
pub use traffic::HostNumbers;
pub use traffic::Traffic;

/// The longest pause that a host can ask for. A longer `Retry-After` is cut to this, so that a wrong header cannot end a run.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Named rates that are kept. There is one for each action of an API.
const MOST_NAMED: usize = 4096;

/// How long a host that serves nothing is waited for, if nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_mins(30);

/// Small requests to one host at a time, in one direction.
const SMALL: usize = 64;

/// How fast requests may leave.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Requests a second over all hosts.
    pub overall: Option<NonZeroU32>,
    /// Requests a second by host (`host` or `host:port` as in a URL's authority).
    pub hosts: HashMap<String, NonZeroU32>,
    /// Bytes a second over all downloads.
    pub bandwidth: Option<u64>,
    /// Blobs on their way to or from one host at a time.
    pub blobs: usize,
    /// How long a host that serves nothing is waited for.
    pub patience: Duration,
}

impl Default for Rates {
    fn default() -> Self {
        Self { overall: None, hosts: HashMap::new(), bandwidth: None, blobs: SMALL, patience: PATIENCE }
    }
}

/// Which way the bytes of a request go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the host.
    Read,
    /// To the host.
    Write,
}

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Little: it takes a slot of the host by itself.
    Small,
    /// A blob: whoever moves it holds the slots of both hosts, see [`Limiter::slots`].
    Blob,
}

/// A host that has served nothing for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unserved(pub Duration);

/// Why nothing leaves for a host at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// For how much longer.
    pub pause: Duration,
    /// It cannot be reached; else it limits requests.
    pub down: bool,
    /// For how long it has served nothing, if it has not served since it first refused.
    pub unserved: Option<Duration>,
}

/// What a response means for its host's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The host served the request.
    Served,
    /// It refused the request for what it asks: the host is well.
    Answered,
    /// The host asked for a pause, and perhaps said how long.
    Pause(Option<Duration>),
    /// It is not there, or what stands before it cannot reach it.
    Failed,
    /// None of these: an error that says nothing of the host.
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
    blobs: usize,
    patience: Duration,
}

/// A rate of one kind of request to a host: the host, the name, and requests a second.
type Named = (String, String, NonZeroU32);

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
            blobs: rates.blobs,
            patience: rates.patience,
        }
    }

    /// Waits until a request to `host` (`host` or `host:port`) may leave: there is a slot for it, the host's gate is open, and a
    /// token of the host's and one of the overall rate are taken. The host's come first, so that waiting for one host holds up no other.
    /// Fails where the host has served nothing for as long as anybody waits for it.
    pub async fn acquire(&self, host: &str, direction: Direction, load: Load) -> Result<Permit, Unserved> {
        let state = self.host(host);
        let slot = match load {
            Load::Small => Some(state.small[direction as usize].take().await),
            Load::Blob => None,
        };
        state.budget.earn();
        loop {
            self.wait_for(&state).await?;
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
                return Ok(Permit { host: state, name: host.to_owned(), given: now, direction, load, slot });
            }
        }
    }

    /// Waits for room for a blob on each of these ways. All who take several do so in one order, so that none waits for another in a
    /// circle.
    pub async fn slots(&self, ways: &[(String, Direction)]) -> Vec<Slot> {
        let mut ways: Vec<_> = ways.iter().collect();
        ways.sort();
        ways.dedup();
        let mut slots = Vec::with_capacity(ways.len());
        for (host, direction) in ways {
            slots.push(self.host(host).blobs[*direction as usize].take().await);
        }
        slots
    }

    /// Waits until one more retry fits the budget of `host`.
    pub async fn retry(&self, host: &str) {
        let pause = self.host(host).budget.spend(Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Counts that something of `host` is tried once more.
    pub fn retried(&self, host: &str) {
        self.host(host).traffic.retried();
    }

    /// The counters of `host`.
    #[must_use]
    pub fn traffic(&self, host: &str) -> Arc<Traffic> {
        Arc::clone(&self.host(host).traffic)
    }

    /// How long a host that serves nothing is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// How long nothing will leave for `host`; none if it may at once.
    #[must_use]
    pub fn paused(&self, host: &str) -> Option<Duration> {
        let state = lock(&self.hosts).get(host).cloned()?;
        lock(&state.gate).opens_in(Instant::now())
    }

    /// Whether `host` is so far away that a request is mostly on its way. Not before it has answered one.
    #[must_use]
    pub fn is_far(&self, host: &str) -> bool {
        lock(&self.hosts).get(host).is_some_and(|state| state.distance.is_far())
    }

    /// Why nothing leaves for `host`; none if something may.
    #[must_use]
    pub fn wait(&self, host: &str) -> Option<Wait> {
        let state = lock(&self.hosts).get(host).cloned()?;
        let (gate, now) = (lock(&state.gate), Instant::now());
        Some(Wait { pause: gate.opens_in(now)?, down: gate.is_down(), unserved: gate.refusing_for(now) })
    }

    /// The hosts that are waited for, and for how long.
    #[must_use]
    pub fn waits(&self) -> Vec<(String, Duration)> {
        let hosts: Vec<_> = lock(&self.hosts).iter().map(|(name, host)| (name.clone(), Arc::clone(host))).collect();
        let now = Instant::now();
        hosts.into_iter().filter_map(|(name, host)| Some((name, lock(&host.gate).opens_in(now)?))).collect()
    }

    /// Waits for the gate to open, unless its host has served nothing for too long.
    async fn wait_for(&self, host: &Host) -> Result<(), Unserved> {
        loop {
            let now = Instant::now();
            let pause = {
                let gate = lock(&host.gate);
                let Some(pause) = gate.opens_in(now) else { return Ok(()) };
                match gate.refusing_for(now) {
                    Some(refusing) if refusing > self.patience => return Err(Unserved(refusing)),
                    _ => pause,
                }
            };
            // Spread, so that not everyone who waited arrives at once.
            let spread = pause.min(Duration::from_secs(1)).mul_f64(0.2 * fastrand::f64());
            tokio::time::sleep(pause + spread).await;
            host.traffic.waited(now.elapsed());
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

    /// What was counted of each host, and how it is limited now.
    #[must_use]
    pub fn numbers(&self) -> Vec<HostNumbers> {
        let hosts: Vec<_> = lock(&self.hosts).iter().map(|(name, host)| (name.clone(), Arc::clone(host))).collect();
        let now = Instant::now();
        hosts.into_iter().map(|(name, host)| HostNumbers { host: name, ..host.numbers(now) }).collect()
    }

    /// Bytes of bodies that came from all hosts, and that went to them.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let hosts = lock(&self.hosts);
        hosts.values().map(|host| host.traffic.bytes()).fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        let bare = name.rsplit_once(':').map_or(name, |(host, _)| host);
        let rate = self.rates.get(name).or_else(|| self.rates.get(bare)).copied();
        let host = Arc::new(Host::new(rate, self.blobs));
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
