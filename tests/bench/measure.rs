//! What one run took, as the kernel counts it.

use std::fmt;
use std::fs;
use std::process::Command;
use std::process::Stdio;

/// Where GNU time is: shells have a word of that name.
const TIME: &str = "/usr/bin/time";

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of the processor, in the program and in the kernel for it.
    pub cpu: f64,
    /// Most memory resident at any time, MiB. Of a pipe: of the largest of its programs.
    pub memory: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s, {:.2} CPU s, {:.0} MiB", self.wall, self.cpu, self.memory)
    }
}

/// Runs `command` under GNU time; it must succeed.
pub fn run(command: &[String]) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("figures");
    let output = Command::new(TIME)
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&file)
        .args(command)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(file).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [wall, user, system, kibibytes] = numbers[..] else { panic!("not what was asked for: {text}") };
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
