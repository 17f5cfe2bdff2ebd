//! An ECR with a real registry behind it, whose login only the API knows, and another registry.

use std::net::SocketAddr;

use crate::fakes::ecr::Ecr;
use crate::fakes::ecr::Image;
use crate::fakes::ecr::KEY_ID;
use crate::fakes::ecr::KEY_SECRET;
use crate::fakes::ecr::Kind;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::store::Store;

pub struct Stage {
    pub ecr: Ecr,
    pub kind: Kind,
    /// The registry of ECR, which is locked.
    pub inside: Registry,
    /// A registry that is open.
    pub outside: Registry,
    pub place: Workplace,
}

impl Stage {
    /// An ECR without repositories, to be used in one of its editions. The public one has the alias `a1b2`.
    pub fn new(kind: Kind) -> Self {
        let (ecr, inside) = (Ecr::start(), Registry::locked());
        let host = inside.address().to_string();
        ecr.host(Kind::Private, &host, "");
        ecr.host(Kind::Public, &host, "a1b2");
        ecr.credential(PASSWORD, 12 * 3600);
        Self { ecr, kind, inside, outside: Registry::open(), place: Workplace::new() }
    }

    /// Puts images into ECR: one for each of these tags, pushed one minute after another.
    pub fn push(&self, repository: &str, tags: &[&str]) {
        let images: Vec<Image> =
            tags.iter().enumerate().map(|(minute, tag)| self.image(repository, &[tag], minute)).collect();
        self.ecr.repository(self.kind, repository, &images);
    }

    /// Pushes an image with all of these tags, and gives what ECR tells of it.
    pub fn image(&self, repository: &str, tags: &[&str], minute: usize) -> Image {
        let path = self.path(repository);
        let mut graph = Graph::single(&format!("{repository} {}", tags[0]), tags[0]);
        let digest = graph.tags[tags[0]].clone();
        graph.tags.extend(tags.iter().map(|tag| ((*tag).to_owned(), digest.clone())));
        graph.push(&self.inside.remote(), &path);
        let pushed = 1_704_067_200.25 + 60.0 * f64::from(u16::try_from(minute).unwrap());
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        Image { digest, size: 1000, pushed, tags, archived: false }
    }

    /// What a repository is called where it is pulled from.
    pub fn path(&self, repository: &str) -> String {
        if self.kind == Kind::Public { format!("a1b2/{repository}") } else { repository.to_owned() }
    }

    /// ECR into the other registry, with more options for the source.
    pub fn out(&self, options: &str, select: &str) -> String {
        self.text(&format!(
            "\
{{REGISTRIES}}transfers:
  - from: {{plugin: ecr, with: {{API{options}}}}}
    select: {{{select}}}
    to: {{registry: \"OUTSIDE\"}}
"
        ))
    }

    /// The other registry into ECR, with more options for what makes repositories; below this namespace.
    pub fn back(&self, options: &str, namespace: &str) -> String {
        self.text(&format!(
            "\
{{REGISTRIES}}transfers:
  - from: {{plugin: catalog, with: {{registry: \"OUTSIDE\"}}}}
    to: {{registry: \"INSIDE\"{namespace}, prepare: {{plugin: ecr, with: {{API{options}}}}}}}
"
        ))
    }

    /// Replaces what differs from run to run.
    pub fn text(&self, text: &str) -> String {
        let registries = "\
version: 1
registries:
  \"INSIDE\": {plain-http: true, credentials: {plugin: ecr, with: {API}}}
  \"OUTSIDE\": {plain-http: true}
retry: {rounds: 0}
";
        let edition = if self.kind == Kind::Public { "edition: public" } else { "region: us-east-1" };
        let key = format!("access-key-id: {KEY_ID}, secret-access-key: {KEY_SECRET}");
        text.replace("{REGISTRIES}", registries)
            .replace("API", &format!("{key}, {edition}, endpoint: \"{}\"", self.ecr.url()))
            .replace("INSIDE", &self.inside.address().to_string())
            .replace("OUTSIDE", &self.outside.address().to_string())
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

    /// Requests of the last run to this host.
    pub fn requests(&self, host: SocketAddr) -> u64 {
        self.place.report("report.json")["requests"][host.to_string()].as_u64().unwrap_or_default()
    }

    /// Fails the test unless the other registry has exactly these tags of what ECR has.
    #[track_caller]
    pub fn arrived(&self, repository: &str, tags: &[&str]) {
        let path = self.path(repository);
        assert_eq!(self.outside.remote().tags(&path), tags, "{path}");
        for tag in tags {
            let there = self.outside.remote().content(&path, tag).unwrap();
            assert_eq!(there, self.inside.remote().content(&path, tag).unwrap(), "{path}:{tag}");
        }
    }
}
