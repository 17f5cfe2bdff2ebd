use std::fs;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::TryStreamExt as _;
use futures_util::stream;
use serde_json::json;

use crate::endpoint::Mount;
use crate::http::ByteStream;

use super::*;

fn name(text: &str) -> Repository {
    text.parse().unwrap()
}

fn tag(text: &str) -> TagOrDigest {
    TagOrDigest::Tag(text.parse().unwrap())
}

fn blob(content: &[u8]) -> Descriptor {
    Descriptor::new("application/octet-stream", Digest::of(content), content.len() as u64)
}

fn bytes(content: &[u8]) -> ByteStream {
    stream::iter([Ok(Bytes::copy_from_slice(content))]).boxed()
}

fn manifest(value: &serde_json::Value) -> Manifest {
    Manifest::new(None, Bytes::from(value.to_string()), None).unwrap()
}

fn image(text: &str) -> Manifest {
    manifest(&json!({"schemaVersion": 2, "layers": [], "annotations": {"text": text}}))
}

async fn all(mut listing: Listing) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(page) = listing.next().await.unwrap() {
        assert!(!page.is_empty() && page.len() <= 1000);
        names.extend(page);
    }
    names
}

#[tokio::test]
async fn an_image_that_was_written_is_read_back_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, app) = (Layout::open(&dir.path().join("tree")).unwrap(), name("team/app"));
    let layer = blob(b"layer");
    assert!(!layout.has_blob(&app, &layer).await.unwrap());
    assert_eq!(layout.resolve(&app, &tag("v1")).await.unwrap(), None);

    layout.push_blob(&app, &layer, bytes(b"layer")).await.unwrap();
    let manifest = manifest(&json!({"schemaVersion": 2, "layers": [layer]}));
    let put = layout.put_manifest(&app, &tag("v1"), &manifest).await.unwrap();
    assert_eq!(put, Put { subject_listed: true });

    let read = Layout::open(&dir.path().join("tree")).unwrap();
    assert!(read.has_blob(&app, &layer).await.unwrap());
    let content: Vec<Bytes> = read.open_blob(&app, &layer).await.unwrap().try_collect().await.unwrap();
    assert_eq!(content.concat(), b"layer");
    assert_eq!(read.resolve(&app, &tag("v1")).await.unwrap().as_ref(), Some(manifest.digest()));
    for version in [tag("v1"), manifest.digest().clone().into()] {
        assert_eq!(read.manifest(&app, &version).await.unwrap(), manifest);
    }
    assert_eq!(all(read.repositories()).await, ["team/app"]);
    assert_eq!(all(read.tags(&app)).await, ["v1"]);
}

#[tokio::test]
async fn a_blob_that_breaks_off_or_is_corrupt_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, app) = (Layout::open(dir.path()).unwrap(), name("app"));
    for wrong in [&b"lay"[..], b"lazer", b"layers"] {
        let error = layout.push_blob(&app, &blob(b"layer"), bytes(wrong)).await.unwrap_err();
        assert!(matches!(error, EndpointError::Mismatch { .. }), "{error}");
    }
    let broken = stream::iter([Ok(Bytes::from_static(b"la")), Err(io::Error::other("gone"))]).boxed();
    assert!(layout.push_blob(&app, &blob(b"layer"), broken).await.is_err());
    assert_eq!(fs::read_dir(dir.path().join("app/blobs/sha256")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, app) = (Layout::open(dir.path()).unwrap(), name("app"));
    layout.push_blob(&app, &blob(b""), stream::empty().boxed()).await.unwrap();
    assert!(layout.has_blob(&app, &blob(b"")).await.unwrap());
    assert!(layout.open_blob(&app, &blob(b"")).await.unwrap().next().await.is_none());
}

#[tokio::test]
async fn a_corrupt_file_is_not_given_out_and_a_cut_one_counts_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, app, layer) = (Layout::open(dir.path()).unwrap(), name("app"), blob(b"layer"));
    layout.push_blob(&app, &layer, bytes(b"layer")).await.unwrap();
    let path = dir.path().join("app/blobs/sha256").join(layer.digest.hex());
    fs::write(&path, b"lazer").unwrap();
    let read: io::Result<Vec<Bytes>> = layout.open_blob(&app, &layer).await.unwrap().try_collect().await;
    assert!(read.is_err());
    fs::write(&path, b"lay").unwrap();
    assert!(!layout.has_blob(&app, &layer).await.unwrap());
    let read: io::Result<Vec<Bytes>> = layout.open_blob(&app, &layer).await.unwrap().try_collect().await;
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
    layout.push_blob(&app, &layer, bytes(b"layer")).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"layer");
}

