//! The tools that are compared.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::command::plain;
use crate::harness::tools::repository;
use crate::images::REPOSITORY;

/// A tool that moves images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    ImageTransfer,
    /// The same, to the first target alone.
    ImageTransferOne,
    Skopeo,
    Regsync,
    Crane,
    ImageSyncer,
    /// `curl | curl` for each blob, one after the other. It checks nothing.
    Curl,
}

/// Every tool, each once.
pub const ALL: [Tool; 6] =
    [Tool::ImageTransfer, Tool::Skopeo, Tool::Regsync, Tool::Crane, Tool::ImageSyncer, Tool::Curl];

/// One blob after the other through a pipe, then the manifests of all tags.
const CURL: &str = r#"set -euo pipefail
from=http://$1/v2/$3 to=$2 accept=application/vnd.oci.image.manifest.v1+json; shift 3
for tag; do
  manifest=$(mktemp)
  curl -sSf -H "Accept: $accept" -o "$manifest" "$from/manifests/$tag"
  for digest in $(grep -o 'sha256:[0-9a-f]*' "$manifest"); do
    session=$(curl -sSf -o /dev/null -D - -X POST -H 'Content-Length: 0' "http://$to/v2/bench/app/blobs/uploads/" \
      | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -sSf "$from/blobs/$digest" \
      | curl -sSf -o /dev/null -T - -H Expect: -H 'Content-Type: application/octet-stream' "$session&digest=$digest"
  done
  curl -sSf -o /dev/null -X PUT -H "Content-Type: $accept" --data-binary "@$manifest" "http://$to/v2/bench/app/manifests/$tag"
  rm "$manifest"
done
"#;

impl Tool {
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageTransfer => "image-transfer",
            Self::ImageTransferOne => "image-transfer, one target",
            Self::Skopeo => "skopeo sync",
            Self::Regsync => "regsync",
            Self::Crane => "crane copy",
            Self::ImageSyncer => "image-syncer",
            Self::Curl => "curl \\| curl",
        }
    }

    /// Whether this machine has it. Peers that it has not are left out of the tables.
    pub fn is_here(self) -> bool {
        self.program().is_some()
    }

    /// Where its program is.
    fn program(self) -> Option<PathBuf> {
        let name = match self {
            Self::ImageTransfer | Self::ImageTransferOne => return Some(env!("CARGO_BIN_EXE_image-transfer").into()),
            Self::Skopeo => "skopeo",
            Self::Regsync => "regsync",
            Self::Crane => "crane",
            Self::ImageSyncer => "image-syncer",
            Self::Curl => "curl",
        };
        let paths = env::var_os("PATH").unwrap_or_default();
        let places = [repository().join("target/tools")].into_iter().chain(env::split_paths(&paths));
        places.map(|place| place.join(name)).find(|path| path.is_file())
    }

    /// The command that copies all `tags` of [`REPOSITORY`], with what makes it fast; what it reads is written into `place`.
    pub fn command(self, place: &Path, from: SocketAddr, to: &[SocketAddr], tags: &[String]) -> Vec<String> {
        let program = self.program().unwrap().to_string_lossy().into_owned();
        let first = to[0];
        let written = |name: &str, text: String| {
            let path = place.join(name);
            fs::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        };
        let (source, target) = (format!("{from}/{REPOSITORY}"), format!("{first}/{REPOSITORY}"));
        let words: Vec<String> = match self {
            Self::ImageTransfer | Self::ImageTransferOne => {
                let to = if self == Self::ImageTransfer { to } else { &to[..1] };
                let targets: String = to.iter().map(|to| format!("      - {{registry: \"{to}\"}}\n")).collect();
                let text = format!(
                    "{}transfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\", repositories: [{REPOSITORY}]}}}}\n    to:\n{targets}",
                    plain(&[&[from], to].concat())
                );
                let state = place.join("state").to_string_lossy().into_owned();
                vec!["run".into(), written("workflow.yaml", text), "--quiet".into(), "--state".into(), state]
            }
            Self::Skopeo => {
                let flags = "sync --all --src docker --dest docker --src-tls-verify=false --dest-tls-verify=false";
                flags.split(' ').map(str::to_owned).chain([source, format!("{first}/bench")]).collect()
            }
            Self::Regsync => {
                let text = format!(
                    "version: 1\ncreds:\n  - {{registry: \"{from}\", tls: disabled}}\n  - {{registry: \"{first}\", tls: disabled}}\n\
                     defaults: {{parallel: 5}}\nsync:\n  - {{source: \"{source}\", target: \"{target}\", type: repository}}\n"
                );
                vec!["once".into(), "-c".into(), written("regsync.yaml", text)]
            }
            Self::Crane => vec!["copy".into(), "--all-tags".into(), source, target],
            Self::ImageSyncer => {
                let auth = format!("{{\"{from}\": {{\"insecure\": true}}, \"{first}\": {{\"insecure\": true}}}}");
                let images = format!("{{\"{source}\": \"{target}\"}}");
                let (auth, images) = (written("auth.json", auth), written("images.json", images));
                vec![format!("--auth={auth}"), format!("--images={images}"), "--proc=10".into()]
            }
            Self::Curl => {
                let places = [from.to_string(), first.to_string(), REPOSITORY.to_owned()];
                let script = ["bash".into(), written("curl.sh", CURL.to_owned())];
                return script.into_iter().chain(places).chain(tags.iter().cloned()).collect();
            }
        };
        [vec![program], words].concat()
    }

    /// What it says its version is.
    pub fn version(self) -> String {
        let argument = match self {
            Self::Regsync | Self::Crane => "version",
            Self::ImageSyncer => return "image-syncer, the version of tests/install-deps".to_owned(),
            _ => "--version",
        };
        let output = self.program().and_then(|program| Command::new(program).arg(argument).output().ok());
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let line = line.trim_start_matches("VCSTag:").split(" (").next().unwrap_or_default().trim();
        let name = self.name().split(' ').next().unwrap_or_default();
        if line.starts_with(name) { line.to_owned() } else { format!("{name} {line}") }
    }
}
