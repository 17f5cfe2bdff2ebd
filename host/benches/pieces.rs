//! The inner pieces, one by one: `make bench-inner`, or `cargo bench --bench pieces -- mapper` for some of them.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set its stage ends")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::future::join_all;
use futures_util::stream;
use image_transfer::endpoint::verified;
use image_transfer::http::ByteStream;
use image_transfer::oci::Descriptor;
use image_transfer::oci::Digest;
use image_transfer::oci::Manifest;
use image_transfer::oci::MediaType;
use image_transfer::oci::Reference;
use image_transfer::oci::Tag;
use image_transfer::oci::TagOrDigest;
use image_transfer::plugin::CacheDir;
use image_transfer::plugin::Image;
use image_transfer::plugin::Origin;
use image_transfer::plugin::Spec;
use image_transfer::run::inspection_host;
use image_transfer::select::Candidate;
use image_transfer::select::Filter;
use image_transfer::select::Newest;
use image_transfer::select::NewestBy;
use image_transfer::select::Selection;
use image_transfer::select::pick_newest;
use image_transfer::transfer::tee;
use serde_json::Value;
use serde_json::json;
use tokio::runtime::Runtime;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What the HTTP client gives at a time, about.
const FRAME: usize = 64 << 10;
const FRAMES: usize = 256;

/// A blob passes the hash on its way to one target, and to three.
fn hash_and_forward(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let content = Bytes::from(noise(FRAME * FRAMES));
    let blob = Descriptor::new(LAYER, Digest::of(&content), content.len() as u64);
    let mut group = criterion.benchmark_group("hash-and-forward");
    group.throughput(Throughput::Bytes(content.len() as u64)).sample_size(20);
    for targets in [1, 3] {
        group.bench_function(format!("{targets} targets"), |bencher| {
            bencher.iter(|| {
                let frames: Vec<_> = (0..FRAMES).map(|it| Ok(content.slice(it * FRAME..(it + 1) * FRAME))).collect();
                let (streams, pump) = tee(verified(stream::iter(frames).boxed(), "a.io", &blob), targets);
                let (read, ()) = runtime.block_on(join(join_all(streams.into_iter().map(length)), pump));
                assert_eq!(read, vec![content.len(); targets]);
            });
        });
    }
    group.finish();
}

async fn length(stream: ByteStream) -> usize {
    stream.fold(0, |length, frame| async move { length + frame.unwrap().len() }).await
}

/// Images through the embedded mapper, whose regular expression looks at the repository: of one repository, as a catalog lists them,
/// and each of another.
fn mapper(criterion: &mut Criterion) {
    const IMAGES: usize = 10_000;
    let runtime = Runtime::new().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let host = inspection_host(CacheDir::At(cache.path().join("components"))).unwrap();
    let config = json!({"regex": [{"match": r"^team(\d+)/(.+)$", "replace": "mirror/t$1/$2"}]});
    let mut group = criterion.benchmark_group("mapper");
    group.throughput(Throughput::Elements(IMAGES as u64)).sample_size(20).measurement_time(Duration::from_secs(10));
    for (name, tags) in [("a thousand tags a repository", 1000), ("one tag a repository", 1)] {
        let images: Vec<Image> = (0..IMAGES)
            .map(|it| (it / tags, it % tags))
            .map(|(service, tag)| image(&format!("registry.corp:5000/team{}/service{service:06}", service % 7), tag))
            .collect();
        let mut mapper = runtime
            .block_on(async {
                let plugin = Arc::new(host.load(Spec::new("rewrite", Origin::Builtin)).await?);
                plugin.mapper(&config).await
            })
            .unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mapped = runtime.block_on(mapper.map(&images)).unwrap();
                assert_eq!(mapped.len(), IMAGES);
                assert!(mapped.iter().all(Result::is_ok));
            });
        });
    }
    group.finish();
}

fn image(name: &str, tag: usize) -> Image {
    let source: Reference = format!("{name}:v1.{tag}").parse().unwrap();
    let tag = match &source.version {
        TagOrDigest::Tag(tag) => Some(tag.clone()),
        TagOrDigest::Digest(_) => None,
    };
    Image { source, tag, targets: vec![], attributes: vec![] }
}

/// A thousand names through patterns, versions, and the choice of the newest.
fn select(criterion: &mut Criterion) {
    const NAMES: usize = 1000;
    let tags: Vec<Tag> = (0..NAMES).map(|it| format!("v{}.{}.{}", it / 100, it % 7, it).parse().unwrap()).collect();
    let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let globs = Selection {
        tags: Filter { include: patterns(&["v*", "release-*"]), exclude: patterns(&["*-rc*"]) },
        ..Selection::default()
    };
    let expressions = Selection {
        tags: Filter { include: patterns(&[r"/v\d+\.\d+\.\d+/"]), exclude: vec![] },
        ..Selection::default()
    };
    let versions = Selection { semver: Some(">=1.2, <9".parse().unwrap()), ..Selection::default() };
    let mut group = criterion.benchmark_group("select");
    group.throughput(Throughput::Elements(NAMES as u64));
    for (name, selection) in [("globs", &globs), ("regular expression", &expressions), ("versions", &versions)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| tags.iter().filter(|tag| selection.accepts_tag(Some(tag.as_str()))).count());
        });
    }
    for (name, by) in [("newest by version", NewestBy::Semver), ("newest by name", NewestBy::Name)] {
        let newest = Newest { count: 10.try_into().unwrap(), by };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let candidates =
                    tags.iter().map(|tag| Candidate { tag: tag.as_str().to_owned(), created: None }).collect();
                pick_newest(candidates, newest)
            });
        });
    }
    group.finish();
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parsing");
    let digest = Digest::of(b"content");
    for (name, text) in [
        ("reference by tag", "registry.corp:5000/team/sub/app:v1.2.3-rc4".to_owned()),
        ("reference by digest", format!("registry.corp:5000/team/sub/app@{digest}")),
        ("reference of the hub", "alpine".to_owned()),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&text).parse::<Reference>().unwrap()));
    }
    for (name, width) in [("manifest of 8 layers", 8), ("manifest of 100 layers", 100)] {
        let bytes = Bytes::from(serde_json::to_vec(&manifest(width)).unwrap());
        let digest = Digest::of(&bytes);
        group.bench_function(name, |bencher| {
            bencher.iter(|| Manifest::new(Some(MediaType::OCI_MANIFEST), bytes.clone(), Some(&digest)).unwrap());
        });
    }
    group.finish();
}

fn manifest(width: usize) -> Value {
    let layer = |number: usize| {
        let digest = Digest::of(&number.to_le_bytes()).to_string();
        json!({"mediaType": LAYER, "digest": digest, "size": number})
    };
    let layers: Vec<Value> = (0..width).map(layer).collect();
    let config =
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": layers[0]["digest"], "size": 0});
    json!({"schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config, "layers": layers})
}

/// Bytes that are not all the same.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(1).fill(&mut bytes);
    bytes
}

criterion_group!(pieces, hash_and_forward, mapper, select, parsing);
criterion_main!(pieces);
