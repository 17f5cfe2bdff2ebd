//! What holds for a layout's `index.json`, whoever wrote it. Asked of what the fuzzer finds by the targets that go through `fuzzing`.

use bytes::Bytes;

use crate::endpoint::layout::index::Entries;
use crate::endpoint::layout::index::Index;
use crate::oci::Manifest;
use crate::oci::Tag;

/// An index that is read is written as one with the same entries; a tag that is put names its manifest, once, and nothing else changes
/// what it names.
pub(crate) fn index(bytes: &[u8]) {
    let entries = |bytes: &[u8]| serde_json::from_slice::<Entries>(bytes);
    let Ok(index) = Index::parse(bytes) else { return };
    let written = index.serialize().expect("JSON");
    let (Ok(before), Ok(after)) = (entries(bytes), entries(&written)) else { return };
    assert_eq!(before.digests(), after.digests());
    let tags = entries(bytes).map(Entries::tags).unwrap_or_default();
    let named = |bytes: &[u8], tag: &str| entries(bytes).ok()?.tagged(&tag.parse().ok()?);

    let manifest = Bytes::from_static(br#"{"schemaVersion":2,"layers":[]}"#);
    let manifest = Manifest::new(None, manifest, None).expect("a manifest");
    let tag: Tag = tags.first().map_or("1", String::as_str).parse().expect("a tag");
    let mut index = Index::parse(&written).expect("what was written");
    index.put(Some(&tag), &manifest, |_| false);
    assert!(!index.put(Some(&tag), &manifest, |_| false));
    let changed = index.serialize().expect("JSON");
    assert_eq!(named(&changed, tag.as_str()).as_ref(), Some(manifest.digest()));
    for other in tags.iter().filter(|other| **other != tag.as_str()) {
        assert_eq!(named(&changed, other), named(bytes, other), "{other}");
    }
}
