//! What the program costs where no registry is the limit: `make bench-inner`. Each workload several times; the median of each is what
//! counts. Nothing is asserted about time.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set its stage ends")]
#![expect(unreachable_pub, reason = "`pub` is what a module offers to this one")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

mod catalog;
mod start;
mod timed;

use std::env;

/// Runs of each workload.
const ROUNDS: usize = 5;

fn main() {
    catalog::serve_if_asked();
    // `cargo bench` passes flags of its own; names of workloads are what is left.
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    let rounds = env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    for _ in 0..rounds {
        if is_wanted("start") {
            println!("start: {}", start::run());
        }
        if is_wanted("catalog") {
            for repositories in [1, 100, 1000] {
                println!("catalog, {}", catalog::run(repositories));
            }
        }
    }
}
