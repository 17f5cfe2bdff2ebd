//! Where the processor's time goes: flame graphs of one run of `bulk` and of `small`, `make bench-flame`.

use std::env;
use std::fs;
use std::fs::File;
use std::process::Command;
use std::process::Stdio;

use crate::harness::tools::find;
use crate::harness::tools::repository;
use crate::registry::Quiet;
use crate::workload::Stage;
use crate::workloads::all;

/// A program that still has its symbols, which the one that is measured has not.
const PROGRAM: &str = "IMAGE_TRANSFER_WITH_SYMBOLS";

/// Samples a second, by the clock of the processor: what works in virtual machines too.
const SAMPLES: &str = "4999";

/// Writes docs/performance/{bulk,small}-flame.svg.
pub fn run() {
    let program = env::var(PROGRAM).unwrap_or_else(|_| panic!("set {PROGRAM}, as `make bench-flame` does"));
    for name in ["bulk", "small"] {
        let workload = all().into_iter().find(|workload| workload.name == name).unwrap();
        let (stage, target) = (Stage::set(&workload), Quiet::start());
        let place = tempfile::tempdir().unwrap();
        let samples = place.path().join("samples");
        let command = stage.command(place.path(), target.address());
        let recorded = Command::new("perf")
            .args(["record", "--quiet", "-e", "cpu-clock", "-F", SAMPLES, "--call-graph", "dwarf,16384", "-o"])
            .args([samples.as_os_str(), "--".as_ref(), program.as_ref()])
            .args(&command[1..])
            .stdin(Stdio::null())
            .status();
        assert!(recorded.unwrap().success(), "{command:?}");
        let graph = repository().join("docs/performance").join(format!("{name}-flame.svg"));
        let mut script = Command::new("perf");
        script.args(["script", "--no-inline", "--force", "-i"]).arg(&samples).stderr(Stdio::null());
        let mut script = script.stdout(Stdio::piped()).spawn().unwrap();
        let mut folded = Command::new(find("inferno-collapse-perf"));
        let mut folded = folded.stdin(script.stdout.take().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
        let title = format!("image-transfer, {name}: samples of the processor's time");
        let drawn = Command::new(find("inferno-flamegraph"))
            .args(["--title", &title, "--minwidth", "0.3", "--countname", "samples", "--hash"])
            .stdin(folded.stdout.take().unwrap())
            .stdout(File::create(&graph).unwrap())
            .status();
        assert!(drawn.unwrap().success() && folded.wait().unwrap().success() && script.wait().unwrap().success());
        println!("{}: {} bytes", graph.display(), fs::metadata(&graph).unwrap().len());
    }
}
