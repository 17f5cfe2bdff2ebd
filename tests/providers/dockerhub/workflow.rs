//! The workflow file for Docker Hub, as it is and with the hosts of the fakes in it.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::fakes::dockerhub::USER as HUB_USER;
use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Server;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;
use crate::providers::dockerhub::stage::Stage;
use crate::providers::report::no_secret;

#[test]
fn dockerhub_to_tcr_is_a_workflow_that_runs() {
    let variables = [
        ("DOCKERHUB_USER", HUB_USER.0),
        ("DOCKERHUB_TOKEN", HUB_USER.1),
        ("SECRET_ID", SECRET_ID),
        ("SECRET_KEY", SECRET_KEY),
    ];
    let path = tools::repository().join("workflows/dockerhub-to-tcr.yaml");
    let stage = Stage::new();
    stage.place.run_with(&["check", path.to_str().unwrap()], &variables).expect(0);
    stage.hub.organization("myteam");
    stage.push("myteam", "app", true, &["1", "2"]);
    stage.push("myteam", "web", false, &["1"]);
    stage.push("myteam", "web-cache", true, &["1"]);

    let (api, target) = (Arc::new(Tencent::new()), Registry::locked());
    api.instance("tcr-team", "team", &target.address().to_string(), "ap-shanghai");
    api.credential("tcr-team", USER, PASSWORD, Duration::from_hours(1));
    let server = Server::start(Arc::clone(&api) as Arc<dyn Api>);
    // The fake knows the token, the registry behind it a password of its own.
    let login = "username: \"${DOCKERHUB_USER}\"\n    password: \"${DOCKERHUB_TOKEN}\"";
    let own = format!("username: {USER}\n    password: {PASSWORD}\n    plain-http: true");
    let with = "plugin: dockerhub\n      with:\n";
    let hosts =
        format!("{with}        endpoint: {}\n        registry: \"{}\"\n", stage.hub.url(), stage.inside.address());
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in [
        ("  docker.io: #", format!("  \"{}\": #", stage.inside.address())),
        (login, own),
        ("    credentials: #", "    plain-http: true\n    credentials: #".to_owned()),
        ("tcr: team.tencentcloudcr.com", format!("tcr: \"{}\"", target.address())),
        ("endpoint: https://tcr.tencentcloudapi.com", format!("endpoint: {}", server.url())),
        (with, hosts),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        text = text.replace(from, &to);
    }
    stage.place.file("workflow.yaml", &text);
    let run = stage.place.run_with(&["run", "workflow.yaml", "--report", "report.json"], &variables).expect(0);
    no_secret(&stage.place, run, &[HUB_USER.1, PASSWORD, SECRET_KEY]);
    for (repository, tags) in [("myteam/app", vec!["1", "2"]), ("myteam/web", vec!["1"]), ("myteam/web-cache", vec![])]
    {
        assert_eq!(target.remote().tags(repository), tags, "{repository}");
    }
    assert_eq!(target.remote().content("myteam/app", "2"), stage.inside.remote().content("myteam/app", "2"));
    assert_eq!(api.namespaces("tcr-team"), [("myteam".to_owned(), false)]);
}
