//! Quay's API with a real registry behind it, and another registry.

use crate::fakes::quay::Quay;
use crate::fakes::quay::TOKEN;
use crate::fakes::quay::Tag;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::providers::report;

pub struct Stage {
    pub quay: Quay,
    /// Quay's; locked.
    pub inside: Registry,
    /// Open.
    pub outside: Registry,
    pub place: Workplace,
}

impl Stage {
    /// A Quay without organizations.
    pub fn new() -> Self {
        let (inside, outside) = (Registry::locked(), Registry::open());
        Self { quay: Quay::start(), inside, outside, place: Workplace::new() }
    }

    /// Puts images into Quay: a repository with these tags, pushed one minute after another, and one that is no more.
    pub fn push(&self, namespace: &str, name: &str, public: bool, tags: &[&str]) {
        self.quay.repository(namespace, name, public);
        let repository = format!("{namespace}/{name}");
        self.tag(namespace, name, "gone", "", Some(1_600_000_060));
        for (minute, tag) in tags.iter().enumerate() {
            Graph::single(&format!("{repository} {tag}"), tag).push(&self.inside.remote(), &repository);
            let digest = self.inside.remote().manifest(&repository, tag).unwrap().digest;
            let start = 1_700_000_000 + 60 * minute as u64;
            self.quay.tag(namespace, name, Tag { name: (*tag).to_owned(), digest, size: 1000, start, end: None });
        }
    }

    fn tag(&self, namespace: &str, name: &str, tag: &str, digest: &str, end: Option<u64>) {
        let (tag, digest) = (tag.to_owned(), digest.to_owned());
        self.quay.tag(namespace, name, Tag { name: tag, digest, size: 1000, start: 1_600_000_000, end });
    }

    /// Gives a repository, whose only tag is `tag`, so many more that lead to the same image.
    pub fn multiply(&self, namespace: &str, name: &str, tag: &str, count: usize) {
        let repository = format!("{namespace}/{name}");
        let digest = self.inside.remote().manifest(&repository, tag).unwrap().digest;
        self.inside.multiply_tag(&repository, tag, count);
        for number in 0..count {
            self.tag(namespace, name, &format!("t{number}"), &digest, None);
        }
    }

    /// Quay into the other registry, with more options for the source.
    pub fn out(&self, options: &str, select: &str) -> String {
        self.text(&format!(
            "\
HEADtransfers:
  - from: {{plugin: quay, with: {{url: \"URL\", token: {TOKEN}, registry: \"INSIDE\"{options}}}}}
    select: {{{select}}}
    to: {{registry: \"OUTSIDE\"}}
"
        ))
    }

    /// The other registry into Quay, with more options for what makes repositories.
    pub fn back(&self, options: &str) -> String {
        self.text(&format!(
            "\
HEADtransfers:
  - from: {{plugin: catalog, with: {{registry: \"OUTSIDE\"}}}}
    to: {{registry: \"INSIDE\", prepare: {{plugin: quay, with: {{url: \"URL\", token: {TOKEN}{options}}}}}}}
"
        ))
    }

    /// Replaces what differs from run to run.
    fn text(&self, text: &str) -> String {
        let head = format!(
            "\
version: 1
retry: {{rounds: 0}}
registries:
  \"INSIDE\": {{plain-http: true, username: {USER}, password: {PASSWORD}}}
  \"OUTSIDE\": {{plain-http: true}}
"
        );
        text.replace("HEAD", &head)
            .replace("INSIDE", &self.inside.address().to_string())
            .replace("OUTSIDE", &self.outside.address().to_string())
            .replace("URL", &self.quay.url())
    }

    /// Runs a workflow.
    #[track_caller]
    pub fn run(&self, text: &str) -> Finished {
        report::no_secret(&self.place, self.place.workflow(text), &[TOKEN, PASSWORD])
    }

    /// Whether the other registry has exactly these tags.
    #[track_caller]
    pub fn arrived(&self, repository: &str, tags: &[&str]) {
        assert_eq!(self.outside.remote().tags(repository), tags, "{repository}");
        for tag in tags {
            let there = self.outside.remote().content(repository, tag).unwrap();
            assert_eq!(there, self.inside.remote().content(repository, tag).unwrap(), "{repository}:{tag}");
        }
    }
}
