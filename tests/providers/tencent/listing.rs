//! The plugins `ccr` and `tcr` in a workflow: what they list, what they make, and how they fail.

use std::time::Duration;
use std::time::Instant;

use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::providers::tencent::stage::INSTANCE;
use crate::providers::tencent::stage::Stage;

/// CCR into TCR, with more options for each.
fn workflow(ccr: &str, tcr: &str) -> String {
    format!(
        "\
version: 1
registries:
  \"CCR_HOST\": {{LOGIN, plain-http: true}}
  \"TCR_HOST\": {{plain-http: true, credentials: {{plugin: tcr, with: {{KEY, instance: team, endpoint: ENDPOINT}}}}}}
retry: {{rounds: 0}}
transfers:
  - from: {{plugin: ccr, with: {{KEY, endpoint: ENDPOINT{ccr}}}}}
    to: {{registry: \"TCR_HOST\", prepare: {{plugin: tcr, with: {{KEY, instance: team, endpoint: ENDPOINT{tcr}}}}}}}
"
    )
}

/// TCR into a registry that is open.
fn out(tcr: &str, to: &Registry) -> String {
    format!(
        "\
version: 1
registries:
  \"TCR_HOST\": {{plain-http: true, credentials: {{plugin: tcr, with: {{KEY, instance: team, endpoint: ENDPOINT}}}}}}
  \"{to}\": {{plain-http: true}}
transfers:
  - from: {{plugin: tcr, with: {{KEY, instance: team, endpoint: ENDPOINT{tcr}}}}}
    to: {{registry: \"{to}\"}}
",
        to = to.address()
    )
}

/// CCR with the namespaces `one` and `two` of three repositories each.
fn stage() -> Stage {
    let stage = Stage::new();
    for namespace in ["one", "two"] {
        for name in ["app", "team/web", "cache"] {
            stage.ccr(&format!("{namespace}/{name}"), false, &["1", "2"]);
        }
    }
    stage
}

#[test]
fn a_namespace_is_asked_for_at_the_api_and_patterns_save_requests() {
    let stage = stage();
    stage.workflow(&workflow(", namespaces: [one], exclude: [\"**/cache\"]", "")).expect(0);
    stage.arrived("one/app", &["1", "2"]);
    stage.arrived("one/team/web", &["1", "2"]);
    assert_eq!(stage.statuses().len(), 4);
    assert_eq!(stage.api.faults.count("DescribeRepositoryOwnerPersonal"), 0);
    assert_eq!(stage.api.faults.count("DescribeImagePersonal"), 2);
}

#[test]
fn tcr_is_listed_by_pages_whatever_its_namespaces_are_counted_from() {
    use crate::fakes::tencent::Paging;
    for paging in [Paging::FromOne, Paging::FromZero, Paging::Rows] {
        let (stage, to) = (stage(), Registry::open());
        stage.workflow(&workflow("", "")).expect(0);
        let tags = |repository: &str| {
            ["1", "2"].map(|tag| {
                let digest = stage.target.remote().manifest(repository, tag).unwrap().digest;
                crate::fakes::tencent::Tag {
                    name: tag.to_owned(),
                    digest,
                    size: 10,
                    pushed: "2024-01-01T00:00:00Z".to_owned(),
                }
            })
        };
        for repository in ["one/app", "one/team/web", "two/app"] {
            stage.api.repository(INSTANCE, repository, &tags(repository));
        }
        // More namespaces than a page has.
        for number in 0..150 {
            stage.api.namespace(INSTANCE, &format!("empty{number}"), false);
        }
        stage.api.page_namespaces(paging);
        stage.workflow(&out("", &to)).expect(0);
        for repository in ["one/app", "one/team/web", "two/app"] {
            assert_eq!(to.remote().tags(repository), ["1", "2"], "{paging:?}");
        }
        stage.workflow(&out(", namespaces: [one, absent]", &to)).expect(3).says("has no namespace `absent`");
    }
}

#[test]
fn pages_that_are_lost_repeated_or_miscounted_lose_no_image() {
    for (action, nth, fault) in [
        ("DescribeImagePersonal", 2, Fault::Lost),
        ("DescribeImagePersonal", 3, Fault::Total(2)),
        ("DescribeImagePersonal", 3, Fault::Total(-1)),
        ("DescribeRepositoryOwnerPersonal", 1, Fault::Lost),
        ("DescribeRepositoryOwnerPersonal", 1, Fault::Repeated),
        ("DescribeNamespacePersonal", 1, Fault::Throttled),
        ("DescribeRepositoryOwnerPersonal", 1, Fault::Throttled),
        ("DescribeImagePersonal", 1, Fault::Internal),
        ("DescribeInstances", 1, Fault::Internal),
        ("DescribeNamespaces", 1, Fault::Throttled),
        ("CreateInstanceToken", 1, Fault::Throttled),
    ] {
        let stage = stage();
        stage.api.faults.plan(action, nth, fault.clone());
        stage.workflow(&workflow("", "")).expect(0);
        for repository in ["one/app", "one/team/web", "one/cache", "two/app", "two/team/web", "two/cache"] {
            assert_eq!(stage.target.remote().tags(repository), ["1", "2"], "{action} {fault:?}");
        }
    }
}

#[test]
fn an_api_that_stays_busy_is_waited_for_as_long_as_the_user_says() {
    let impatient = workflow("", "").replace("{rounds: 0}", "{rounds: 0, patience: 2s}");
    // A list, a login, and what a repository needs.
    for (action, code) in [("DescribeRepositoryOwnerPersonal", 3), ("CreateInstanceToken", 1), ("CreateNamespace", 1)] {
        let stage = stage();
        stage.api.faults.always(action, Fault::Throttled);
        let began = Instant::now();
        stage.workflow(&impatient).expect(code).says("asked too often");
        let took = began.elapsed();
        assert!((Duration::from_secs(2)..Duration::from_mins(1)).contains(&took), "{action}: {took:?}");
        // The first image waits; the others ask once.
        assert!(stage.api.faults.count(action) < 40, "{action}: {}", stage.api.faults.count(action));
        assert!(stage.statuses().iter().all(|(_, status)| status == "failed"), "{action}: {:?}", stage.statuses());
    }
}

#[test]
fn a_list_that_stays_short_ends_with_exit_code_3() {
    let stage = stage();
    stage.api.faults.always("DescribeRepositoryOwnerPersonal", Fault::Total(3));
    let finished = stage.workflow(&workflow("", "")).expect(3);
    finished.says("the list of repositories is incomplete: 6 of 9 came");
    // What came is moved all the same.
    assert_eq!(stage.target.remote().tags("two/app"), ["1", "2"]);
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    let stage = Stage::new();
    stage.ccr("aaa/first", false, &["1"]);
    for number in 0..250 {
        stage.api.ccr_repository(&format!("zzz/empty{number:03}"), false, &[]);
    }
    let door = Door::default();
    stage.api.faults.plan("DescribeRepositoryOwnerPersonal", 3, Fault::Held(door.clone()));
    stage.place.file("workflow.yaml", &stage.text(&workflow("", "")));
    let running = stage.place.start(&["run", "workflow.yaml", "--report", "report.json", "--log-level", "debug"], &[]);
    running.await_text("/aaa/first:1 (");
    assert_eq!(stage.target.remote().tags("aaa/first"), ["1"]);
    door.open();
    running.finish().expect(0);
    assert_eq!(stage.api.faults.count("DescribeRepositoryOwnerPersonal"), 3);
}

/// What a run over the usual stage says, after something was made wrong with its API.
#[track_caller]
fn wrong(make: impl Fn(&Stage), change: (&str, &str), code: i32) -> Finished {
    let stage = stage();
    make(&stage);
    let text = stage.text(&workflow("", "")).replace(change.0, change.1);
    stage.place.workflow(&text).expect(code)
}

#[test]
fn a_wrong_key_region_right_or_answer_is_told_by_what_to_do() {
    use crate::fakes::tencent::SECRET_ID;
    use crate::fakes::tencent::SECRET_KEY;
    let nothing = |_: &Stage| {};
    wrong(nothing, (SECRET_ID, "someone-else"), 3)
        .says("Tencent Cloud refused DescribeNamespacePersonal: AuthFailure.SecretIdNotFound")
        .says("check `secret-id`");
    wrong(nothing, (SECRET_KEY, "another-placeholder"), 3)
        .says("AuthFailure.SignatureFailure")
        .says("check `secret-key`");
    wrong(|stage| stage.api.temporary("token"), ("", ""), 3).says("AuthFailure.TokenFailure").says("make a new one");
    wrong(|stage| stage.api.ahead(600), ("", ""), 3).says("AuthFailure.SignatureExpire").says("check the clock");
    wrong(nothing, ("plugin: ccr, with: {", "plugin: ccr, with: {region: ap-nowhere, "), 3)
        .says("UnsupportedRegion")
        .says("the API has no region `ap-nowhere`");
    let refuse = |action: &'static str| move |stage: &Stage| stage.api.refuse(action, "UnauthorizedOperation");
    wrong(refuse("DescribeImagePersonal"), ("", ""), 3)
        .says("Tencent Cloud refused DescribeImagePersonal: UnauthorizedOperation")
        .says("give the key the right to this action");
    wrong(refuse("CreateNamespace"), ("", ""), 1).says("namespace `one` cannot be made").says("give the key the right");
    wrong(refuse("CreateInstanceToken"), ("", ""), 1).says("Tencent Cloud refused CreateInstanceToken");
    wrong(|stage| stage.api.ccr_closed(), ("", ""), 3).says("never opened the personal registry");
    wrong(|stage| stage.api.faults.always("DescribeImagePersonal", Fault::Html), ("", ""), 3)
        .says("Tencent Cloud answered DescribeImagePersonal with something that is not its API")
        .says("proxy or sign-in page");
    wrong(nothing, ("plugin: ccr, with: {", "plugin: ccr, with: {namespaces: [absent], "), 3)
        .says("this account has no CCR namespace `absent`; there are one, two");
    wrong(|stage| stage.api.status(INSTANCE, "Isolate"), ("", ""), 1).says("its status is Isolate");
}

#[test]
fn wrong_options_are_told_by_check_in_every_role() {
    let stage = Stage::new();
    let text = workflow(", exclude: [\"[a\"]", ", registry: \"not a host\"");
    let text = text.replacen("endpoint: ENDPOINT", "endpoint: nowhere", 1);
    stage.place.file("workflow.yaml", &stage.text(&text));
    let finished = stage.place.run(&["check", "workflow.yaml"]).expect(2);
    finished
        .says("plugin `ccr`: `[a` is not a glob")
        .says("plugin `tcr`: `not a host`")
        .says("plugin `tcr`: must be a URL");
    assert_eq!(stage.api.faults.total(), 0);
}

#[test]
fn the_users_rate_holds_for_the_api_too() {
    let stage = Stage::new();
    for number in 0..40 {
        stage.api.ccr_repository(&format!("team/empty{number}"), false, &[]);
    }
    let start = std::time::Instant::now();
    stage.workflow(&workflow("", "").replace("retry:", "limits: {qps: 20}\nretry:")).expect(0);
    // 40 lists of tags and 4 requests before them, two of them at once.
    assert_eq!(stage.api.faults.total(), 44);
    assert!(start.elapsed() >= std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_key_that_may_not_tell_what_is_public_still_lists() {
    let stage = stage();
    stage.api.refuse("DescribeRepositoryFilterPersonal", "UnauthorizedOperation");
    stage.workflow(&workflow("", "")).expect(0).says("count as private");
    assert!(stage.api.namespaces(INSTANCE).iter().all(|(_, public)| !public));
}

#[test]
fn a_namespace_that_is_there_is_no_conflict_and_an_option_decides_who_may_pull() {
    let stage = stage();
    stage.api.namespace(INSTANCE, "one", false);
    stage.api.conflicts_as("InternalError.ErrorConflict");
    stage.workflow(&workflow("", ", public: true")).expect(0);
    let mut namespaces = stage.api.namespaces(INSTANCE);
    namespaces.sort();
    assert_eq!(namespaces, [("one".to_owned(), false), ("two".to_owned(), true)]);
}

#[test]
fn namespaces_of_ccr_are_made_and_those_of_others_refused() {
    let stage = Stage::new();
    let source = Registry::open();
    for namespace in ["mine", "theirs"] {
        crate::harness::graph::Graph::single(namespace, "1").push(&source.remote(), &format!("{namespace}/app"));
    }
    stage.api.ccr_namespace_of_others("theirs");
    let text = format!(
        "\
version: 1
registries:
  \"{source}\": {{plain-http: true}}
  \"CCR_HOST\": {{LOGIN, plain-http: true}}
transfers:
  - from: {{plugin: catalog, with: {{registry: \"{source}\"}}}}
    to: {{registry: \"CCR_HOST\", prepare: {{plugin: ccr, with: {{KEY, endpoint: ENDPOINT}}}}}}
",
        source = source.address()
    );
    stage.workflow(&text).expect(1).says("the CCR namespace `theirs` belongs to another account");
    assert_eq!(stage.api.ccr_namespaces(), ["mine"]);
    assert_eq!(stage.source.remote().tags("mine/app"), ["1"]);
}

#[test]
fn a_login_is_renewed_before_it_runs_out() {
    let stage = stage();
    // So short that each request needs a new one.
    stage.api.credential(INSTANCE, USER, crate::harness::registry::PASSWORD, std::time::Duration::from_secs(1));
    stage.workflow(&workflow("", "")).expect(0);
    assert!(stage.api.issued().len() > 1, "{:?}", stage.api.issued());
}
