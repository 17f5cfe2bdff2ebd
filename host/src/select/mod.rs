//! Which repositories, tags and platforms of a source are wanted. Pure: names in, yes or no out.

mod newest;
mod pattern;
#[cfg(test)]
mod properties;
mod version;

pub use newest::Candidate;
pub use newest::Newest;
pub use newest::NewestBy;
pub use newest::pick_newest;
pub use pattern::Filter;
pub use pattern::Pattern;
pub use pattern::PatternError;
pub use version::Range;
pub use version::RangeError;
pub use version::version_of;

use crate::oci::Platform;

/// `select` of a transfer, compiled. The default accepts everything, without referrers.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Repositories by their names at the source, without the registry.
    pub repositories: Filter,
    /// Tags by name.
    pub tags: Filter,
    /// Tags by the version that they are.
    pub semver: Option<Range>,
    /// Only so many of each repository's tags.
    pub newest: Option<Newest>,
    /// Platforms to keep of an index; empty: all.
    pub platforms: Vec<Platform>,
    /// Whether referrers (signatures, SBOMs, …) are copied along.
    pub referrers: bool,
}

impl Selection {
    /// Whether images of this repository (its name at the source, without the registry) are wanted.
    #[must_use]
    pub fn accepts_repository(&self, repository: &str) -> bool {
        self.repositories.accepts(repository)
    }

    /// Whether this tag is wanted, as far as it alone tells; [`Selection::newest`] looks at all of a repository's together.
    /// None: an image that is named by digest alone, which is wanted only where nothing is asked of tags.
    #[must_use]
    pub fn accepts_tag(&self, tag: Option<&str>) -> bool {
        let Some(tag) = tag else {
            return self.tags.is_empty() && self.semver.is_none() && self.newest.is_none();
        };
        let in_range = |range: &Range| version_of(tag).is_some_and(|version| range.contains(&version));
        self.tags.accepts(tag) && self.semver.as_ref().is_none_or(in_range)
    }

    /// Whether only the newest tags of each repository are wanted, to be chosen by [`pick_newest`].
    #[must_use]
    pub fn newest(&self) -> Option<Newest> {
        self.newest
    }

    /// Platforms to keep of an index; empty: all.
    #[must_use]
    pub fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    /// Whether referrers are copied along.
    #[must_use]
    pub fn referrers(&self) -> bool {
        self.referrers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Filter { include: patterns(include), exclude: patterns(exclude) }
    }

    #[test]
    fn the_default_accepts_everything() {
        let all = Selection::default();
        assert!(all.accepts_repository("a/b") && all.accepts_tag(Some("latest")) && all.accepts_tag(None));
    }

    #[test]
    fn a_tag_must_pass_its_globs_and_its_version_range() {
        let selection = Selection {
            tags: filter(&["v*"], &["*-rc*"]),
            semver: Some(">=1.2".parse().unwrap()),
            ..Selection::default()
        };
        let accepted: Vec<_> = ["v1.1.9", "v1.2", "v2", "1.3.0", "v1.4.0-rc1", "v3.0.0-beta", "vnext"]
            .into_iter()
            .filter(|tag| selection.accepts_tag(Some(tag)))
            .collect();
        assert_eq!(accepted, ["v1.2", "v2"]);
    }

    #[test]
    fn an_image_without_a_tag_passes_only_if_tags_are_not_filtered() {
        let by_name = Selection { tags: filter(&["*"], &[]), ..Selection::default() };
        let by_range = Selection { semver: Some("1".parse().unwrap()), ..Selection::default() };
        let repositories = Selection { repositories: filter(&["a/**"], &[]), ..Selection::default() };
        assert!(!by_name.accepts_tag(None) && !by_range.accepts_tag(None) && repositories.accepts_tag(None));
    }
}
