//! A terminal around the command: what it would show, after all that was written to it.

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use vt100::Parser;

use super::command::Finished;
use super::command::Running;
use super::command::Workplace;
use super::http1::PATIENCE;

/// A command whose standard error is a terminal; its standard output too, unless it is read by itself.
pub struct Terminal {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    reader: JoinHandle<()>,
    running: Running,
}

/// What came to the terminal.
struct Shown {
    parser: Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Starts the command at a terminal of this size. Its standard output is no part of it.
    pub fn start(
        place: &Workplace,
        (rows, columns): (u16, u16),
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        Self::open(place, (rows, columns), arguments, environment, false)
    }

    /// The same with standard output on the terminal.
    pub fn whole(
        place: &Workplace,
        (rows, columns): (u16, u16),
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        Self::open(place, (rows, columns), arguments, environment, true)
    }

    fn open(
        place: &Workplace,
        (rows, columns): (u16, u16),
        arguments: &[&str],
        environment: &[(&str, &str)],
        whole: bool,
    ) -> Self {
        let (outer, inner) = pair(rows, columns).unwrap();
        let stdout = if whole { inner.try_clone().unwrap().into() } else { Stdio::piped() };
        let mut command = place.command(arguments, &[&[("TERM", "xterm-256color")], environment].concat());
        command.stdin(Stdio::null()).stdout(stdout).stderr(inner);
        let running = Running::of(command.spawn().unwrap());
        // It holds the inner end, and the outer one would never end.
        drop(command);
        let parser = Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        let shown = Arc::new((Mutex::new(Shown { parser, bytes: Vec::new() }), Condvar::new()));
        let (shared, mut outer) = (Arc::clone(&shown), File::from(outer));
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of a terminal is an error to its reader.
            while let Ok(count @ 1..) = outer.read(&mut buffer) {
                let mut shown = shared.0.lock().unwrap();
                shown.parser.process(&buffer[..count]);
                shown.bytes.extend(&buffer[..count]);
                shared.1.notify_all();
            }
        });
        Self { shown, reader, running }
    }

    /// Waits until the lines of the screen are as they should be; gives them.
    #[track_caller]
    pub fn await_screen(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let shown = self.shown.0.lock().unwrap();
        let (shown, timeout) =
            self.shown.1.wait_timeout_while(shown, PATIENCE, |shown| !wanted(&lines(shown))).unwrap();
        assert!(!timeout.timed_out(), "the screen shows\n{}", lines(&shown).join("\n"));
        lines(&shown)
    }

    /// Waits for the end: how the command ended, what the screen shows then, and all that was ever written to it.
    pub fn finish(self) -> (Finished, Vec<String>, String) {
        let finished = self.running.finish();
        self.reader.join().unwrap();
        let shown = self.shown.0.lock().unwrap();
        (finished, lines(&shown), String::from_utf8_lossy(&shown.bytes).into_owned())
    }
}

/// The lines of the screen, without blanks at their ends, down to the last one with anything in it.
fn lines(shown: &Shown) -> Vec<String> {
    let screen = shown.parser.screen();
    let (_, columns) = screen.size();
    let mut lines: Vec<String> = screen.rows(0, columns.get()).map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Both ends of a pseudo terminal.
fn pair(rows: u16, columns: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    let outer = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&outer)?;
    rustix::pty::unlockpt(&outer)?;
    let name = rustix::pty::ptsname(&outer, Vec::new())?;
    let inner = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::termios::tcsetwinsize(&inner, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok((outer, inner))
}
