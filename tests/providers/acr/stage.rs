//! Both editions of ACR with real registries behind the fake of their API, and a registry of somebody else's.

use std::time::Duration;

use crate::fakes::acr::Acr;
use crate::fakes::acr::KEY_ID;
use crate::fakes::acr::KEY_SECRET;
use crate::fakes::acr::PERSONAL;
use crate::fakes::acr::Tag;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;

/// The instance `team` of the enterprise edition.
pub const INSTANCE: &str = "cri-0123456789abcdef";
/// Both editions.
pub const EDITIONS: [&str; 2] = [INSTANCE, PERSONAL];

/// What the options say for each edition.
pub fn edition(place: &str) -> &'static str {
    if place == PERSONAL { "edition: personal" } else { "instance: team" }
}

pub struct Stage {
    pub acr: Acr,
    /// The registry of the instance, which is locked.
    pub enterprise: Registry,
    /// The registry of the personal edition, which is locked.
    pub personal: Registry,
    /// A registry that is open.
    pub outside: Registry,
    pub place: Workplace,
}

impl Stage {
    /// Two instances and a personal edition without anything in them. Logins are vended.
    pub fn new() -> Self {
        let acr = Acr::start();
        let (enterprise, personal) = (Registry::locked(), Registry::locked());
        acr.instance("cri-other", "other", "cn-hangzhou", "other.example");
        acr.instance(INSTANCE, "team", "cn-hangzhou", &enterprise.address().to_string());
        acr.personal_host(&personal.address().to_string());
        for place in EDITIONS {
            acr.credential(place, USER, PASSWORD, Duration::from_hours(1));
        }
        Self { acr, enterprise, personal, outside: Registry::open(), place: Workplace::new() }
    }

    /// The registry of an edition.
    pub fn registry(&self, place: &str) -> &Registry {
        if place == PERSONAL { &self.personal } else { &self.enterprise }
    }

    /// Puts images into an edition: a repository with these tags, pushed one minute after another.
    pub fn push(&self, place: &str, repository: &str, tags: &[&str]) {
        let tags: Vec<Tag> =
            tags.iter().enumerate().map(|(minute, tag)| self.tag(place, repository, tag, minute)).collect();
        let (namespace, name) = repository.split_once('/').unwrap();
        self.acr.repository(place, namespace, name, &tags);
    }

    /// Pushes an image and gives its tag.
    fn tag(&self, place: &str, repository: &str, tag: &str, minute: usize) -> Tag {
        let remote = self.registry(place).remote();
        Graph::single(&format!("{repository} {tag}"), tag).push(&remote, repository);
        let digest = remote.manifest(repository, tag).unwrap().digest;
        let pushed = 1_700_000_000_000 + i64::try_from(minute).unwrap() * 60_000;
        Tag { name: tag.to_owned(), digest, size: 1000, pushed }
    }

    /// Puts `repository:1` into the other registry.
    pub fn outside(&self, repository: &str) {
        Graph::single(repository, "1").push(&self.outside.remote(), repository);
    }

    /// An edition into the other registry, with more options for the source.
    pub fn out(&self, place: &str, options: &str, select: &str) -> String {
        let edition = edition(place);
        self.text(&format!(
            "\
{{REGISTRIES}}transfers:
  - from: {{plugin: acr, with: {{KEY, {edition}{options}}}}}
    select: {{{select}}}
    to: {{registry: \"OUTSIDE\"}}
"
        ))
    }

    /// The other registry into an edition, with more options for what is made.
    pub fn back(&self, place: &str, options: &str) -> String {
        self.inward(place, "{plugin: catalog, with: {registry: \"OUTSIDE\"}}", options)
    }

    /// Anything into an edition.
    pub fn inward(&self, place: &str, from: &str, options: &str) -> String {
        let (edition, registry) = (edition(place), self.registry(place).address());
        self.text(&format!(
            "\
{{REGISTRIES}}transfers:
  - from: {from}
    to: {{registry: \"{registry}\", prepare: {{plugin: acr, with: {{KEY, {edition}{options}}}}}}}
"
        ))
    }

    /// Replaces what differs from run to run.
    pub fn text(&self, text: &str) -> String {
        let registries = "\
version: 1
registries:
  \"ENTERPRISE\": {plain-http: true, credentials: {plugin: acr, with: {KEY, instance: team}}}
  \"PERSONAL\": {plain-http: true, credentials: {plugin: acr, with: {KEY, edition: personal}}}
  \"OUTSIDE\": {plain-http: true}
retry: {rounds: 0}
";
        text.replace("{REGISTRIES}", registries)
            .replace("ENTERPRISE", &self.enterprise.address().to_string())
            .replace("PERSONAL", &self.personal.address().to_string())
            .replace("OUTSIDE", &self.outside.address().to_string())
            .replace("KEY", &format!("{}, endpoint: \"{}\"", key(), self.acr.url()))
            .replace("LOGIN", &format!("username: {USER}, password: {PASSWORD}"))
    }

    /// Runs a workflow, with its report in `report.json`. Fails the test if something secret was printed or reported.
    #[track_caller]
    pub fn run(&self, text: &str) -> Finished {
        let finished = self.place.workflow(text);
        let report = std::fs::read_to_string(self.place.path().join("report.json")).unwrap_or_default();
        for secret in [KEY_SECRET, PASSWORD] {
            for (what, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr), ("the report", &report)] {
                assert!(!text.contains(secret), "{what} has a secret in it:\n{text}");
            }
        }
        finished
    }

    /// Requests of the last run to the registry of an edition.
    pub fn requests(&self, place: &str) -> u64 {
        let host = self.registry(place).address().to_string();
        self.place.report("report.json")["requests"][host].as_u64().unwrap_or_default()
    }

    /// Fails the test unless the other registry has exactly these tags of what an edition has.
    #[track_caller]
    pub fn arrived(&self, place: &str, repository: &str, tags: &[&str]) {
        assert_eq!(self.outside.remote().tags(repository), tags, "{repository}");
        for tag in tags {
            let there = self.outside.remote().content(repository, tag).unwrap();
            assert_eq!(there, self.registry(place).remote().content(repository, tag).unwrap(), "{repository}:{tag}");
        }
    }

    /// How often an action was called.
    pub fn count(&self, action: &str) -> usize {
        self.acr.faults().count(action)
    }
}

/// The key and the region.
pub fn key() -> String {
    format!("access-key-id: {KEY_ID}, access-key-secret: {KEY_SECRET}, region: cn-hangzhou")
}
