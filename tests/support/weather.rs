//! Faults at random, from a seed.

use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::time::Duration;
use std::time::SystemTime;

use crate::harness::api::Reply;
use crate::support::fault::Fault;

/// So many of a hundred requests are faulty. Which ones follows from the seed, the request and how often it came, and not from the
/// order in which threads run.
pub struct Weather {
    seed: u64,
    percent: u8,
    /// 401, as this registry says it.
    challenge: Reply,
    counts: HashMap<String, u64>,
}

impl Weather {
    pub fn new(seed: u64, percent: u8, challenge: Reply) -> Self {
        Self { seed, percent, challenge, counts: HashMap::new() }
    }

    /// The fault of this request, if it has one.
    pub fn strike(&mut self, method: &str, path: &str) -> Option<Fault> {
        let mut key = format!("{method} {path}");
        // The number of a session depends on who came first; what it is for does not.
        if let Some((before, after)) = key.split_once("/uploads/") {
            let query = after.split_once('?').map_or("", |(_, query)| query);
            key = format!("{before}/uploads/?{query}");
        }
        let count = self.counts.entry(key.clone()).or_default();
        *count += 1;
        let mut hasher = DefaultHasher::new();
        (self.seed, &key, *count).hash(&mut hasher);
        let mut random = fastrand::Rng::with_seed(hasher.finish());
        (random.u8(0..100) < self.percent).then(|| self.fault(&mut random, method, path))
    }

    fn fault(&self, random: &mut fastrand::Rng, method: &str, path: &str) -> Fault {
        let reads = method == "GET";
        // What a digest does not cover cannot be told from the truth.
        let verified = reads && (path.contains("/blobs/sha") || path.contains("/manifests/sha"));
        let uploads = matches!(method, "PUT" | "PATCH");
        loop {
            return match random.u8(0..10) {
                0 => Fault::status(*random.choice(&[500, 502, 503, 504]).unwrap()),
                1 => Fault::Answer(Reply::empty(503).with("Retry-After", "0")),
                2 => Fault::Answer(busy(random)),
                3 => Fault::CutRequest(0),
                4 if uploads => Fault::CutRequest(random.usize(1..2000)),
                5 => Fault::Lost,
                6 if reads => Fault::Cut(random.usize(0..2000)),
                7 if verified => Fault::Flip(random.usize(0..200)),
                8 => Fault::SlowBody(random.usize(20..2000), Duration::from_millis(5)),
                // A token server that says no means it, and so does a registry that says it three times.
                9 if path.starts_with("/token") => continue,
                9 => match random.u8(0..20) {
                    0 => Fault::Expire,
                    1..=6 => Fault::Answer(self.challenge.clone()),
                    _ => continue,
                },
                _ => continue,
            };
        }
    }
}

/// 429 in one of the ways to say how long.
fn busy(random: &mut fastrand::Rng) -> Reply {
    let reply = Reply::empty(429);
    match random.u8(0..3) {
        0 => reply,
        1 => reply.with("Retry-After", "0"),
        _ => reply.with("Retry-After", httpdate::fmt_http_date(SystemTime::now())),
    }
}
