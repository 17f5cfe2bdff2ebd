//! docs/performance.md, from the figures.

use std::fmt::Write as _;
use std::fs;
use std::thread;

use crate::catalog;
use crate::harness::tools::repository;
use crate::images::Images;
use crate::mapping;
use crate::measure::Figures;
use crate::measure::Spread;
use crate::plot;
use crate::plot::Bar;
use crate::start;
use crate::tools;
use crate::tools::Tool;
use crate::traffic::Traffic;
use crate::workload::Results;
use crate::workloads::Workload;

/// Text that a person wrote, with the places for the tables in it.
const FRAME: &str = include_str!("performance.md");

/// The page, as far as it is written.
pub struct Page {
    tables: String,
    plots: Vec<(String, String)>,
}

/// What one tool took in one section.
struct Row<'a> {
    tool: Tool,
    figures: &'a [Figures],
    traffic: [Traffic; 2],
}

impl Page {
    pub fn new() -> Self {
        Self { tables: String::new(), plots: Vec::new() }
    }

    pub fn add(&mut self, workload: &Workload, results: &Results) {
        let Images { count, .. } = workload.images;
        let mebibytes = workload.images.bytes() >> 20;
        let what = format!("{}: {count} tags, {} blobs, {mebibytes} MiB.", workload.what, workload.images.blobs());
        let first = results.tools.iter().map(|it| Row { tool: it.tool, figures: &it.first, traffic: it.traffic });
        self.section(workload.name, &what, workload, &first.collect::<Vec<_>>(), &[]);
        if workload.again {
            let again =
                results.tools.iter().map(|it| Row { tool: it.tool, figures: &it.again, traffic: it.traffic_again });
            let what = format!("All of `{}` again, when it is at the target already.", workload.name);
            self.section(
                &format!("{}-again", workload.name),
                &what,
                workload,
                &again.collect::<Vec<_>>(),
                &results.heads,
            );
        }
    }

    /// The workload `start`, of each round.
    pub fn add_start(&mut self, rounds: &[start::Figures]) {
        self.tables.push_str("### start\n\nA workflow with three plugins that finds nothing to move.\n\n| components | wall, s | CPU, s | memory, MiB |\n|---|---|---|---|\n");
        self.rows("compiled and cached in this run", rounds.iter().map(|it| it.cold));
        self.rows("from the cache", rounds.iter().map(|it| it.cached));
        self.tables.push('\n');
    }

    /// The workload `catalog`, by size and round.
    pub fn add_catalog(&mut self, sizes: &[Vec<catalog::Figures>]) {
        self.tables.push_str(
            "### catalog\n\nA whole registry, simulated, is listed by `catalog`, mapped by `rewrite` with a regular expression, and planned (`plan --names`). \
             What limits it now: calls into the two plugins, and names that are copied in and out of them.\n\n\
             | tags | wall, s | CPU, s | memory, MiB |\n|---|---|---|---|\n",
        );
        for rounds in sizes {
            let rate = Spread::of(rounds, catalog::Figures::rate);
            let name = format!("{} ({:.0} a second)", rounds[0].tags, rate.median);
            self.rows(&name, rounds.iter().map(|it| it.took));
        }
        self.tables.push('\n');
    }

    /// The workload `mapping`, by tags of a repository and round.
    pub fn add_mapping(&mut self, shapes: &[Vec<mapping::Figures>]) {
        self.tables.push_str(
            "### mapping\n\nNames into `rewrite` with a regular expression, and out of it (`plugin test`). It keeps the last repository's new name, for sources tell of all \
             tags of one before they go on to the next. What limits it now: names that are copied in and out; in the second row the regular expression's machine, \
             which was chosen for its size.\n\n| tags of each repository | images a second |\n|---|---|\n",
        );
        for rounds in shapes {
            let rate = Spread::of(rounds, mapping::Figures::rate);
            let _ = writeln!(self.tables, "| {} | {rate:.0} |", rounds[0].tags);
        }
        self.tables.push('\n');
    }

    fn rows(&mut self, name: &str, rounds: impl Iterator<Item = Figures>) {
        let rounds: Vec<Figures> = rounds.collect();
        let [wall, cpu] = [(|it| it.wall) as fn(&Figures) -> f64, |it| it.cpu].map(|value| Spread::of(&rounds, value));
        let memory = Spread::of(&rounds, |it| it.memory).most;
        let _ = writeln!(self.tables, "| {name} | {wall:.3} | {cpu:.3} | {memory:.0} |");
    }

    fn section(&mut self, name: &str, what: &str, workload: &Workload, rows: &[Row<'_>], heads: &[Figures]) {
        let wall = |figures: &[Figures]| Spread::of(figures, |it| it.wall).median;
        let measure =
            rows.iter().find(|row| row.tool == Tool::Curl).or(rows.iter().find(|row| row.tool == Tool::Skopeo));
        let measure = measure.unwrap_or(&rows[rows.len() - 1]);
        let (yardstick, seconds) = (measure.tool.name(), wall(measure.figures));
        let _ = write!(
            self.tables,
            "### {name}\n\n{what} What limits it now: {}\n\n![{name}](performance/{name}.svg)\n\n\
             | tool | wall, s | CPU, s | memory, MiB | × {yardstick} | requests (manifests and tags + blobs + other) to the source | MiB | connections | to the targets | MiB | connections |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n",
            workload.limit
        );
        for row in rows {
            let [source, targets] = row.traffic;
            let _ = writeln!(
                self.tables,
                "| {} | {} | {} | {:.0} | {:.3} | {source} | {targets} |",
                row.tool.name(),
                Spread::of(row.figures, |it| it.wall),
                Spread::of(row.figures, |it| it.cpu),
                Spread::of(row.figures, |it| it.memory).most,
                wall(row.figures) / seconds
            );
        }
        if !heads.is_empty() {
            let spread = Spread::of(heads, |it| it.wall);
            let ours = wall(rows[0].figures) / spread.median;
            let _ = writeln!(
                self.tables,
                "\nThe same HEAD requests by a bare load generator: {spread} s; image-transfer takes {ours:.2} times as long."
            );
        }
        self.tables.push('\n');
        let bars = rows.iter().map(|row| Bar { name: row.tool.name().replace('\\', ""), seconds: wall(row.figures) });
        self.plots.push((name.to_owned(), plot::bars(name, &bars.collect::<Vec<_>>())));
    }

    /// As it will be written.
    pub fn text(&self) -> String {
        let here = tools::ALL.into_iter().filter(|tool| tool.is_here());
        let versions: String = here.map(|tool| format!("- {}\n", tool.version())).collect();
        FRAME
            .replace("{machine}", &machine())
            .replace("{versions}", &versions)
            .replace("{tables}", self.tables.trim_end())
    }

    pub fn write(self) {
        let docs = repository().join("docs");
        fs::create_dir_all(docs.join("performance")).unwrap();
        for (name, plot) in &self.plots {
            fs::write(docs.join("performance").join(format!("{name}.svg")), plot).unwrap();
        }
        fs::write(docs.join("performance.md"), self.text()).unwrap();
    }
}

/// The processor, how many of it, and the memory.
fn machine() -> String {
    let line = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value).trim().to_owned()
    };
    let kibibytes: u64 = line("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let directory = std::env::temp_dir();
    format!(
        "{processors} processors ({}), {} GiB of memory; what the registries store is in memory too, if `{}` is",
        line("/proc/cpuinfo", "model name"),
        kibibytes >> 20,
        directory.display()
    )
}
