//! Prism (`@stoplight/prism-cli`): a proxy that lets a request or an answer pass only where an API's description allows it.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use super::http1::PATIENCE;
use super::tools;

/// The path at which Harbor serves its API.
const BASE: &str = "/api/v2.0";

/// What the description leaves out: it is of version 2.0, and the version is asked for above that.
const VERSION: &str = "  '/api/version':\n    get:\n      responses:\n        '200':\n          description: The version of the API\n          schema:\n            type: object\n            required: [version]\n            properties:\n              version:\n                type: string\n";

/// A running proxy; it ends when dropped.
pub struct Prism {
    address: SocketAddr,
    child: Child,
    _directory: TempDir,
}

impl Prism {
    /// Stands before a fake of Harbor. Where the description is missing, which is not part of this repository, it says so and there
    /// is none: the test returns.
    pub fn harbor(upstream: SocketAddr) -> Option<Self> {
        let Some(description) = description() else {
            say("skipped: no description of Harbor's API; name one in IMAGE_TRANSFER_TEST_HARBOR_SWAGGER");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("harbor.yaml");
        fs::write(&file, rebased(&fs::read_to_string(description).unwrap())).unwrap();
        Some(Self::start(&file, upstream, directory))
    }

    fn start(description: &Path, upstream: SocketAddr, directory: TempDir) -> Self {
        let program = tools::repository().join("target/prism/node_modules/.bin/prism");
        assert!(program.is_file(), "this test needs target/prism: run tests/install-deps");
        let mut child = Command::new(program)
            .args(["proxy", "--errors"])
            .arg(description)
            .arg(format!("http://{upstream}"))
            .args(["-h", "127.0.0.1", "-p", "0"])
            // In production it forks.
            .env_remove("NODE_ENV")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, receiver) = mpsc::channel();
        let log = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in log.split(b'\n').map_while(Result::ok) {
                if let Some(address) = listening(&String::from_utf8_lossy(&line)) {
                    let _ = sender.send(address);
                }
            }
        });
        let Ok(address) = receiver.recv_timeout(PATIENCE) else {
            drop(child.kill());
            drop(child.wait());
            panic!("prism did not start");
        };
        Self { address, child, _directory: directory }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn description() -> Option<PathBuf> {
    let named = std::env::var_os("IMAGE_TRANSFER_TEST_HARBOR_SWAGGER").map(PathBuf::from);
    let path = named.unwrap_or_else(|| tools::repository().join("../shared/data/harbor-swagger.yaml"));
    path.is_file().then_some(path)
}

/// Prism drops `basePath` and serves `/projects`. With the base in each path, a client calls the URL that it would call at Harbor.
/// An error that answers `HEAD` loses its schema as well: prism looks for the body that there cannot be.
fn rebased(description: &str) -> String {
    let mut text = String::new();
    let mut operation = "";
    for line in description.lines() {
        let indent = line.len() - line.trim_start().len();
        if (1..=4).contains(&indent) {
            operation = line.trim();
        }
        let path = line.trim().trim_end_matches(':').trim_matches(['\'', '"']);
        if indent == 2 && path.starts_with('/') {
            text.push_str(&format!("  '{BASE}{path}':\n"));
        } else if operation == "head:" && line.contains("$ref: '#/responses/4") {
            text.push_str(&format!("{}description: no body\n", &line[..indent]));
        } else if line.starts_with("basePath:") {
            text.push_str("basePath: /\n");
        } else {
            text.push_str(&format!("{line}\n"));
        }
        if line == "paths:" {
            text.push_str(VERSION);
        }
    }
    text
}

/// The address in the line that says that it listens.
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("Prism is listening on http://")?;
    rest.chars().take_while(|letter| letter.is_ascii_digit() || ".:".contains(*letter)).collect::<String>().parse().ok()
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn say(text: &str) {
    eprintln!("{text}");
}
