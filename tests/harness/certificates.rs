//! Certificates of an authority that lives as long as its test, made by openssl.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::tools;

/// An authority, a server's certificate for 127.0.0.1 and a client's, each with its key, all PEM.
pub struct Certificates(TempDir);

impl Certificates {
    pub fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        made.key("ca");
        made.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            "ca.key",
            "-subj",
            "/CN=test authority",
            "-days",
            "2",
            "-out",
            "ca.pem",
        ]);
        made.signed("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
        made.signed("client", "extendedKeyUsage=clientAuth\n");
        made
    }

    /// `ca.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn key(&self, name: &str) {
        let key = format!("{name}.key");
        self.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    }

    fn signed(&self, name: &str, extensions: &str) {
        let [key, request, pem, ext] = ["key", "csr", "pem", "ext"].map(|kind| format!("{name}.{kind}"));
        self.key(name);
        fs::write(self.path(&ext), format!("basicConstraints=CA:FALSE\n{extensions}")).unwrap();
        self.openssl(&["req", "-new", "-key", &key, "-subj", &format!("/CN=test {name}"), "-out", &request]);
        let authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
        let files = ["-in", &request, "-extfile", &ext, "-out", &pem];
        self.openssl(&[&["x509", "-req"], &authority[..], &files[..]].concat());
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new(tools::find("openssl")).args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
