//! The page of errors lists each message that the snapshots and the sources have, once, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use crate::harness::tools;

use super::snapshots;

/// The messages of the page, with `…` for what differs.
fn listed() -> Vec<String> {
    let page = fs::read_to_string(tools::repository().join("docs/errors.md")).unwrap_or_default();
    let row = Regex::new(r"(?m)^\| `+ ?(.+?) ?`+ \| \S.* \| \S.* \|$").unwrap();
    row.captures_iter(&page).map(|row| row[1].to_owned()).collect()
}

/// What was said in the snapshots.
fn said() -> BTreeSet<String> {
    let hint = Regex::new(r" \(hint: .*\)( transfer=.*)?$").unwrap();
    let mut said = BTreeSet::new();
    for file in fs::read_dir(snapshots()).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let line = hint.replace(line, "");
            // Whose line of the log it is comes last.
            let line = line.split(" transfer=\"").next().unwrap().split(" plugin=\"").next().unwrap();
            if let Some(message) = line.strip_prefix("error: ") {
                said.insert(message.to_owned());
            } else if let Some((_, failed)) = line.split_once("ERROR failed    ") {
                said.insert(failed.split_once(" -> ").unwrap().1.split_once(": ").unwrap().1.to_owned());
            } else if let Some(message) = line.strip_prefix("TIME ERROR ") {
                said.insert(message.to_owned());
            }
        }
    }
    said
}

/// The messages that the sources have: those of errors, and those of what is wrong with files and flags.
fn written() -> BTreeSet<String> {
    let errors = Regex::new(r#"#\[error\(\s*"((?:[^"\\]|\\(?s:.))*)""#).unwrap();
    let told = Regex::new(
        r"(?:Diagnostic::new|[rR]eader\.error|reading\.error|self\.error|error_with_help|CommandError::Usage)\(",
    )
    .unwrap();
    let text = Regex::new(r#""((?:[^"\\]|\\(?s:.))*)""#).unwrap();
    let mut written = BTreeSet::new();
    for file in sources(&tools::repository().join("host/src")) {
        let whole = fs::read_to_string(&file).unwrap();
        let source = whole.split("#[cfg(test)]\nmod tests").next().unwrap();
        written.extend(errors.captures_iter(source).map(|error| template(&error[1])));
        for call in told.find_iter(source) {
            // The message is the first text of more than a word up to the end of the statement.
            let statement = source[call.end()..].split(';').next().unwrap().split(".with_help(").next().unwrap();
            let message =
                text.captures_iter(statement).map(|found| found[1].to_owned()).find(|found| found.contains(' '));
            written.extend(message.map(|message| template(&message)));
        }
    }
    // Of some nothing is left but what they are filled with; what begins with a capital letter is SQL.
    written.retain(|message| {
        let words = message.chars().filter(|letter| letter.is_alphabetic()).count() > 3;
        words && message != "error: …" && !message.starts_with(|first: char| first.is_ascii_uppercase())
    });
    written
}

/// A text of the sources as the page has it.
fn template(text: &str) -> String {
    let text = Regex::new(r"\\\n\s*").unwrap().replace_all(text, "");
    let text = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let text = Regex::new(r"\{[^}]*\}").unwrap().replace_all(&text, "…");
    text.replace('\u{1}', "{").replace('\u{2}', "}").replace("\\\"", "\"")
}

fn sources(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}

/// Whether `message` has a part that `listed` stands for, between colons.
fn has(message: &str, listed: &str) -> bool {
    let pattern = regex::escape(listed).replace('…', ".*?");
    Regex::new(&format!("(^|: ){pattern}($|: )")).unwrap().is_match(message)
}

#[test]
fn the_page_lists_what_is_said_and_what_the_sources_have_and_each_once() {
    let (listed, said, written) = (listed(), said(), written());
    assert!(said.len() > 50 && written.len() > 100, "{} said, {} written", said.len(), written.len());
    // What names a key in one place names anything in another.
    let lists = |message: &String| listed.contains(message) || listed.contains(&message.replace("`…`", "…"));
    let unlisted: Vec<&String> = written.iter().filter(|message| !lists(message)).collect();
    assert!(unlisted.is_empty(), "docs/errors.md lacks {unlisted:#?}");
    let unlisted: Vec<&String> = said.iter().filter(|message| !listed.iter().any(|it| has(message, it))).collect();
    assert!(unlisted.is_empty(), "docs/errors.md lacks what is said: {unlisted:#?}");
    let mut once = BTreeSet::new();
    let twice: Vec<&String> = listed.iter().filter(|message| !once.insert(*message)).collect();
    assert!(twice.is_empty(), "docs/errors.md has these twice: {twice:#?}");
    let told = |message: &String| written.contains(message) || said.iter().any(|said| has(said, message));
    let untold: Vec<&String> = listed.iter().filter(|message| !told(message)).collect();
    assert!(untold.is_empty(), "docs/errors.md has what nobody says: {untold:#?}");
}

#[test]
fn each_snapshot_is_that_of_a_test() {
    let directory = tools::repository().join("tests/cli");
    let tests: String = ["conversions.rs", "files.rs", "lines.rs", "manifests.rs", "runs.rs"]
        .map(|name| fs::read_to_string(directory.join(name)).unwrap())
        .concat();
    for file in fs::read_dir(snapshots()).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        let made =
            name.starts_with("source-") && tests.contains(&format!("\"{}\"", name.trim_start_matches("source-")));
        assert!(tests.contains(&format!("\"{name}\"")) || made, "{name}.txt is of no test");
    }
}
