//! docs/performance.md, from the figures.

use std::fmt::Write as _;
use std::fs;
use std::thread;

use crate::harness::tools::repository;
use crate::measure::Figures;
use crate::measure::median;
use crate::tools::Tool;
use crate::workloads::Workload;

/// The page, as far as it is written.
pub struct Page {
    text: String,
}

impl Page {
    pub fn new() -> Self {
        let versions: Vec<String> = Tool::all().into_iter().filter(|tool| tool.is_here()).map(Tool::version).collect();
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let text = format!(
            "# Performance\n\nWritten by `make bench`. Two docker-registries and each tool on one machine with {processors} processors, the tools in turn, \
             each with its defaults; the target is new for each run and is compared with the source after it. Medians, and the range in \
             brackets. Compare rows of one table: the next machine has other seconds.\n\n{}\n",
            versions.iter().map(|version| format!("- {version}\n")).collect::<String>()
        );
        Self { text }
    }

    pub fn add(&mut self, workload: &Workload, tools: &[Tool], figures: &[Vec<Figures>]) {
        let mebibytes = workload.images.bytes() >> 20;
        let _ = writeln!(self.text, "## {}\n\n{}; {mebibytes} MiB of layers.\n", workload.name, workload.what);
        self.text.push_str(
            "| tool | wall, s | CPU, s | memory, MiB | requests | to the slowest |\n|---|---|---|---|---|---|\n",
        );
        let wall = |figures: &[Figures]| median(figures.iter().map(|it| it.wall));
        let slowest = figures.iter().map(|figures| wall(figures)).fold(0.0, f64::max);
        for (tool, figures) in tools.iter().zip(figures) {
            let column = |value: fn(&Figures) -> f64| {
                let values = || figures.iter().map(value);
                let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
                format!("{:.2} ({least:.2} to {most:.2})", median(values()))
            };
            let requests = figures
                .last()
                .and_then(|it| it.requests)
                .map_or_else(String::new, |(source, target)| format!("{source} + {target}"));
            let _ = writeln!(
                self.text,
                "| {} | {} | {} | {:.0} | {requests} | {:.3} |",
                tool.name(),
                column(|it| it.wall),
                column(|it| it.cpu),
                median(figures.iter().map(|it| it.memory)),
                wall(figures) / slowest
            );
        }
        self.text.push('\n');
    }

    pub fn write(self) {
        fs::write(repository().join("docs/performance.md"), self.text.trim_end().to_owned() + "\n").unwrap();
    }
}
