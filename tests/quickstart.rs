//! The quick start: what it starts from is in the repository, and running it twice copies once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::layout::Layout;
use crate::harness::store::Store;
use crate::harness::tools;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What workflows/quickstart/source is made from. After a change: `IMAGE_TRANSFER_WRITE_FIXTURES=1 cargo test --locked --test e2e quickstart`.
fn write_source(root: &Path) {
    let layout = Layout::at(root);
    let base = tar("etc/os-release", "NAME=\"Quick start\"\nID=quickstart\n");
    for name in ["shop/web", "shop/worker"] {
        let mut graph = Graph::new();
        let shared = graph.blob(LAYER, base.clone());
        let mut images = Vec::new();
        for platform in ["linux/amd64", "linux/arm64"] {
            let program = tar("app/program", &format!("{name} for {platform}\n"));
            let own = graph.blob(LAYER, program);
            images.push(graph.image(platform, &[shared.clone(), own]));
        }
        let index = graph.index(&images);
        graph.tag("1.0", &index);
        graph.tag("latest", &index);
        if name == "shop/web" {
            graph.artifact(
                "application/vnd.example.sbom+json",
                r#"{"components":["etc/os-release","app/program"]}"#,
                Some(&index),
            );
        }
        graph.push(&layout, name);
    }
}

/// A tar archive (ustar) of one file.
fn tar(name: &str, text: &str) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, value: &str| header[at..at + value.len()].copy_from_slice(value.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", text.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend_from_slice(text.as_bytes());
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

/// Every file under `root`, by its path from there.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn its_images_are_the_ones_that_this_test_makes() {
    let committed = tools::repository().join("workflows/quickstart/source");
    if std::env::var_os("IMAGE_TRANSFER_WRITE_FIXTURES").is_some() {
        drop(fs::remove_dir_all(&committed));
        write_source(&committed);
    }
    let made = tempfile::tempdir().unwrap();
    write_source(made.path());
    assert_eq!(files(&committed), files(made.path()));
}

#[test]
fn the_second_run_copies_nothing() {
    let place = Workplace::new();
    let workflows = tools::repository().join("workflows");
    let copy = place.path().join("workflows");
    for (name, bytes) in files(&workflows.join("quickstart")) {
        let file = copy.join("quickstart").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    fs::copy(workflows.join("quickstart.yaml"), copy.join("quickstart.yaml")).unwrap();
    fs::create_dir_all(place.path().join("target")).unwrap();

    let run = ["run", "workflows/quickstart.yaml", "--report", "report.json"];
    place.run(&run).expect(0);
    let first = place.report("report.json");
    assert_eq!(first["summary"]["copied"], 4);
    let after_first = files(&place.path().join("target/quickstart"));
    place.run(&run).expect(0);
    let second = place.report("report.json");
    assert_eq!((&second["summary"]["copied"], &second["summary"]["unchanged"]), (&0.into(), &4.into()));
    assert_eq!(files(&place.path().join("target/quickstart")), after_first);

    let (source, target) =
        (Layout::at(&copy.join("quickstart/source")), Layout::at(&place.path().join("target/quickstart")));
    for name in ["web", "worker"] {
        let wanted = source.content(&format!("shop/{name}"), "1.0").unwrap();
        assert_eq!(target.content(&format!("mirror/shop/{name}"), "1.0").unwrap(), wanted);
    }
}

#[test]
fn the_referrer_of_its_artifact_comes_along() {
    let place = Workplace::new();
    let source = tools::repository().join("workflows/quickstart/source");
    let text = format!(
        "version: 1\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"oci:{}\"}}}}\n    select: {{referrers: true}}\n    to: {{registry: \"oci:out\"}}\n",
        source.display()
    );
    place.workflow(&text).expect(0);
    let read = fs::read_to_string(place.path().join("out/shop/web/index.json")).unwrap();
    assert!(read.contains("application/vnd.example.sbom+json") || read.contains("sha256-"), "no referrer in {read}");
}

#[test]
fn the_workflow_of_the_readme_is_fine() {
    let readme = std::fs::read_to_string(tools::repository().join("README.md")).unwrap();
    let text = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let place = Workplace::new();
    place.file("everything.yaml", text);
    place.file("corp.pem", "");
    let environment = ["HARBOR_USER", "HARBOR_PASSWORD", "USER_NAME", "PASSWORD"].map(|name| (name, "placeholder"));
    place.run_with(&["check", "everything.yaml"], &environment).expect(0).says("everything.yaml is fine: 1 transfers");
    place.run(&["check", "everything.yaml"]).expect(2).says("HARBOR_USER").says("4 errors");
}
