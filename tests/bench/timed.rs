//! One run of the command, as the kernel counts it.

use std::fmt;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// Seconds by the clock, from before the process began until it was gone.
    pub wall: f64,
    /// Seconds of the processor, in the program and in the kernel for it.
    pub cpu: f64,
    /// Most memory resident at any time, MiB.
    pub memory: f64,
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s, {:.2} CPU s, {:.1} MiB", self.wall, self.cpu, self.memory)
    }
}

/// Runs the command in `place`, under GNU time; compiled components are kept in its directory `cache`, what is printed in its file `printed`. It
/// must succeed.
pub fn command(place: &Path, arguments: &[&str]) -> Timed {
    let figures = place.join("figures");
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%U %S %M", "-o"]).arg(&figures).arg(env!("CARGO_BIN_EXE_image-transfer")).args(arguments);
    command.current_dir(place).env_clear().env("HOME", place).env("TMPDIR", place);
    command.env("IMAGE_TRANSFER_CACHE", place.join("cache"));
    command.stdin(Stdio::null()).stdout(File::create(place.join("printed")).unwrap());
    let begun = Instant::now();
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let wall = begun.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
    let text = fs::read_to_string(figures).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [user, system, kibibytes] = numbers[..] else { panic!("not what was asked for: {text}") };
    Timed { wall, cpu: user + system, memory: kibibytes / 1024.0 }
}
