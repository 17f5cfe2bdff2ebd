//! A layout's `index.json`: its entry points (OCI image specification, image-layout.md, "index.json file").

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::Tag;

/// The annotation that holds an entry's tag (image specification, annotations.md).
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The largest `index.json` that is read, in bytes: some hundred thousand tags.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// What is read of `index.json` to look something up.
#[derive(Deserialize)]
pub(super) struct Entries {
    manifests: Option<Vec<Entry>>,
}

/// One entry point.
#[derive(Deserialize)]
pub(super) struct Entry {
    digest: String,
    annotations: Option<Annotations>,
}

#[derive(Default, Deserialize)]
struct Annotations {
    #[serde(rename = "org.opencontainers.image.ref.name")]
    name: Option<String>,
}

impl Entries {
    /// The digest that `tag` names.
    pub(super) fn tagged(self, tag: &Tag) -> Option<Digest> {
        let mut entries = self.manifests.into_iter().flatten();
        entries.find(|entry| entry.name() == Some(tag.as_str()))?.digest.parse().ok()
    }

    /// All tags, sorted. Names that are no tags, such as the full references that some tools write, are left out.
    pub(super) fn tags(self) -> Vec<String> {
        let names = self.manifests.into_iter().flatten().filter_map(|entry| entry.annotations?.name);
        let mut tags: Vec<_> = names.filter(|name| name.parse::<Tag>().is_ok()).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// All digests, each once, in the order of the file.
    pub(super) fn digests(self) -> Vec<Digest> {
        let mut seen = HashSet::new();
        let digests = self.manifests.into_iter().flatten().filter_map(|entry| entry.digest.parse::<Digest>().ok());
        digests.filter(|digest| seen.insert(digest.clone())).collect()
    }
}

impl Entry {
    fn name(&self) -> Option<&str> {
        self.annotations.as_ref()?.name.as_deref()
    }
}

/// `index.json` to be changed. It is kept as JSON, so that what others wrote into it stays.
pub(super) struct Index {
    document: Map<String, Value>,
    entries: Vec<Value>,
}

impl Index {
    /// Reads the file's content.
    pub(super) fn parse(content: &[u8]) -> Result<Self, serde_json::Error> {
        let mut document: Map<String, Value> = serde_json::from_slice(content)?;
        let entries = match document.get_mut("manifests").map(Value::take) {
            None | Some(Value::Null) => Vec::new(),
            Some(entries) => serde_json::from_value(entries)?,
        };
        Ok(Self { document, entries })
    }

    /// The file's new content.
    pub(super) fn serialize(mut self) -> Result<Vec<u8>, serde_json::Error> {
        self.document.insert("manifests".to_owned(), Value::Array(self.entries));
        serde_json::to_vec(&self.document)
    }

