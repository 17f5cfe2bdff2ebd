//! The benchmark: image-transfer and its peers side by side on this machine, `make bench`. Its page is docs/performance.md.
//!
//! Real registries on 127.0.0.1, each tool in turn, several times over (A B A B), every target new and compared with the source
//! after each run. Tools are timed alone with the registries; a run more, which is not timed, goes through a proxy that counts.
//! Nothing is asserted about seconds.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set its stage ends")]
#![expect(unreachable_pub, dead_code, reason = "the harness is that of the tests")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "short texts, where what is read counts")]
#![expect(clippy::print_stdout, reason = "it says how far it is")]

mod catalog;
mod flame;
#[path = "../harness/mod.rs"]
mod harness;
mod heads;
mod images;
mod mapping;
mod measure;
mod page;
mod plot;
mod quick;
mod registry;
mod start;
mod tools;
mod traffic;
mod workload;
mod workloads;

use std::env;

/// Of a thousand tags each, in the workload `catalog`.
const REPOSITORIES: [usize; 3] = [1, 100, 1000];

/// Tags of each repository, in the workload `mapping`.
const TAGS: [usize; 2] = [1000, 1];

use page::Page;
use workload::Stage;
use workloads::all;

fn main() {
    catalog::serve_if_asked();
    // `cargo bench` passes flags of its own; names of workloads are what is left.
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let rounds: usize = env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    if wanted == ["quick"] {
        return quick::run();
    }
    if wanted == ["flame"] {
        return flame::run();
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    let mut page = Page::new();
    if is_wanted("start") {
        page.add_start(&(0..rounds).map(|_| start::run()).collect::<Vec<_>>());
    }
    if is_wanted("catalog") {
        page.add_catalog(&REPOSITORIES.map(|repositories| (0..rounds).map(|_| catalog::run(repositories)).collect()));
    }
    if is_wanted("mapping") {
        page.add_mapping(&TAGS.map(|tags| (0..rounds).map(|_| mapping::run(tags)).collect()));
    }
    // Components that a run has to compile first are measured by `start`.
    measure::run(&[env!("CARGO_BIN_EXE_image-transfer"), "plugin", "list"].map(str::to_owned));
    for workload in all().into_iter().filter(|it| is_wanted(it.name)) {
        let results = Stage::set(&workload).measure(rounds);
        page.add(&workload, &results);
    }
    if wanted.is_empty() {
        page.write();
    } else {
        println!("{}", page.text());
    }
}
