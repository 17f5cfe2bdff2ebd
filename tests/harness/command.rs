//! The command under test, in a directory and an environment of its own.

use std::env;
use std::fs;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::http1::PATIENCE;

/// A directory to work in; it is the home directory too.
pub struct Workplace(TempDir);

/// A command on its way.
pub struct Running {
    process: u32,
    stdout: Output,
    stderr: Output,
    exit: mpsc::Receiver<ExitStatus>,
}

/// A command that ended.
#[derive(Debug)]
pub struct Finished {
    /// None where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Most memory resident at any time, bytes; 0 unless it was asked for.
    pub peak: u64,
}

impl Workplace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file into the directory.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Reads a file of the directory.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// Reads a JSON report.
    pub fn report(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Runs a workflow, with its report in `report.json`.
    pub fn workflow(&self, text: &str) -> Finished {
        self.file("workflow.yaml", text);
        self.run(&["run", "workflow.yaml", "--report", "report.json"])
    }

    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
        self.start(arguments, environment).finish()
    }

    /// Runs a command that reads `input`.
    pub fn run_fed(&self, arguments: &[&str], input: &str) -> Finished {
        let input = fs::File::open(self.file("input", input)).unwrap();
        self.spawn(arguments, &[], input.into()).finish()
    }

    pub fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        self.spawn(arguments, environment, Stdio::null())
    }

    fn spawn(&self, arguments: &[&str], environment: &[(&str, &str)], input: Stdio) -> Running {
        let mut command = self.command(arguments, environment);
        Running::of(command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The command, of which nothing is started yet.
    pub fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_image-transfer"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.0.path())
            .env("TMPDIR", self.0.path())
            .env("DOCKER_CONFIG", self.0.path().join("docker"))
            // Components are compiled once for all tests.
            .env("IMAGE_TRANSFER_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("component-cache"))
            .envs(environment.iter().copied());
        command
    }
}

impl Running {
    /// One that was started. What is no pipe is not read here.
    pub fn of(mut child: Child) -> Self {
        let process = child.id();
        let stdout = child.stdout.take().map_or_else(|| Output::of(io::empty()), Output::of);
        let stderr = child.stderr.take().map_or_else(|| Output::of(io::empty()), Output::of);
        Self { process, stdout, stderr, exit: wait(child) }
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        let status = Command::new("kill").args(["-INT", &self.process.to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// `kill -9`.
    pub fn kill(&self) {
        let status = Command::new("kill").args(["-KILL", &self.process.to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until standard error has said this.
    pub fn await_text(&self, text: &str) {
        self.stderr.await_text(text);
    }

    /// Waits until standard error has said this, and gives the rest of its line.
    pub fn await_line(&self, text: &str) -> String {
        self.stderr.await_text(text);
        let said = self.stderr.text.0.lock().unwrap();
        let at = said.find(text).unwrap();
        said[at..].lines().next().unwrap_or_default().to_owned()
    }

    pub fn finish(self) -> Finished {
        match self.exit.recv_timeout(5 * PATIENCE) {
            Ok(status) => self.finished(status, 0),
            Err(error) => panic!("the command does not end: {error}"),
        }
    }

    /// Waits for the end and watches the memory. The kernel keeps the high-water mark itself, so that looking now and then is
    /// enough; the last look may be this much older than the end.
    pub fn finish_measured(self) -> Finished {
        const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
        let mut peak = 0;
        loop {
            peak = high_water(self.process).unwrap_or(0).max(peak);
            if let Ok(status) = self.exit.recv_timeout(BETWEEN_LOOKS) {
                return self.finished(status, peak);
            }
        }
    }

    fn finished(self, status: ExitStatus, peak: u64) -> Finished {
        let (stdout, stderr) = (self.stdout.whole(), self.stderr.whole());
        Finished { code: status.code(), stdout, stderr, peak }
    }
}

impl Finished {
    /// Fails the test, with all that was printed, unless this is the exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless one of the two outputs has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "nothing says {text:?}\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// The last line of standard output.
    pub fn last_line(&self) -> &str {
        self.stdout.trim_end().lines().last().unwrap_or_default()
    }
}

/// What the command writes, while it writes it.
struct Output {
    text: Arc<(Mutex<String>, Condvar)>,
    reader: JoinHandle<()>,
}

impl Output {
    fn of(from: impl Read + Send + 'static) -> Self {
        let text = Arc::<(Mutex<String>, Condvar)>::default();
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                shared.0.lock().unwrap().push_str(&format!("{}\n", String::from_utf8_lossy(&line)));
                shared.1.notify_all();
            }
        });
        Self { text, reader }
    }

    fn await_text(&self, wanted: &str) {
        let text = self.text.0.lock().unwrap();
        let (text, timeout) = self.text.1.wait_timeout_while(text, PATIENCE, |text| !text.contains(wanted)).unwrap();
        assert!(!timeout.timed_out(), "it does not say {wanted:?} but {text}");
    }

    fn whole(self) -> String {
        self.reader.join().unwrap();
        self.text.0.lock().unwrap().clone()
    }
}

fn wait(mut child: Child) -> mpsc::Receiver<ExitStatus> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(child.wait().unwrap());
    });
    receiver
}

/// The most memory that the process has had resident; none as long as it is still a copy of this one, which has its own memory.
fn high_water(process: u32) -> Option<u64> {
    if fs::read_link(format!("/proc/{process}/exe")).ok()? == env::current_exe().ok()? {
        return None;
    }
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// The key `registries` of a workflow in which these speak plain http.
pub fn plain(addresses: &[SocketAddr]) -> String {
    let entries: String = addresses.iter().map(|address| format!("  \"{address}\": {{plain-http: true}}\n")).collect();
    format!("version: 1\nregistries:\n{entries}")
}