    /// Enters `manifest`, and tells whether anything changed.
    ///
    /// With a tag, it takes the tag over from whatever had it. Without one it is entered if nothing names it yet: the index is
    /// the layout's only way in, so what is in no list cannot be found by other tools. The entries of an index's children go
    /// when the index itself comes (children are written before their parents), for they are found through it from then on.
    ///
    /// A manifest with a subject keeps an entry in any case, since that is how a layout lists referrers: `is_referrer`
    /// tells whether the manifest of a digest is one.
    pub(super) fn put(&mut self, tag: Option<&Tag>, manifest: &Manifest, is_referrer: impl Fn(&str) -> bool) -> bool {
        let before = self.entries.clone();
        let digest = manifest.digest().as_str();
        if let Some(tag) = tag {
            let mut kept = Vec::new();
            self.entries.retain_mut(|entry| {
                if ref_name(entry) != Some(tag.as_str()) {
                    return digest_of(entry) != digest || ref_name(entry).is_some();
                }
                if digest_of(entry) != digest && is_referrer(digest_of(entry)) {
                    strip_ref_name(entry);
                    kept.push(entry.take());
                }
                false
            });
            self.entries.extend(kept);
            self.entries.push(entry(manifest, Some(tag)));
        } else if !self.entries.iter().any(|entry| digest_of(entry) == digest) {
            self.entries.push(entry(manifest, None));
        }
        if let Content::Index(children) = manifest.content() {
            let children: HashSet<&str> = children.iter().map(|child| child.digest.as_str()).collect();
            self.entries.retain(|entry| {
                let child = digest_of(entry);
                ref_name(entry).is_some() || child == digest || !children.contains(child) || is_referrer(child)
            });
        }
        self.entries != before
    }
}

/// The descriptor of `manifest` as the referrers list has it: with the manifest's own annotations (distribution
/// specification, "Listing Referrers").
pub(super) fn referrer(manifest: &Manifest) -> Descriptor {
    #[derive(Deserialize)]
    struct Annotated {
        annotations: Option<Map<String, Value>>,
    }
    let annotated = serde_json::from_slice::<Annotated>(manifest.bytes()).ok();
    Descriptor { annotations: annotated.and_then(|it| it.annotations), ..manifest.descriptor() }
}

fn entry(manifest: &Manifest, tag: Option<&Tag>) -> Value {
    let mut entry = json!({
        "mediaType": manifest.media_type(),
        "digest": manifest.digest(),
        "size": manifest.bytes().len(),
    });
    let mut annotations = Map::new();
    if manifest.subject().is_some() {
        let descriptor = referrer(manifest);
        annotations = descriptor.annotations.unwrap_or_default();
        annotations.shift_remove(REF_NAME);
        if let Some(artifact_type) = descriptor.artifact_type {
            entry["artifactType"] = artifact_type.into();
        }
    }
    if let Some(tag) = tag {
        annotations.insert(REF_NAME.to_owned(), tag.as_str().into());
    }
    if !annotations.is_empty() {
        entry["annotations"] = annotations.into();
    }
    entry
}

fn digest_of(entry: &Value) -> &str {
    entry["digest"].as_str().unwrap_or_default()
}

fn ref_name(entry: &Value) -> Option<&str> {
    entry["annotations"][REF_NAME].as_str()
}

fn strip_ref_name(entry: &mut Value) {
    if let Some(annotations) = entry["annotations"].as_object_mut() {
        annotations.shift_remove(REF_NAME);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn manifest(value: &Value) -> Manifest {
        Manifest::new(None, Bytes::from(value.to_string()), None).unwrap()
    }

    fn image(name: &str) -> Manifest {
        manifest(&json!({"schemaVersion": 2, "layers": [], "annotations": {"name": name, REF_NAME: "not-a-tag-here"}}))
    }

    fn empty() -> Index {
        Index::parse(br#"{"schemaVersion":2,"manifests":null}"#).unwrap()
    }

    /// Digest, tag of each entry.
    fn listed(index: &Index) -> Vec<(&str, Option<&str>)> {
        index.entries.iter().map(|entry| (digest_of(entry), ref_name(entry))).collect()
    }

    #[test]
    fn a_tag_moves_and_stays_unique() {
        let (old, new, tag) = (image("old"), image("new"), "v1".parse().unwrap());
        let mut index = empty();
        assert!(index.put(Some(&tag), &old, |_| false));
        assert!(index.put(Some(&tag), &new, |_| false));
        assert!(!index.put(Some(&tag), &new, |_| false));
        assert_eq!(listed(&index), [(new.digest().as_str(), Some("v1"))]);
    }

    #[test]
    fn what_comes_by_digest_is_entered_until_a_tag_or_an_index_leads_to_it() {
        let (child, other) = (image("child"), image("other"));
        let parent = manifest(&json!({"schemaVersion": 2, "manifests": [child.descriptor()]}));
        let mut index = empty();
        assert!(index.put(None, &child, |_| false));
        assert!(!index.put(None, &child, |_| false));
        assert!(index.put(None, &other, |_| false));
        index.put(Some(&"v1".parse().unwrap()), &parent, |_| false);
        index.put(Some(&"v2".parse().unwrap()), &other, |_| false);
        assert_eq!(listed(&index), [(parent.digest().as_str(), Some("v1")), (other.digest().as_str(), Some("v2"))]);
    }

    #[test]
    fn a_referrer_stays_listed_under_a_parent_and_when_its_tag_moves() {
        let subject = image("subject").descriptor();
        let referrer = manifest(&json!({
            "schemaVersion": 2, "artifactType": "a/sbom", "layers": [], "subject": subject, "annotations": {"k": "v"},
        }));
        let is_referrer = |digest: &str| digest == referrer.digest().as_str();
        let parent = manifest(&json!({"schemaVersion": 2, "manifests": [referrer.descriptor()]}));
        let tag = "v1".parse().unwrap();
        let mut index = empty();
        index.put(Some(&tag), &referrer, is_referrer);
        index.put(Some(&tag), &parent, is_referrer);
        assert_eq!(listed(&index), [(referrer.digest().as_str(), None), (parent.digest().as_str(), Some("v1"))]);
        let entry = json!({
            "mediaType": referrer.media_type(), "digest": referrer.digest(), "size": referrer.bytes().len(),
            "artifactType": "a/sbom", "annotations": {"k": "v"},
        });
        assert_eq!(index.entries[0], entry);
    }

    #[test]
    fn what_others_wrote_into_the_index_stays() {
        let content = br#"{"schemaVersion":2,"x":1,"manifests":[{"digest":"d","urls":["u"]}],"annotations":{"a":"b"}}"#;
        assert_eq!(Index::parse(content).unwrap().serialize().unwrap(), content);
    }

    #[test]
    fn tags_are_sorted_and_other_names_left_out() {
        let digest = Digest::of(b"");
        let entry = |name: &str| json!({"digest": digest, "annotations": {REF_NAME: name}});
        let document =
            json!({"manifests": [entry("v2"), entry("docker.io/library/a:b"), entry("v1"), {"digest": digest}]});
        let entries: Entries = serde_json::from_value(document).unwrap();
        assert_eq!(entries.tags(), ["v1", "v2"]);
    }
}
