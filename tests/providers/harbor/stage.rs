//! A Harbor with a real registry behind it, and another registry.

use crate::fakes::harbor::Artifact;
use crate::fakes::harbor::Harbor;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;

pub struct Stage {
    pub harbor: Harbor,
    /// The registry of Harbor, which is locked.
    pub inside: Registry,
    /// A registry that is open.
    pub outside: Registry,
    pub place: Workplace,
}

impl Stage {
    /// A Harbor without projects. Its user has the name and the password of its registry's.
    pub fn new() -> Self {
        let (inside, outside) = (Registry::locked(), Registry::open());
        let harbor = Harbor::start(Some(inside.address()));
        harbor.user(USER, PASSWORD);
        Self { harbor, inside, outside, place: Workplace::new() }
    }

    /// A project that the user is a member of.
    pub fn project(&self, name: &str, public: bool) {
        self.harbor.project(name, public);
        self.harbor.member(name, USER);
    }

    /// Puts images into Harbor: one for each of these tags, pushed one minute after another.
    pub fn push(&self, project: &str, repository: &str, tags: &[&str]) {
        for (minute, tag) in tags.iter().enumerate() {
            let artifact = self.artifact(&format!("{project}/{repository}"), tag, minute);
            self.harbor.artifact(project, repository, artifact);
        }
    }

    /// Pushes an image and gives its artifact.
    pub fn artifact(&self, repository: &str, tag: &str, minute: usize) -> Artifact {
        Graph::single(&format!("{repository} {tag}"), tag).push(&self.inside.remote(), repository);
        let digest = self.inside.remote().manifest(repository, tag).unwrap().digest;
        let pushed = format!("2024-01-01T00:{minute:02}:00.000Z");
        Artifact { digest, size: 1000, pushed: pushed.clone(), tags: vec![(tag.to_owned(), pushed)] }
    }

    /// Harbor into the other registry, with more options for the source.
    pub fn out(&self, options: &str, select: &str) -> String {
        self.text(&format!(
            "\
{{REGISTRIES}}transfers:
  - from: {{plugin: harbor, with: {{url: \"URL\", LOGIN{options}}}}}
    select: {{{select}}}
    to: {{registry: \"OUTSIDE\"}}
"
        ))
    }

    /// The other registry into Harbor, with more options for what makes projects.
    pub fn back(&self, options: &str) -> String {
        self.text(&format!(
            "\
{{REGISTRIES}}transfers:
  - from: {{plugin: catalog, with: {{registry: \"OUTSIDE\"}}}}
    to: {{registry: \"HARBOR\", prepare: {{plugin: harbor, with: {{url: \"URL\", LOGIN{options}}}}}}}
"
        ))
    }

    /// Replaces what differs from run to run.
    pub fn text(&self, text: &str) -> String {
        let registries = "\
version: 1
registries:
  \"HARBOR\": {LOGIN, plain-http: true}
  \"INSIDE\": {LOGIN, plain-http: true}
  \"OUTSIDE\": {plain-http: true}
retry: {rounds: 0}
";
        text.replace("{REGISTRIES}", registries)
            .replace("URL", &self.harbor.url())
            .replace("HARBOR", &self.harbor.address().to_string())
            .replace("INSIDE", &self.inside.address().to_string())
            .replace("OUTSIDE", &self.outside.address().to_string())
            .replace("LOGIN", &format!("username: {USER}, password: {PASSWORD}"))
    }

    /// Runs a workflow, with its report in `report.json`. Fails the test if something secret was printed or reported.
    #[track_caller]
    pub fn run(&self, text: &str) -> Finished {
        let finished = self.place.workflow(text);
        let report = std::fs::read_to_string(self.place.path().join("report.json")).unwrap_or_default();
        for (what, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr), ("the report", &report)] {
            assert!(!text.contains(PASSWORD), "{what} has a secret in it:\n{text}");
        }
        finished
    }

    /// Requests of the last run to this host.
    pub fn requests(&self, host: std::net::SocketAddr) -> u64 {
        self.place.report("report.json")["requests"][host.to_string()].as_u64().unwrap_or_default()
    }

    /// Fails the test unless the other registry has exactly these tags of what Harbor has.
    #[track_caller]
    pub fn arrived(&self, repository: &str, tags: &[&str]) {
        assert_eq!(self.outside.remote().tags(repository), tags, "{repository}");
        for tag in tags {
            let there = self.outside.remote().content(repository, tag).unwrap();
            assert_eq!(there, self.inside.remote().content(repository, tag).unwrap(), "{repository}:{tag}");
        }
    }
}
