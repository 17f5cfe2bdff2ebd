//! How the plugin `ecr` says what is wrong.

use std::net::TcpListener;

use crate::fakes::ecr::KEY_ID;
use crate::fakes::ecr::KEY_SECRET;
use crate::fakes::ecr::Kind;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::store::Store;
use crate::providers::ecr::stage::Stage;

/// What a run over one image says, after something was made wrong.
#[track_caller]
fn wrong(make: impl Fn(&Stage), change: (&str, &str), code: i32) -> Finished {
    let stage = Stage::new(Kind::Private);
    stage.push("team/app", &["1"]);
    make(&stage);
    let text = stage.out("", "").replace(change.0, change.1);
    stage.run(&text).expect(code)
}

fn nothing(_: &Stage) {}

const UNCHANGED: (&str, &str) = ("", "");

#[test]
fn a_wrong_key_is_told_by_what_to_do() {
    wrong(nothing, (KEY_ID, "someone-else"), 3)
        .says("Amazon ECR refused DescribeRepositories: UnrecognizedClientException")
        .says("check `access-key-id`");
    wrong(nothing, (KEY_SECRET, "another-placeholder"), 3)
        .says("InvalidSignatureException")
        .says("check `secret-access-key`: it does not belong to `access-key-id`");
    let late = |stage: &Stage| stage.ecr.set_ahead(600);
    wrong(late, UNCHANGED, 3).says("InvalidSignatureException").says("check the clock of this machine");
    let elsewhere = |stage: &Stage| stage.ecr.region("eu-west-1");
    wrong(elsewhere, UNCHANGED, 3).says("check `region`: the API at").says("is not that of `us-east-1`");
}

#[test]
fn a_temporary_key_lists_until_it_expires() {
    let (id, secret, token) = ("not-a-real-temporary-id", "not-a-real-temporary-key", "not-a-real-session-token");
    let stage = Stage::new(Kind::Private);
    stage.push("team/app", &["1"]);
    stage.ecr.temporary_key(id, secret, token);
    let text = stage.out("", "").replace(KEY_ID, id).replace(KEY_SECRET, secret);
    let finished = stage.run(&text).expect(3);
    finished.says("UnrecognizedClientException").says("`session-token` is missing or wrong");
    let text = text.replace("region:", &format!("session-token: {token}, region:"));
    let finished = stage.run(&text).expect(0);
    stage.arrived("team/app", &["1"]);
    stage.ecr.expire(token);
    let expired = stage.run(&text).expect(3).says("ExpiredTokenException").says("make a new one");
    for output in [finished.stdout, finished.stderr, expired.stdout, expired.stderr] {
        assert!(!output.contains(secret) && !output.contains(token), "{output}");
    }
}

#[test]
fn a_missing_right_is_told_by_the_action() {
    let forbid = |action: &'static str| move |stage: &Stage| stage.ecr.forbid(action);
    for action in ["DescribeRepositories", "DescribeImages"] {
        wrong(forbid(action), UNCHANGED, 3)
            .says(&format!("Amazon ECR refused {action}: AccessDeniedException"))
            .says("give the key the right to this action");
    }
    wrong(forbid("GetAuthorizationToken"), UNCHANGED, 1)
        .says("Amazon ECR refused GetAuthorizationToken: AccessDeniedException");
}

#[test]
fn what_is_not_there_is_named() {
    let stage = Stage::new(Kind::Private);
    stage.push("team/app", &["1"]);
    stage
        .run(&stage.out(", namespaces: [team, none]", ""))
        .expect(3)
        .says("this registry has no repository below `none/`, which is one of `namespaces`; there are some below team");
    let other = stage.run(&stage.out(", registry-id: \"210987654321\"", "")).expect(3);
    other.says("Amazon ECR refused DescribeRepositories: InvalidParameterException");
}

#[test]
fn an_api_that_is_none_or_cannot_be_reached_is_told_by_its_address() {
    let html = |action: &'static str| move |stage: &Stage| stage.ecr.faults().always(action, Fault::Html);
    for (action, code) in [("DescribeRepositories", 3), ("DescribeImages", 3), ("GetAuthorizationToken", 1)] {
        wrong(html(action), UNCHANGED, code)
            .says(&format!("Amazon ECR answered {action} with something that is not its API"))
            .says("proxy or sign-in page");
    }
    // A port that nobody listens on any more.
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let stage = Stage::new(Kind::Private);
    let text = stage.out("", "").replace(&stage.ecr.url(), &format!("http://{nobody}"));
    stage.run(&text).expect(3).says("cannot be reached").says("check the region and the endpoint in the options");
}

#[test]
fn options_that_do_not_go_together_are_shown_before_anything_is_sent() {
    let stage = Stage::new(Kind::Private);
    for (text, said) in [
        (stage.out("", "").replace("region: us-east-1", "edition: private"), "name the region of the registry"),
        (stage.out(", edition: public, registry-id: \"123456789012\"", ""), "is for the private edition"),
        (stage.out(", alias: a1b2", ""), "is for `edition: public`"),
        (stage.out(", namespaces: [Team]", ""), "`Team` is not a repository"),
        (stage.out(", repositories: [\"{a\"]", ""), "`{a` is not a glob"),
    ] {
        stage.run(&text).expect(2).says(said);
    }
    assert_eq!(stage.ecr.faults().total(), 0);
    assert!(stage.outside.remote().tags("team/app").is_empty());
}
