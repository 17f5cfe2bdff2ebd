//! Where a repository's layout lies on disk, and the ways in which files there are read, written and locked.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempPath;

use crate::endpoint::EndpointError;
use crate::oci::Digest;
use crate::oci::Repository;

/// The directory of one repository: an OCI image layout (image specification, image-layout.md). All of its methods block.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: PathBuf,
    dir: PathBuf,
}

/// Names that a layout uses itself. A repository with such a segment would lie within its parent's own files.
pub(super) const RESERVED: [&str; 3] = ["blobs", MARKER, INDEX];

/// The file that makes a directory an OCI image layout.
pub(super) const MARKER: &str = "oci-layout";

const INDEX: &str = "index.json";
const MARKER_CONTENT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const EMPTY_INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// How the names of files begin that are not complete yet.
const BESIDE: &str = ".incomplete-";

/// A file that is still incomplete and was not written to for so long belongs to a process that is gone.
const ABANDONED: Duration = Duration::from_hours(1);

impl Place {
    /// The place of `repository` in the tree at `root`. Nothing is touched.
    pub(super) fn new(root: &Path, repository: &Repository) -> Result<Self, EndpointError> {
        let dir = root.join(repository.as_str());
        if repository.as_str().split('/').any(|segment| RESERVED.contains(&segment)) {
            let problem = format!("a layout keeps its own files under {}", RESERVED.join(", "));
            return Err(at(&dir, io::Error::new(io::ErrorKind::InvalidInput, problem)));
        }
        Ok(Self { root: root.to_owned(), dir })
    }

    /// Its directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its `index.json`.
    pub(super) fn index(&self) -> PathBuf {
        self.dir.join(INDEX)
    }

    /// Where the content of `digest` lies.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs").join(digest.algorithm()).join(digest.hex())
    }

    /// The length of the file at `path`; none if there is none. A link that leads out of the tree is an error.
    pub(super) fn length(&self, path: &Path) -> Result<Option<u64>, EndpointError> {
        let Some(real) = self.real(path)? else { return Ok(None) };
        let metadata = fs::metadata(&real).map_err(|source| at(path, source))?;
        Ok(metadata.is_file().then_some(metadata.len()))
    }

    /// Opens the file at `path` for reading, as [`Place::length`] does.
    pub(super) fn open(&self, path: &Path) -> Result<Option<(File, u64)>, EndpointError> {
        let (Some(length), Some(real)) = (self.length(path)?, self.real(path)?) else { return Ok(None) };
        let file = File::open(real).map_err(|source| at(path, source))?;
        Ok(Some((file, length)))
    }

    /// Reads the file at `path`; none if there is none, an error if it is longer than `cap` bytes.
    pub(super) fn read(&self, path: &Path, cap: usize) -> Result<Option<Vec<u8>>, EndpointError> {
        let Some((file, length)) = self.open(path)? else { return Ok(None) };
        let too_large = || at(path, io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {cap} bytes")));
        let expected = usize::try_from(length).ok().filter(|&length| length <= cap).ok_or_else(too_large)?;
        let mut content = Vec::with_capacity(expected);
        file.take(cap as u64 + 1).read_to_end(&mut content).map_err(|source| at(path, source))?;
        if content.len() > cap { Err(too_large()) } else { Ok(Some(content)) }
    }

    /// Makes the directory an image layout if it is none yet, and removes what crashed writers left. The marker comes last, so
    /// whoever finds it finds an index too; both come by a rename that replaces nothing, so of several processes one wins.
    pub(super) fn prepare(&self) -> Result<(), EndpointError> {
        let blobs = self.dir.join("blobs").join("sha256");
        fs::create_dir_all(&self.root).map_err(|source| at(&self.root, source))?;
        let existing = self.dir.ancestors().find(|path| path.exists()).unwrap_or(&self.root);
        self.real(existing)?;
        fs::create_dir_all(&blobs).map_err(|source| at(&blobs, source))?;
        self.real(&blobs)?;
        self.create(&self.index(), EMPTY_INDEX)?;
        self.create(&self.dir.join(MARKER), MARKER_CONTENT)?;
        sweep(&self.dir)?;
        sweep(&blobs)
    }

    /// Locks the layout against other writers, in this process and others, until the file is dropped. The lock is on the
    /// marker, which is never replaced: a lock file of its own would be litter in other people's layouts.
    pub(super) fn lock(&self) -> Result<File, EndpointError> {
        let path = self.dir.join(MARKER);
        let open = || {
            let file = File::options().read(true).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|source| at(&path, source))
    }

    /// Opens a new file beside `path`, to be given to [`Place::finish`] when it is complete; dropped, it is removed.
    pub(super) fn beside(&self, path: &Path) -> Result<(File, TempPath), EndpointError> {
        let parent = self.directory_of(path)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(BESIDE).tempfile_in(parent).map_err(|source| at(parent, source))?;
        Ok(file.into_parts())
    }

    /// Gives the complete file its name, durably: file, then name, then directory reach the disk.
    #[expect(clippy::unused_self, reason = "the counterpart of `beside`")]
    pub(super) fn finish(&self, file: &File, name: TempPath, path: &Path) -> Result<(), EndpointError> {
        file.sync_all().map_err(|source| at(path, source))?;
        name.persist(path).map_err(|error| at(path, error.error))?;
        sync_parent(path)
    }

    /// Gives the file `existing` the second name `path`; tells whether that was possible.
    pub(super) fn link(&self, existing: &Path, path: &Path) -> Result<bool, EndpointError> {
        self.directory_of(path)?;
        Ok(fs::hard_link(existing, path).is_ok())
    }

    /// Writes `content` to `path` in one step: a reader sees the old file or the new one, whole.
    pub(super) fn replace(&self, path: &Path, content: &[u8]) -> Result<(), EndpointError> {
        let (mut file, name) = self.beside(path)?;
        file.write_all(content).map_err(|source| at(path, source))?;
        self.finish(&file, name, path)
    }

    /// The directory of the file at `path`, made if need be.
    fn directory_of<'a>(&'a self, path: &'a Path) -> Result<&'a Path, EndpointError> {
        let parent = path.parent().unwrap_or(&self.dir);
        if !parent.exists() {
            fs::create_dir_all(parent).map_err(|source| at(parent, source))?;
            self.real(parent)?;
        }
        Ok(parent)
    }

    fn create(&self, path: &Path, content: &[u8]) -> Result<(), EndpointError> {
        if path.exists() {
            return Ok(());
        }
        let (mut file, name) = self.beside(path)?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(|source| at(path, source))?;
        match name.persist_noclobber(path) {
            Ok(()) => sync_parent(path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(at(path, error.error)),
        }
    }

    /// `path` without symbolic links; none if nothing is there, an error if it lies outside of the tree.
    fn real(&self, path: &Path) -> Result<Option<PathBuf>, EndpointError> {
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(at(path, error)),
        };
        let root = self.root.canonicalize().map_err(|source| at(&self.root, source))?;
        if real.starts_with(root) {
            return Ok(Some(real));
        }
        Err(at(
            path,
            io::Error::new(io::ErrorKind::PermissionDenied, "a symbolic link leads out of the tree of layouts"),
        ))
    }
}

