//! What a run leaves for people and for machines: reports, metrics, traces.

mod json;
mod junit;
mod metrics;
mod page;
mod traces;

use crate::harness::api::Reply;
use crate::harness::command::Finished;
use crate::harness::graph::Graph;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::stage::APP;
use crate::support::stage::Stage;

/// A name and a message that are markup.
const MARKUP: &str = "<script>document.title='taken over'</script><img src=x onerror=\"document.title='taken over'\">";

/// Twelve tags that are copied, one that is refused with a message of markup, and one that is not there; one host that asks for a pause, and
/// one whose blob breaks off.
fn eventful() -> (Stage, String) {
    let stage = Stage::plain();
    for number in 1..=12 {
        let graph = Graph::usual(&format!("image {number}"), &format!("v{number}"));
        graph.push(stage.source.storage().as_ref(), APP);
    }
    Graph::single("refused", "1").push(stage.source.storage().as_ref(), "team/refused");
    let refused = serde_json::json!({"errors": [{"code": "DENIED", "message": MARKUP}]});
    stage.target.fault("PUT", "team/refused/manifests", Times::Always, Fault::Answer(Reply::json(403, &refused)));
    let busy = Reply::empty(429).with("Retry-After", "1");
    stage.target.fault("POST", "/blobs/uploads/", Times::First(1), Fault::Answer(busy));
    stage.source.fault("GET", "/blobs/", Times::First(1), Fault::Cut(10));
    let (from, to) = (stage.source.address(), stage.target.address());
    let text = format!(
        "{}name: {}\ntransfers:\n  - name: everything\n    from: {{plugin: rules, with: {{rules: {{\"{from}/{APP}\": \"{to}/{APP}\", \"{from}/team/refused:1\": \"{to}/team/refused:1\", \"{from}/team/gone:1\": \"{to}/team/gone:1\"}}}}}}\n",
        stage.settings(),
        serde_json::json!(MARKUP),
    );
    (stage, text)
}

/// Runs the workflow of an eventful stage with these reports.
fn run(stage: &Stage, text: &str, reports: &[&str]) -> Finished {
    stage.place.file("workflow.yaml", text);
    let mut arguments = vec!["run", "workflow.yaml"];
    arguments.extend(reports.iter().flat_map(|report| ["--report", report]));
    stage.place.run(&arguments)
}
