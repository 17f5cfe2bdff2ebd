//! What one run took, as the kernel counts it.

use std::fmt;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

/// Where GNU time is: shells have a word of that name.
const TIME: &str = "/usr/bin/time";

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Seconds by the clock, from before the process began until it was gone.
    pub wall: f64,
    /// Seconds of the processor, in the program and in the kernel for it.
    pub cpu: f64,
    /// Most memory resident at any time, MiB. Of a pipe: of the largest of its programs.
    pub memory: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s, {:.2} CPU s, {:.0} MiB", self.wall, self.cpu, self.memory)
    }
}

/// Runs a command line, which must succeed.
pub fn run(words: &[String]) -> Figures {
    let mut time = Command::new(TIME);
    time.stdout(Stdio::piped());
    timed(time, words)
}

/// Runs image-transfer in `place`, which must succeed; compiled components are kept in its directory `cache`, what is printed in its file `printed`.
pub fn image_transfer(place: &Path, arguments: &[&str]) -> Figures {
    let mut time = Command::new(TIME);
    time.current_dir(place).env_clear().env("HOME", place).env("TMPDIR", place);
    time.env("IMAGE_TRANSFER_CACHE", place.join("cache"));
    time.stdout(File::create(place.join("printed")).unwrap());
    let words = [env!("CARGO_BIN_EXE_image-transfer")].iter().chain(arguments).map(|&word| word.to_owned());
    timed(time, &words.collect::<Vec<_>>())
}

/// Runs `words` under GNU time.
fn timed(mut time: Command, words: &[String]) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("figures");
    time.args(["-f", "%U %S %M", "-o"]).arg(&file).args(words).stdin(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let output = time.spawn().unwrap().wait_with_output().unwrap();
    let wall = begun.elapsed().as_secs_f64();
    assert!(output.status.success(), "{words:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(file).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [user, system, kibibytes] = numbers[..] else { panic!("not what was asked for: {text}") };
    Figures { wall, cpu: user + system, memory: kibibytes / 1024.0 }
}

/// The least, the one in the middle and the most.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Spread {
    /// Of `value` over all of `figures`, which are not none.
    pub fn of<T>(figures: &[T], value: fn(&T) -> f64) -> Self {
        let mut values: Vec<f64> = figures.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        Self { least: values[0], median: values[values.len() / 2], most: values[values.len() - 1] }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$} ({:.digits$} to {:.digits$})", self.median, self.least, self.most)
    }
}
