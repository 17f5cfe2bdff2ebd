//! The whole way, from a tool's file to the workflow's text.

mod rules;
mod steps;

use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// What the files `texts` (name, text) come to: the workflow as JSON, and the notes with the directory struck.
fn converted(texts: &[(&str, &str)], to: Option<&str>, scoped: bool) -> Result<(Value, Vec<String>), String> {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display().to_string() + "/";
    let files: Vec<PathBuf> = texts
        .iter()
        .map(|(name, text)| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let request = Request { files, from: None, to: to.map(str::to_owned), scoped };
    match convert(&request) {
        Ok(converted) => {
            let workflow = serde_yaml::from_str(&converted.workflow).unwrap();
            Ok((workflow, converted.notes.iter().map(|note| note.replace(&place, "")).collect()))
        }
        Err(report) => Err(report.to_string().replace(&place, "")),
    }
}

fn one(name: &str, text: &str) -> (Value, Vec<String>) {
    converted(&[(name, text)], None, false).unwrap()
}

#[test]
fn what_is_no_configuration_is_refused() {
    for (text, message) in [
        ("version: 1\ntransfers: []\n", "this is a workflow file already"),
        ("- a\n", "this is no configuration that is known"),
        ("a: {b: c}\n", "it does not show whose configuration this is"),
        ("a.example.com: {username: u}\n", "these are logins alone"),
        ("sync: []\n", "nothing in it can be carried over"),
        ("sync: [1]\n", "a step of `sync` must be a mapping, not a number"),
        ("sync: [\n", "this is not YAML"),
    ] {
        let error = converted(&[("f.yaml", text)], None, false).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    let two = converted(&[("a.yaml", "sync: []\n"), ("b.yaml", "tasks: []\n")], None, false).unwrap_err();
    assert!(two.contains("this is dregsy's, and a.yaml is regsync's"), "{two}");
}

#[test]
fn what_a_file_says_breaks_no_comment_and_steers_no_terminal() {
    let text = "sync: [{source: a.example.com/x, target: b.example.com/x, type: image, \"evil\\nversion: 2 \\e[2J\\u202e\": 1}]\n";
    let (workflow, notes) = one("r.yml", text);
    assert_eq!(workflow["version"], 1);
    assert!(notes[0].contains(r"evil\nversion: 2 \u{1b}[2J\u{202e}"), "{notes:?}");
}
