//! Memory does not grow with what is moved.

use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Reply;
use crate::harness::api::Server;
use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_CONFIG;
use crate::harness::graph::OCI_IMAGE;
use crate::harness::graph::OCI_LAYER;
use crate::harness::registry::Registry;

/// What the issue allows, resident.
const MOST: u64 = 64 << 20;
const GIB: u64 = 1 << 30;

/// One GiB that does not repeat within any buffer: a random MiB, with the number of each copy in front.
fn write_gib(sink: &mut dyn Write) -> io::Result<()> {
    let mut mebibyte = vec![0; 1 << 20];
    fastrand::Rng::with_seed(1).fill(&mut mebibyte);
    for number in 0_u64..1024 {
        mebibyte[..8].copy_from_slice(&number.to_le_bytes());
        sink.write_all(&mebibyte)?;
    }
    Ok(())
}

/// The most memory that a run of the workflow `text` has resident, in bytes.
fn peak(place: &Workplace, text: &str) -> u64 {
    place.file("workflow.yaml", text);
    let finished = place
        .start(
            &["run", "workflow.yaml", "--report", "report.json", "--report", "report.html", "--report", "report.xml"],
            &[],
        )
        .finish_measured()
        .expect(0);
    assert!(finished.peak > 1 << 20, "the memory was not seen");
    finished.peak
}

/// Compiles the components: what compilation takes is not what a run takes.
fn fill_the_compile_cache() {
    Workplace::new().run(&["plugin", "list"]).expect(0);
}

#[test]
fn a_gibibyte_moves_through_64_mebibytes() {
    fill_the_compile_cache();
    let (source, target) = (Registry::open(), Registry::open());
    let mut hasher = Hashing(Sha256::new());
    write_gib(&mut hasher).unwrap();
    let hex: String = hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = format!("sha256:{hex}");
    let mut graph = Graph::new();
    let config =
        graph.blob(OCI_CONFIG, r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#);
    let layers = [json!({"mediaType": OCI_LAYER, "digest": digest, "size": GIB})];
    let image =
        graph.manifest(&json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": config, "layers": layers}));
    graph.tag("1", &image);
    source.remote().put_blob_stream("big", &digest, GIB, &mut |writer| write_gib(&mut *writer));
    graph.push(&source.remote(), "big");

    let (from, to) = (source.address(), target.address());
    let rule = format!("{{\"{from}/big:1\": \"{to}/big:1\"}}");
    let place = Workplace::new();
    let text = format!("{}transfers:\n  - from: {{plugin: rules, with: {{rules: {rule}}}}}\n", plain(&[from, to]));
    let peak = peak(&place, &text);
    assert!(peak < MOST, "{} MiB resident", peak >> 20);
    assert_eq!(
        place.report("report.json")["summary"]["bytes"]["copied"].as_u64().map(|bytes| bytes >= GIB),
        Some(true)
    );
    // The registry itself compared the digest when the upload was finished.
    assert!(target.remote().has_blob("big", &digest));
}

#[test]
fn ten_thousand_tags_pass_through_64_mebibytes() {
    fill_the_compile_cache();
    let (source, target) = (Registry::open(), Registry::open());
    for number in 0..10 {
        let repository = format!("team/app{number}");
        for registry in [&source, &target] {
            Graph::single("many", "t0").push(&registry.remote(), &repository);
            registry.multiply_tag(&repository, "t0", 1000);
        }
    }
    let (from, to) = (source.address(), target.address());
    let text = format!(
        "{}limits: {{images: 16}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{from}\"}}}}\n    to: {{registry: \"{to}\"}}\n",
        plain(&[from, to])
    );
    let place = Workplace::new();
    let peak = peak(&place, &text);
    assert!(peak < MOST, "{} MiB resident", peak >> 20);
    assert_eq!(place.report("report.json")["summary"]["unchanged"], 10_000);
    // The page has an end, the others do not.
    assert!(
        place.read("report.html").len() < 2 << 20 && place.read("report.xml").matches("<testcase").count() == 10_000
    );
}

/// CCR's API with 100,000 repositories, by arithmetic. Signatures are not looked at: tests/providers does that.
struct Many {
    server: String,
    pages: AtomicUsize,
}

const MANY: u64 = 100_000;

impl Api for Many {
    fn answer(&self, call: &Call) -> Reply {
        let body = call.json();
        let repositories = |from: u64, count: u64| -> Vec<Value> {
            let row = |number| json!({"RepoName": format!("team/app{number:05}"), "Public": 0, "TagCount": 1});
            (from..MANY.min(from + count)).map(row).collect()
        };
        let data = match call.header("x-tc-action").unwrap() {
            "DescribeNamespacePersonal" => {
                json!({"NamespaceCount": 1, "NamespaceInfo": [{"Namespace": "team", "RepoCount": MANY}]})
            }
            "DescribeRepositoryFilterPersonal" => json!({"TotalCount": MANY, "RepoInfo": []}),
            "DescribeRepositoryOwnerPersonal" => {
                self.pages.fetch_add(1, Ordering::Relaxed);
                let page = repositories(body["Offset"].as_u64().unwrap(), body["Limit"].as_u64().unwrap());
                json!({"TotalCount": MANY, "RepoInfo": page, "Server": self.server})
            }
            "DescribeImagePersonal" => json!({"TagCount": 1, "TagInfo": [{"TagName": "1"}], "Server": self.server}),
            other => panic!("{other}"),
        };
        Reply::json(200, &json!({"Response": {"Data": data, "RequestId": "r"}}))
    }
}

#[test]
fn a_hundred_thousand_repositories_of_a_provider_pass_through_64_mebibytes() {
    fill_the_compile_cache();
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("last", "1").push(&source.remote(), "team/app99999");
    let api = Arc::new(Many { server: source.address().to_string(), pages: AtomicUsize::new(0) });
    let server = Server::start(Arc::clone(&api) as Arc<dyn Api>);
    let (from, to, url) = (source.address(), target.address(), server.url());
    // All are listed; one is wanted, since each that is wanted costs a request, of which the API allows a hundred a second.
    let text = format!(
        "{}transfers:\n  - from: {{plugin: ccr, with: {{secret-id: placeholder, secret-key: placeholder, endpoint: \"{url}\", \
         repositories: [team/app99999]}}}}\n    to: {{registry: \"{to}\"}}\n",
        plain(&[from, to])
    );
    let place = Workplace::new();
    let peak = peak(&place, &text);
    assert!(peak < MOST, "{} MiB resident", peak >> 20);
    assert_eq!(place.report("report.json")["summary"]["copied"], 1);
    assert_eq!(api.pages.load(Ordering::Relaxed), 1000);
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
