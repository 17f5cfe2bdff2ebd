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
    #[error("{} is not a directory that only its owner, this user, can write", path.display())]
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
    let mut config = CacheConfig::new();
    config.with_directory(path.canonicalize().map_err(io)?);
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
}
