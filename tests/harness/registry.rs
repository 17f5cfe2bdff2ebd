//! Real registries, one process each, on 127.0.0.1 and a port that the system chose.

use std::fmt::Write as _;
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

use super::certificates::Certificates;
use super::http1::PATIENCE;
use super::proxy::Proxy;
use super::store::Remote;
use super::tools;

/// The one user of a registry with a lock.
pub const USER: &str = "test";
/// That user's password.
pub const PASSWORD: &str = "not-a-real-password";
/// Both, as an htpasswd file (bcrypt, cost 4, made ahead); and `AWS` with the same password, as ECR calls everyone.
const HTPASSWD: &str = "\
test:$2y$04$biYCVC/7ULnlLcIL3kIBwOAiqeQhSJSQazSV001gT5V/SDoLuOVtG
AWS:$2y$04$biYCVC/7ULnlLcIL3kIBwOAiqeQhSJSQazSV001gT5V/SDoLuOVtG
";

/// Which registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Debian's docker-registry, 2.8.
    Debian28,
    /// distribution, version 3.
    Distribution3,
    /// go-containerregistry's, by `crane registry serve`. It has no lock.
    Crane,
}

/// Who may enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    Open,
    /// [`USER`] and [`PASSWORD`].
    Basic,
    /// https with this certificate and key; clients need a certificate of the authority, where there is one.
    Tls {
        certificate: PathBuf,
        key: PathBuf,
        clients: Option<PathBuf>,
    },
}

/// A running registry; it ends when dropped.
pub struct Registry {
    address: SocketAddr,
    child: Child,
    kind: Kind,
    lock: Lock,
    directory: TempDir,
}

