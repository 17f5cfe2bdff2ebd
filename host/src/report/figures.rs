//! The figures of a report, folded from events into a bounded amount of memory.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use crate::limit::HostNumbers;
use crate::limit::Limiter;
use crate::report::Event;
use crate::report::advice;
use crate::report::row;
use crate::report::row::Row;
use crate::report::series::Series;
use crate::report::top::Top;
use crate::transfer::Outcome;
use crate::transfer::Status;

/// Images in the lists of the slowest and of the largest.
const LISTED: usize = 50;

/// Failures of one kind that are kept; all are counted.
const EXAMPLES: usize = 100;

/// Different hints of one kind that are kept.
const HINTS: usize = 5;

/// What reports are made of, besides the summary.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// The run's name.
    pub(super) name: String,
    /// A dry run.
    pub(super) dry_run: bool,
    /// When it began, in seconds since the epoch.
    pub(super) started: u64,
    begun: Instant,
    /// How long it took; zero until it is over.
    pub(super) elapsed: Duration,
    /// Images that were tried in another round.
    pub(super) again: u64,
    pub(super) slowest: Top<Row>,
    pub(super) largest: Top<Row>,
    pub(super) series: Series,
    /// By kind.
    pub(super) failures: BTreeMap<&'static str, Kind>,
    /// As they are at the end.
    pub(super) hosts: Vec<HostNumbers>,
}

/// The failures of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Kind {
    /// All of them.
    pub(super) count: u64,
    /// What was advised, each once.
    pub(super) hints: Vec<String>,
    /// The first of them.
    pub(super) examples: Vec<Example>,
}

/// One failure.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) transfer: String,
    pub(super) source: String,
    pub(super) target: Option<String>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Figures {
    /// Those of the run called `name`, which begins now.
    pub(super) fn new(name: &str, dry_run: bool) -> Self {
        Self {
            name: name.to_owned(),
            dry_run,
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs()),
            begun: Instant::now(),
            elapsed: Duration::ZERO,
            again: 0,
            slowest: Top::new(LISTED),
            largest: Top::new(LISTED),
            series: Series::new(),
            failures: BTreeMap::new(),
            hosts: Vec::new(),
        }
    }

    /// Folds one event.
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Finished(outcome) => {
                self.series.image(self.begun.elapsed());
                self.slowest.take(row::milliseconds(outcome), || Row::of(outcome));
                self.largest.take(row::size(outcome), || Row::of(outcome));
                self.fail(outcome);
            }
            Event::Verified(outcome) => {
                self.series.image(self.begun.elapsed());
                self.fail(outcome);
            }
            Event::Retrying(_) => self.again += 1,
            Event::Rejected { transfer, image, reason } => {
                let example = || Example {
                    transfer: transfer.clone(),
                    source: image.clone(),
                    target: None,
                    message: reason.clone(),
                    hint: None,
                };
                self.failures.entry(advice::REJECTED).or_default().note(None, example);
            }
            Event::Incomplete { transfer, reason, hint } => {
                let example = || Example {
                    transfer: transfer.clone(),
                    source: format!("the source of {transfer}"),
                    target: None,
                    message: reason.clone(),
                    hint: hint.clone(),
                };
                self.failures.entry(advice::UNLISTED).or_default().note(hint.as_ref(), example);
            }
            Event::Resumed { .. } | Event::Started { .. } | Event::Unwanted | Event::Interrupted => {}
        }
    }

    /// Notes how many bytes have moved by now.
    pub(super) fn sample(&mut self, limiter: &Limiter) {
        self.series.bytes(self.begun.elapsed(), limiter.bytes());
    }

    /// The run is over.
    pub(super) fn end(&mut self, limiter: &Limiter) {
        self.sample(limiter);
        self.elapsed = self.begun.elapsed();
        self.hosts = limiter.numbers();
        self.hosts.retain(|host| host.requests > 0);
    }

    fn fail(&mut self, outcome: &Outcome) {
        for target in &outcome.targets {
            let Status::Failed(failure) = &target.status else { continue };
            let example = || Example {
                transfer: outcome.job.transfer.clone(),
                source: outcome.job.source.to_string(),
                target: Some(target.reference.to_string()),
                message: failure.message.clone(),
                hint: failure.hint.clone(),
            };
            self.failures.entry(failure.class).or_default().note(failure.hint.as_ref(), example);
        }
    }

    /// The keys that a JSON report has for them.
    pub(super) fn json(&self) -> [(&'static str, Value); 7] {
        let seconds = self.elapsed.as_secs_f64();
        let throughput = json!({"span-seconds": self.series.width().as_secs(), "spans": self.series.spans()});
        let list = |top: &Top<Row>| top.iter().map(|row| json!(row)).collect::<Value>();
        [
            ("seconds", json!((seconds * 1000.0).round() / 1000.0)),
            ("tried-again", json!(self.again)),
            ("throughput", throughput),
            ("slowest", list(&self.slowest)),
            ("largest", list(&self.largest)),
            ("failures", self.failures.iter().map(|(class, kind)| kind.json(class)).collect()),
            ("hosts", self.hosts.iter().map(host).collect()),
        ]
    }
}

impl Kind {
    fn note(&mut self, hint: Option<&String>, example: impl FnOnce() -> Example) {
        self.count += 1;
        if let Some(hint) = hint
            && self.hints.len() < HINTS
            && !self.hints.contains(hint)
        {
            self.hints.push(hint.clone());
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    fn json(&self, class: &str) -> Value {
        let (what, advice) = advice::of(class);
        let example = |it: &Example| {
            json!({
                "transfer": it.transfer, "source": it.source, "target": it.target, "message": it.message, "hint": it.hint,
            })
        };
        json!({
            "class": class,
            "what": what,
            "advice": advice,
            "count": self.count,
            "hints": self.hints,
            "examples": self.examples.iter().map(example).collect::<Value>(),
        })
    }
}

fn host(host: &HostNumbers) -> Value {
    let answers = host.answers.iter().map(|it| json!({"method": it.method, "status": it.status, "count": it.count}));
    json!({
        "host": host.host,
        "requests": host.requests,
        "answers": answers.collect::<Value>(),
        "received": host.received,
        "sent": host.sent,
        "retries": host.retries,
        "throttled": host.throttled,
        "pauses": host.pauses,
        "paused-seconds": seconds(host.paused),
        "waited-seconds": seconds(host.waited),
    })
}

/// With milliseconds, and no more than that.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
