//! Manifests that are too long, too deep, too wide, ambiguous or not what they say.

use serde_json::Value;
use serde_json::json;

use crate::faults::CALM;
use crate::faults::layered;
use crate::harness::api::Reply;
use crate::harness::graph::DOCKER_IMAGE;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_CONFIG;
use crate::harness::graph::OCI_IMAGE;
use crate::harness::graph::OCI_INDEX;
use crate::harness::graph::OCI_LAYER;
use crate::harness::graph::Stored;
use crate::harness::store::Store as _;
use crate::harness::store::sha256;
use crate::harness::store::text;
use crate::support::fault::Fault;
use crate::support::fault::Times;
use crate::support::stage::APP;
use crate::support::stage::Stage;

const MEMORY: u64 = 64 << 20;

/// Puts `bytes` into the source as the manifest of tag `1`.
fn tagged(stage: &Stage, media_type: &str, bytes: Vec<u8>) {
    let stored = Stored { digest: sha256(&bytes), media_type: media_type.to_owned(), bytes };
    stage.source.storage().put_manifest(APP, Some("1"), &stored);
}

/// A stage whose source has the blobs of `graph`, and as tag `1` this text in place of a manifest.
fn ambiguous(graph: &Graph, manifest: &str) -> Stage {
    let stage = Stage::plain().with(graph);
    tagged(&stage, OCI_IMAGE, manifest.as_bytes().to_vec());
    stage
}

#[track_caller]
fn nothing_arrived(stage: &Stage) {
    assert_eq!(stage.target.storage().manifests(), []);
    assert_eq!(stage.target.storage().open_sessions(), 0);
}

#[test]
fn a_manifest_beyond_reason_is_refused_and_not_held() {
    for fault in [Fault::Endless, Fault::header("Content-Length", "100000000"), Fault::Extra(9 << 20)] {
        let (graph, _) = layered(1000);
        for stage in Stage::both() {
            let stage = stage.with(&graph);
            stage.source.fault("GET", "/manifests/", Times::Always, fault.clone());
            stage.run_within(MEMORY, CALM).failed("permanent").says("longer than");
            nothing_arrived(&stage);
        }
    }
}

#[test]
fn a_manifest_that_comes_wrong_is_read_once_more() {
    for fault in [Fault::Flip(3), Fault::Cut(10), Fault::Lost, Fault::Extra(5)] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault("GET", "/manifests/", Times::First(1), fault);
        stage.run(CALM + 2).copied();
    }
    let (graph, _) = layered(1000);
    let stage = Stage::plain().with(&graph);
    stage.source.fault("GET", "/manifests/", Times::Always, Fault::Flip(3));
    stage.run(CALM).failed("corrupt");
    assert_eq!(stage.source.count("GET", "/manifests/"), 2);
    nothing_arrived(&stage);
}

#[test]
fn a_digest_header_that_does_not_fit_the_manifest_is_refused() {
    let wrong = format!("sha256:{}", "0".repeat(64));
    for (method, class) in [("GET", "corrupt"), ("HEAD", "not-found")] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault(method, "/manifests/", Times::Always, Fault::header("Docker-Content-Digest", &wrong));
        stage.run(CALM).failed(class);
        nothing_arrived(&stage);
    }
}

#[test]
fn a_media_type_that_does_not_fit_the_manifest_is_refused() {
    for served in [DOCKER_IMAGE, OCI_INDEX] {
        let (graph, _) = layered(1000);
        let stage = Stage::plain().with(&graph);
        stage.source.fault("GET", "/manifests/", Times::Always, Fault::header("Content-Type", served));
        stage.run(CALM).failed("permanent").says("calls itself");
        nothing_arrived(&stage);
    }
}

