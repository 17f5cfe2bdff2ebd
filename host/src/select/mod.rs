//! Which repositories, tags and platforms of a source are wanted. Pure: patterns in, yes or no out.

use std::num::NonZeroUsize;

use crate::oci::Platform;

/// `select` of a transfer, compiled. The default accepts everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    newest: Option<Newest>,
    platforms: Vec<Platform>,
    referrers: bool,
}

/// `tags.newest`: keep only so many tags of each repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// How many.
    pub count: NonZeroUsize,
    /// Newest by what.
    pub by: NewestBy,
}

/// What makes a tag newer than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewestBy {
    /// The version that the tag is; tags that are none come last.
    #[default]
    Semver,
    /// The name, in natural order (`build-10` after `build-9`).
    Name,
    /// The creation date in the image's configuration.
    Created,
}

/// A tag that passed the filters, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The tag.
    pub tag: String,
    /// Creation date, RFC 3339; only needed by [`NewestBy::Created`].
    pub created: Option<String>,
}

impl Selection {
    /// Whether images of this repository (its name at the source, without the registry) are wanted.
    #[must_use]
    pub fn accepts_repository(&self, repository: &str) -> bool {
        let _ = repository;
        true
    }

    /// Whether this tag is wanted, as far as its name tells ([`Selection::newest`] looks at all of a repository's together).
    /// None: an image that is named by digest alone, which passes only if tags are not filtered at all.
    #[must_use]
    pub fn accepts_tag(&self, tag: Option<&str>) -> bool {
        let _ = tag;
        true
    }

    /// Whether only the newest tags of each repository are wanted.
    #[must_use]
    pub fn newest(&self) -> Option<Newest> {
        self.newest
    }

    /// Platforms to keep of an index; empty: all.
    #[must_use]
    pub fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    /// Whether referrers (signatures, SBOMs, …) are copied along.
    #[must_use]
    pub fn referrers(&self) -> bool {
        self.referrers
    }
}

/// The tags to keep of one repository's `candidates`, newest first.
#[must_use]
pub fn pick_newest(candidates: Vec<Candidate>, newest: Newest) -> Vec<Candidate> {
    candidates.into_iter().take(newest.count.get()).collect()
}