/// `source`, with the path it is about.
pub(super) fn at(path: &Path, source: io::Error) -> EndpointError {
    EndpointError::Io { path: path.to_owned(), source }
}

/// Whether the error says that the file is not there.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn sync_parent(path: &Path) -> Result<(), EndpointError> {
    let Some(parent) = path.parent().filter(|_| cfg!(unix)) else { return Ok(()) };
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(|source| at(parent, source))
}

/// Removes incomplete files that nobody writes to any more.
fn sweep(dir: &Path) -> Result<(), EndpointError> {
    for entry in fs::read_dir(dir).map_err(|source| at(dir, source))? {
        let entry = entry.map_err(|source| at(dir, source))?;
        let leftover = entry.file_name().to_str().is_some_and(|name| name.starts_with(BESIDE));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if leftover && age().is_some_and(|age| age > ABANDONED) {
            tracing::debug!(path = %entry.path().display(), "removing what an interrupted write left");
            // Another process may be sweeping as well.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn place(root: &Path, repository: &str) -> Place {
        Place::new(root, &repository.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_new_layout_has_its_marker_an_empty_index_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let place = place(root.path(), "team/app");
        place.prepare().unwrap();
        place.prepare().unwrap();
        let mut names: Vec<_> =
            fs::read_dir(place.dir()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["blobs", "index.json", "oci-layout"]);
        assert_eq!(fs::read(place.dir().join(MARKER)).unwrap(), MARKER_CONTENT);
        assert_eq!(fs::read(place.index()).unwrap(), EMPTY_INDEX);
    }

    #[test]
    fn what_a_crash_left_is_removed_once_it_is_old() {
        let root = tempfile::tempdir().unwrap();
        let place = place(root.path(), "app");
        place.prepare().unwrap();
        let blobs = place.dir().join("blobs/sha256");
        let (old, new) = (blobs.join(".incomplete-old"), blobs.join(".incomplete-new"));
        File::create(&old).unwrap().set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
        File::create(&new).unwrap();
        place.prepare().unwrap();
        assert!(!old.exists() && new.exists());
    }

    #[test]
    fn a_repository_cannot_lie_within_the_files_of_another() {
        for repository in ["blobs/sha256", "team/index.json", "team/oci-layout/app"] {
            let error = Place::new(Path::new("/tree"), &repository.parse().unwrap()).unwrap_err();
            assert!(matches!(error, EndpointError::Io { .. }), "{repository}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_tree_is_neither_read_nor_written_through() {
        let outside = tempfile::tempdir().unwrap();
        place(outside.path(), "app").prepare().unwrap();
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("team")).unwrap();
        let place = place(root.path(), "team/app");
        assert!(place.read(&place.index(), 1024).is_err());
        assert!(place.prepare().is_err());
    }

    #[test]
    fn a_file_over_the_cap_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let place = place(root.path(), "app");
        place.prepare().unwrap();
        assert!(place.read(&place.index(), EMPTY_INDEX.len()).unwrap().is_some());
        assert!(place.read(&place.index(), EMPTY_INDEX.len() - 1).is_err());
    }
}
