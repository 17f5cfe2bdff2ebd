//! moto, a fake of AWS that others wrote: its ECR pages badly, but it verifies signatures once it is told to.

use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::http1::PATIENCE;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
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

/// A workflow from moto's ECR, whose images are in this registry, into that one, where moto's ECR makes repositories.
fn workflow(moto: &Moto, key: &str, from: &Registry, to: &Registry) -> String {
    let (from, to) = (from.address(), to.address());
    let api = format!(
        "access-key-id: {}, secret-access-key: {key}, region: us-east-1, endpoint: \"{}\"",
        moto.id,
        moto.url()
    );
    plain(&[from, to])
        + &format!(
            "\
retry: {{rounds: 0}}
transfers:
  - from: {{plugin: ecr, with: {{{api}, registry: \"{from}\"}}}}
    to: {{registry: \"{to}\", namespace: mirror, prepare: {{plugin: ecr, with: {{{api}}}}}}}
"
        )
}

#[test]
fn moto_is_listed_and_gets_repositories() {
    let (moto, from, to, place) = (Moto::start(), Registry::open(), Registry::open(), Workplace::new());
    let key = |operation: &str, parameters: Value| json!({"operation": operation, "parameters": parameters, "id": moto.id, "key": moto.key});
    let mut steps = Vec::new();
    for repository in ["team/app", "team/web"] {
        steps.push(key("create_repository", json!({"repositoryName": repository})));
        for tag in ["1", "2"] {
            let graph = Graph::single(&format!("{repository} {tag}"), tag);
            graph.push(&from.remote(), repository);
            let manifest = graph.manifests.last().unwrap();
            let text = String::from_utf8(manifest.bytes.clone()).unwrap();
            let image = json!({
                "repositoryName": repository, "imageTag": tag, "imageManifest": text, "imageDigest": manifest.digest,
                "imageManifestMediaType": manifest.media_type,
            });
            steps.push(key("put_image", image));
        }
    }
    let answers = vendor::python("ecr.py", &["call", &moto.url(), &json!(steps).to_string()]);
    assert!(answers.as_array().unwrap().iter().all(|it| it["code"].is_null()), "{answers}");

    place.workflow(&workflow(&moto, &moto.key, &from, &to)).expect(0);
    for repository in ["team/app", "team/web"] {
        assert_eq!(to.remote().tags(&format!("mirror/{repository}")), ["1", "2"]);
    }
    let list = json!([key("describe_repositories", json!({}))]);
    let answers = vendor::python("ecr.py", &["call", &moto.url(), &list.to_string()]);
    let there: Vec<&str> = answers[0]["repositories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["repositoryName"].as_str().unwrap())
        .collect();
    for name in ["mirror/team/app", "mirror/team/web", "team/app", "team/web"] {
        assert!(there.contains(&name), "{there:?}");
    }
}

#[test]
fn moto_takes_no_wrong_key() {
    let (moto, from, to, place) = (Moto::start(), Registry::open(), Registry::open(), Workplace::new());
    place
        .workflow(&workflow(&moto, "another-placeholder", &from, &to))
        .expect(3)
        .says("Amazon ECR refused DescribeRepositories: SignatureDoesNotMatch")
        .says("check `secret-access-key`: it does not belong to `access-key-id`");
}
