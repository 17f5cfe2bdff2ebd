//! The workflow file for ECR, as it is and with the hosts of the fakes in it.

use std::fs;

use crate::fakes::ecr::KEY_ID;
use crate::fakes::ecr::KEY_SECRET;
use crate::fakes::ecr::Kind;
use crate::fakes::harbor::Harbor;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;
use crate::providers::ecr::stage::Stage;

#[test]
fn ecr_to_harbor_is_checked_as_it_is_and_moves_everything() {
    let stage = Stage::new(Kind::Private);
    stage.ecr.region("eu-central-1");
    stage.push("app", &["1"]);
    stage.push("team/web", &["1", "2"]);
    let inside = Registry::locked();
    let harbor = Harbor::start(Some(inside.address()));
    harbor.user(USER, PASSWORD);
    let environment = [
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", KEY_SECRET),
        ("HARBOR_USER", USER),
        ("HARBOR_PASSWORD", PASSWORD),
    ];
    let path = tools::repository().join("workflows/ecr-to-harbor.yaml");
    stage.place.run_with(&["check", path.to_str().unwrap()], &environment).expect(0);

    let text = fs::read_to_string(path).unwrap();
    // Everything in the test speaks plain http.
    let text = text.replace("    credentials:\n", "    plain-http: true\n    credentials:\n");
    let text = text.replace("\n    username:", "\n    plain-http: true\n    username:");
    let text = text.replace("https://${vars", "http://${vars");
    let host = "\"${vars.account}.dkr.ecr.${vars.region}.amazonaws.com\"";
    assert!(text.contains(host));
    let text = text.replace(host, &format!("\"{}\"", stage.inside.address()));
    let text = text.replace("# endpoint: https://…", &format!("endpoint: \"{}\" #", stage.ecr.url()));
    stage.place.file("workflow.yaml", &text);
    let set = format!("harbor={}", harbor.address());
    let arguments = ["run", "workflow.yaml", "--report", "report.json", "--set", &set];
    let finished = stage.place.run_with(&arguments, &environment).expect(0);
    for (from, tags) in [("app", vec!["1"]), ("team/web", vec!["1", "2"])] {
        let to = format!("ecr/{from}");
        assert_eq!(inside.remote().tags(&to), tags);
        assert_eq!(inside.remote().content(&to, "1"), stage.inside.remote().content(from, "1"));
    }
    assert_eq!(harbor.publicity("ecr"), Some(false));
    for text in [finished.stdout, finished.stderr, stage.place.read("report.json")] {
        assert!(!text.contains(KEY_SECRET) && !text.contains(PASSWORD), "{text}");
    }
}
