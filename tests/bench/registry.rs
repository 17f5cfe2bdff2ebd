//! Debian's docker-registry, which writes no log: writing one is a tenth of its work.

use std::fs;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::http1::PATIENCE;
use crate::harness::store::Remote;
use crate::harness::tools::find;

/// A running registry; it ends when dropped.
pub struct Quiet {
    address: SocketAddr,
    child: Child,
    _directory: TempDir,
}

impl Quiet {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {}, maxthreads: 100}}\nhttp:\n  addr: {address}\n",
            directory.path().join("storage").display()
        );
        let file = directory.path().join("config.yml");
        fs::write(&file, text).unwrap();
        let mut command = Command::new(find("docker-registry"));
        command.arg("serve").arg(file).env_remove("REGISTRY_HTTP_ADDR");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { address, child, _directory: directory };
        let step = Duration::from_millis(20);
        let listens = || TcpStream::connect_timeout(&address, step).is_ok();
        let mut left = PATIENCE.as_millis() / step.as_millis();
        while !listens() {
            left = left.checked_sub(1).unwrap_or_else(|| panic!("no registry at {address}"));
            thread::sleep(step);
        }
        registry
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The benchmark's own way in.
    pub fn remote(&self) -> Remote {
        Remote::new(self.address, None)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
