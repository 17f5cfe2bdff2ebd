//! What one run took, as the kernel counts it.

use std::fmt;
use std::fs;
use std::process::Command;
use std::process::Stdio;

use crate::harness::tools::find;

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of the processor, in the program and in the kernel for it.
    pub cpu: f64,
    /// Most memory resident at any time, MiB.
    pub memory: f64,
    /// Requests to the source and to the target; none where nobody counts.
    pub requests: Option<(usize, usize)>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s, {:.2} CPU s, {:.0} MiB", self.wall, self.cpu, self.memory)?;
        self.requests.map_or(Ok(()), |(source, target)| write!(f, ", {source} + {target} requests"))
    }
}

/// Runs `command` under GNU time; it must succeed.
pub fn run(command: &[String], environment: &[(&str, String)]) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("figures");
    let output = Command::new(find("time"))
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&file)
        .args(command)
        .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
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
    Figures { wall, cpu: user + system, memory: kibibytes / 1024.0, requests: None }
}

/// The one in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
