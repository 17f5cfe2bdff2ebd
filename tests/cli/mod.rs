//! What is said when something is wrong, whole: each case has its whole output in `snapshots`, and docs/errors.md lists each message.
//!
//! After a change: `IMAGE_TRANSFER_WRITE_FIXTURES=1 cargo test --locked --test e2e cli`.

mod conversions;
mod documentation;
mod files;
mod journals;
mod kit;
mod lines;
mod manifests;
mod runs;
mod servers;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use regex::Regex;

use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::tools;

/// A place to run in, and what is not the same twice in what is said there.
struct Case {
    place: Workplace,
    /// What stands for what.
    names: Vec<(String, String)>,
}

impl Case {
    fn new() -> Self {
        let place = Workplace::new();
        let fixtures = tools::repository().join("tests/fixtures/plugins");
        fs::copy(fixtures.join("hostile.wasm"), place.path().join("hostile.wasm")).unwrap();
        let names = vec![(place.path().display().to_string(), "PLACE".to_owned())];
        Self { place, names }
    }

    /// `name` stands for `address`.
    fn named(mut self, name: &str, address: SocketAddr) -> Self {
        self.names.push((address.to_string(), name.to_owned()));
        self
    }

    /// Writes a file, in which names are replaced by what they stand for.
    fn file(&self, name: &str, text: &str) -> &Self {
        let text = self.names.iter().fold(text.to_owned(), |text, (real, name)| text.replace(name, real));
        self.place.file(name, &text);
        self
    }

    /// Runs the command and holds all that it says against the snapshot called `name`.
    #[track_caller]
    fn says(&self, name: &str, arguments: &[&str]) -> &Self {
        self.says_with(name, arguments, &[])
    }

    #[track_caller]
    fn says_with(&self, name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> &Self {
        let real: Vec<String> = arguments
            .iter()
            .map(|argument| {
                self.names.iter().fold((*argument).to_owned(), |text, (real, name)| text.replace(name, real))
            })
            .collect();
        let real: Vec<&str> = real.iter().map(String::as_str).collect();
        let finished = self.place.run_with(&real, environment);
        self.holds(name, arguments, &finished)
    }

    /// Holds all that a command said, which was run as `arguments`, against the snapshot called `name`.
    #[track_caller]
    fn holds(&self, name: &str, arguments: &[&str], finished: &Finished) -> &Self {
        let text = format!("$ image-transfer {}\n{}", arguments.join(" "), self.masked(finished));
        let path = snapshots().join(format!("{name}.txt"));
        if std::env::var_os("IMAGE_TRANSFER_WRITE_FIXTURES").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
        self
    }

    /// All that was said, with names for what differs from run to run.
    fn masked(&self, finished: &Finished) -> String {
        let code = finished.code.map_or("none".to_owned(), |code| code.to_string());
        let mut text = format!(
            "--- exit code {code}\n--- standard output\n{}--- standard error\n{}",
            finished.stdout, finished.stderr
        );
        for (real, name) in &self.names {
            text = text.replace(real, name);
        }
        for (pattern, name) in [
            (r"(?m)^\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
            (r"\b[0-9.]+(ns|µs|ms|s)\)", "SPAN)"),
            (r"(?m)  [0-9.]+ ms(, of them [0-9.]+ ms computing)?$", "  SPAN"),
            (r"(?m)^memory  [0-9.]+ [KM]iB", "memory  SOME"),
            (r"served nothing for \d+ s", "served nothing for SOME s"),
            (r"[0-9a-f]{64}", "DIGEST"),
            // A directory for each place is made up.
            (r"\bworkflow-[0-9a-f]{8}", "workflow-RANDOM"),
            (r"\.rs:\d+:\d+", ".rs"),
            (r"process \d+", "process NUMBER"),
            (r"127\.0\.0\.1:\d+", "ANOTHER"),
        ] {
            text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
        }
        text
    }
}

fn snapshots() -> PathBuf {
    tools::repository().join("tests/cli/snapshots")
}
