//! Jobs and failures as texts.

use serde::Deserialize;
use serde::Serialize;

use crate::http::Named;
use crate::journal::FailedJob;
use crate::oci::Reference;
use crate::oci::RegistryName;
use crate::oci::TagOrDigest;
use crate::transfer::Job;
use crate::transfer::JobOptions;
use crate::transfer::JobTarget;
use crate::transfer::Outcome;
use crate::transfer::Status;
use crate::workflow::Existing;

/// A job, whole.
#[derive(Serialize, Deserialize)]
pub(super) struct JobRecord {
    source: Place,
    targets: Vec<TargetRecord>,
    options: JobOptions,
    attributes: Vec<(String, String)>,
    /// Which of its registries the user, or a plugin of this program, had named: the others are strangers to a later process too.
    named: Vec<String>,
}

/// A reference in its parts: as one text, a host without a dot would be read as part of the name.
#[derive(Serialize, Deserialize)]
struct Place(String, String, String);

#[derive(Serialize, Deserialize)]
struct TargetRecord {
    place: Place,
    existing: Existing,
    prepare: Option<usize>,
}

/// What happened at a target that was not reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The image.
    pub source: String,
    /// The target.
    pub target: String,
    /// The kind of error; none if it was not tried to the end.
    pub class: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do about it, where known.
    pub hint: Option<String>,
}

impl JobRecord {
    /// The text of `job`, with which of its registries are `named`.
    pub(super) fn text(job: &Job, named: &Named) -> String {
        let targets = job.targets.iter().map(|target| TargetRecord {
            place: Place::of(&target.reference),
            existing: target.existing,
            prepare: target.prepare,
        });
        let record = Self {
            source: Place::of(&job.source),
            targets: targets.collect(),
            options: job.options.clone(),
            attributes: job.attributes.clone(),
            named: hosts(job).filter(|host| named.has(host)).map(str::to_owned).collect(),
        };
        // Texts and numbers always serialize.
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// The job of `transfer` that `text` is, and the registries of it that were named; none if it is not whole.
    pub(super) fn read(text: &str, transfer: &str) -> Option<(Job, Vec<String>)> {
        let record: Self = serde_json::from_str(text).ok()?;
        let targets = record.targets.into_iter().map(|target| {
            let reference = target.place.reference()?;
            Some(JobTarget { reference, existing: target.existing, prepare: target.prepare })
        });
        let job = Job {
            transfer: transfer.to_owned(),
            source: record.source.reference()?,
            targets: targets.collect::<Option<_>>()?,
            options: record.options,
            attributes: record.attributes,
        };
        Some((job, record.named))
    }
}

/// The hosts that a job reads and writes.
fn hosts(job: &Job) -> impl Iterator<Item = &str> {
    let references = job.targets.iter().map(|target| &target.reference).chain([&job.source]);
    references.filter_map(|reference| match &reference.registry {
        RegistryName::Host(host) => Some(host.as_str()),
        RegistryName::Layout(_) => None,
    })
}

impl Place {
    fn of(reference: &Reference) -> Self {
        Self(reference.registry.to_string(), reference.repository.to_string(), reference.version.to_string())
    }

    fn reference(&self) -> Option<Reference> {
        let version: TagOrDigest = if self.2.contains(':') {
            TagOrDigest::Digest(self.2.parse().ok()?)
        } else {
            TagOrDigest::Tag(self.2.parse().ok()?)
        };
        Some(Reference { registry: self.0.parse().ok()?, repository: self.1.parse().ok()?, version })
    }
}

impl Failed {
    /// The failures of `outcome`, as a text.
    pub(super) fn text(outcome: &Outcome) -> String {
        let failures: Vec<Self> = outcome
            .targets
            .iter()
            .filter_map(|target| {
                let Status::Failed(failure) = &target.status else { return None };
                Some(Self {
                    source: outcome.job.source.to_string(),
                    target: target.reference.to_string(),
                    class: (failure.class != "stopped").then(|| failure.class.to_owned()),
                    message: failure.message.clone(),
                    hint: failure.hint.clone(),
                })
            })
            .collect();
        serde_json::to_string(&failures).unwrap_or_default()
    }
}

/// What a past run left of `job`, target by target.
#[must_use]
pub fn failed(job: &FailedJob) -> Vec<Failed> {
    if let Some(failures) = &job.failures {
        return serde_json::from_str(failures).unwrap_or_default();
    }
    let Some((job, _)) = JobRecord::read(&job.job, "") else { return Vec::new() };
    let targets = job.targets.iter().map(|target| Failed {
        source: job.source.to_string(),
        target: target.reference.to_string(),
        class: None,
        message: "not tried, or broken off".to_owned(),
        hint: None,
    });
    targets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_as_it_was() {
        let reference = |registry: &str, version: TagOrDigest| Reference {
            registry: registry.parse().unwrap(),
            repository: "n/app".parse().unwrap(),
            version,
        };
        let digest: crate::oci::Digest = crate::oci::Digest::of(b"x");
        let tag: crate::oci::Tag = "1".parse().unwrap();
        let job = Job {
            transfer: "t".to_owned(),
            source: reference("nodot", tag.clone().into()),
            targets: vec![
                JobTarget { reference: reference("oci:/a//b", tag.into()), existing: Existing::Skip, prepare: Some(2) },
                JobTarget { reference: reference("b.io:5000", digest.into()), existing: Existing::Fail, prepare: None },
            ],
            options: JobOptions { platforms: vec!["linux/arm64/v8".parse().unwrap()], referrers: true },
            attributes: vec![("digest".to_owned(), "sha256:…".to_owned())],
        };
        let text = JobRecord::text(&job, &Named::new(["nodot".to_owned()], |_| false));
        assert_eq!(JobRecord::read(&text, "t"), Some((job, vec!["nodot".to_owned()])));
        assert_eq!(JobRecord::read("{", "t"), None);
    }
}
