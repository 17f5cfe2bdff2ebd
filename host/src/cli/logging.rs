//! Where log lines go and how they look.

use std::fs::File;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::cli::telemetry::Telemetry;
use crate::http::SPANS;

use crate::report::Screen;

/// How to log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logging {
    /// `trace`, `debug`, `info`, `warn` or `error`; the environment's `RUST_LOG` wins where it is set.
    pub(crate) level: Level,
    /// One JSON object a line.
    pub(crate) json: bool,
    /// Colour; none: where standard error is a terminal.
    pub(crate) colour: Option<bool>,
    /// Files, `stdout` or `stderr`; empty: standard error.
    pub(crate) paths: Vec<PathBuf>,
    /// Whether a terminal says how far a run is.
    pub(crate) progress: bool,
}

/// The least important line that is still written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Level {
    /// Everything.
    Trace,
    /// Each decision.
    Debug,
    /// Each image.
    #[default]
    Info,
    /// What may need a look.
    Warn,
    /// Failures only.
    Error,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The terminal, for the whole process, as the log that is written to it is.
static SCREEN: OnceLock<Screen> = OnceLock::new();

/// The terminal that says how far a run is; none where there is none, or where nobody wants to know.
pub(super) fn screen() -> Option<Screen> {
    SCREEN.get().cloned()
}

/// Whether standard error is a terminal whose user likes colour (no-color.org).
pub(super) fn coloured() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Installs the logger, and what makes traces of spans if they are wanted. A log file that cannot be opened is an error.
pub(super) fn install(logging: &Logging, telemetry: Option<&Telemetry>) -> io::Result<()> {
    let word = logging.level.word();
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,image_transfer={word},plugin={word}")));
    // Spans are for traces alone; without these they are switched off where they would begin.
    let filter = filter.add_directive(format!("{SPANS}=off").parse().map_err(io::Error::other)?);
    if let Some(screen) = Screen::stderr().filter(|_| logging.progress) {
        // Nobody else sets it.
        let _ = SCREEN.set(screen);
    }
    let sinks = Sinks::open(&logging.paths)?;
    let colour = logging.colour.unwrap_or_else(|| logging.paths.is_empty() && coloured());
    if let Some(telemetry) = telemetry {
        let lines = tracing_subscriber::fmt::layer().with_writer(sinks).with_ansi(colour);
        let lines = if logging.json { lines.json().boxed() } else { lines.with_target(false).compact().boxed() };
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter)).with(telemetry.layer());
        return tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other);
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(sinks).with_ansi(colour);
    let installed = if logging.json {
        tracing::subscriber::set_global_default(builder.json().finish())
    } else {
        tracing::subscriber::set_global_default(builder.with_target(false).compact().finish())
    };
    installed.map_err(io::Error::other)
}

/// Every place that a line goes to.
#[derive(Clone)]
struct Sinks(Arc<Vec<Sink>>);

enum Sink {
    Stdout,
    Stderr,
    File(File),
}

impl Sinks {
    fn open(paths: &[PathBuf]) -> io::Result<Self> {
        let mut sinks = Vec::new();
        for path in paths {
            sinks.push(match path.to_str() {
                Some("stdout" | "-") => Sink::Stdout,
                Some("stderr") => Sink::Stderr,
                _ => Sink::File(open(path)?),
            });
        }
        if sinks.is_empty() {
            sinks.push(Sink::Stderr);
        }
        Ok(Self(Arc::new(sinks)))
    }
}

/// A new file is the user's alone: names of private images are in it.
fn open(path: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot open the log file {}: {error}", path.display())))
}

impl Write for Sinks {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        for sink in self.0.iter() {
            match (sink, SCREEN.get()) {
                (Sink::Stdout, Some(screen)) => screen.write(&mut io::stdout(), line)?,
                (Sink::Stderr, Some(screen)) => screen.write(&mut io::stderr(), line)?,
                (Sink::Stdout, None) => io::stdout().write_all(line)?,
                (Sink::Stderr, None) => io::stderr().write_all(line)?,
                (Sink::File(file), _) => (&*file).write_all(line)?,
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sinks {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_line_goes_to_every_path() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["a.log", "b.log"].map(|name| directory.path().join(name));
        Sinks::open(&paths).unwrap().write_all(b"line\n").unwrap();
        for path in paths {
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "line\n");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_log_file_that_cannot_be_opened_is_named() {
        let error = Sinks::open(&["/nonexistent/x.log".into()]).err().unwrap();
        assert!(error.to_string().starts_with("cannot open the log file /nonexistent/x.log: "), "{error}");
    }
}
