//! Texts that a command makes: to standard output, or into a file that is not there yet.

use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::path::Path;

use crate::cli::CommandError;
use crate::cli::args::WrittenArgs;
use crate::cli::runs::say;

/// Writes `text` where `args` say. A file that is there stays, unless it is to be replaced.
pub(super) fn text(text: &str, args: &WrittenArgs) -> Result<(), CommandError> {
    let Some(path) = &args.output else {
        say(text.trim_end());
        return Ok(());
    };
    bytes(path, text.as_bytes(), args.force)
}

/// Writes `bytes` to `path`. A file that is there stays, unless it is to be replaced.
pub(super) fn bytes(path: &Path, bytes: &[u8], force: bool) -> Result<(), CommandError> {
    file(path, bytes, force).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            CommandError::Usage(format!("{} is there already; --force replaces it", path.display()))
        }
        _ => CommandError::File { path: path.to_owned(), source },
    })
}

/// Whether `args` would have a file replaced without being told to: known before anything is asked.
pub(super) fn check(args: &WrittenArgs) -> Result<(), CommandError> {
    match &args.output {
        Some(path) if !args.force && path.exists() => {
            Err(CommandError::Usage(format!("{} is there already; --force replaces it", path.display())))
        }
        _ => Ok(()),
    }
}

fn file(path: &Path, bytes: &[u8], force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)?.write_all(bytes)
}
