//! A run that is killed, stopped, cut off or looked at again.

mod crash;
mod journal;
mod outage;
mod resume;
mod uploads;
mod verify;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;

/// `count` images `v0`, `v1`, … of one layer each in `repository`.
fn fill(registry: &Registry, repository: &str, count: usize) {
    for number in 0..count {
        Graph::single(&format!("{repository} {number}"), &format!("v{number}")).push(&registry.remote(), repository);
    }
}

/// A workflow that copies all of `repositories` from one place to another, an image at a time.
fn workflow(from: SocketAddr, to: SocketAddr, repositories: &[&str]) -> String {
    let list = repositories.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    format!(
        "{}limits: {{images: 1}}\ntransfers:\n  - name: all\n    from: {{plugin: catalog, with: {{registry: \"{from}\", repositories: [{list}]}}}}\n    \
         to: {{registry: \"{to}\"}}\n",
        plain(&[from, to])
    )
}

/// Whether each tag of `repository` at the target is whole and what the source has; how many there are.
fn same(source: &Registry, target: &Registry, repository: &str) -> usize {
    let tags = target.remote().tags(repository);
    for tag in &tags {
        let (from, to) = (source.remote().content(repository, tag), target.remote().content(repository, tag));
        assert!(from.is_ok() && from == to, "{repository}:{tag}: {:?}", to.err());
    }
    tags.len()
}

/// The journal of the one workflow that was run with the state directory `state`.
fn database(place: &Workplace) -> PathBuf {
    let directory = fs::read_dir(place.path().join("state")).unwrap().next().unwrap().unwrap().path();
    directory.join("journal.db")
}
