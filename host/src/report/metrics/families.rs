//! What is told, and what it is called. docs/metrics.md lists the same; a test holds the two together.

use std::sync::PoisonError;
use std::time::UNIX_EPOCH;

use prometheus::CounterVec;
use prometheus::GaugeVec;
use prometheus::IntCounterVec;
use prometheus::IntGaugeVec;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::Result;
use prometheus::TextEncoder;

use crate::limit::HostNumbers;
use crate::report::Summary;
use crate::report::metrics::Scene;

/// Families, made anew for each scrape from what was counted elsewhere.
struct Families(Registry);

/// Labels and the number behind them.
type Samples<'a, T> = Vec<(Vec<&'a str>, T)>;

impl Scene {
    /// All metrics, as text.
    pub(super) fn text(&self) -> Result<String> {
        let families = Families(Registry::new_custom(Some("image_transfer".to_owned()), None)?);
        let summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.run(&families)?;
        images(&families, &summary)?;
        hosts(&families, &self.sources.limiter.numbers())?;
        self.plugins(&families)?;
        TextEncoder::new().encode_to_string(&families.0.gather())
    }

    fn run(&self, families: &Families) -> Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        families.gauges("build_info", "1; the version is its label.", &["version"], vec![(vec![version], 1)])?;
        let started = self.started.duration_since(UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64());
        let help = "When the run began, in seconds since the epoch.";
        families.float_gauges("run_start_time_seconds", help, &[], vec![(vec![], started)])?;
        let count = |count: usize| vec![(vec![], i64::try_from(count).unwrap_or(i64::MAX))];
        let backlog = &self.sources.backlog;
        families.gauges("images_in_flight", "Images under way.", &[], count(backlog.in_flight()))?;
        families.gauges("images_queued", "Images that were listed and wait for a worker.", &[], count(backlog.queued()))
    }

    fn plugins(&self, families: &Families) -> Result<()> {
        let plugins = self.sources.calls.numbers();
        let calls = || plugins.iter().flat_map(|(name, calls)| calls.iter().map(move |call| (name.as_str(), call)));
        let counts = calls().flat_map(|(name, call)| {
            let label = move |result| vec![name, call.function, result];
            [(label("answered"), call.answered), (label("broken"), call.broken)]
        });
        let labels = ["plugin", "function", "result"];
        families.counters("plugin_calls_total", "Calls of plugins that are over.", &labels, counts.collect())?;
        let labels = &labels[..2];
        let times = calls().map(|(name, call)| (vec![name, call.function], call.time.as_secs_f64()));
        let help = "How long calls of plugins took, with what they waited for.";
        families.float_counters("plugin_call_seconds_total", help, labels, times.collect())?;
        let times = calls().map(|(name, call)| (vec![name, call.function], call.cpu.as_secs_f64()));
        families.float_counters("plugin_cpu_seconds_total", "What plugins computed.", labels, times.collect())
    }
}

