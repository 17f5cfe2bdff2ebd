//! Two registries and the command between them.

use serde_json::Value;

use crate::harness::certificates::Certificates;
use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::support::invariant;
use crate::support::lock::Kind;
use crate::support::lock::USER;
use crate::support::registry::Scripted;

/// The repository that is copied.
pub const APP: &str = "team/app";

/// A source and a target, each with its own password and tokens, and a place to run in.
pub struct Stage {
    pub source: Scripted,
    pub target: Scripted,
    pub place: Workplace,
    others: Vec<Scripted>,
    certificates: Option<Certificates>,
    limits: String,
    rounds: u32,
    patience: &'static str,
}

/// How a run ended.
pub struct Ended {
    pub finished: Finished,
    pub report: Value,
}

impl Stage {
    /// Over plain http.
    pub fn plain() -> Self {
        Self::start(None)
    }

    /// Over TLS.
    pub fn tls() -> Self {
        Self::start(Some(Certificates::new()))
    }

    /// One of each, for faults that may look different through TLS.
    pub fn both() -> [Self; 2] {
        [Self::plain(), Self::tls()]
    }

    fn start(certificates: Option<Certificates>) -> Self {
        let start = || Scripted::start(Kind::Token, certificates.as_ref());
        Self {
            source: start(),
            target: start(),
            place: Workplace::new(),
            others: Vec::new(),
            certificates,
            limits: String::new(),
            rounds: 0,
            patience: "1m",
        }
    }

    /// Puts `graph` into the source's [`APP`].
    #[must_use]
    pub fn with(self, graph: &Graph) -> Self {
        graph.push(self.source.storage().as_ref(), APP);
        self
    }

    /// The workflow's `limits`.
    #[must_use]
    pub fn limits(mut self, limits: &str) -> Self {
        limits.clone_into(&mut self.limits);
        self
    }

    /// The workflow's `retry.rounds`, which are 0 otherwise: what is tested is one job's patience.
    #[must_use]
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// The workflow's `retry.patience`.
    #[must_use]
    pub fn patience(mut self, patience: &'static str) -> Self {
        self.patience = patience;
        self
    }

    /// Another server, which lets anyone in and has nothing to do with the run. It must not be shown a secret.
    pub fn bystander(&mut self) -> &Scripted {
        let server = Scripted::start(Kind::Open, self.certificates.as_ref());
        self.others.push(server);
        &self.others[self.others.len() - 1]
    }

    /// An open door to what `storage` keeps, at another port, such as a cloud's storage behind a registry.
    pub fn side_door(&mut self, storage: &std::sync::Arc<super::storage::Storage>) -> &Scripted {
        let server = Scripted::over(storage.clone(), Kind::Open, self.certificates.as_ref());
        self.others.push(server);
        &self.others[self.others.len() - 1]
    }

    pub fn others(&self) -> &[Scripted] {
        &self.others
    }

    /// The keys `registries`, `limits` and `retry` of a workflow.
    pub fn settings(&self) -> String {
        let reached = match &self.certificates {
            Some(certificates) => format!("ca: {}", certificates.path("ca.pem").display()),
            None => "plain-http: true".to_owned(),
        };
        let entry = |registry: &Scripted| {
            let (address, password) = (registry.address(), registry.lock().password());
            format!("  \"{address}\": {{{reached}, username: {USER}, password: {password}}}\n")
        };
        format!(
            "version: 1\nregistries:\n{}{}limits: {{{}}}\nretry: {{rounds: {}, patience: {}}}\n",
            entry(&self.source),
            entry(&self.target),
            self.limits,
            self.rounds,
            self.patience
        )
    }

    /// The workflow that copies every tag of [`APP`].
    pub fn workflow(&self) -> String {
        let (from, to) = (self.source.address(), self.target.address());
        format!(
            "{}transfers:\n  - from: {{plugin: rules, with: {{rules: {{\"{from}/{APP}\": \"{to}/{APP}\"}}}}}}\n",
            self.settings()
        )
    }

    /// Copies every tag of [`APP`] and checks what must hold, with so many requests at most.
    #[track_caller]
    pub fn run(&self, requests: usize) -> Ended {
        self.run_workflow(&self.workflow(), requests)
    }

    /// The same by a workflow of the test's.
    #[track_caller]
    pub fn run_workflow(&self, text: &str, requests: usize) -> Ended {
        let ended = self.ended(self.place.workflow(text));
        self.check(requests);
        ended
    }

    /// The same, and with less than so much memory resident, in bytes.
    #[track_caller]
    pub fn run_within(&self, memory: u64, requests: usize) -> Ended {
        self.run_workflow_within(&self.workflow(), memory, requests)
    }

    /// Both.
    #[track_caller]
    pub fn run_workflow_within(&self, text: &str, memory: u64, requests: usize) -> Ended {
        self.place.file("workflow.yaml", text);
        let arguments = ["run", "workflow.yaml", "--report", "report.json"];
        let finished = self.place.start(&arguments, &[]).finish_measured();
        assert!(finished.peak > 1 << 20, "the memory was not seen");
        assert!(finished.peak < memory, "{} MiB resident\n{}", finished.peak >> 20, finished.stderr);
        let ended = self.ended(finished);
        self.check(requests);
        ended
    }

    /// What must hold, with so many requests at most so far.
    #[track_caller]
    pub fn check(&self, requests: usize) {
        let others: Vec<&Scripted> = self.others.iter().collect();
        invariant::check(&self.source, &self.target, &others, requests);
    }

    #[track_caller]
    fn ended(&self, finished: Finished) -> Ended {
        for secret in [&self.source, &self.target].into_iter().flat_map(|registry| registry.lock().secrets()) {
            let told = finished.stdout.contains(&secret) || finished.stderr.contains(&secret);
            assert!(!told, "{secret} is in the log: {}", finished.stderr);
        }
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
        let report =
            if self.place.path().join("report.json").exists() { self.place.report("report.json") } else { Value::Null };
        Ended { finished, report }
    }
}

impl Ended {
    /// Exit code 0, and each image copied.
    #[track_caller]
    pub fn copied(self) -> Self {
        self.code(0);
        assert!(
            self.statuses().iter().all(|status| status == "copied") && !self.statuses().is_empty(),
            "{}",
            self.text()
        );
        self
    }

    /// Exit code 1, and each image failed with this class of error.
    #[track_caller]
    pub fn failed(self, class: &str) -> Self {
        self.code(1);
        let classes: Vec<&Value> = self.targets().into_iter().map(|target| &target["error"]["class"]).collect();
        assert!(!classes.is_empty() && classes.iter().all(|it| *it == class), "not {class}: {}", self.text());
        self
    }

    /// The log or the report has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.text().contains(text), "nothing says {text:?}: {}", self.text());
        self
    }

    /// `status` of each target.
    pub fn statuses(&self) -> Vec<String> {
        self.targets().into_iter().map(|target| target["status"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Each target of each image.
    pub fn targets(&self) -> Vec<&Value> {
        let images = self.report["images"].as_array().into_iter().flatten();
        images.flat_map(|image| image["targets"].as_array().into_iter().flatten()).collect()
    }

    #[track_caller]
    fn code(&self, code: i32) {
        assert_eq!(self.finished.code, Some(code), "{}", self.text());
    }

    fn text(&self) -> String {
        format!("{}\n--- stderr\n{}\n--- stdout\n{}", self.report, self.finished.stderr, self.finished.stdout)
    }
}
