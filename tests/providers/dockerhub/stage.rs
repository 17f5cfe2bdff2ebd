//! Docker Hub's API with a real registry behind it, and another registry.

use crate::fakes::dockerhub::DockerHub;
use crate::fakes::dockerhub::Tag;
use crate::fakes::dockerhub::USER as HUB_USER;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::providers::report;

pub struct Stage {
    pub hub: DockerHub,
    /// In place of `docker.io`; locked.
    pub inside: Registry,
    /// Open.
    pub outside: Registry,
    pub place: Workplace,
}

impl Stage {
    /// An empty Docker Hub.
    pub fn new() -> Self {
        let (inside, outside) = (Registry::locked(), Registry::open());
        Self { hub: DockerHub::start(), inside, outside, place: Workplace::new() }
    }

    /// Puts images into Docker Hub: a repository with these tags, pushed one minute after another.
    pub fn push(&self, namespace: &str, name: &str, private: bool, tags: &[&str]) {
        self.hub.repository(namespace, name, private);
        let repository = format!("{namespace}/{name}");
        for (minute, tag) in tags.iter().enumerate() {
            Graph::single(&format!("{repository} {tag}"), tag).push(&self.inside.remote(), &repository);
            let digest = self.inside.remote().manifest(&repository, tag).unwrap().digest;
            let pushed = format!("2024-01-01T00:{minute:02}:00.123456Z");
            self.hub.tag(namespace, name, Tag { name: (*tag).to_owned(), digest, size: 1000, pushed });
        }
    }

    /// Gives a repository, whose only tag is `tag`, so many more that lead to the same image.
    pub fn multiply(&self, namespace: &str, name: &str, tag: &str, count: usize) {
        let repository = format!("{namespace}/{name}");
        let digest = self.inside.remote().manifest(&repository, tag).unwrap().digest;
        self.inside.multiply_tag(&repository, tag, count);
        for number in 0..count {
            let pushed = "2024-01-02T00:00:00Z".to_owned();
            self.hub.tag(
                namespace,
                name,
                Tag { name: format!("t{number}"), digest: digest.clone(), size: 1000, pushed },
            );
        }
    }

    /// Docker Hub into the other registry, with more options for the source.
    pub fn out(&self, options: &str, select: &str) -> String {
        self.text(&format!(
            "\
HEADtransfers:
  - from: {{plugin: dockerhub, with: {{LOGIN, endpoint: \"URL\", registry: \"INSIDE\"{options}}}}}
    select: {{{select}}}
    to: {{registry: \"OUTSIDE\"}}
"
        ))
    }

    /// The other registry into Docker Hub, with more options for what makes repositories.
    pub fn back(&self, options: &str) -> String {
        self.text(&format!(
            "\
HEADtransfers:
  - from: {{plugin: catalog, with: {{registry: \"OUTSIDE\"}}}}
    to: {{registry: \"INSIDE\", prepare: {{plugin: dockerhub, with: {{LOGIN, endpoint: \"URL\"{options}}}}}}}
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
            .replace("URL", &self.hub.url())
            .replace("LOGIN", &format!("username: {}, token: {}", HUB_USER.0, HUB_USER.1))
    }

    /// Runs a workflow.
    #[track_caller]
    pub fn run(&self, text: &str) -> Finished {
        report::no_secret(&self.place, self.place.workflow(text), &[HUB_USER.1, PASSWORD, "not.a-real.token"])
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