fn images(families: &Families, summary: &Summary) -> Result<()> {
    let done = summary.jobs.saturating_sub(summary.failed_jobs);
    let images = [
        ("done", done),
        ("failed", summary.failed_jobs),
        ("rejected", summary.failed_generations.saturating_sub(summary.incomplete)),
        ("unwanted", summary.unwanted),
    ];
    let one = |samples: &[(&'static str, u64)]| samples.iter().map(|(label, count)| (vec![*label], *count)).collect();
    families.counters("images_total", "Images that were done with.", &["outcome"], one(&images))?;
    let targets = [
        ("copied", summary.copied),
        ("unchanged", summary.unchanged),
        ("skipped", summary.skipped),
        ("planned", summary.planned),
        ("named", summary.named),
        ("failed", summary.failed),
        ("before", summary.before),
        ("verified", summary.verified),
        ("unverified", summary.unverified),
    ];
    families.counters("targets_total", "Targets of images, by how they ended.", &["outcome"], one(&targets))?;
    let broken = vec![(vec![], summary.incomplete)];
    families.counters("incomplete_sources_total", "Sources whose list broke off.", &[], broken)?;
    let bytes = &summary.bytes;
    let blobs = [("copied", bytes.copied_blobs), ("mounted", bytes.mounted_blobs), ("present", bytes.present_blobs)];
    families.counters("blobs_total", "Blobs of images that are done, by how they came.", &["way"], one(&blobs))?;
    let bytes = [("copied", bytes.copied), ("mounted", bytes.mounted), ("present", bytes.present)];
    families.counters("blob_bytes_total", "Bytes of blobs of images that are done.", &["way"], one(&bytes))
}

fn hosts(families: &Families, hosts: &[HostNumbers]) -> Result<()> {
    let requests = hosts
        .iter()
        .flat_map(|host| host.answers.iter().map(move |it| (vec![host.host.as_str(), it.method, it.status], it.count)));
    let help = "Requests that ended, by the first digit of their status; none: without an answer.";
    families.counters("requests_total", help, &["host", "method", "status"], requests.collect())?;
    let traffic = hosts.iter().flat_map(|host| {
        [("received", host.received), ("sent", host.sent)].map(|(way, bytes)| (vec![host.host.as_str(), way], bytes))
    });
    let help = "Bytes of bodies, as they pass.";
    families.counters("traffic_bytes_total", help, &["host", "direction"], traffic.collect())?;
    let each = |of: fn(&HostNumbers) -> u64| hosts.iter().map(|host| (vec![host.host.as_str()], of(host))).collect();
    let help = "Requests, blobs and logins that were tried once more.";
    families.counters("retries_total", help, &["host"], each(|host| host.retries))?;
    families.counters("throttled_total", "Answers that asked for a pause.", &["host"], each(|host| host.throttled))?;
    let seconds = |of: fn(&HostNumbers) -> f64| hosts.iter().map(|host| (vec![host.host.as_str()], of(host))).collect();
    let help = "How long nothing was sent to the host.";
    families.float_counters("paused_seconds_total", help, &["host"], seconds(|host| host.paused.as_secs_f64()))?;
    let help = "How long requests waited for such pauses to end, added up over all of them.";
    families.float_counters("waited_seconds_total", help, &["host"], seconds(|host| host.waited.as_secs_f64()))?;
    let help = "How long nothing will be sent to the host from now on.";
    families.float_gauges("pause_seconds", help, &["host"], seconds(|host| host.opens_in.as_secs_f64()))?;
    let flows = || hosts.iter().flat_map(|host| host.flows.iter().map(move |flow| (host.host.as_str(), flow)));
    let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let labels = ["host", "load", "direction"];
    let limits = flows().map(|(host, flow)| (vec![host, flow.load, flow.direction], gauge(flow.limit)));
    let help = "Requests that may be on their way at a time, as the host has taught.";
    families.gauges("concurrency_limit", help, &labels, limits.collect())?;
    let used = flows().map(|(host, flow)| (vec![host, flow.load, flow.direction], gauge(flow.used)));
    families.gauges("concurrency_used", "Requests that are on their way.", &labels, used.collect())
}

impl Families {
    fn counters(&self, name: &str, help: &str, labels: &[&str], samples: Samples<'_, u64>) -> Result<()> {
        let family = IntCounterVec::new(Opts::new(name, help), labels)?;
        for (labels, count) in samples {
            family.get_metric_with_label_values(&labels)?.inc_by(count);
        }
        self.0.register(Box::new(family))
    }

    fn float_counters(&self, name: &str, help: &str, labels: &[&str], samples: Samples<'_, f64>) -> Result<()> {
        let family = CounterVec::new(Opts::new(name, help), labels)?;
        for (labels, count) in samples {
            family.get_metric_with_label_values(&labels)?.inc_by(count);
        }
        self.0.register(Box::new(family))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str], samples: Samples<'_, i64>) -> Result<()> {
        let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
        for (labels, value) in samples {
            family.get_metric_with_label_values(&labels)?.set(value);
        }
        self.0.register(Box::new(family))
    }

    fn float_gauges(&self, name: &str, help: &str, labels: &[&str], samples: Samples<'_, f64>) -> Result<()> {
        let family = GaugeVec::new(Opts::new(name, help), labels)?;
        for (labels, value) in samples {
            family.get_metric_with_label_values(&labels)?.set(value);
        }
        self.0.register(Box::new(family))
    }
}
