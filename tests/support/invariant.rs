//! What holds whatever a registry does.

use crate::harness::store::Store as _;
use crate::harness::store::sha256;
use crate::support::registry::Scripted;

/// Checks that
///
/// - what is at `target` is what its digest says, so the same as at the source or absent;
/// - each tag there leads to a whole image, and to the very one that the tag of the same name leads to at `source`;
/// - nobody was shown a secret of another: neither a password nor a token;
/// - all together were asked at most `requests` times.
#[track_caller]
pub fn check(source: &Scripted, target: &Scripted, others: &[&Scripted], requests: usize) {
    for (repository, digest, bytes) in target.storage().blobs() {
        assert_eq!(sha256(&bytes), digest, "a blob of {repository}");
    }
    for (repository, manifest) in target.storage().manifests() {
        assert_eq!(sha256(&manifest.bytes), manifest.digest, "a manifest of {repository}");
    }
    for repository in target.storage().repositories() {
        for tag in target.storage().tags(&repository) {
            let arrived = target.storage().content(&repository, &tag);
            let arrived = arrived.unwrap_or_else(|missing| panic!("{repository}:{tag} is incomplete: {missing}"));
            assert_eq!(Ok(arrived), source.storage().content(&repository, &tag), "{repository}:{tag}");
        }
    }
    let all: Vec<&Scripted> = [source, target].into_iter().chain(others.iter().copied()).collect();
    for owner in &all {
        for other in all.iter().filter(|other| other.address() != owner.address()) {
            nobody_told(owner, other);
        }
    }
    let count: usize = all.iter().map(|it| it.seen().len()).sum();
    let transcripts = || all.iter().map(|it| format!("--- {}\n{}", it.origin(), it.transcript())).collect::<String>();
    assert!(count <= requests, "{count} requests, more than {requests}\n{}", transcripts());
}

/// No request to `other` holds a secret of `owner`.
#[track_caller]
fn nobody_told(owner: &Scripted, other: &Scripted) {
    let secrets = owner.lock().secrets();
    for seen in other.seen() {
        for secret in &secrets {
            let told = seen.path.contains(secret) || seen.headers.iter().any(|(_, value)| value.contains(secret));
            assert!(!told, "{} was shown {secret}: {seen:?}", other.origin());
        }
    }
}
