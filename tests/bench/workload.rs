//! Runs a workload: sets its stage, runs the tools in turn, compares what arrived.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::harness::proxy::Proxy;
use crate::harness::store::Store as _;
use crate::harness::store::text;
use crate::heads;
use crate::images::REPOSITORY;
use crate::measure;
use crate::measure::Figures;
use crate::registry::Quiet;
use crate::tools::Tool;
use crate::traffic::Traffic;
use crate::workloads::Workload;

/// The filled source, and what should be at each target.
pub struct Stage<'a> {
    workload: &'a Workload,
    source: Quiet,
    tags: Vec<String>,
    /// The digest of each tag's manifest, and of each blob.
    manifests: Vec<String>,
    blobs: Vec<String>,
}

/// What a tool took, of each run.
pub struct Result {
    pub tool: Tool,
    pub first: Vec<Figures>,
    /// When all was there already.
    pub again: Vec<Figures>,
    /// To and from the source, then the targets.
    pub traffic: [Traffic; 2],
    pub traffic_again: [Traffic; 2],
}

/// What the workload took.
pub struct Results {
    pub tools: Vec<Result>,
    /// The bare requests of the second run.
    pub heads: Vec<Figures>,
}

impl<'a> Stage<'a> {
    pub fn set(workload: &'a Workload) -> Self {
        let source = Quiet::start();
        workload.images.push(&source.remote());
        let tags: Vec<String> = workload.images.tags().collect();
        let (mut manifests, mut blobs) = (Vec::new(), Vec::new());
        for tag in &tags {
            let manifest = source.remote().manifest(REPOSITORY, tag).unwrap();
            let value: Value = serde_json::from_slice(&manifest.bytes).unwrap();
            let layers = value["layers"].as_array().unwrap();
            blobs.extend(layers.iter().chain([&value["config"]]).map(|blob| text(&blob["digest"])));
            manifests.push(manifest.digest);
        }
        blobs.sort();
        blobs.dedup();
        Self { workload, source, tags, manifests, blobs }
    }

    /// Runs every tool `rounds` times, in turn, and once more where its requests are counted.
    pub fn measure(&self, rounds: usize) -> Results {
        let wanted = env::var("TOOLS").unwrap_or_default();
        let is_wanted =
            |tool: Tool| wanted.is_empty() || tool.name().starts_with("image-transfer") || wanted.contains(tool.name());
        let tools = self.workload.tools.iter().copied().filter(|tool| tool.is_here() && is_wanted(*tool));
        let mut tools: Vec<Result> = tools
            .map(|tool| Result {
                tool,
                first: vec![],
                again: vec![],
                traffic: [Traffic::default(); 2],
                traffic_again: [Traffic::default(); 2],
            })
            .collect();
        let mut heads = Vec::new();
        let rounds = rounds.min(self.workload.rounds);
        for round in 1..=rounds {
            for result in &mut tools {
                let targets = self.targets();
                heads.extend(self.run(result, &targets, self.workload.far, false));
                let (name, tool) = (self.workload.name, result.tool.name());
                println!("{name} {round}/{rounds} {tool}: {}", result.first[round - 1]);
                if let Some(again) = result.again.last() {
                    println!("{name}, again {round}/{rounds} {tool}: {again}");
                }
            }
        }
        if self.workload.far.is_none() {
            for result in &mut tools {
                self.run(result, &self.targets(), Some(Duration::ZERO), true);
            }
        }
        Results { tools, heads }
    }

    /// The command that moves all of it to `target`, with its files in `place`.
    pub fn command(&self, place: &Path, target: SocketAddr) -> Vec<String> {
        Tool::ImageTransfer.command(place, self.source.address(), &[target], &self.tags)
    }

    fn targets(&self) -> Vec<Quiet> {
        (0..self.workload.targets).map(|_| Quiet::start()).collect()
    }

    /// One run to empty `targets`, and one to full ones where that is asked for; its figures are noted unless it is `only_counted`. It is
    /// counted if there is a `distance`, however short. Gives the bare requests of the second run, before and after it: a registry that has just
    /// been written to answers more slowly for a while.
    fn run(
        &self,
        result: &mut Result,
        targets: &[Quiet],
        distance: Option<Duration>,
        only_counted: bool,
    ) -> Vec<Figures> {
        let mut heads = Vec::new();
        let bare = self.workload.again && result.tool == Tool::ImageTransfer && distance.is_none();
        let mut ask = || {
            heads.extend(bare.then(|| heads::all(self.workload.images, [self.source.address(), targets[0].address()])));
        };
        let place = tempfile::tempdir().unwrap();
        let registries: Vec<SocketAddr> = [&self.source].into_iter().chain(targets).map(Quiet::address).collect();
        let proxies: Vec<Proxy> = distance
            .map(|distance| registries.iter().map(|registry| Proxy::far(*registry, distance)).collect())
            .unwrap_or_default();
        let shown: Vec<SocketAddr> =
            if proxies.is_empty() { registries } else { proxies.iter().map(Proxy::address).collect() };
        let command = result.tool.command(place.path(), shown[0], &shown[1..], &self.tags);
        for again in [false, true].into_iter().take(1 + usize::from(self.workload.again)) {
            proxies.iter().for_each(Proxy::reset);
            if again {
                ask();
            }
            let figures = measure::run(&command);
            if again {
                ask();
            }
            let count = targets.len().min(if result.tool == Tool::ImageTransfer { usize::MAX } else { 1 });
            let changes = self.workload.images.plain && result.tool == Tool::Skopeo;
            targets[..count].iter().for_each(|target| if changes { self.count(target) } else { self.compare(target) });
            let (kept, counts) = if again {
                (&mut result.again, &mut result.traffic_again)
            } else {
                (&mut result.first, &mut result.traffic)
            };
            if !only_counted {
                kept.push(figures);
            }
            if !proxies.is_empty() {
                *counts = traffic(&proxies);
            }
        }
        heads
    }

    /// Every tag is there, whatever it is now.
    fn count(&self, target: &Quiet) {
        for tag in &self.tags {
            assert!(target.remote().manifest(REPOSITORY, tag).is_some(), "{tag}");
        }
    }

    /// Every tag has the source's manifest, and every blob is there.
    fn compare(&self, target: &Quiet) {
        let target = target.remote();
        for (tag, wanted) in self.tags.iter().zip(&self.manifests) {
            let found = target.manifest(REPOSITORY, tag).map(|it| it.digest);
            assert_eq!(found.as_ref(), Some(wanted), "{tag}");
        }
        for blob in &self.blobs {
            assert!(target.has_blob(REPOSITORY, blob), "{blob}");
        }
    }
}

/// Between a tool and the source, and between it and all targets.
fn traffic(proxies: &[Proxy]) -> [Traffic; 2] {
    let mut targets = Traffic::default();
    for proxy in &proxies[1..] {
        targets += Traffic::through(proxy);
    }
    [Traffic::through(&proxies[0]), targets]
}