#[cfg(unix)]
#[tokio::test]
async fn a_mounted_blob_is_the_same_file() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (layout, layer) = (Layout::open(dir.path()).unwrap(), blob(b"layer"));
    let (from, to) = (name("team/a"), name("team/b"));
    assert!(matches!(layout.mount_blob(&to, &layer, &from).await.unwrap(), Mount::Refused(None)));
    layout.push_blob(&from, &layer, bytes(b"layer")).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(layout.mount_blob(&to, &layer, &from).await.unwrap(), Mount::Mounted));
    }
    let inode = |repository: &str| {
        let path = dir.path().join(repository).join("blobs/sha256").join(layer.digest.hex());
        fs::metadata(path).unwrap().ino()
    };
    assert_eq!(inode("team/a"), inode("team/b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_of_one_index_keep_all_tags() {
    let dir = tempfile::tempdir().unwrap();
    // Two openings share nothing but the files, as two processes would.
    let layouts = [Layout::open(dir.path()).unwrap(), Layout::open(dir.path()).unwrap()];
    let mut writers = tokio::task::JoinSet::new();
    for at in 0..40 {
        let layout = layouts[at % 2].clone();
        writers.spawn(async move {
            let version = tag(&format!("v{at:02}"));
            layout.put_manifest(&name("app"), &version, &image(&at.to_string())).await.unwrap();
        });
    }
    writers.join_all().await;
    let expected: Vec<String> = (0..40).map(|at| format!("v{at:02}")).collect();
    assert_eq!(all(layouts[0].tags(&name("app"))).await, expected);
}

#[tokio::test]
async fn referrers_are_found_through_the_index_and_the_fallback_tag() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, app, subject) = (Layout::open(dir.path()).unwrap(), name("app"), image("subject"));
    layout.put_manifest(&app, &tag("v1"), &subject).await.unwrap();
    assert_eq!(layout.referrers(&app, subject.digest()).await.unwrap(), []);

    let refers = |kind: &str| {
        manifest(&json!({
            "schemaVersion": 2, "artifactType": kind, "layers": [], "subject": subject.descriptor(),
            "annotations": {"kind": kind},
        }))
    };
    let (own, others) = (refers("a/sbom"), refers("a/signature"));
    layout.put_manifest(&app, &own.digest().clone().into(), &own).await.unwrap();
    let fallback = manifest(&json!({"schemaVersion": 2, "manifests": [index::referrer(&others)]}));
    let version = TagOrDigest::Tag(Tag::of_referrers(subject.digest()));
    layout.put_manifest(&app, &version, &fallback).await.unwrap();
    assert_eq!(
        layout.referrers(&app, subject.digest()).await.unwrap(),
        [index::referrer(&own), index::referrer(&others)]
    );
    assert_eq!(layout.referrers(&name("nowhere"), subject.digest()).await.unwrap(), []);
}

#[tokio::test]
async fn repositories_are_listed_in_order_without_links_or_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::open(dir.path()).unwrap();
    for repository in ["team", "team/b", "team/a/deep", "app"] {
        layout.put_manifest(&name(repository), &tag("v1"), &image(repository)).await.unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path().join("app"), dir.path().join("link")).unwrap();
    fs::create_dir_all(dir.path().join("Not a repository")).unwrap();
    assert_eq!(all(layout.repositories()).await, ["app", "team", "team/a/deep", "team/b"]);
}

#[tokio::test]
async fn a_long_listing_comes_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, digest) = (Layout::open(dir.path()).unwrap(), Digest::of(b""));
    layout.put_manifest(&name("app"), &tag("v"), &image("")).await.unwrap();
    let entry = |at: usize| json!({"digest": digest, "annotations": {index::REF_NAME: format!("v{at:05}")}});
    let index = json!({"schemaVersion": 2, "manifests": (0..10_000).map(entry).collect::<Vec<_>>()});
    fs::write(dir.path().join("app/index.json"), index.to_string()).unwrap();
    let expected: Vec<String> = (0..10_000).map(|at| format!("v{at:05}")).collect();
    assert_eq!(all(layout.tags(&name("app"))).await, expected);
}

#[tokio::test]
async fn what_is_not_there_is_named_by_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::open(&dir.path().join("nowhere")).unwrap();
    let absent = |result: Result<Option<Vec<String>>, EndpointError>| match result {
        Err(EndpointError::Io { path, source }) if source.kind() == io::ErrorKind::NotFound => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(absent(layout.repositories().next().await), dir.path().join("nowhere"));
    assert_eq!(absent(layout.tags(&name("app")).next().await), dir.path().join("nowhere/app/index.json"));
    let error = layout.manifest(&name("app"), &tag("v1")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}: no manifest v1", dir.path().join("nowhere/app").display()));
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_single_layout_is_no_tree() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("oci-layout"), "{}").unwrap();
    assert!(Layout::open(dir.path()).err().unwrap().to_string().contains("name the directory above it"));
}

#[tokio::test]
async fn a_tag_whose_manifest_is_gone_does_not_resolve() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, image) = (Layout::open(dir.path()).unwrap(), image("x"));
    layout.put_manifest(&name("app"), &tag("v1"), &image).await.unwrap();
    fs::remove_file(dir.path().join("app/blobs/sha256").join(image.digest().hex())).unwrap();
    assert_eq!(layout.resolve(&name("app"), &tag("v1")).await.unwrap(), None);
}
