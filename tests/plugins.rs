//! Plugins by path and from a directory, in each of their four roles.

use crate::harness::command::Finished;
use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::harness::tools;

fn fixtures() -> String {
    tools::repository().join("tests/fixtures/plugins").display().to_string()
}

/// Copies `team/app:1` from one open registry to another; `rest` goes on after the target's name.
fn copy(extra: &str, map: &str, rest: &str) -> (Registry, Finished) {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("plugins", "1").push(&source.remote(), "team/app");
    let place = Workplace::new();
    let text = format!(
        "{}{extra}retry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{}\"}}}}\n    map: [{map}]\n    to: {{registry: \"{}\"{rest}}}\n",
        plain(&[source.address(), target.address()]),
        source.address(),
        target.address(),
    );
    let finished = place.workflow(&text.replace("FIXTURES", &fixtures()));
    (target, finished)
}

#[test]
fn a_mapper_in_a_file_names_the_targets() {
    let (target, finished) =
        copy("plugins: {mine: {path: FIXTURES/example-mapper.wasm}}\n", "{plugin: mine, with: {team: web}}", "");
    finished.expect(0);
    assert_eq!(target.remote().tags("web/team/app"), ["1"]);
}

#[test]
fn a_directory_of_components_is_known_by_file_names() {
    let (target, finished) = copy("plugin-dirs: [FIXTURES]\n", "{plugin: example-mapper, with: {team: web}}", "");
    finished.expect(0);
    assert_eq!(target.remote().tags("web/team/app"), ["1"]);
}

#[test]
fn a_repository_that_cannot_be_prepared_fails_its_images() {
    let plugins = "plugins: {mine: {path: FIXTURES/hostile.wasm}}\n";
    let prepare = ", prepare: {plugin: mine, with: {behaviour: good, password: not-a-real-password}}";
    let (target, finished) = copy(plugins, "", prepare);
    finished.expect(0);
    assert_eq!(target.remote().tags("team/app"), ["1"]);
    let (target, finished) = copy(plugins, "{plugin: rewrite, with: {prefix: denied/}}", prepare);
    let finished = finished.expect(1).says("cannot be prepared").says("denied/team/app");
    assert!(!finished.stderr.contains(PASSWORD) && !finished.stdout.contains(PASSWORD), "{}", finished.stderr);
    assert_eq!(target.remote().tags("denied/team/app"), Vec::<String>::new());
}

#[test]
fn credentials_that_a_plugin_issues_log_in() {
    let (source, target) = (Registry::open(), Registry::locked());
    Graph::single("issued", "1").push(&source.remote(), "team/app");
    let place = Workplace::new();
    let text = |password: &str| {
        let issuer = format!("{{plugin: mine, with: {{behaviour: good, password: {password}}}}}");
        format!(
            "version: 1\nregistries:\n  \"{}\": {{plain-http: true}}\n  \"{}\": {{plain-http: true, credentials: {issuer}}}\nplugins: {{mine: {{path: {}/hostile.wasm}}}}\nretry: {{rounds: 0}}\ntransfers:\n  - from: {{plugin: catalog, with: {{registry: \"{}\"}}}}\n    to: {{registry: \"{}\"}}\n",
            source.address(),
            target.address(),
            fixtures(),
            source.address(),
            target.address(),
        )
    };
    place.workflow(&text("wrong-placeholder")).expect(1);
    place.workflow(&text(PASSWORD)).expect(0);
    assert_eq!(target.remote().tags("team/app"), ["1"]);
}