#[test]
fn keys_that_come_twice_are_refused_wherever_they_are() {
    let mut graph = Graph::new();
    let config = graph.blob(OCI_CONFIG, "{}").to_string();
    let layer = graph.blob(OCI_LAYER, "a layer").to_string();
    let evil = graph.blob(OCI_LAYER, "another layer").to_string();
    let head = format!(r#""schemaVersion":2,"mediaType":"{OCI_IMAGE}","config":{config}"#);
    let twice = text(&serde_json::from_str::<Value>(&evil).unwrap()["digest"]);
    let both = layer.replacen(r#""digest""#, &format!(r#""digest":"{twice}","digest""#), 1);
    for body in [
        format!(r#"{{{head},"layers":[{layer}],"layers":[{evil}]}}"#),
        format!(r#"{{{head},"layers":[{layer}],"Layers":[{evil}]}}"#),
        format!(r#"{{{head},"LAYERS":[{layer}]}}"#),
        format!(r#"{{{head},"layers":[{both}]}}"#),
        format!(r#"{{{head},"layers":[{}]}}"#, both.replacen("digest", "Digest", 1)),
        format!(r#"{{{head},"layers":[{layer}],"annotations":{{"a":"1","a":"2"}}}}"#),
        format!(r#"{{{head},"layers":[{layer}],"unknown":{{"x":[{{"y":1,"y":2}}]}}}}"#),
        format!(r#"{{{head},"layers":[{layer}],"l\u0061yers":[{evil}]}}"#),
    ] {
        let stage = ambiguous(&graph, &body);
        stage.run(CALM).failed("permanent");
        nothing_arrived(&stage);
    }
    // Annotations are nobody's fields: there, case tells two keys apart.
    let stage = ambiguous(&graph, &format!(r#"{{{head},"layers":[{layer}],"annotations":{{"a":"1","A":"2"}}}}"#));
    stage.run(CALM + 4).copied();
}

#[test]
fn an_image_that_is_an_index_too_is_refused() {
    let mut graph = Graph::new();
    let config = graph.blob(OCI_CONFIG, "{}");
    let layer = graph.blob(OCI_LAYER, "a layer");
    let child = graph.image("linux/amd64", std::slice::from_ref(&layer));
    for media_type in [Some(OCI_IMAGE), Some(OCI_INDEX), None] {
        for without in ["", "config", "layers"] {
            let mut value = json!({"schemaVersion": 2, "config": config, "layers": [layer], "manifests": [child]});
            if let Some(media_type) = media_type {
                value["mediaType"] = json!(media_type);
            }
            value.as_object_mut().unwrap().remove(without);
            let stage = Stage::plain().with(&graph);
            tagged(&stage, media_type.unwrap_or(OCI_IMAGE), value.to_string().into_bytes());
            stage.run(CALM).failed("permanent").says("ambiguous");
            nothing_arrived(&stage);
        }
    }
}

#[test]
fn indexes_that_are_too_deep_are_refused() {
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "deep down");
    let mut inner = graph.image("linux/amd64", &[layer]);
    for _ in 0..12 {
        inner = graph.index(&[inner]);
    }
    graph.tag("1", &inner);
    let stage = Stage::plain().with(&graph);
    stage.run(CALM + 12).failed("permanent").says("deeper than 8");
    nothing_arrived(&stage);
}

#[test]
fn an_index_that_claims_to_hold_itself_is_refused() {
    let mut graph = Graph::new();
    let inner = graph.index(&[]);
    let outer = graph.index(std::slice::from_ref(&inner));
    graph.tag("1", &outer);
    let stage = Stage::plain().with(&graph);
    let outer = graph.manifests.last().unwrap().bytes.clone();
    let (digest, length) = (text(&inner["digest"]), outer.len());
    // Whoever believed the registry would walk in circles.
    let circle = Fault::act(move |_| {
        Reply { status: 200, headers: Vec::new(), body: outer.clone() }.with("Content-Type", OCI_INDEX)
    });
    assert!(length > 0);
    stage.source.fault("GET", &format!("/manifests/{digest}"), Times::Always, circle);
    stage.run(CALM).failed("corrupt");
    nothing_arrived(&stage);
}

/// Entries of images that nobody has.
fn entries(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| json!({"mediaType": OCI_IMAGE, "digest": sha256(&number.to_le_bytes()), "size": 100}))
        .collect()
}

#[test]
fn an_index_or_an_image_that_is_too_wide_is_refused() {
    let wide = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries(10_001)});
    let stage = Stage::plain();
    tagged(&stage, OCI_INDEX, wide.to_string().into_bytes());
    stage.run(CALM).failed("permanent").says("10000");
    nothing_arrived(&stage);

    let mut graph = Graph::new();
    let config = graph.blob(OCI_CONFIG, "{}");
    let layers = entries(10_001);
    let long = json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": config, "layers": layers});
    let stage = Stage::plain().with(&graph);
    tagged(&stage, OCI_IMAGE, long.to_string().into_bytes());
    stage.run(CALM).failed("permanent").says("10000");
    nothing_arrived(&stage);
}

/// `depth` levels of `width` indexes, each of which lists all of the next, down to one image.
fn lattice(width: usize, depth: usize) -> Graph {
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "one for all");
    let mut level = vec![graph.image("linux/amd64", &[layer])];
    for depth in 0..depth {
        level = (0..width)
            .map(|number| {
                let value = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": level,
                    "annotations": {"n": format!("{depth} {number}")}});
                graph.manifest(&value)
            })
            .collect();
    }
    let top = graph.index(&level);
    graph.tag("1", &top);
    graph
}

#[test]
fn indexes_that_share_their_entries_are_walked_once() {
    // 10^7 ways down to 72 manifests. Walks that begin side by side may meet.
    let stage = Stage::plain().with(&lattice(10, 7));
    stage.run_within(MEMORY, 8 * 2 * 72 + CALM).copied();
}

#[test]
fn an_image_of_too_many_manifests_is_refused() {
    let stage = Stage::plain().with(&lattice(100, 5));
    stage.run_within(MEMORY, 5000).failed("permanent").says("20000");
    assert_eq!(stage.target.storage().tags(APP), [] as [&str; 0]);
}

#[test]
fn a_size_that_is_a_lie_is_refused() {
    let layer = "a layer of fifteen or more bytes";
    for lie in [0, 1, layer.len() as u64 - 1, layer.len() as u64 + 1, 1 << 60, u64::MAX] {
        let mut graph = Graph::new();
        let mut descriptor = graph.blob(OCI_LAYER, layer);
        descriptor["size"] = json!(lie);
        let image = graph.image("linux/amd64", &[descriptor]);
        graph.tag("1", &image);
        let stage = Stage::plain().with(&graph);
        stage.run(CALM + 4).failed("corrupt");
        nothing_arrived(&stage);
    }
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "a layer");
    let mut child = graph.image("linux/amd64", &[layer]);
    child["size"] = json!(child["size"].as_u64().unwrap() + 1);
    let index = graph.index(&[child]);
    graph.tag("1", &index);
    let stage = Stage::plain().with(&graph);
    stage.run(CALM).failed("permanent").says("bytes");
    nothing_arrived(&stage);
}

#[test]
fn a_size_that_is_a_lie_about_a_blob_that_is_there_is_refused() {
    let stage = Stage::plain();
    let mut graph = Graph::new();
    let mut descriptor = graph.blob(OCI_LAYER, "a layer that both have");
    let digest = text(&descriptor["digest"]);
    stage.target.storage().put_blob(APP, &digest, b"a layer that both have");
    descriptor["size"] = json!(5);
    let image = graph.image("linux/amd64", &[descriptor]);
    graph.tag("1", &image);
    let stage = stage.with(&graph);
    stage.run(CALM + 4).failed("corrupt");
    nothing_arrived(&stage);
}

/// An image of `layers` under `tag`, each of which claims the size beside it.
fn claiming(tag: &str, layers: &[(&str, usize)]) -> Graph {
    let mut graph = Graph::new();
    let mut claims = Vec::new();
    for (layer, size) in layers {
        let mut descriptor = graph.blob(OCI_LAYER, *layer);
        descriptor["size"] = json!(size);
        claims.push(descriptor);
    }
    let image = graph.image("linux/amd64", &claims);
    graph.tag(tag, &image);
    graph
}

#[test]
fn a_size_that_is_a_lie_about_a_blob_that_came_with_another_image_is_refused() {
    let layer = "a layer that two images have";
    // Where the blob is already, and where it would be mounted.
    for liar in [APP, "team/liar"] {
        let stage = Stage::plain().with(&claiming("1", &[(layer, layer.len())]));
        claiming("2", &[(layer, 5)]).push(stage.source.storage().as_ref(), liar);
        let (from, to) = (stage.source.address(), stage.target.address());
        let rules =
            |image: &str| format!("{{plugin: rules, with: {{rules: {{\"{from}/{image}\": \"{to}/{image}\"}}}}}}");
        let text = format!(
            "{}transfers:\n  - name: first\n    from: {}\n  - needs: first\n    from: {}\n",
            stage.settings(),
            rules(&format!("{APP}:1")),
            rules(&format!("{liar}:2"))
        );
        let ended = stage.run_workflow(&text, 2 * CALM);
        let classes: Vec<&Value> = ended.targets().into_iter().map(|target| &target["error"]["class"]).collect();
        assert_eq!(classes, [&Value::Null, &json!("corrupt")], "{}", ended.report);
        assert_eq!(stage.target.storage().tags(APP), ["1"]);
        assert_eq!((stage.target.storage().manifests().len(), stage.target.storage().open_sessions()), (1, 0));
    }
}

#[test]
fn two_sizes_of_one_blob_or_manifest_are_refused() {
    let layer = "a layer that is listed twice";
    for sizes in [[layer.len(), 5], [5, layer.len()]] {
        let stage = Stage::plain().with(&claiming("1", &sizes.map(|size| (layer, size))));
        stage.run(CALM + 8).failed("corrupt");
        nothing_arrived(&stage);
    }
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, "a layer");
    let child = graph.image("linux/amd64", &[layer]);
    let mut lie = child.clone();
    lie["size"] = json!(5);
    let index = graph.index(&[child, lie]);
    graph.tag("1", &index);
    let stage = Stage::plain().with(&graph);
    stage.run(CALM + 4).failed("permanent").says("its index says 5");
    assert_eq!(stage.target.storage().tags(APP), [] as [&str; 0]);
}

#[test]
fn referrers_that_refer_in_circles_are_followed_once() {
    let mut graph = Graph::single("subject", "1");
    let subject = json!({"mediaType": OCI_IMAGE, "digest": graph.tags["1"], "size":
        graph.manifests[0].bytes.len()});
    for number in 0..20 {
        graph.artifact(&format!("application/vnd.example.{number}"), format!("{number}"), Some(&subject));
    }
    let stage = Stage::plain().with(&graph);
    // Whatever is asked, all twenty refer to it.
    let all: Vec<Value> = graph.manifests[1..]
        .iter()
        .map(|it| json!({"mediaType": it.media_type, "digest": it.digest, "size": it.bytes.len()}))
        .collect();
    let body = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": all});
    let answer = Fault::act(move |_| Reply::json(200, &body));
    stage.source.fault("GET", "/referrers/", Times::Always, answer);
    let text = stage.workflow() + "    select: {referrers: true}\n";
    // Each of the twenty costs a dozen requests; each asked for what refers to it costs two.
    stage.run_workflow(&text, 20 * 16 + CALM).copied();
}
