//! What holds for choosing, whatever a registry lists and in whatever order.

use std::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::proptest;
use proptest::sample::select;

use crate::select::Candidate;
use crate::select::Filter;
use crate::select::Newest;
use crate::select::NewestBy;
use crate::select::Pattern;
use crate::select::Range;
use crate::select::pick_newest;
use crate::select::version_of;

const TAG: &str =
    "v?(0|[1-9][0-9]?)(\\.[0-9]{1,2}){0,3}(-(rc|alpha|alpine)\\.?[0-9]{0,2})?|[a-z]{1,3}[0-9]{0,2}|latest";
const DATE: &str = "(19|20)[0-9]{2}-(0[1-9]|1[0-9])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\
                    (\\.[0-9]{0,12})?(Z|[+-][0-9]{1,3}:[0-9]{2})?";

/// A repository's tags, each once, as registries list them.
fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let listed = proptest::collection::btree_map(TAG, option::of(DATE), 0..16);
    listed.prop_map(|tags| tags.into_iter().map(|(tag, created)| Candidate { tag, created }).collect::<Vec<_>>())
}

fn newest() -> impl Strategy<Value = Newest> {
    let by = select(vec![NewestBy::Semver, NewestBy::Name, NewestBy::Created]);
    (1_usize..8, by).prop_map(|(count, by)| Newest { count: NonZeroUsize::new(count).unwrap(), by })
}

fn filter(include: &[Pattern], exclude: &[Pattern]) -> Filter {
    Filter { include: include.to_vec(), exclude: exclude.to_vec() }
}

fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
    let pattern = "(\\*\\*/)?[a-c?*]{1,3}(/[a-c*]{1,2})?|\\{a,b\\}\\*|/[a-c.]{1,2}[+*]?/";
    vec(pattern.prop_map(|text| text.parse::<Pattern>().unwrap()), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_newest_does_not_depend_on_the_order_of_the_listing(
        (listed, shuffled) in candidates().prop_flat_map(|listed| {
            let shuffled = proptest::strategy::Just(listed.clone()).prop_shuffle();
            (proptest::strategy::Just(listed), shuffled)
        }),
        newest in newest(),
    ) {
        assert_eq!(pick_newest(listed, newest), pick_newest(shuffled, newest));
    }

    #[test]
    fn the_newest_are_some_of_the_candidates_each_once_and_choosing_again_changes_nothing(
        listed in candidates(),
        newest in newest(),
    ) {
        let chosen = pick_newest(listed.clone(), newest);
        assert!(chosen.iter().all(|candidate| listed.contains(candidate)));
        assert!((1..chosen.len()).all(|at| !chosen[..at].contains(&chosen[at])));
        let eligible = listed.iter().filter(|it| newest.by != NewestBy::Semver || version_of(&it.tag).is_some());
        assert_eq!(chosen.len(), eligible.count().min(newest.count.get()));
        assert_eq!(pick_newest(chosen.clone(), newest), chosen);
    }

    #[test]
    fn a_larger_count_only_adds_older_ones(listed in candidates(), newest in newest()) {
        let more = Newest { count: newest.count.saturating_add(1), ..newest };
        let (few, many) = (pick_newest(listed.clone(), newest), pick_newest(listed, more));
        assert_eq!(few[..], many[..few.len()]);
    }

    #[test]
    fn no_version_left_out_is_above_one_that_was_chosen(listed in candidates(), count in 1_usize..8) {
        let newest = Newest { count: NonZeroUsize::new(count).unwrap(), by: NewestBy::Semver };
        let chosen = pick_newest(listed.clone(), newest);
        let lowest = chosen.iter().map(|it| version_of(&it.tag)).min().flatten();
        let left = listed.iter().filter(|it| !chosen.contains(it)).filter_map(|it| version_of(&it.tag));
        assert!(left.max() <= lowest);
    }

    #[test]
    fn any_text_is_a_date_or_none(
        listed in vec("\\PC{0,40}|2024-01-01T00:00:00(\\.[0-9]*)?[+-]?[0-9:é]{0,24}", 0..6),
    ) {
        let of = |created: &String| Candidate { tag: format!("t{created}"), created: Some(created.clone()) };
        let newest = Newest { count: NonZeroUsize::MAX, by: NewestBy::Created };
        assert_eq!(pick_newest(listed.iter().map(of).collect(), newest).len(), listed.len());
    }

    #[test]
    fn numbers_in_names_are_compared_as_numbers(a: u64, b: u64, name in "[a-z-]{0,4}") {
        let of = |number: u64| Candidate { tag: format!("{name}{number}"), created: None };
        let newest = Newest { count: NonZeroUsize::MIN, by: NewestBy::Name };
        assert_eq!(pick_newest(vec![of(a), of(b)], newest), [of(a.max(b))]);
    }

    #[test]
    fn a_filter_accepts_what_is_included_less_what_is_excluded(
        (include, exclude, more) in (patterns(), patterns(), patterns()),
        name in "[a-c]{1,3}(/[a-c]{1,2}){0,2}",
    ) {
        let accepts = |include: &[Pattern], exclude: &[Pattern]| filter(include, exclude).accepts(&name);
        let both = [&exclude[..], &more[..]].concat();
        assert_eq!(accepts(&include, &both), accepts(&include, &exclude) && accepts(&[], &more));
        let either = [&include[..], &more[..]].concat();
        if !include.is_empty() && !more.is_empty() {
            assert_eq!(accepts(&either, &[]), accepts(&include, &[]) || accepts(&more, &[]));
        }
        let reversed: Vec<Pattern> = either.iter().rev().cloned().collect();
        assert_eq!(accepts(&either, &exclude), accepts(&reversed, &exclude));
    }

    #[test]
    fn a_name_without_wildcards_is_a_pattern_of_itself_alone(
        name in "[a-z0-9][a-z0-9._/-]{0,12}",
        other in "[a-z0-9._/-]{1,12}",
    ) {
        let pattern: Pattern = name.parse().unwrap();
        assert!(pattern.matches(&name));
        assert_eq!(pattern.matches(&other), name == other);
    }

    #[test]
    fn two_stars_match_all_and_one_matches_one_segment(name in "[a-z]{1,3}(/[a-z]{1,3}){0,3}") {
        assert!("**".parse::<Pattern>().unwrap().matches(&name));
        assert_eq!("*".parse::<Pattern>().unwrap().matches(&name), !name.contains('/'));
    }

    #[test]
    fn any_text_is_a_pattern_or_a_range_or_an_error(
        text in "\\PC{0,20}|[/*?{},\\[\\]()|\\\\a-b!^$+-]{0,16}|[<>=~^0-9., -]{0,12}",
    ) {
        if let Ok(pattern) = text.parse::<Pattern>() {
            assert_eq!(pattern.as_str(), text);
            let _ = pattern.matches("a/b");
        }
        if let Ok(range) = text.parse::<Range>() {
            assert_eq!(range.to_string(), text);
            let _ = range.contains(&"1.2.3".parse().unwrap());
        }
    }

    #[test]
    fn a_version_reads_the_same_when_written_out(tag in TAG) {
        if let Some(version) = version_of(&tag) {
            assert_eq!(version_of(&version.to_string()), Some(version));
        }
    }

    #[test]
    fn a_version_is_in_the_range_of_those_from_it_on(major: u32, minor: u32, patch: u32, more in any::<u8>()) {
        let version = |patch: u64| version_of(&format!("{major}.{minor}.{patch}")).unwrap();
        let range: Range = format!(">={major}.{minor}.{patch}").parse().unwrap();
        assert!(range.contains(&version(u64::from(patch) + u64::from(more))));
        assert!(patch == 0 || !range.contains(&version(u64::from(patch) - 1)));
    }
}
