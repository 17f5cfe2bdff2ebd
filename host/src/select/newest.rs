//! Only the newest tags of a repository.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::num::NonZeroUsize;

use crate::select::version_of;

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
    /// The version that the tag is. Tags that are none (`latest`) are never kept.
    #[default]
    Semver,
    /// The name, numbers in it as numbers: `build-10` after `build-9`.
    Name,
    /// The creation date in the image's configuration. Images without one count as the oldest.
    Created,
}

/// A tag that passed the filters, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The tag.
    pub tag: String,
    /// Creation date, RFC 3339, as the image's configuration has it; only needed for [`NewestBy::Created`].
    pub created: Option<String>,
}

/// The tags to keep of one repository's `candidates`, newest first. Ties are broken by name, so that the answer does not
/// depend on the order in which a registry lists its tags.
#[must_use]
pub fn pick_newest(mut candidates: Vec<Candidate>, newest: Newest) -> Vec<Candidate> {
    let by_name = |a: &Candidate, b: &Candidate| natural(&b.tag, &a.tag);
    match newest.by {
        NewestBy::Semver => {
            candidates.retain(|candidate| version_of(&candidate.tag).is_some());
            candidates.sort_by(by_name);
            candidates.sort_by_cached_key(|candidate| Reverse(version_of(&candidate.tag)));
        }
        NewestBy::Name => candidates.sort_by(by_name),
        NewestBy::Created => {
            candidates.sort_by(by_name);
            candidates.sort_by_cached_key(|candidate| Reverse(candidate.created.as_deref().and_then(instant)));
        }
    }
    candidates.truncate(newest.count.get());
    candidates
}

/// Compares names, runs of digits in them as numbers of any length.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while !rest_a.is_empty() && !rest_b.is_empty() {
        let (part_a, tail_a) = split(rest_a);
        let (part_b, tail_b) = split(rest_b);
        let both_numbers = [part_a, part_b].iter().all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        let order = if both_numbers {
            let (number_a, number_b) = (part_a.trim_start_matches('0'), part_b.trim_start_matches('0'));
            number_a.len().cmp(&number_b.len()).then(number_a.cmp(number_b))
        } else {
            part_a.cmp(part_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (rest_a, rest_b) = (tail_a, tail_b);
    }
    rest_a.len().cmp(&rest_b.len()).then(a.cmp(b))
}

/// The first run of digits or of anything else, and what follows.
fn split(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

/// Seconds since 1970 and nanoseconds of an RFC 3339 date; none if it is not one.
fn instant(text: &str) -> Option<(i64, u32)> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse::<i64>().ok() } else { None }
    };
    let is = |at: usize, accepted: &[u8]| text.as_bytes().get(at).is_some_and(|byte| accepted.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        nanoseconds = format!("{:0<9.9}", &fraction[..end]).parse().ok()?;
        rest = &fraction[end..];
    }
    let offset = match rest {
        "Z" | "z" => 0,
        _ => {
            let at = text.len() - rest.len();
            if rest.len() != 6 || !is(at + 3, b":") {
                return None;
            }
            let offset = number(at + 1..at + 3)? * 3600 + number(at + 4..at + 6)? * 60;
            match rest.as_bytes().first()? {
                b'+' => offset,
                b'-' => -offset,
                _ => return None,
            }
        }
    };
    Some((days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds))
}

/// Days since 1970-01-01 of a Gregorian date, with years that start in March so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (from_march * 153 + 2) / 5 + day
        - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(count: usize, by: NewestBy, candidates: &[(&str, &str)]) -> Vec<String> {
        let candidates = candidates
            .iter()
            .map(|(tag, created)| Candidate {
                tag: (*tag).to_owned(),
                created: Some((*created).to_owned()).filter(|created| !created.is_empty()),
            })
            .collect();
        let newest = Newest { count: NonZeroUsize::new(count).unwrap(), by };
        pick_newest(candidates, newest).into_iter().map(|candidate| candidate.tag).collect()
    }

    #[test]
    fn by_semver_versions_are_compared_and_other_tags_dropped() {
        let tags = [("latest", ""), ("v1.9", ""), ("1.10.0", ""), ("v2.0.0-rc1", ""), ("2.0.0", ""), ("main", "")];
        assert_eq!(pick(3, NewestBy::Semver, &tags), ["2.0.0", "v2.0.0-rc1", "1.10.0"]);
        assert_eq!(pick(9, NewestBy::Semver, &tags), ["2.0.0", "v2.0.0-rc1", "1.10.0", "v1.9"]);
    }

    #[test]
    fn by_name_numbers_count_as_numbers() {
        let tags = [("build-9", ""), ("build-10", ""), ("build-010a", ""), ("build-1", "")];
        assert_eq!(pick(3, NewestBy::Name, &tags), ["build-010a", "build-10", "build-9"]);
    }

    #[test]
    fn by_creation_offsets_and_fractions_count_and_images_without_a_date_are_last() {
        let tags = [
            ("none", ""),
            ("broken", "yesterday"),
            ("early", "2024-02-29T23:00:00Z"),
            ("offset", "2024-03-01T09:00:00.5+08:00"),
            ("late", "2024-03-01T01:00:00.500000001Z"),
        ];
        assert_eq!(pick(5, NewestBy::Created, &tags), ["late", "offset", "early", "none", "broken"]);
    }

    #[test]
    fn dates_are_seconds_since_1970() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some((0, 0))),
            ("2000-03-01T00:00:00Z", Some((951_868_800, 0))),
            ("2024-12-31T23:59:59.25Z", Some((1_735_689_599, 250_000_000))),
            ("0001-01-01T00:00:00Z", Some((-62_135_596_800, 0))),
            ("2024-13-01T00:00:00Z", None),
            ("2024-01-01", None),
            ("2024-01-01T00:00:00", None),
            ("1970-01-01T00:00:00-01:30", Some((5400, 0))),
            ("2024-01-01T00:00:00+9:00", None),
            ("2024-01-01T00:00:00+9223372036854775807:00", None),
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
    }
}
