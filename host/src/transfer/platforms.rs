//! The one place where a manifest is not forwarded as it came: an index cut down to some platforms.

use std::sync::Arc;

use bytes::Bytes;

use crate::oci::Content;
use crate::oci::Descriptor;
use crate::oci::Digest;
use crate::oci::Manifest;
use crate::oci::ManifestError;
use crate::oci::Platform;
use crate::oci::Reference;
use crate::transfer::TransferError;

/// The annotation by which a build attestation names the manifest that it belongs to.
const ATTESTED: &str = "vnd.docker.reference.digest";

/// `manifest` with only the entries for `platforms`, their attestations, and entries that name no platform. What is not an
/// index, or loses nothing, stays as it is.
pub(super) fn subset(
    manifest: &Manifest,
    platforms: &[Platform],
    reference: &Reference,
) -> Result<Manifest, TransferError> {
    let Content::Index(entries) = manifest.content() else { return Ok(manifest.clone()) };
    let kept = kept(entries, platforms);
    if !kept.iter().any(|entry| entry.platform.is_some()) {
        return Err(TransferError::NoPlatform { reference: reference.clone(), platforms: platforms.to_vec() });
    }
    if kept.len() == entries.len() {
        return Ok(manifest.clone());
    }
    let digests: Vec<&Digest> = kept.iter().map(|entry| &entry.digest).collect();
    rewrite(manifest, &digests)
        .map_err(|source| TransferError::Manifest { reference: reference.clone(), source: Arc::new(source) })
}

fn kept<'a>(entries: &'a [Descriptor], platforms: &[Platform]) -> Vec<&'a Descriptor> {
    let wanted = |entry: &Descriptor| {
        entry.platform.as_ref().is_none_or(|found| platforms.iter().any(|platform| platform.accepts(found)))
    };
    let images: Vec<&Digest> = entries.iter().filter(|entry| wanted(entry)).map(|entry| &entry.digest).collect();
    let attests = |entry: &Descriptor| {
        let subject = entry.annotations.as_ref().and_then(|annotations| annotations.get(ATTESTED)?.as_str());
        subject.is_some_and(|subject| images.iter().any(|digest| digest.as_str() == subject))
    };
    entries.iter().filter(|entry| wanted(entry) || attests(entry)).collect()
}

/// The index with the entries `digests` alone; every other field stays, in its order.
fn rewrite(manifest: &Manifest, digests: &[&Digest]) -> Result<Manifest, ManifestError> {
    let mut body: serde_json::Value = serde_json::from_slice(manifest.bytes())?;
    if let Some(entries) = body.get_mut("manifests").and_then(serde_json::Value::as_array_mut) {
        entries.retain(|entry| {
            let digest = entry.get("digest").and_then(serde_json::Value::as_str);
            digest.is_some_and(|digest| digests.iter().any(|kept| kept.as_str() == digest))
        });
    }
    Manifest::new(Some(manifest.media_type().as_str()), Bytes::from(serde_json::to_vec(&body)?), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn index() -> Manifest {
        let entry = |name: &str, os: &str, architecture: &str, rest: &str| {
            let digest = Digest::of(name.as_bytes());
            format!(
                r#"{{"mediaType":"{}","digest":"{digest}","size":1,"platform":{{"os":"{os}","architecture":"{architecture}"}}{rest}}}"#,
                MediaType::OCI_MANIFEST
            )
        };
        let attests = format!(r#","annotations":{{"{ATTESTED}":"{}"}}"#, Digest::of(b"arm"));
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{},{},{}],"annotations":{{"z":"1","a":"2"}}}}"#,
            MediaType::OCI_INDEX,
            entry("amd", "linux", "amd64", ""),
            entry("arm", "linux", "arm64", ""),
            entry("attestation", "unknown", "unknown", &attests),
        );
        Manifest::new(None, text.into(), None).unwrap()
    }

    fn digests(manifest: &Manifest) -> Vec<Digest> {
        let Content::Index(entries) = manifest.content() else { panic!("an index stays an index") };
        entries.iter().map(|entry| entry.digest.clone()).collect()
    }

    #[test]
    fn an_attestation_stays_with_the_image_that_it_attests() {
        let reference = "a.io/n/app:1".parse().unwrap();
        let arm = subset(&index(), &["linux/arm64".parse().unwrap()], &reference).unwrap();
        assert_eq!(digests(&arm), [Digest::of(b"arm"), Digest::of(b"attestation")]);
        let amd = subset(&index(), &["linux/amd64".parse().unwrap()], &reference).unwrap();
        assert_eq!(digests(&amd), [Digest::of(b"amd")]);
        assert!(std::str::from_utf8(amd.bytes()).unwrap().ends_with(r#""annotations":{"z":"1","a":"2"}}"#));
    }

    #[test]
    fn an_index_that_loses_nothing_keeps_its_bytes() {
        let platforms = ["linux/arm64", "linux/amd64"].map(|text| text.parse().unwrap());
        assert_eq!(subset(&index(), &platforms, &"a.io/n/app:1".parse().unwrap()).unwrap(), index());
    }

    #[test]
    fn no_entry_for_any_platform_is_an_error() {
        let error =
            subset(&index(), &["windows/amd64".parse().unwrap()], &"a.io/n/app:1".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "a.io/n/app:1 has no image for windows/amd64");
    }
}
