//! The page of errors lists each message that the snapshots and the sources have, once, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use crate::harness::tools;

use super::snapshots;

/// Messages of the page that no run here can have, and why not: they are held against the sources only.
const UNSHOWN: &[(&str, &str)] = &[
    ("cannot serve metrics", "the address was taken well before, and only then the system refuses"),
    ("it has neither tag nor digest", "no plugin that is built here gives an image without both"),
    ("no plugin `…` is embedded", "every name is looked up before a plugin is loaded by it"),
    (
        "answered for … of … entries",
        "the kit of plugins answers for each entry; this needs one that is made without it",
    ),
    ("an earlier call has ended it", "a source is not asked again, and whatever else fell is begun anew"),
    ("cannot start the plugin host", "it starts on every machine on which the tests run"),
    ("cannot start the WebAssembly engine: …", "it starts on every machine on which the tests run"),
    ("cannot describe the plugin", "what is written down is numbers and texts, which can always be"),
    ("request to … given up: …", "the failure of what was to be sent is told in its place"),
    ("private addresses only", "it is told as the address that is private"),
    ("internal error: …", "it is a mistake that nobody has found"),
];

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

/// What a message has a part of, between colons, if `listed` stands for it.
fn part(listed: &str) -> Regex {
    let pattern = regex::escape(listed).replace('…', ".*?");
    Regex::new(&format!("(^|: ){pattern}($|: )")).unwrap()
}

#[test]
fn the_page_lists_what_is_said_and_what_the_sources_have_and_each_once() {
    let (listed, said, written) = (listed(), said(), written());
    assert!(said.len() > 50 && written.len() > 100, "{} said, {} written", said.len(), written.len());
    // What names a key in one place names anything in another.
    let lists = |message: &String| listed.contains(message) || listed.contains(&message.replace("`…`", "…"));
    let unlisted: Vec<&String> = written.iter().filter(|message| !lists(message)).collect();
    assert!(unlisted.is_empty(), "docs/errors.md lacks {unlisted:#?}");
    let parts: Vec<Regex> = listed.iter().map(|listed| part(listed)).collect();
    let unlisted: Vec<&String> = said.iter().filter(|message| !parts.iter().any(|it| it.is_match(message))).collect();
    assert!(unlisted.is_empty(), "docs/errors.md lacks what is said: {unlisted:#?}");
    let mut once = BTreeSet::new();
    let twice: Vec<&String> = listed.iter().filter(|message| !once.insert(*message)).collect();
    assert!(twice.is_empty(), "docs/errors.md has these twice: {twice:#?}");
    let lines = lines();
    let told = |message: &String| written.contains(message) || is_in(&lines, message);
    let untold: Vec<&String> = listed.iter().filter(|message| !told(message)).collect();
    assert!(untold.is_empty(), "docs/errors.md has what nobody says: {untold:#?}");
}

/// Whether one of `lines` has what `listed` stands for.
fn is_in(lines: &BTreeSet<String>, listed: &str) -> bool {
    let part = part(listed);
    lines.iter().any(|line| part.is_match(line))
}

/// The lines of the snapshots, without what the log puts before and behind them.
fn lines() -> BTreeSet<String> {
    let around = Regex::new(r"^(TIME +[A-Z]+ |error: |note: )| \(hint: .*$| (transfer|plugin)=.*$").unwrap();
    let files = fs::read_dir(snapshots()).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    files
        .flat_map(|text| text.lines().map(|line| around.replace_all(line.trim(), "").into_owned()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn each_message_of_the_page_has_a_snapshot_or_a_reason_why_not() {
    let (lines, listed) = (lines(), listed());
    let excused = |message: &str| UNSHOWN.iter().any(|(it, _)| *it == message);
    let (shown, unshown): (Vec<&String>, Vec<&String>) = listed.iter().partition(|listed| is_in(&lines, listed));
    let lost: Vec<_> = unshown.into_iter().filter(|message| !excused(message)).collect();
    assert!(lost.is_empty(), "neither a snapshot nor a reason has {lost:#?}");
    let needless: Vec<_> = shown.into_iter().filter(|message| excused(message)).collect();
    assert!(needless.is_empty(), "these have a snapshot and need no reason: {needless:#?}");
    let gone: Vec<_> = UNSHOWN.iter().filter(|(it, _)| !listed.iter().any(|listed| listed == it)).collect();
    assert!(gone.is_empty(), "reasons for what the page does not list: {gone:#?}");
}

#[test]
fn each_snapshot_is_that_of_a_test() {
    let directory = tools::repository().join("tests/cli");
    let tests: String =
        ["conversions.rs", "files.rs", "journals.rs", "kit.rs", "lines.rs", "manifests.rs", "runs.rs", "servers.rs"]
            .map(|name| fs::read_to_string(directory.join(name)).unwrap())
            .concat();
    for file in fs::read_dir(snapshots()).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        let made =
            name.starts_with("source-") && tests.contains(&format!("\"{}\"", name.trim_start_matches("source-")));
        assert!(tests.contains(&format!("\"{name}\"")) || made, "{name}.txt is of no test");
    }
}
