//! Tags as versions.

use std::fmt;
use std::str::FromStr;

use semver::BuildMetadata;
use semver::Prerelease;
use semver::Version;
use semver::VersionReq;

/// A range of versions, such as `>=1.2, <3` or `~1.4`: comparators joined by commas, all of which must hold.
///
/// A pre-release (`1.5.0-rc1`, and so also `1.5-alpine`) is in the range only if a comparator names a pre-release of the very
/// same `major.minor.patch`, as npm and cargo have it: `>=1.2` means finished versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    text: String,
    requirement: VersionReq,
}

/// Why a text is no range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a range of versions: {reason}")]
pub struct RangeError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Range {
    /// Whether `version` is in it.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        self.requirement.matches(version)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        VersionReq::parse(text)
            .map(|requirement| Self { text: text.to_owned(), requirement })
            .map_err(|error| RangeError { text: text.to_owned(), reason: error.to_string() })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The version that a tag is, read more leniently than the specification (semver.org) has it: a leading `v`, a missing
/// minor or patch number and leading zeros (`24.04`) are accepted. None for `latest`, `main`, `1.2.3.4` and the like.
#[must_use]
pub fn version_of(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (core, pre) = text.split_once('-').unwrap_or((text, ""));
    if text.ends_with('-') {
        return None;
    }
    let numbers: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
    let (major, minor, patch) = match numbers.as_slice() {
        [major] => (*major, 0, 0),
        [major, minor] => (*major, *minor, 0),
        [major, minor, patch] => (*major, *minor, *patch),
        _ => return None,
    };
    Some(Version { major, minor, patch, pre: Prerelease::new(pre).ok()?, build: BuildMetadata::new(build).ok()? })
}

/// `u64::from_str` would also accept a sign.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_leniently() {
        for (tag, expected) in [
            ("1.2.3", Some("1.2.3")),
            ("v1.2.3", Some("1.2.3")),
            ("v1.2", Some("1.2.0")),
            ("7", Some("7.0.0")),
            ("24.04", Some("24.4.0")),
            ("1.2-rc.1", Some("1.2.0-rc.1")),
            ("3-alpine", Some("3.0.0-alpine")),
            ("latest", None),
            ("v", None),
            ("1.2.", None),
            ("1.2.3.4", None),
            ("1.2-", None),
            ("+1", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(version_of(tag).map(|version| version.to_string()).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn a_pre_release_is_in_a_range_only_if_the_range_names_one() {
        let contains = |range: &str, tag: &str| range.parse::<Range>().unwrap().contains(&version_of(tag).unwrap());
        assert!(contains(">=1.2", "1.2") && contains(">=1.2, <2", "v1.9.9") && !contains(">=1.2, <2", "2.0.0"));
        assert!(!contains(">=1.2", "1.5.0-rc1"));
        assert!(contains(">=1.5.0-rc0", "1.5.0-rc1"));
    }

    #[test]
    fn a_wrong_range_says_what_is_wrong() {
        let error = ">=x".parse::<Range>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`>=x` is not a range of versions: unexpected character 'x' while parsing major version number"
        );
    }
}
