//! What holds for workflow files and what stands in them, whoever wrote them. The laws are asked of generated inputs here, and of what
//! the fuzzer finds by the targets that go through `fuzzing`.

use std::path::Path;

use crate::workflow::Report;
use crate::workflow::load::load_text;
use crate::workflow::write::print_workflow;

/// A workflow is a plan that, printed, is a workflow, or a report that shows each error at a line of the file.
pub(crate) fn workflow(text: &str) {
    let env = |name: &str| (name.len() < 3).then(|| "value".to_owned());
    // In no directory that is there: the files that a workflow names are another matter.
    match load_text(Path::new("/nowhere/w.yaml"), text, &[], &env) {
        Ok((plan, source)) => {
            assert!(!plan.transfers.is_empty());
            for transfer in &plan.transfers {
                assert!(!source.text(transfer.at).is_empty(), "{transfer:?}");
            }
            let printed = print_workflow(&plan);
            if let Err(report) = load_text(Path::new("/nowhere/w.yaml"), &printed, &[], &|_| Some("value".to_owned())) {
                panic!("{printed}\n{report}");
            }
        }
        Err(report) => shows(&report),
    }
}

fn shows(report: &Report) {
    assert!(!report.diagnostics.is_empty());
    let shown = report.to_string();
    assert!(shown.ends_with("nothing was started"), "{shown}");
    assert!(shown.matches("error").count() > report.diagnostics.len(), "{shown}");
    for diagnostic in &report.diagnostics {
        assert!(diagnostic.place.start <= diagnostic.place.end, "{diagnostic:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::ProptestConfig;
    use proptest::prelude::any;
    use proptest::proptest;
    use proptest::sample::select;

    use super::*;
    use crate::workflow::units::duration;
    use crate::workflow::units::size;

    const SIZES: [(&str, u64); 8] = [
        ("", 1),
        ("b", 1),
        ("kB", 1000),
        ("K", 1000),
        ("KiB", 1 << 10),
        ("MB", 1_000_000),
        ("MiB", 1 << 20),
        ("gib", 1 << 30),
    ];
    const DURATIONS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000)];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_a_workflow_or_a_report(text in "\\PC{0,60}|[a-z:\\n #&*!|>'\"{}\\[\\],?%@-]{0,60}") {
            workflow(&text);
        }

        #[test]
        fn a_small_workflow_cut_or_changed_anywhere_is_one_or_a_report(
            at in any::<proptest::sample::Index>(),
            length in 0_usize..12,
            other in "\\PC{0,4}|[\\n\\t \"'&*${}:-]{0,4}",
        ) {
            let text = "\
version: 1
vars: {a: ü}
registries:
  a.io: {username: u, password: '${P}'}
transfers:
- from: &x {plugin: catalog, with: {registry: a.io}}
  select: {tags: {newest: {count: 1}, semver: '>=1'}}
  to: {registry: 'oci:${vars.a}'}
";
            let indices: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
            let start = at.index(indices.len());
            let end = indices.get(start + length).copied().unwrap_or(text.len());
            workflow(&format!("{}{other}{}", &text[..indices[start]], &text[end..]));
        }

        #[test]
        fn a_size_is_its_number_times_its_unit(
            number: u64,
            (unit, factor) in select(&SIZES[..]),
            space in " ?",
            per in "(/s)?",
        ) {
            let read = size(&format!("{space}{number}{space}{unit}{per}"));
            assert_eq!(read.ok(), number.checked_mul(factor));
        }

        #[test]
        fn a_duration_is_its_number_times_its_unit(
            number: u64,
            (unit, factor) in select(&DURATIONS[..]),
            space in " ?",
        ) {
            let read = duration(&format!("{space}{number}{space}{unit}"));
            assert_eq!(read.ok(), number.checked_mul(factor).map(Duration::from_millis));
        }

        #[test]
        fn a_fraction_is_exact_and_cut_to_whole_bytes(
            whole in 0_u64..1 << 30,
            thousandths in 0_u64..1000,
            (unit, factor) in select(&SIZES[..]),
        ) {
            let read = size(&format!("{whole}.{thousandths:03}{unit}"));
            let exact = (u128::from(whole) * 1000 + u128::from(thousandths)) * u128::from(factor) / 1000;
            assert_eq!(read.ok().map(u128::from), Some(exact));
        }

        #[test]
        fn any_text_is_a_size_and_a_duration_or_neither(text in "\\PC{0,12}|[0-9.]{0,24}[a-zA-Z/ ]{0,5}") {
            let digits = text.trim().starts_with(|c: char| c.is_ascii_digit());
            assert!(digits || size(&text).is_err() && duration(&text).is_err());
        }

        #[test]
        fn a_sign_a_separator_or_an_unknown_unit_is_no_size(
            number: u32,
            before in "[+-]",
            unit in "[a-z]{4,8}",
            middle in "[,_' ]",
        ) {
            let texts = [
                format!("{before}{number}"),
                format!("{number}{unit}"),
                format!("1{middle}{number}x"),
                format!("{number}.{number}.1"),
            ];
            for text in texts {
                assert!(size(&text).is_err(), "{text}");
            }
        }

        #[test]
        fn nesting_and_aliases_of_any_depth_have_an_end(depth in 0_usize..200, aliases in vec(0_usize..4, 0..6)) {
            workflow(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
            let lines: Vec<String> = aliases
                .iter()
                .enumerate()
                .map(|(line, times)| {
                    let uses = vec![format!("*a{}", line.saturating_sub(1)); *times].join(",");
                    format!("a{line}: &a{line} [{uses}]")
                })
                .collect();
            workflow(&lines.join("\n"));
        }
    }
}
