//! The terminal, which log lines and progress share.

use std::io;
use std::io::IsTerminal;
use std::io::Write;

use indicatif::MultiProgress;
use indicatif::ProgressDrawTarget;

/// How often the terminal is painted at most, a second.
const FRAMES: u8 = 10;

/// Rows of a terminal that does not say how many it has.
const ROWS: usize = 24;

/// A terminal at the lower end of which stands what is going on. Cheap to clone: whoever writes to the terminal by any other way than
/// through one of these garbles it.
#[derive(Clone, Debug)]
pub struct Screen(MultiProgress);

impl Screen {
    /// Standard error, if it is a terminal that can be painted.
    #[must_use]
    pub fn stderr() -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if dumb || !io::stderr().is_terminal() {
            return None;
        }
        let target = ProgressDrawTarget::stderr_with_hz(FRAMES);
        Some(Self(MultiProgress::with_draw_target(target)))
    }

    /// Writes whole lines to `to`, which may be the same terminal, above what stands at its lower end.
    pub fn write(&self, to: &mut impl Write, lines: &[u8]) -> io::Result<()> {
        self.0.suspend(|| {
            to.write_all(lines)?;
            to.flush()
        })
    }

    /// How many rows the terminal has.
    pub(super) fn rows() -> usize {
        match rustix::termios::tcgetwinsize(io::stderr()) {
            Ok(size) if size.ws_row > 0 => size.ws_row.into(),
            _ => ROWS,
        }
    }

    /// What is painted.
    pub(super) fn bars(&self) -> &MultiProgress {
        &self.0
    }
}