impl Registry {
    pub fn start(kind: Kind, lock: &Lock) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (child, address) = spawn(kind, lock, directory.path(), "127.0.0.1:0", None);
        Self { address, child, kind, lock: lock.clone(), directory }
    }

    /// Debian's, open, which cannot write a file of more than `kibibytes`: to it, the disk is full then.
    pub fn cramped(kibibytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (kind, lock) = (Kind::Debian28, Lock::Open);
        let (child, address) = spawn(kind, &lock, directory.path(), "127.0.0.1:0", Some(kibibytes));
        Self { address, child, kind, lock, directory }
    }

    /// Ends its process; what it stored stays.
    pub fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Starts it at the same address with what it stored, without any limit.
    pub fn start_again(&mut self) {
        self.stop();
        let address = self.address.to_string();
        (self.child, self.address) = spawn(self.kind, &self.lock, self.directory.path(), &address, None);
    }

    /// Debian's, open.
    pub fn open() -> Self {
        Self::start(Kind::Debian28, &Lock::Open)
    }

    /// Debian's, with a password.
    pub fn locked() -> Self {
        Self::start(Kind::Debian28, &Lock::Basic)
    }

    /// Debian's by https; whether clients need a certificate too.
    pub fn tls(certificates: &Certificates, clients: bool) -> Self {
        let [certificate, key] = ["server.pem", "server.key"].map(|name| certificates.path(name));
        let clients = clients.then(|| certificates.path("ca.pem"));
        Self::start(Kind::Debian28, &Lock::Tls { certificate, key, clients })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The test's own way in.
    pub fn remote(&self) -> Remote {
        Remote::new(self.address, (self.lock == Lock::Basic).then_some((USER, PASSWORD)))
    }

    /// A new proxy before this registry.
    pub fn proxy(&self) -> Proxy {
        Proxy::start(self.address)
    }

    /// A new proxy before this registry that asks for tokens.
    pub fn guard(&self) -> Proxy {
        Proxy::guard(self.address)
    }

    /// The file in which it stores the blob.
    pub fn blob_file(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = self.directory.path().join("storage/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// Gives the manifest that `tag` leads to `count` more tags, `t0` and so on, by writing the files that the registry would
    /// write: ten thousand requests are for the command under test.
    pub fn multiply_tag(&self, repository: &str, tag: &str, count: usize) {
        let tags = self
            .directory
            .path()
            .join("storage/docker/registry/v2/repositories")
            .join(repository)
            .join("_manifests/tags");
        let link = fs::read(tags.join(tag).join("current/link")).unwrap();
        for number in 0..count {
            let current = tags.join(format!("t{number}")).join("current");
            fs::create_dir_all(&current).unwrap();
            fs::write(current.join("link"), &link).unwrap();
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a registry that listens at `address`, and waits until it does.
fn spawn(kind: Kind, lock: &Lock, directory: &Path, address: &str, kibibytes: Option<u64>) -> (Child, SocketAddr) {
    let mut command = command(kind, lock, directory, address, kibibytes);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (sender, receiver) = mpsc::channel();
    let log = BufReader::new(child.stderr.take().unwrap());
    let file = directory.join("log");
    thread::spawn(move || {
        let mut file = fs::File::create(file).unwrap();
        for line in log.split(b'\n').map_while(Result::ok) {
            if let Some(address) = listening(&String::from_utf8_lossy(&line)) {
                let _ = sender.send(address);
            }
            // The directory may be gone before the process is.
            drop(std::io::Write::write_all(&mut file, &[&line, b"\n".as_slice()].concat()));
        }
    });
    let Ok(address) = receiver.recv_timeout(PATIENCE) else {
        drop(child.kill());
        drop(child.wait());
        panic!("{kind:?} did not start: {}", fs::read_to_string(directory.join("log")).unwrap_or_default());
    };
    (child, address)
}

fn command(kind: Kind, lock: &Lock, directory: &Path, address: &str, kibibytes: Option<u64>) -> Command {
    let (program, arguments) = match kind {
        Kind::Debian28 => ("docker-registry", vec!["serve".to_owned()]),
        Kind::Distribution3 => ("registry", vec!["serve".to_owned()]),
        Kind::Crane => {
            assert_eq!(*lock, Lock::Open, "crane's registry has no lock");
            ("crane", ["registry", "serve", "--address", address].map(str::to_owned).to_vec())
        }
    };
    let mut command = match kibibytes {
        None => Command::new(tools::find(program)),
        Some(kibibytes) => {
            let mut shell = Command::new("bash");
            shell.args(["-c", &format!("ulimit -f {kibibytes}; exec \"$0\" \"$@\"")]).arg(tools::find(program));
            shell
        }
    };
    command.args(arguments).current_dir(directory).env_remove("REGISTRY_HTTP_ADDR").env("OTEL_TRACES_EXPORTER", "none");
    if kind != Kind::Crane {
        fs::write(directory.join("config.yml"), configuration(lock, directory, address)).unwrap();
        command.arg("config.yml");
    }
    command
}

fn configuration(lock: &Lock, directory: &Path, address: &str) -> String {
    let storage = directory.join("storage");
    let mut text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {}, maxthreads: 100}}\n  delete: {{enabled: true}}\nhttp:\n  addr: {address}\nvalidation:\n  manifests:\n    urls: {{allow: [\"^https://\"]}}\n",
        storage.display()
    );
    match lock {
        Lock::Open => {}
        Lock::Tls { certificate, key, clients } => {
            let clients =
                clients.as_ref().map_or_else(String::new, |clients| format!(", clientcas: [{}]", clients.display()));
            let tls = format!("{{certificate: {}, key: {}{clients}}}", certificate.display(), key.display());
            text = text.replace("http:\n", &format!("http:\n  tls: {tls}\n"));
        }
        Lock::Basic => {
            let file = directory.join("htpasswd");
            fs::write(&file, HTPASSWD).unwrap();
            write!(text, "auth:\n  htpasswd: {{realm: test, path: {}}}\n", file.display()).unwrap();
        }
    }
    text
}

/// The address in a registry's line that it listens.
fn listening(line: &str) -> Option<SocketAddr> {
    if let Some((_, rest)) = line.split_once("serving on port ") {
        return Some(SocketAddr::from(([127, 0, 0, 1], rest.trim().parse().ok()?)));
    }
    let (_, rest) = line.split_once("listening on ")?;
    rest.split(['"', ',', ' ']).next()?.parse().ok()
}
