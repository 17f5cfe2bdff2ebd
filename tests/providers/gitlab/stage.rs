//! GitLab's API with a real registry behind it, and another registry.

use crate::fakes::gitlab::GitLab;
use crate::fakes::gitlab::TOKEN;
use crate::fakes::gitlab::Tag;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::providers::report;

pub struct Stage {
    pub gitlab: GitLab,
    /// GitLab's; locked.
    pub inside: Registry,
    /// Open.
    pub outside: Registry,
    pub place: Workplace,
}

impl Stage {
    /// A GitLab without groups.
    pub fn new() -> Self {
        let (inside, outside) = (Registry::locked(), Registry::open());
        Self { gitlab: GitLab::start(&inside.address().to_string()), inside, outside, place: Workplace::new() }
    }

    /// Puts images into a repository of a project; the name is empty for the project's own. The repository's number.
    pub fn push(&self, project: usize, path: &str, name: &str, tags: &[&str]) -> usize {
        let number = self.gitlab.repository(project, name);
        let repository = if name.is_empty() { path.to_owned() } else { format!("{path}/{name}") };
        for tag in tags {
            Graph::single(&format!("{repository} {tag}"), tag).push(&self.inside.remote(), &repository);
            self.gitlab.tag(number, Tag { name: (*tag).to_owned(), ..Tag::default() });
        }
        number
    }

    /// GitLab into the other registry, with more options for the source.
    pub fn out(&self, options: &str, select: &str) -> String {
        self.text(&format!(
            "\
HEADtransfers:
  - from: {{plugin: gitlab, with: {{url: \"URL\", token: {TOKEN}{options}}}}}
    select: {{{select}}}
    to: {{registry: \"OUTSIDE\"}}
"
        ))
    }

    /// The other registry into GitLab, with more options for what makes projects.
    pub fn back(&self, options: &str) -> String {
        self.text(&format!(
            "\
HEADtransfers:
  - from: {{plugin: catalog, with: {{registry: \"OUTSIDE\"}}}}
    to: {{registry: \"INSIDE\", prepare: {{plugin: gitlab, with: {{url: \"URL\", token: {TOKEN}{options}}}}}}}
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
            .replace("URL", &self.gitlab.url())
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
