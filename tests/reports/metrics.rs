//! Metrics of a run that is under way, as Prometheus reads them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc;

use crate::harness::api::Call;
use crate::harness::api::Reply;
use crate::harness::command::Running;
use crate::harness::graph::Graph;
use crate::harness::http1::PATIENCE;
use crate::harness::tools;
use crate::reports::eventful;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::stage::APP;
use crate::support::stage::Stage;

/// The head and the body of the answer to one request.
fn ask(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Where the metrics of a command are.
fn address(running: &Running) -> String {
    let line = running.await_line("metrics: http://");
    line.split("http://").nth(1).unwrap().trim().strip_suffix("/metrics").unwrap().to_owned()
}

/// The sum of the samples of `name` whose labels have all of these.
fn sum(text: &str, name: &str, labels: &[String]) -> f64 {
    let samples = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    let fitting = samples.filter(|line| labels.iter().all(|label| line.contains(label)));
    fitting.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// A fault that holds a request until the sender is dropped, and then answers it with `status`; the receiver tells that it came.
fn held(status: u16) -> (Fault, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (arrived, arrival) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let hold = move |_: &Call| {
        let _ = arrived.send(());
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        Reply::empty(status)
    };
    (Fault::act(hold), arrival, release)
}

#[test]
fn a_run_under_way_tells_how_far_it_is() {
    let (stage, text) = eventful();
    Graph::usual("the last", "held").push(stage.source.storage().as_ref(), APP);
    // Its tag is not written until the metrics were read.
    let (hold, arrival, release) = held(503);
    stage.target.fault("PUT", "/manifests/held", Times::Always, hold);
    stage.place.file("workflow.yaml", &text);
    let running = stage.place.start(&["run", "workflow.yaml", "--metrics", "127.0.0.1:0"], &[]);
    let address = address(&running);
    for number in 1..=12 {
        running.await_text(&format!("app:v{number} ("));
    }
    running.await_text("team/gone:1 does not exist");
    running.await_text("team/refused:1: 127");
    arrival.recv_timeout(PATIENCE).unwrap();
    let (head, metrics) = ask(&address, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("text/plain; version=0.0.4"), "{head}");

    // What its own makers say of it: form, names, units, help.
    let file = File::open(stage.place.file("metrics.txt", &metrics)).unwrap();
    let output = Command::new(tools::find("promtool")).args(["check", "metrics"]).stdin(file).output().unwrap();
    let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
    assert!(output.status.success() && said.is_empty(), "{said}\n{metrics}");

    let one = |name: &str, labels: &[String]| sum(&metrics, &format!("image_transfer_{name}"), labels);
    let count = |name: &str, labels: &[String]| one(name, labels).to_string();
    let label = |name: &str, value: &dyn std::fmt::Display| format!("{name}=\"{value}\"");
    let (from, to) = (label("host", &stage.source.address()), label("host", &stage.target.address()));
    assert_eq!(count("build_info", &[label("version", &env!("CARGO_PKG_VERSION"))]), "1");
    assert_eq!(count("images_total", &[label("outcome", &"done")]), "12");
    assert_eq!(count("images_total", &[label("outcome", &"failed")]), "2");
    assert_eq!(count("targets_total", &[label("outcome", &"copied")]), "12");
    assert_eq!(count("images_in_flight", &[]), "1");
    assert_eq!(count("images_queued", &[]), "0");
    assert!(one("throttled_total", std::slice::from_ref(&to)) >= 1.0, "{metrics}");
    assert!(one("paused_seconds_total", std::slice::from_ref(&to)) >= 1.0, "{metrics}");
    assert!(one("retries_total", std::slice::from_ref(&from)) >= 1.0, "{metrics}");
    assert!(one("requests_total", &[to.clone(), label("method", &"PUT"), label("status", &"2xx")]) > 12.0, "{metrics}");
    assert!(one("traffic_bytes_total", &[from, label("direction", &"received")]) > 12_000.0, "{metrics}");
    assert!(one("traffic_bytes_total", &[to.clone(), label("direction", &"sent")]) > 12_000.0, "{metrics}");
    assert!(one("concurrency_limit", &[to.clone(), label("load", &"blob"), label("direction", &"write")]) >= 1.0);
    assert!(one("concurrency_used", &[to, label("load", &"small"), label("direction", &"write")]) >= 1.0, "{metrics}");
    let next = [label("plugin", &"rules"), label("function", &"source.next"), label("result", &"answered")];
    assert!(one("plugin_calls_total", &next) >= 1.0, "{metrics}");
    assert!(one("plugin_call_seconds_total", &next[..2]) > 0.0, "{metrics}");

    assert!(ask(&address, "GET /").0.starts_with("HTTP/1.1 404"));
    assert!(ask(&address, "POST /metrics").0.starts_with("HTTP/1.1 405"));
    running.interrupt();
    running.interrupt();
    drop(release);
    let finished = running.finish().expect(130);
    assert!(!metrics.contains(stage.target.lock().password()) && !metrics.contains("team/app"), "{}", finished.stderr);
    assert!(TcpStream::connect(&address).is_err(), "it is served after the end");
}

#[test]
fn the_numbers_go_on_through_the_verification() {
    let stage = Stage::plain().with(&Graph::usual("verified", "1"));
    let (hold, arrival, release) = held(404);
    // A run asks for the tag once, and a verification after it again.
    stage.target.fault("HEAD", "/manifests/1", Times::Nth(2), hold);
    stage.place.file("workflow.yaml", &stage.workflow());
    let running = stage.place.start(&["run", "workflow.yaml", "--verify", "--metrics", "127.0.0.1:0"], &[]);
    let address = address(&running);
    arrival.recv_timeout(PATIENCE).unwrap();
    let (_, metrics) = ask(&address, "GET /metrics");
    drop(release);
    running.finish().expect(1).says("is not there");
    let host = format!("host=\"{}\"", stage.target.address());
    let used = ["direction=\"read\"".to_owned(), "load=\"small\"".to_owned(), host.clone()];
    assert!(sum(&metrics, "image_transfer_concurrency_used", &used) >= 1.0, "{metrics}");
    let put = [host, "method=\"PUT\"".to_owned()];
    assert!(sum(&metrics, "image_transfer_requests_total", &put) >= 1.0, "what was sent before: {metrics}");
    let opened = ["plugin=\"rules\"".to_owned(), "function=\"source.open\"".to_owned()];
    assert_eq!(
        sum(&metrics, "image_transfer_plugin_calls_total", &opened).to_string(),
        "4",
        "made and opened, twice: {metrics}"
    );
}

#[test]
fn an_address_that_cannot_be_had_is_an_error_before_anything_is_sent() {
    let (stage, text) = eventful();
    stage.place.file("workflow.yaml", &text);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = stage.place.run(&["run", "workflow.yaml", "--metrics", &address]).expect(2);
    said.says(&format!("error: cannot serve metrics at {address}: Address already in use"));
    stage.place.run(&["run", "workflow.yaml", "--metrics", "nowhere"]).expect(2).says("invalid socket address");
    assert_eq!((stage.source.seen().len(), stage.target.seen().len()), (0, 0));
    // Nor is there a run to go on with.
    stage.place.run(&["history"]).expect(0).says("no runs yet");
}

#[test]
fn every_metric_is_on_its_page_and_no_other() {
    let page = std::fs::read_to_string(tools::repository().join("docs/metrics.md")).unwrap();
    let told: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `image_transfer_")?.split('`').next()).collect();
    let (stage, text) = eventful();
    stage.target.fault("PUT", "/manifests/", Times::Always, Fault::Silent);
    stage.place.file("workflow.yaml", &text);
    let running = stage.place.start(&["run", "workflow.yaml", "--metrics", "127.0.0.1:0"], &[]);
    let address = address(&running);
    running.await_text("team/gone:1 does not exist");
    let (_, metrics) = ask(&address, "GET /metrics");
    running.kill();
    let served: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE image_transfer_")?.split(' ').next()).collect();
    assert_eq!(told, served);
}
