//! Files that get their names when they are whole.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use tempfile::NamedTempFile;

/// A file that is written beside itself and renamed at the end, so that a reader never finds half a report. It is the user's alone:
/// names of private images are in it.
pub(super) struct Beside {
    path: PathBuf,
    file: BufWriter<NamedTempFile<File>>,
}

/// Text that is to come behind what is not known yet: on the disk, so that there may be any amount of it. There is no file until something
/// is written.
pub(super) struct Spool {
    directory: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Beside {
    /// Begins the file at `path`; a directory that cannot be written is an error now.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let begin =
            |temporary: &Path| File::options().read(true).write(true).create_new(true).mode(0o600).open(temporary);
        let file = tempfile::Builder::new().prefix(".report-").make_in(directory(path), begin);
        let file = file.map_err(|error| named(path, &error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> io::Result<()> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path).map_err(|error| named(&self.path, &error.error))?;
        Ok(())
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Spool {
    /// Empty; what comes is kept beside `path`, in a file without a name.
    pub(super) fn beside(path: &Path) -> Self {
        Self { directory: directory(path).to_owned(), file: None }
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    /// Copies everything to `out`.
    pub(super) fn pour(self, out: &mut impl Write) -> io::Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        io::copy(&mut BufReader::new(file), out).map(|_| ())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match self.file.take() {
            Some(file) => file,
            None => BufWriter::new(tempfile::tempfile_in(&self.directory)?),
        };
        self.file.insert(file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// The error with the name that the user gave: the temporary one says nothing to anybody.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
