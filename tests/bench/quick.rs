//! A look that takes two minutes: is anything slower than it was, against skopeo in the same run?

use std::process::exit;

use crate::images::Images;
use crate::measure::Figures;
use crate::measure::Spread;
use crate::tools::Tool;
use crate::workload::Stage;
use crate::workloads::Workload;
use crate::workloads::all;

/// Parts of skopeo's time that are too many: about twice what docs/performance.md says, since other machines have other ratios.
const MOST: [(&str, f64, f64); 2] = [("bulk", 0.9, f64::MAX), ("small", 0.45, 0.5)];

/// Measures, says the ratios, and ends with 1 if one is too large.
pub fn run() {
    let mut slower = false;
    for (name, most, most_again) in MOST {
        let tools = vec![Tool::ImageTransfer, Tool::Skopeo];
        let workload = all().into_iter().find(|workload| workload.name == name).unwrap();
        let images = if name == "bulk" {
            Images { count: 1, own: 8, size: 32 << 20, shared: 0, plain: false }
        } else {
            workload.images
        };
        let workload = Workload { tools, images, rounds: 2, ..workload };
        let results = Stage::set(&workload).measure(2).tools;
        let ratio = |pick: fn(&crate::workload::Result) -> &[Figures]| {
            let seconds = |number: usize| Spread::of(pick(&results[number]), |it| it.wall).least;
            seconds(0) / seconds(1)
        };
        let ratios = [(name.to_owned(), ratio(|it| &it.first), most)].into_iter();
        let again = workload.again.then(|| (format!("{name}, again"), ratio(|it| &it.again), most_again));
        for (name, ratio, most) in ratios.chain(again) {
            println!("{name}: {ratio:.3} of skopeo's time, at most {most:.3}");
            slower |= ratio > most;
        }
    }
    if slower {
        exit(1);
    }
}
