//! Compiled components on disk, so that the second run starts in milliseconds.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use wasmtime::Cache;
use wasmtime::CacheConfig;

/// Where compiled components are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheDir {
    /// `$IMAGE_TRANSFER_CACHE`, else `image-transfer` in `$XDG_CACHE_HOME` or `~/.cache`.
    #[default]
    User,
    /// There.
    At(PathBuf),
    /// Nowhere.
    Off,
}

/// Why a directory is not used.
#[derive(Debug, thiserror::Error)]
enum CacheError {
    #[error("{} cannot be used: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("others than this user can write, or replace, {}", path.display())]
    Unsafe { path: PathBuf },
    #[error("{0}")]
    Engine(String),
}

impl CacheDir {
    /// Opens the cache. Machine code is read back from it, so a directory that others can write is not used: the run goes on without,
    /// and says so.
    pub(super) fn open(&self) -> Option<Cache> {
        let path = self.path()?;
        match open(&path) {
            Ok(cache) => Some(cache),
            Err(error) => {
                tracing::warn!("plugins are compiled anew in each run: {error}");
                None
            }
        }
    }

    /// A directory beside it: what is in it that wasmtime does not know, wasmtime removes.
    #[must_use]
    pub fn beside(&self, what: &str) -> Option<PathBuf> {
        let path = self.path()?;
        let mut name = path.file_name()?.to_owned();
        name.push("-");
        name.push(what);
        Some(path.with_file_name(name))
    }

    fn path(&self) -> Option<PathBuf> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match self {
            Self::Off => None,
            Self::At(path) => Some(path.clone()),
            Self::User => variable("IMAGE_TRANSFER_CACHE").or_else(|| {
                let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
                Some(base.join("image-transfer"))
            }),
        }
    }
}

fn open(path: &Path) -> Result<Cache, CacheError> {
    let io = |source| CacheError::Io { path: path.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    // A file of our own tells who we are without a call into libc.
    let probe = tempfile::NamedTempFile::new_in(path).map_err(io)?;
    let me = probe.as_file().metadata().map_err(io)?.uid();
    let directory = fs::symlink_metadata(path).map_err(io)?;
    if !directory.is_dir() || directory.uid() != me || directory.mode() & 0o022 != 0 {
        return Err(CacheError::Unsafe { path: path.to_owned() });
    }
    let path = path.canonicalize().map_err(io)?;
    for above in path.ancestors().skip(1) {
        // Whoever can write above can put another directory in its place, unless the sticky bit keeps them from it.
        let metadata = fs::metadata(above).map_err(io)?;
        let open = metadata.mode() & 0o002 != 0 && metadata.mode() & 0o1000 == 0;
        if open || ![0, me].contains(&metadata.uid()) {
            return Err(CacheError::Unsafe { path: above.to_owned() });
        }
    }
    let mut config = CacheConfig::new();
    config.with_directory(path);
    Cache::new(config).map_err(|error| CacheError::Engine(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_that_others_can_write_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cache");
        assert!(open(&path).is_ok());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(open(&path), Err(CacheError::Unsafe { .. })));
        assert!(CacheDir::At(path).open().is_none());
    }

    #[test]
    fn a_directory_below_one_that_others_can_write_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let above = directory.path().join("above");
        fs::create_dir(&above).unwrap();
        for (mode, usable) in [(0o777, false), (0o1777, true), (0o755, true)] {
            fs::set_permissions(&above, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(open(&above.join("cache")).is_ok(), usable, "{mode:o}");
        }
    }

    #[test]
    fn a_link_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("elsewhere")).unwrap();
        let link = directory.path().join("cache");
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), &link).unwrap();
        assert!(matches!(open(&link), Err(CacheError::Unsafe { .. })));
    }
}
