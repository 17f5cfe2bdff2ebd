//! The table of promises cannot rot: each test that docs/security.md names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use crate::harness::tools;

/// The rows of the tables whose last column is `shown by`, each as what is promised and what shows it.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let mut rows = Vec::new();
    let mut shows = false;
    for line in text.lines() {
        let Some((before, last)) = line.strip_suffix(" |").and_then(|row| row.rsplit_once(" | ")) else {
            shows &= line.starts_with("|-");
            continue;
        };
        if shows {
            rows.push((before, last));
        }
        shows |= last == "shown by";
    }
    rows
}

/// The tests that they name.
fn named(text: &str) -> BTreeSet<String> {
    let name = Regex::new("`([a-z0-9_]+)`").unwrap();
    let names = |tests| name.captures_iter(tests).map(|found| found[1].to_owned()).collect::<Vec<_>>();
    rows(text).into_iter().flat_map(|(_, tests)| names(tests)).collect()
}

/// The functions under a directory that are marked as tests.
fn tests(directory: &Path, found: &mut BTreeSet<String>) {
    let marked =
        Regex::new(r"#\[(?:tokio::)?test(?:\([^\]]*\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn ([a-z0-9_]+)\(").unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(marked.captures_iter(&text).map(|captures| captures[1].to_owned()));
        }
    }
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let root = tools::repository();
    let text = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let named = named(&text);
    assert!(named.len() > 30, "the tables were read: {named:?}");
    let mut there = BTreeSet::new();
    for directory in ["host/src", "tests"] {
        tests(&root.join(directory), &mut there);
    }
    let missing: Vec<&String> = named.difference(&there).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that are not there: {missing:?}");
    for (promise, tests) in rows(&text) {
        assert!(tests.contains('`'), "no test shows: {promise}");
    }
}

#[test]
fn a_test_that_does_not_exist_would_be_noticed() {
    let text = "| to | what |\n|---|---|\n| a | `b` |\n\n| promise | shown by |\n|---|---|\n| nothing `leaks` | `this_is_no_test`, `every_promise_names_tests_that_are_there` |\n";
    assert_eq!(
        named(text).into_iter().collect::<Vec<_>>(),
        ["every_promise_names_tests_that_are_there", "this_is_no_test"]
    );
    let mut there = BTreeSet::new();
    tests(&tools::repository().join("tests/security"), &mut there);
    assert!(there.contains("every_promise_names_tests_that_are_there") && !there.contains("this_is_no_test"));
}
