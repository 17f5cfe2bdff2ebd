//! skopeo, the independent reader.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::tools;

/// The name of an image in a registry, for skopeo.
pub fn docker(address: std::net::SocketAddr, repository: &str, tag: &str) -> String {
    format!("docker://{address}/{repository}:{tag}")
}

/// The name of an image in a tree of layouts, for skopeo.
pub fn oci(root: &Path, repository: &str, tag: &str) -> String {
    format!("oci:{}:{tag}", root.join(repository).display())
}

/// The manifest's bytes.
pub fn raw(image: &str) -> Vec<u8> {
    run(&["inspect", "--raw", "--tls-verify=false", image])
}

/// The whole image as skopeo copies it into a directory: each file and its bytes.
pub fn files(image: &str) -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let target = format!("dir:{}", directory.path().display());
    run(&[
        "--insecure-policy",
        "copy",
        "--quiet",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        image,
        &target,
    ]);
    let entries = fs::read_dir(directory.path()).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect()
}

/// Copies a whole image between two open registries.
pub fn copy(from: &str, to: &str) {
    let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    run(&[&["--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"], &plain[..], &[from, to]].concat());
}

fn run(arguments: &[&str]) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(tools::find("skopeo"))
        .args(arguments)
        .env("HOME", home.path())
        .env("DOCKER_CONFIG", home.path())
        .env_remove("REGISTRY_AUTH_FILE")
        .output()
        .unwrap();
    assert!(output.status.success(), "skopeo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
