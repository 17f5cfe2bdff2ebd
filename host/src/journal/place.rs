//! Where journals are.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;

use crate::journal::JournalError;

/// The directory of all journals: one directory in it for each workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir(PathBuf);

/// Which workflow a journal is of, and what it was when a run began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Its file, absolute. Two workflows of one name are two workflows.
    pub path: PathBuf,
    /// Tells whether what is moved has changed since: equal for equal transfers and plugins.
    pub fingerprint: String,
}

impl StateDir {
    /// The database's name in its directory.
    pub(super) const DATABASE: &'static str = "journal.db";

    /// The directory at `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where journals are when nobody names a place: `$XDG_STATE_HOME/image-transfer`, else `$HOME/.local/state/image-transfer` (XDG Base
    /// Directory Specification). `env` is the environment.
    pub fn usual(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, JournalError> {
        let absolute = |path: String| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let state = env("XDG_STATE_HOME").and_then(absolute);
        let home = || Some(env("HOME").and_then(absolute)?.join(".local/state"));
        Ok(Self(state.or_else(home).ok_or(JournalError::Nowhere)?.join("image-transfer")))
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The directory of one workflow: its name, as far as it is fit for a file, and a hash of its path.
    #[must_use]
    pub fn of(&self, workflow: &Identity) -> PathBuf {
        let slug: String = workflow
            .name
            .chars()
            .take(40)
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let text = format!("{}\0{}", workflow.name, workflow.path.display());
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let [a, b, c, d, ..] = hash;
        self.0.join(format!("{slug}-{a:02x}{b:02x}{c:02x}{d:02x}"))
    }
}

/// Makes `directory` for its user alone, and takes its lock, which the system takes back when the process ends, however it does.
pub(super) fn take(directory: &Path) -> Result<File, JournalError> {
    let error = |source| JournalError::Directory { directory: directory.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(error)?;
    let path = directory.join("lock");
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(error)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who it is helps, but is not needed.
            let _ = lock.read_to_string(&mut holder);
            return Err(JournalError::Busy { lock: path, process: holder.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(error(source)),
    }
    note_process(&mut lock).map_err(error)?;
    Ok(lock)
}

fn note_process(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn identity(name: &str, path: &str) -> Identity {
        Identity { name: name.to_owned(), path: path.into(), fingerprint: String::new() }
    }

    #[test]
    fn a_workflow_has_a_directory_of_its_own() {
        let state = StateDir::at("/s");
        let one = state.of(&identity("Nightly: ../all", "/w/a.yaml"));
        assert!(one.to_string_lossy().starts_with("/s/nightly-----all-"), "{}", one.display());
        assert_ne!(one, state.of(&identity("Nightly: ../all", "/w/b.yaml")));
    }

    #[test]
    fn the_usual_place_follows_the_environment() {
        let usual = |set: &'static [(&str, &str)]| {
            StateDir::usual(&|name| set.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(usual(&[("HOME", "/h")]).unwrap(), StateDir::at("/h/.local/state/image-transfer"));
        assert_eq!(usual(&[("HOME", "/h"), ("XDG_STATE_HOME", "/x")]).unwrap(), StateDir::at("/x/image-transfer"));
        assert!(matches!(usual(&[("XDG_STATE_HOME", "relative")]), Err(JournalError::Nowhere)));
    }

    #[test]
    fn only_one_takes_the_lock_and_its_files_are_private() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        let lock = take(&directory).unwrap();
        let refused = take(&directory).unwrap_err();
        let own = std::process::id();
        assert!(matches!(refused, JournalError::Busy { process: Some(process), .. } if process == own), "{refused}");
        drop(lock);
        take(&directory).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join("lock"))), (0o700, 0o600));
    }
}
