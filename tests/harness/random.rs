//! Image graphs of every shape, from a seed.

use serde_json::Value;
use serde_json::json;

use super::graph::DOCKER_LAYER;
use super::graph::Graph;
use super::graph::OCI_IMAGE;
use super::graph::OCI_LAYER;

/// What a random repository may have besides images and indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Indexes in indexes: skopeo cannot read them.
    pub nested: bool,
    /// Artifacts with configurations that are no image's.
    pub artifacts: bool,
    /// Docker's types.
    pub docker: bool,
}

impl Shape {
    /// Everything.
    pub const ALL: Self = Self { nested: true, artifacts: true, docker: true };
    /// What skopeo reads in registries.
    pub const PLAIN: Self = Self { nested: false, artifacts: false, docker: true };
    /// What skopeo reads in layouts as well.
    pub const OCI: Self = Self { nested: false, artifacts: false, docker: false };
}

/// A repository with a few tags that share layers.
pub fn graph(seed: u64, shape: Shape) -> Graph {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut graph = Graph::new();
    let pool: Vec<Vec<u8>> = (0..6).map(|number| bytes(&mut random, if number == 0 { 0 } else { 40_000 })).collect();
    let mut made = Vec::new();
    for number in 0..random.usize(2..5) {
        let docker = shape.docker && random.bool();
        let platforms = ["linux/amd64", "linux/arm64", "linux/s390x", "windows/amd64"];
        let mut children: Vec<Value> = platforms[..random.usize(1..=4)]
            .iter()
            .map(|platform| {
                let layer_type = if docker { DOCKER_LAYER } else { OCI_LAYER };
                let mut layers: Vec<Value> = (0..random.usize(1..5))
                    .map(|_| graph.blob(layer_type, pool[random.usize(0..pool.len())].clone()))
                    .collect();
                layers.push(graph.blob(layer_type, bytes(&mut random, 3_000)));
                if docker { graph.docker_image(platform, &layers) } else { graph.image(platform, &layers) }
            })
            .collect();
        let image = if docker {
            graph.docker_list(&children)
        } else if children.len() == 1 {
            children.remove(0)
        } else if shape.nested && random.bool() {
            let inner = graph.index(&children[1..]);
            graph.index(&[children[0].clone(), inner])
        } else {
            graph.index(&children)
        };
        graph.tag(&format!("v{number}"), &image);
        made.push(image);
    }
    if shape.artifacts {
        let subject = made[random.usize(0..made.len())].clone();
        let chart = graph.artifact("application/vnd.example.chart", bytes(&mut random, 5_000), None);
        graph.tag("chart", &chart);
        let statement = graph.artifact("application/vnd.example.sbom", bytes(&mut random, 500), Some(&subject));
        graph.tag("statement", &statement);
        let config = graph.blob("application/vnd.example.config.v1+json", r#"{"of":"nobody's standard"}"#);
        let layers = [graph.blob("application/vnd.example.unknown", bytes(&mut random, 200))];
        let unknown = json!({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": config, "layers": layers,
            "annotations": {"example.text": "an umlaut ü, an escape \u{1b}, a quote \""}});
        let unknown = graph.manifest(&unknown);
        graph.tag("unknown", &unknown);
    }
    graph
}

fn bytes(random: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; if most == 0 { 0 } else { random.usize(1..=most) }];
    random.fill(&mut bytes);
    bytes
}
