//! moto, a fake of AWS that others wrote: its ECR pages badly, but it verifies signatures once it is told to.

use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use crate::harness::http1::PATIENCE;
use crate::harness::tools;
use crate::harness::vendor;

/// A running moto; it ends when dropped.
pub(super) struct Moto {
    address: SocketAddr,
    child: Child,
    /// A key that may do everything.
    pub(super) id: String,
    /// And its secret.
    pub(super) key: String,
}

impl Moto {
    /// One that verifies signatures, with one user.
    pub(super) fn start() -> Self {
        // By its interpreter: the script names the one of the machine that it was installed on.
        let mut child = Command::new(tools::repository().join("target/venv/bin/python"))
            .args(["-u", "-c", "import moto.server; moto.server.main()", "-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, receiver) = mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        // To the end, or it could not write any more.
        thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("Running on http://") {
                    let _ = sender.send(address.trim().parse::<SocketAddr>().unwrap());
                }
            }
        });
        let Ok(address) = receiver.recv_timeout(PATIENCE) else {
            drop(child.kill());
            drop(child.wait());
            panic!("moto did not start");
        };
        let mut moto = Self { address, child, id: String::new(), key: String::new() };
        let key = vendor::python("ecr.py", &["moto", &moto.url()]);
        (moto.id, moto.key) = (key["id"].as_str().unwrap().to_owned(), key["key"].as_str().unwrap().to_owned());
        moto
    }

    /// `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
