//! CCR and TCR with real registries behind the fake of their API: both locked, TCR's login vended by the API.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::fakes::tencent::Tag;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Server;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::providers::report;

/// The instance `team`.
pub const INSTANCE: &str = "tcr-team";

pub struct Stage {
    pub api: Arc<Tencent>,
    pub server: Server,
    pub source: Registry,
    pub target: Registry,
    pub place: Workplace,
}

impl Stage {
    /// An empty CCR, and the empty instance `team` of TCR in another region than the one that is asked first.
    pub fn new() -> Self {
        let (api, source, target) = (Arc::new(Tencent::new()), Registry::locked(), Registry::locked());
        api.ccr_server(&source.address().to_string());
        api.instance("tcr-other", "other", "other.tencentcloudcr.com", "ap-beijing");
        api.instance(INSTANCE, "team", &target.address().to_string(), "ap-shanghai");
        api.credential(INSTANCE, USER, PASSWORD, Duration::from_hours(1));
        let server = Server::start(Arc::clone(&api) as Arc<dyn Api>);
        Self { api, server, source, target, place: Workplace::new() }
    }

    /// Puts images into CCR: this repository with these tags, pushed one minute after another.
    pub fn ccr(&self, repository: &str, public: bool, tags: &[&str]) {
        let tags: Vec<Tag> = tags.iter().enumerate().map(|(minute, tag)| self.tag(repository, tag, minute)).collect();
        self.api.ccr_repository(repository, public, &tags);
    }

    /// Pushes an image and gives its tag.
    pub fn tag(&self, repository: &str, tag: &str, minute: usize) -> Tag {
        Graph::single(&format!("{repository} {tag}"), tag).push(&self.source.remote(), repository);
        let digest = self.source.remote().manifest(repository, tag).unwrap().digest;
        Tag { name: tag.to_owned(), digest, size: 1000, pushed: format!("2024-01-01T00:{minute:02}:00Z") }
    }

    /// Replaces what differs from run to run: the hosts, the API, the key.
    pub fn text(&self, text: &str) -> String {
        text.replace("CCR_HOST", &self.source.address().to_string())
            .replace("TCR_HOST", &self.target.address().to_string())
            .replace("ENDPOINT", &self.server.url())
            .replace("KEY", &format!("secret-id: {SECRET_ID}, secret-key: {SECRET_KEY}"))
            .replace("LOGIN", &format!("username: {USER}, password: {PASSWORD}"))
    }

    /// Runs a workflow, with its report in `report.json`.
    pub fn workflow(&self, text: &str) -> Finished {
        self.no_secret(self.place.workflow(&self.text(text)))
    }

    /// Runs the classic migration with these flags on top of those that it needs.
    pub fn migrate(&self, flags: &[&str]) -> Finished {
        let security = "\"CCR_HOST\": {LOGIN, insecure: true}\n\"TCR_HOST\": {insecure: true}\n";
        self.place.file("security.yaml", &self.text(security));
        let secret = format!("ccr: {{secretId: {SECRET_ID}, secretKey: {SECRET_KEY}}}\n");
        self.place.file("secret.yaml", &secret);
        let (endpoint, registry) =
            (format!("--tencentcloud-endpoint={}", self.server.url()), format!("--registry={}", self.target.address()));
        let usual = [
            "--ccrToTcr=true",
            "--securityFile=security.yaml",
            "--secretFile=secret.yaml",
            "--tcrName=team",
            "--tcrRegion=ap-guangzhou",
            "--ccrRegion=ap-guangzhou",
            "--report=report.json",
            &endpoint,
            &registry,
        ];
        self.no_secret(self.place.run(&[&usual, flags].concat()))
    }

    #[track_caller]
    fn no_secret(&self, finished: Finished) -> Finished {
        report::no_secret(&self.place, finished, &[SECRET_KEY, PASSWORD])
    }

    /// What became of the images in the last report, by repository of the target and in order.
    pub fn statuses(&self) -> Vec<(String, String)> {
        let report = self.place.report("report.json");
        let targets =
            report["images"].as_array().unwrap().iter().flat_map(|image| image["targets"].as_array().unwrap());
        let mut statuses: Vec<(String, String)> = targets
            .map(|target| {
                (target["reference"].as_str().unwrap().to_owned(), target["status"].as_str().unwrap().to_owned())
            })
            .map(|(reference, status)| (reference.replace(&format!("{}/", self.target.address()), ""), status))
            .collect();
        statuses.sort();
        statuses
    }

    /// Requests of the last run by host.
    pub fn requests(&self, host: &str) -> u64 {
        report::requests(&self.place, host)
    }

    /// The messages of the images that failed.
    pub fn failures(&self) -> Vec<String> {
        let report = self.place.report("report.json");
        let targets =
            report["images"].as_array().unwrap().iter().flat_map(|image| image["targets"].as_array().unwrap());
        let errors = targets.filter(|target| target["status"] == "failed").map(|target| &target["error"]["message"]);
        errors.map(|message: &Value| message.as_str().unwrap().to_owned()).collect()
    }

    /// Whether TCR has exactly these tags.
    #[track_caller]
    pub fn arrived(&self, repository: &str, tags: &[&str]) {
        assert_eq!(self.target.remote().tags(repository), tags, "{repository}");
        for tag in tags {
            let there = self.target.remote().content(repository, tag).unwrap();
            assert_eq!(there, self.source.remote().content(repository, tag).unwrap(), "{repository}:{tag}");
        }
    }
}
