//! The workflow files of this scenario, as they are but for hosts and keys.

use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::USER;
use crate::harness::tools;
use crate::providers::tencent::stage::Stage;

const FILE: &str = "workflows/ccr-to-tcr.yaml";

#[test]
fn ccr_to_tcr_is_checked_as_it_is_and_moves_everything() {
    let stage = Stage::new();
    stage.ccr("team/app", true, &["1", "2"]);
    stage.ccr("team/web", true, &["1"]);
    let environment =
        [("SECRET_ID", SECRET_ID), ("SECRET_KEY", SECRET_KEY), ("CCR_USER", USER), ("CCR_PASSWORD", PASSWORD)];
    let path = tools::repository().join(FILE);
    stage.place.run_with(&["check", path.to_str().unwrap()], &environment).expect(0);

    let text = std::fs::read_to_string(path).unwrap();
    // The registries of the test speak plain http.
    let text = text.replace("password: \"${CCR_PASSWORD}\" }", "password: \"${CCR_PASSWORD}\", plain-http: true }");
    let text = text.replace("    credentials:\n", "    plain-http: true\n    credentials:\n");
    stage.place.file("ccr-to-tcr.yaml", &text);
    let sets = [
        format!("ccr={}", stage.source.address()),
        format!("tcr={}", stage.target.address()),
        format!("endpoint={}", stage.server.url()),
        "instance=team".to_owned(),
    ];
    let mut arguments = vec!["run", "ccr-to-tcr.yaml"];
    arguments.extend(sets.iter().flat_map(|set| ["--set", set.as_str()]));
    stage.place.run_with(&arguments, &environment).expect(0);
    stage.arrived("team/app", &["1", "2"]);
    stage.arrived("team/web", &["1"]);
    assert_eq!(stage.api.namespaces(crate::providers::tencent::stage::INSTANCE), [("team".to_owned(), true)]);
}
