//! The benchmark: image-transfer and its peers side by side on this machine, `make bench`. See docs/performance.md.
//!
//! Two real registries on 127.0.0.1; where requests or round trips matter, a proxy before each that counts and, for what is far
//! away, delays. Each tool in turn, several times over (A B A B); after each run the targets are compared with the source. Nothing is
//! asserted about time.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set its stage ends")]
#![expect(unreachable_pub, dead_code, reason = "the harness is that of the tests")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "short texts, where what is read counts")]
#![expect(clippy::print_stdout, reason = "it says how far it is")]

#[path = "../harness/mod.rs"]
mod harness;
mod images;
mod measure;
mod page;
mod tools;
mod workloads;

use std::env;

use measure::Figures;
use page::Page;
use tools::Tool;
use workloads::Workload;

fn main() {
    // `cargo bench` passes flags of its own; names of workloads are what is left.
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let rounds: usize = env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut page = Page::new();
    for workload in
        Workload::all().into_iter().filter(|it| wanted.is_empty() || wanted.iter().any(|name| name == it.name))
    {
        let tools: Vec<Tool> = Tool::all().into_iter().filter(|tool| tool.is_here() && tool.can(&workload)).collect();
        let mut figures: Vec<Vec<Figures>> = tools.iter().map(|_| Vec::new()).collect();
        for round in 1..=rounds {
            for (tool, figures) in tools.iter().zip(&mut figures) {
                let measured = workload.run(*tool);
                println!("{} {round}/{rounds} {}: {measured}", workload.name, tool.name());
                figures.push(measured);
            }
        }
        page.add(&workload, &tools, &figures);
    }
    page.write();
}
