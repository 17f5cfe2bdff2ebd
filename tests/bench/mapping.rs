//! The workload `mapping`: images through the plugin `rewrite` with a regular expression, by `plugin test`, which tells what its
//! calls took: names go into the component, are mapped there, and come out.

use std::fs;

use serde_json::Value;

use crate::measure;

/// Images of one run.
const IMAGES: usize = 60_000;

const EXPRESSION: &str = r#"regex=[{match: '^team(\d+)/(.+)$', replace: "mirror/t$1/$2"}]"#;

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Tags of each repository.
    pub tags: usize,
    /// What the calls of the mapper took, in seconds.
    pub calls: f64,
}

impl Figures {
    /// Images a second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(IMAGES).unwrap()) / self.calls
    }
}

/// Maps images of repositories with `tags` tags each, after a run that fills the cache of components.
pub fn run(tags: usize) -> Figures {
    let place = tempfile::tempdir().unwrap();
    let image = |it: usize| format!("registry.test/team{}/service{:06}:v1.{}", it / tags % 7, it / tags, it % tags);
    let images = serde_json::to_vec(&(0..IMAGES).map(image).collect::<Vec<_>>()).unwrap();
    fs::write(place.path().join("images.json"), images).unwrap();
    measure::image_transfer(place.path(), &["plugin", "inspect", "rewrite"]);
    let arguments = ["plugin", "test", "rewrite", "--with", EXPRESSION, "--input", "images.json", "--json"];
    measure::image_transfer(place.path(), &arguments);
    let printed: Value = serde_json::from_slice(&fs::read(place.path().join("printed")).unwrap()).unwrap();
    let outcome = printed["outcome"].as_array().unwrap();
    let is_mapped =
        |it: &&Value| it["destinations"][0]["repository"].as_str().is_some_and(|it| it.starts_with("mirror/t"));
    assert_eq!(outcome.iter().filter(is_mapped).count(), IMAGES, "not all was mapped");
    let calls = printed["calls"].as_array().unwrap();
    let mapping = calls.iter().find(|it| it["function"] == "mapper.map-images").unwrap();
    Figures { tags, calls: mapping["milliseconds"].as_f64().unwrap() / 1000.0 }
}
