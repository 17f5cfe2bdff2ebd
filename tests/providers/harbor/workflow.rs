//! The workflow files for Harbor, as they are and with the hosts of the fakes in them.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::fakes::harbor::Harbor;
use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Server;
use crate::harness::command::Workplace;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;
use crate::providers::harbor::stage::Stage;

/// The file, after it passed the check as it is.
fn workflow(name: &str, variables: &[(&str, &str)]) -> String {
    let path = tools::repository().join("workflows").join(name);
    Workplace::new().run_with(&["check", path.to_str().unwrap()], variables).expect(0);
    fs::read_to_string(path).unwrap()
}

/// Replaces what has to be there.
fn replaced(text: &str, changes: &[(&str, String)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    })
}

/// Runs it, and tells what it printed and reported.
fn run(place: &Workplace, text: &str, variables: &[(&str, &str)]) {
    place.file("workflow.yaml", text);
    let finished = place.run_with(&["run", "workflow.yaml", "--report", "report.json"], variables).expect(0);
    for text in [&finished.stdout, &finished.stderr, &place.read("report.json")] {
        assert!(!text.contains(PASSWORD) && !text.contains(SECRET_KEY), "{text}");
    }
}

/// Two projects, one of them public, with two images each; and a cache.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.project("open", true);
    stage.project("team", false);
    stage.push("open", "app", &["1", "2"]);
    stage.push("team", "a/b", &["1", "2"]);
    stage.push("team", "a/cache", &["1"]);
    stage
}

#[test]
fn harbor_to_tcr_is_a_workflow_that_runs() {
    let variables =
        [("HARBOR_USER", USER), ("HARBOR_PASSWORD", PASSWORD), ("SECRET_ID", SECRET_ID), ("SECRET_KEY", SECRET_KEY)];
    let text = workflow("harbor-to-tcr.yaml", &variables);
    let (stage, api) = (stage(), Arc::new(Tencent::new()));
    let target = Registry::locked();
    api.instance("tcr-team", "team", &target.address().to_string(), "ap-shanghai");
    api.credential("tcr-team", USER, PASSWORD, Duration::from_hours(1));
    let server = Server::start(Arc::clone(&api) as Arc<dyn Api>);
    let text = replaced(
        &text,
        &[
            ("harbor: harbor.example.com", format!("harbor: \"{}\"", stage.harbor.address())),
            ("tcr: team.tencentcloudcr.com", format!("tcr: \"{}\"", target.address())),
            ("endpoint: https://tcr.tencentcloudapi.com", format!("endpoint: {}", server.url())),
            ("https://${vars.harbor}", stage.harbor.url()),
            (
                "    username: \"${HARBOR_USER}\"\n    password",
                "    plain-http: true\n    username: \"${HARBOR_USER}\"\n    password".to_owned(),
            ),
            ("    credentials: #", "    plain-http: true\n    credentials: #".to_owned()),
        ],
    );
    run(&stage.place, &text, &variables);
    for (repository, tags) in [("open/app", vec!["1", "2"]), ("team/a/b", vec!["1", "2"]), ("team/a/cache", vec![])] {
        assert_eq!(target.remote().tags(repository), tags, "{repository}");
    }
    assert_eq!(target.remote().content("team/a/b", "2"), stage.inside.remote().content("team/a/b", "2"));
    let mut namespaces = api.namespaces("tcr-team");
    namespaces.sort();
    assert_eq!(namespaces, [("open".to_owned(), true), ("team".to_owned(), false)]);
}

#[test]
fn harbor_to_harbor_is_a_workflow_that_runs() {
    let variables = [("OLD_USER", USER), ("OLD_PASSWORD", PASSWORD), ("NEW_USER", USER), ("NEW_PASSWORD", PASSWORD)];
    let text = workflow("harbor-to-harbor.yaml", &variables);
    let (stage, inside) = (stage(), Registry::locked());
    let new = Harbor::start(Some(inside.address()));
    new.user(USER, PASSWORD);
    let plain = |name: &str| {
        let user = format!("    username: \"${{{name}_USER}}\"\n    password");
        (user.clone(), format!("    plain-http: true\n{user}"))
    };
    let (old_user, new_user) = (plain("OLD"), plain("NEW"));
    let text = replaced(
        &text,
        &[
            ("old: harbor-old.example.com", format!("old: \"{}\"", stage.harbor.address())),
            ("new: harbor-new.example.com", format!("new: \"{}\"", new.address())),
            ("https://${vars.old}", stage.harbor.url()),
            ("https://${vars.new}", new.url()),
            (&old_user.0, old_user.1.clone()),
            (&new_user.0, new_user.1.clone()),
        ],
    );
    run(&stage.place, &text, &variables);
    for repository in ["open/app", "team/a/b"] {
        assert_eq!(inside.remote().tags(repository), ["1", "2"]);
        assert_eq!(inside.remote().content(repository, "2"), stage.inside.remote().content(repository, "2"));
    }
    assert_eq!((new.publicity("open"), new.publicity("team")), (Some(true), Some(false)));
    assert_eq!((stage.harbor.cookies(), new.cookies()), (0, 0));
}
