//! What the tests of several providers read out of a run.

use crate::harness::command::Finished;
use crate::harness::command::Workplace;

/// Fails the test if something secret was printed or reported.
#[track_caller]
pub fn no_secret(place: &Workplace, finished: Finished, secrets: &[&str]) -> Finished {
    let report = std::fs::read_to_string(place.path().join("report.json")).unwrap_or_default();
    for secret in secrets {
        for (what, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr), ("the report", &report)] {
            assert!(!text.contains(secret), "{what} has a secret in it:\n{text}");
        }
    }
    finished
}

/// What became of the images in the last report, in order, without the hosts of the targets.
pub fn statuses(place: &Workplace) -> Vec<String> {
    let report = place.report("report.json");
    let targets = report["images"].as_array().unwrap().iter().flat_map(|image| image["targets"].as_array().unwrap());
    let mut statuses: Vec<String> = targets
        .map(|target| {
            let reference = target["reference"].as_str().unwrap();
            let name = reference.split_once('/').map_or(reference, |(_, name)| name);
            format!("{name} {}", target["status"].as_str().unwrap())
        })
        .collect();
    statuses.sort();
    statuses
}

/// Requests of the last run to a host.
pub fn requests(place: &Workplace, host: &str) -> u64 {
    place.report("report.json")["requests"][host].as_u64().unwrap_or_default()
}
