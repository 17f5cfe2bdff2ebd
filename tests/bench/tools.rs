//! The tools that are compared.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::harness::command::plain;
use crate::images::REPOSITORY;
use crate::workloads::Workload;

/// A tool that moves images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    ImageTransfer,
    Skopeo,
    Regsync,
}

impl Tool {
    pub fn all() -> Vec<Self> {
        vec![Self::ImageTransfer, Self::Skopeo, Self::Regsync]
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::ImageTransfer => "image-transfer",
            Self::Skopeo => "skopeo sync",
            Self::Regsync => "regsync",
        }
    }

    /// Whether this machine has it. Peers that it has not are left out of the tables.
    pub fn is_here(self) -> bool {
        match self {
            Self::ImageTransfer => true,
            Self::Skopeo => on_the_path("skopeo"),
            Self::Regsync => on_the_path("regsync") || tool("regsync").exists(),
        }
    }

    /// Whether it can do what the workload asks.
    pub fn can(self, workload: &Workload) -> bool {
        workload.targets == 1 || self == Self::ImageTransfer
    }

    /// The command that copies all of [`REPOSITORY`]; what it reads is written into `place`.
    pub fn command(self, place: &Path, from: SocketAddr, to: &[SocketAddr]) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        match self {
            Self::ImageTransfer => {
                let file = place.join("workflow.yaml");
                let targets: String = to.iter().map(|to| format!("      - {{registry: \"{to}\"}}\n")).collect();
                let text = format!(
                    "{}transfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\", repositories: [{REPOSITORY}]}}}}\n    to:\n{targets}",
                    plain(&[&[from], to].concat())
                );
                fs::write(&file, text).unwrap();
                words(&[
                    env!("CARGO_BIN_EXE_image-transfer"),
                    "run",
                    &file.to_string_lossy(),
                    "--quiet",
                    "--state",
                    &place.join("state").to_string_lossy(),
                ])
            }
            Self::Skopeo => {
                let source = format!("{from}/{REPOSITORY}");
                let target = format!("{}/bench", to[0]);
                words(&[
                    "skopeo",
                    "sync",
                    "--all",
                    "--src",
                    "docker",
                    "--dest",
                    "docker",
                    "--src-tls-verify=false",
                    "--dest-tls-verify=false",
                    &source,
                    &target,
                ])
            }
            Self::Regsync => {
                let file = place.join("regsync.yaml");
                let text = format!(
                    "version: 1\ncreds:\n  - {{registry: \"{from}\", tls: disabled}}\n  - {{registry: \"{0}\", tls: disabled}}\ndefaults: {{parallel: 5}}\nsync:\n  - {{source: \"{from}/{REPOSITORY}\", target: \"{0}/{REPOSITORY}\", type: repository}}\n",
                    to[0]
                );
                fs::write(&file, text).unwrap();
                let program = if on_the_path("regsync") { "regsync".into() } else { tool("regsync") };
                words(&[&program.to_string_lossy(), "once", "-c", &file.to_string_lossy()])
            }
        }
    }

    /// What it says its version is.
    pub fn version(self) -> String {
        let (program, argument) = match self {
            Self::ImageTransfer => (env!("CARGO_BIN_EXE_image-transfer").into(), "--version"),
            Self::Skopeo => ("skopeo".into(), "--version"),
            Self::Regsync => (tool("regsync"), "version"),
        };
        let output = Command::new(program).arg(argument).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    }
}

fn tool(name: &str) -> std::path::PathBuf {
    crate::harness::tools::repository().join("target/tools").join(name)
}

fn on_the_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|paths| std::env::split_paths(&paths).any(|path| path.join(name).is_file()))
}
