//! What holds for names and manifests, whoever wrote them. The laws are asked of generated inputs here, and of what the fuzzer finds
//! by the targets that go through `fuzzing`.

use bytes::Bytes;
use serde_json::Value;

use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::MediaType;
use crate::oci::Platform;
use crate::oci::Reference;
use crate::oci::RegistryName;

/// A name that is read is shown as a text that reads the same, and a registry's has nothing in it that a URL or a terminal would
/// take for more than text.
pub(crate) fn name(text: &str) {
    if let Ok(reference) = text.parse::<Reference>() {
        reads_as_shown(&reference);
    }
    if let Ok(registry) = text.parse::<RegistryName>() {
        assert_eq!(registry.to_string().parse().as_ref(), Ok(&registry), "{registry:?}");
        // What has neither dot nor colon is a namespace of Docker Hub where an image is named, as docker has it.
        if !matches!(&registry, RegistryName::Host(host) if !host.contains(['.', ':']) && host != "localhost") {
            let tagged = Reference { registry, .."library/alpine:3".parse().expect("a reference") };
            reads_as_shown(&tagged);
        }
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
        assert_eq!(format!("{}:{}", digest.algorithm(), digest.hex()), text);
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string(), text);
    }
}

fn reads_as_shown(reference: &Reference) {
    let shown = reference.to_string();
    assert_eq!(shown.parse().as_ref(), Ok(reference), "{shown:?}");
    if matches!(reference.registry, RegistryName::Host(_)) {
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%\\\"<>".contains(&byte)), "{shown:?}");
    }
}

/// A manifest that is read keeps its bytes, is named by their digest, and points at just what its JSON names, whatever type it was
/// served as.
pub(crate) fn manifest(bytes: &[u8]) {
    let types = [None, Some(MediaType::OCI_MANIFEST), Some(MediaType::OCI_INDEX), Some(MediaType::DOCKER_LIST)];
    for served in types {
        let Ok(manifest) = Manifest::new(served, Bytes::copy_from_slice(bytes), None) else { continue };
        assert_eq!(manifest.bytes(), bytes);
        assert!(manifest.digest().matches(bytes));
        let descriptor = manifest.descriptor();
        let copy: Descriptor = serde_json::from_value(serde_json::json!(descriptor)).expect("a descriptor");
        assert_eq!(copy, descriptor);
        assert_eq!(usize::try_from(descriptor.size), Ok(bytes.len()));
        assert!(Manifest::new(served, Bytes::copy_from_slice(bytes), Some(manifest.digest())).is_ok());
        let found: Vec<&Descriptor> = match manifest.content() {
            Content::Index(entries) => entries.iter().collect(),
            Content::Image { config, layers } => config.iter().chain(layers).collect(),
            Content::Schema1 => continue,
        };
        let found: Vec<&str> = found.into_iter().map(|descriptor| descriptor.digest.as_str()).collect();
        // Strings and numbers that nobody reads may be anything, as long as the rest can be told.
        let Ok(document) = serde_json::from_str::<Value>(&String::from_utf8_lossy(bytes)) else { continue };
        assert_eq!(found, named(&document), "as {served:?}");
    }
}

/// The digests that a document's descriptors have, read without the code under test.
fn named(document: &Value) -> Vec<&str> {
    let list = |key: &str| document[key].as_array().into_iter().flatten();
    let all = Some(&document["config"]).into_iter().chain(["layers", "blobs", "manifests"].into_iter().flat_map(list));
    all.filter_map(|descriptor| descriptor["digest"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::ProptestConfig;
    use proptest::prelude::any;
    use proptest::proptest;
    use serde_json::json;

    use super::*;
    use crate::oci::Hasher;

    const HOST: &str = "[a-z][a-z0-9-]{0,8}[a-z0-9](\\.[a-z]{2,5}){1,2}(:[1-9][0-9]{0,3})?|localhost|\\[::1\\]:5000";
    const REPOSITORY: &str = "[a-z0-9]{1,4}(([.]|_|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,6}){0,3}";
    const TAG: &str = "[A-Za-z0-9_][A-Za-z0-9._-]{0,40}";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_a_name_that_reads_as_it_is_shown_or_none(
            text in "\\PC{0,40}|(oci:|[a-z]{1,4}[.:/])?[a-zA-Z0-9./:@_\\[\\]-]{0,30}"
        ) {
            name(&text);
        }

        #[test]
        fn what_the_grammar_makes_is_read_part_by_part(
            (host, repository, tag, bytes) in (HOST, REPOSITORY, TAG, vec(any::<u8>(), 0..8))
        ) {
            let tagged: Reference = format!("{host}/{repository}:{tag}").parse().unwrap();
            assert_eq!(tagged.registry.to_string(), host);
            assert_eq!(tagged.repository.as_str(), repository);
            assert_eq!(tagged.version.to_string(), tag);
            let digest = Digest::of(&bytes);
            let pinned: Reference = format!("{host}/{repository}:{tag}@{digest}").parse().unwrap();
            assert_eq!(pinned.version.digest(), Some(&digest));
        }

        #[test]
        fn a_digest_is_of_all_bytes_however_they_are_cut(
            bytes in vec(any::<u8>(), 0..200),
            cuts in vec(0_usize..200, 0..4),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut hasher = Hasher::sha256();
            let mut start = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                hasher.update(&bytes[start..cut]);
                start = cut;
            }
            let digest = hasher.finish();
            assert_eq!(digest, Digest::of(&bytes));
            assert!(digest.matches(&bytes));
            assert!(!digest.matches(&[&bytes[..], b"x"].concat()));
        }

        #[test]
        fn one_digit_more_or_less_or_other_is_no_digest(at in 0_usize..64, other in "[g-zA-Z:/ é]") {
            let digest = Digest::of(b"").to_string();
            let (head, tail) = digest.split_at("sha256:".len() + at);
            let rest = &tail[1..];
            for text in [format!("{head}{rest}"), format!("{head}0{tail}"), format!("{head}{other}{rest}")] {
                assert!(text.parse::<Digest>().is_err(), "{text}");
            }
        }

        #[test]
        fn a_manifest_points_at_what_its_json_names(
            kind in 0_usize..4,
            sizes in vec(any::<u64>(), 0..5),
            space in "[ \\n]{0,3}",
            artifact in "[a-z/+]{0,12}",
        ) {
            let entries: Vec<Value> = sizes
                .iter()
                .map(|size| json!({"mediaType": "a/b", "digest": Digest::of(&size.to_le_bytes()), "size": size}))
                .collect();
            let config = json!({"mediaType": artifact, "digest": Digest::of(b"{}"), "size": 2});
            let document = match kind {
                0 => json!({"schemaVersion": 2, "manifests": entries}),
                1 => json!({"schemaVersion": 2, "config": config, "layers": entries}),
                2 => json!({"mediaType": MediaType::OCI_ARTIFACT, "artifactType": artifact, "blobs": entries}),
                _ => json!({"schemaVersion": 2, "layers": entries, "subject": config}),
            };
            let text = format!("{space}{document}{space}");
            assert!(Manifest::new(None, Bytes::from(text.clone()), None).is_ok(), "{text}");
            manifest(text.as_bytes());
        }

        #[test]
        fn any_bytes_are_a_manifest_or_an_error(bytes in vec(any::<u8>(), 0..64)) {
            manifest(&bytes);
        }
    }
}
