//! `LOCK.json`: which bytes a component has, what they were made from, and with what.
//!
//! The hash over a guest's inputs is formed so that any language redoes it in ten lines. The inputs are the files
//! `plugins/Cargo.lock` and `plugins/Cargo.toml` and everything below `plugins/sdk`, `plugins/xtask`, `wit` and the
//! guest's own `plugins/<name>`, except names that start with `.`, end with `~` or `.md`, or are `target`. They are sorted
//! by the bytes of their path relative to the repository, with `/`. For each the line
//!
//! ```text
//! <path> NUL <lowercase hex of the SHA-256 of the content> LF
//! ```
//!
//! is appended; `inputs-sha256` is the lowercase hex of the SHA-256 of all lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::guests::Repository;
use crate::guests::SHELVES;

/// A `LOCK.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Lock {
    /// With what the components of this directory were built.
    pub(crate) toolchain: Locked,
    /// The components by name.
    pub(crate) components: BTreeMap<String, Component>,
}

/// A toolchain as far as it decides the bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Locked {
    /// What `rustc -vV` prints, line by line.
    pub(crate) rustc: Vec<String>,
    /// `prebuilt` or `build-std`: where the standard library comes from.
    pub(crate) std: String,
    /// What the linker says of its version.
    pub(crate) linker: String,
    /// Arguments of cargo and rustc, with the places of this machine left out.
    pub(crate) flags: Vec<String>,
}

/// One component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Component {
    /// SHA-256 of `<name>.wasm`.
    pub(crate) sha256: String,
    /// SHA-256 over what it was made from; see the module.
    pub(crate) inputs_sha256: String,
}

impl Lock {
    /// Reads the lock of a directory.
    pub(crate) fn read(directory: &Path) -> Result<Self, String> {
        let path = directory.join("LOCK.json");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes it beside the components.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), String> {
        let path = directory.join("LOCK.json");
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(&path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Compares the hashes of all components and inputs with the locks. All differences are told at once.
pub(crate) fn check(repository: &Repository) -> Result<String, String> {
    let mut problems = Vec::new();
    let mut checked = 0;
    for shelf in &SHELVES {
        let directory = repository.root().join(shelf.directory);
        let lock = Lock::read(&directory)?;
        for guest in shelf.guests {
            checked += 1;
            let Some(component) = lock.components.get(*guest) else {
                problems.push(format!("{guest}: not in {}/LOCK.json", shelf.directory));
                continue;
            };
            let wasm = fs::read(directory.join(format!("{guest}.wasm"))).unwrap_or_default();
            if sha256(&wasm) != component.sha256 {
                problems
                    .push(format!("{guest}: {}/{guest}.wasm is not the component that was locked", shelf.directory));
            }
            if inputs_sha256(repository, guest)? != component.inputs_sha256 {
                problems.push(format!("{guest}: its inputs changed since {}/{guest}.wasm was built", shelf.directory));
            }
        }
    }
    if problems.is_empty() {
        Ok(format!("{checked} components are as locked"))
    } else {
        Err(format!("{}\nhint: run `make plugins` and commit the result", problems.join("\n")))
    }
}

/// The hash over what a guest is made from.
pub(crate) fn inputs_sha256(repository: &Repository, guest: &str) -> Result<String, String> {
    let files = repository.inputs(guest).map_err(|error| format!("{guest}: its inputs cannot be read: {error}"))?;
    let mut lines = String::new();
    for path in files {
        let content = fs::read(repository.root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
        let _ = writeln!(lines, "{path}\0{}", sha256(&content));
    }
    Ok(sha256(lines.as_bytes()))
}

/// Lowercase hex of the SHA-256 of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_lowercase_hex() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn the_inputs_of_a_guest_are_its_own_and_the_shared_files() {
        let files = Repository::of_this_crate().inputs("rules").expect("readable");
        for expected in ["plugins/Cargo.lock", "plugins/rules/Cargo.toml", "plugins/sdk/src/lib.rs", "wit/types.wit"] {
            assert!(files.iter().any(|file| file == expected), "{expected}");
        }
        assert!(!files.iter().any(|file| file.starts_with("plugins/rewrite") || file.contains("README")));
    }
}
