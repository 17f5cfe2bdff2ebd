//! From an image and what mappers said of it to a job.

use std::path::Path;

use crate::oci::Reference;
use crate::oci::ReferenceError;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::oci::TagOrDigest;
use crate::plugin::Destination;
use crate::plugin::Image;
use crate::select::Selection;
use crate::transfer::Job;
use crate::transfer::JobOptions;
use crate::transfer::JobTarget;
use crate::workflow::To;

/// Why an image has no place to go.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    /// Nobody named a registry.
    #[error(
        "no target registry: neither the source plugin nor a mapper named one, and the transfer has no `to.registry`"
    )]
    NoRegistry,
    /// Namespace and repository together are no name.
    #[error("namespace and repository do not make a name")]
    Repository(#[from] ReferenceError),
}

/// What all jobs of a transfer have in common.
pub(super) struct JobMaker {
    /// The transfer's name.
    pub(super) transfer: String,
    /// Its `to`, each with the number of its provisioner.
    pub(super) to: Vec<(To, Option<usize>)>,
    /// How its images are copied.
    pub(super) options: JobOptions,
    /// What relative `oci:` names are relative to.
    pub(super) base: std::path::PathBuf,
}

impl JobMaker {
    /// The options that `selection` asks for.
    pub(super) fn options(selection: &Selection) -> JobOptions {
        JobOptions { platforms: selection.platforms().to_vec(), referrers: selection.referrers() }
    }

    /// The job of `image`, which goes to `targets`.
    pub(super) fn job(&self, image: Image, targets: Vec<JobTarget>) -> Job {
        let Image { mut source, attributes, .. } = image;
        if let RegistryName::Layout(_) = source.registry {
            source.registry = based(&source.registry, &self.base);
        }
        Job { transfer: self.transfer.clone(), source, targets, options: self.options.clone(), attributes }
    }

    /// Where `image` goes. Each destination goes to each `to`; one that several `to` lead to is written once.
    pub(super) fn targets(&self, image: &Image) -> Result<Vec<JobTarget>, JobError> {
        let nowhere = [Destination::default()];
        let destinations = if image.targets.is_empty() { &nowhere[..] } else { &image.targets[..] };
        let mut targets: Vec<JobTarget> = Vec::new();
        for destination in destinations {
            for (to, prepare) in &self.to {
                let reference = self.reference(image, destination, to)?;
                if !targets.iter().any(|target| target.reference == reference) {
                    targets.push(JobTarget { reference, existing: to.existing, prepare: *prepare });
                }
            }
        }
        Ok(targets)
    }

    /// Fills what `destination` leaves out: from `to`, then from the source.
    fn reference(&self, image: &Image, destination: &Destination, to: &To) -> Result<Reference, JobError> {
        let registry = match (&destination.registry, &to.registry) {
            (Some(registry), _) => based(registry, &self.base),
            // The workflow's own directories were resolved when it was read.
            (None, Some(registry)) => registry.clone(),
            (None, None) => return Err(JobError::NoRegistry),
        };
        let repository = match (&destination.repository, &to.namespace) {
            (Some(repository), _) => repository.clone(),
            (None, None) => image.source.repository.clone(),
            (None, Some(namespace)) => format!("{namespace}/{}", image.source.repository).parse::<Repository>()?,
        };
        let version = match destination.tag.as_ref().or(image.tag.as_ref()) {
            Some(tag) => TagOrDigest::Tag(tag.clone()),
            None => image.source.version.clone(),
        };
        Ok(Reference { registry, repository, version })
    }
}

/// The registry, with a relative directory taken from `base`.
pub(super) fn based(registry: &RegistryName, base: &Path) -> RegistryName {
    match registry {
        RegistryName::Host(_) => registry.clone(),
        RegistryName::Layout(path) => RegistryName::Layout(base.join(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::Existing;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn maker(to: &[(Option<&str>, Option<&str>)]) -> JobMaker {
        let to = to.iter().map(|(registry, namespace)| To {
            registry: registry.map(|text| text.parse().unwrap()),
            namespace: namespace.map(|text| text.parse().unwrap()),
            existing: Existing::Skip,
            ..To::default()
        });
        JobMaker {
            transfer: "t".to_owned(),
            to: to.map(|to| (to, None)).collect(),
            options: JobOptions::default(),
            base: "/base".into(),
        }
    }

    fn image(source: &str, targets: Vec<Destination>) -> Image {
        let source: Reference = source.parse().unwrap();
        let tag = match &source.version {
            TagOrDigest::Tag(tag) => Some(tag.clone()),
            TagOrDigest::Digest(_) => None,
        };
        Image { source, tag, targets, attributes: vec![] }
    }

    fn job(maker: &JobMaker, image: &Image) -> Job {
        maker.job(image.clone(), maker.targets(image).unwrap())
    }

    fn targets(job: &Job) -> Vec<String> {
        job.targets.iter().map(|target| target.reference.to_string()).collect()
    }

    #[test]
    fn what_is_missing_comes_from_to_and_then_from_the_source() {
        let maker = maker(&[(Some("b.io"), Some("ns")), (Some("c.io"), None)]);
        let job = job(&maker, &image("a.io/n/app:1", vec![]));
        assert_eq!(targets(&job), ["b.io/ns/n/app:1", "c.io/n/app:1"]);
    }

    #[test]
    fn what_a_mapper_names_stays_as_it_is() {
        let destination = Destination {
            registry: None,
            repository: Some("other/name".parse().unwrap()),
            tag: Some("2".parse().unwrap()),
        };
        let job = job(&maker(&[(Some("b.io"), Some("ns"))]), &image("a.io/n/app:1", vec![destination]));
        assert_eq!(targets(&job), ["b.io/other/name:2"]);
    }

    #[test]
    fn an_image_by_digest_lands_by_digest_unless_a_tag_is_told() {
        let mut image = image(&format!("a.io/n/app@{DIGEST}"), vec![]);
        let maker = maker(&[(Some("oci:/out"), None)]);
        assert_eq!(targets(&job(&maker, &image)), [format!("oci:/out//n/app@{DIGEST}")]);
        image.tag = Some("1".parse().unwrap());
        assert_eq!(targets(&job(&maker, &image)), ["oci:/out//n/app:1"]);
    }

    #[test]
    fn a_directory_that_a_plugin_names_is_relative_to_the_workflow() {
        let destination = Destination { registry: Some("oci:out".parse().unwrap()), ..Destination::default() };
        let job = job(&maker(&[(None, None)]), &image("oci:in//n/app:1", vec![destination]));
        assert_eq!(job.source.to_string(), "oci:/base/in//n/app:1");
        assert_eq!(targets(&job), ["oci:/base/out//n/app:1"]);
    }

    #[test]
    fn without_any_registry_there_is_no_job() {
        let error = maker(&[(None, None)]).targets(&image("a.io/n/app:1", vec![])).unwrap_err();
        assert!(matches!(error, JobError::NoRegistry));
    }
}
