//! A module of the host imports only from lower layers; siblings never meet.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use regex::Regex;

use crate::harness::tools;

/// The layers, from the bottom. `host/src/lib.rs` has the same table in words.
const LAYERS: [&[&str]; 6] = [
    &["oci", "select", "http", "limit", "secret", "shutdown"],
    &["workflow", "plugin", "endpoint", "journal"],
    &["transfer", "convert"],
    &["report"],
    &["run"],
    &["cli", "fuzzing"],
];

/// What siblings may see of each other: the bottom layer is itself a small order.
const ALLOWED: [(&str, &str); 3] = [("http", "limit"), ("http", "secret"), ("select", "oci")];

/// What is wrong with the file `path` (from `host/src`) that has this text: each line that reaches too far up.
fn violations(path: &str, text: &str) -> Vec<String> {
    let module = path.split('/').next().unwrap().trim_end_matches(".rs");
    let reaches = Regex::new(r"\bcrate::([a-z_0-9]+)").unwrap();
    let mut found = Vec::new();
    if ["lib", "main"].contains(&module) {
        return found;
    }
    let Some(level) = level(module) else { return vec![format!("{path}: the module `{module}` has no layer")] };
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for name in reaches.captures_iter(line).map(|captures| captures[1].to_owned()) {
            let lower = self::level(&name).is_some_and(|other| other < level);
            if name != module && !lower && !ALLOWED.contains(&(module, name.as_str())) {
                found.push(format!("{path}:{}: `{module}` must not know `{name}`", number + 1));
            }
        }
    }
    found
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn modules_import_only_from_lower_layers() {
    let root = tools::repository().join("host/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "{} files are not the host", files.len());
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            violations(&name, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_line_that_reaches_up_is_found() {
    assert_eq!(
        violations("plugin/host.rs", "use crate::oci::Digest;\nuse crate::endpoint::Endpoint;\n"),
        ["plugin/host.rs:2: `plugin` must not know `endpoint`"]
    );
    assert_eq!(violations("oci/mod.rs", "let x = crate::run::run();"), ["oci/mod.rs:1: `oci` must not know `run`"]);
    assert_eq!(violations("extra.rs", ""), ["extra.rs: the module `extra` has no layer"]);
    assert_eq!(violations("http/mod.rs", "use crate::limit::Limiter; // and crate::secret"), Vec::<String>::new());
    assert_eq!(violations("limit/mod.rs", "/// Unlike [`crate::http`]."), Vec::<String>::new());
}
