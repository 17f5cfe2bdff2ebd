//! The plugin `quay` in a workflow: what it lists, what it makes, and how it fails.

use crate::fakes::quay::TOKEN;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::graph::Graph;
use crate::harness::store::Store;
use crate::providers::quay::stage::Stage;
use crate::providers::report::requests;
use crate::providers::report::statuses;

/// The organizations `team`, of three repositories in pages of two, and `other`.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.quay.page_size(2);
    for name in ["team", "other"] {
        stage.quay.organization(name);
    }
    stage.push("team", "app", false, &["1", "2"]);
    stage.push("team", "cache", false, &["1"]);
    stage.push("team", "sub/web", true, &["1"]);
    stage.push("other", "app", true, &["1"]);
    stage
}

#[test]
fn the_namespaces_that_are_named_move_and_cost_no_request_for_others() {
    let stage = stage();
    stage.run(&stage.out(", namespaces: [team], exclude: [\"*/cache\"]", "")).expect(0);
    stage.arrived("team/app", &["1", "2"]);
    stage.arrived("team/sub/web", &["1"]);
    assert_eq!(statuses(&stage.place).len(), 3);
    let count = |action| stage.quay.faults().count(action);
    assert_eq!((count("organization"), count("repositories"), count("tags")), (1, 2, 2));
}

#[test]
fn what_is_public_is_listed_without_a_token() {
    let stage = stage();
    let text = stage.out(", namespaces: [team, other]", "").replace(&format!("token: {TOKEN}, "), "");
    stage.run(&text).expect(0);
    assert_eq!(statuses(&stage.place), ["other/app:1 copied", "team/sub/web:1 copied"]);
    stage.run(&text.replace("[team, other]", "[absent]")).expect(3).says("Quay shows nobody without a token");
}

#[test]
fn the_newest_tags_by_push_are_taken_and_an_unchanged_image_costs_one_request() {
    let stage = Stage::new();
    stage.quay.organization("team");
    stage.push("team", "app", false, &["c", "a", "b"]);
    let text = stage.out(", namespaces: [team]", "tags: {newest: {count: 2, by: created}}");
    stage.run(&text).expect(0);
    stage.arrived("team/app", &["a", "b"]);
    stage.run(&text).expect(0);
    assert_eq!(statuses(&stage.place), ["team/app:a unchanged", "team/app:b unchanged"]);
    assert_eq!(requests(&stage.place, &stage.inside.address().to_string()), 0);
    // Two HEAD requests and the question whether there is a lock.
    assert!(requests(&stage.place, &stage.outside.address().to_string()) <= 3, "{}", stage.place.read("report.json"));
}

#[test]
fn pages_that_are_lost_or_repeated_lose_no_image() {
    let stage = stage();
    stage.push("team", "many", false, &["1"]);
    stage.multiply("team", "many", "1", 120);
    let text = stage.out(", namespaces: [team], exclude: [\"team/{app,cache,sub/*}\"]", "");
    for (action, nth, fault) in [
        ("repositories", 1, Fault::Lost),
        ("repositories", 2, Fault::Lost),
        ("repositories", 2, Fault::Repeated),
        ("tags", 1, Fault::Lost),
        ("tags", 2, Fault::Lost),
        ("tags", 2, Fault::Repeated),
        ("repositories", 2, Fault::Throttled),
        ("tags", 1, Fault::Internal),
        ("organization", 1, Fault::Throttled),
    ] {
        let before = stage.quay.faults().count(action);
        stage.quay.faults().plan(action, before + nth, fault.clone());
        stage.run(&text).expect(0);
        assert_eq!(statuses(&stage.place).len(), 121, "{action} {nth} {fault:?}");
    }
    assert_eq!(stage.outside.remote().tags("team/many").len(), 121);
}

#[test]
fn a_page_that_stays_lost_ends_with_exit_code_3() {
    let stage = stage();
    for nth in 2..=5 {
        stage.quay.faults().plan("repositories", nth, Fault::Lost);
    }
    stage
        .run(&stage.out(", namespaces: [team]", ""))
        .expect(3)
        .says("the list of repositories of `team` is incomplete: Quay told of another page and did not give it");
    // What came is moved all the same.
    stage.arrived("team/app", &["1", "2"]);
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    let stage = stage();
    let door = Door::default();
    // The first page leads to tags, and the second is asked for with them; what is behind it is another namespace's.
    stage.quay.faults().plan("repositories", 3, Fault::Held(door.clone()));
    stage.place.file("workflow.yaml", &stage.out(", namespaces: [team, other]", ""));
    let running = stage.place.start(&["run", "workflow.yaml", "--report", "report.json", "--log-level", "debug"], &[]);
    running.await_text("/team/app:1 (");
    door.open();
    running.finish().expect(0);
    stage.arrived("other/app", &["1"]);
}

/// What a run over the usual stage says, after something was made wrong.
#[track_caller]
fn wrong(make: impl Fn(&Stage), namespaces: &str, token: &str) -> Finished {
    let stage = stage();
    make(&stage);
    let text = stage.out(&format!(", namespaces: [{namespaces}]"), "").replace(TOKEN, token);
    stage.run(&text).expect(3)
}

#[test]
fn what_is_wrong_is_told_by_what_to_do() {
    let nothing = |_: &Stage| {};
    wrong(nothing, "team", "another-placeholder")
        .says("Quay refused the namespace `team`: 401 (Invalid bearer token format); check `token`");
    wrong(nothing, "absent", TOKEN).says("Quay has no organization or user `absent`: check `namespaces` and `url`");
    wrong(|stage| stage.quay.faults().always("tags", Fault::Html), "team", TOKEN)
        .says("Quay answered the list of tags of `team/app` with something that is not its API")
        .says("proxy or sign-in page");
    for (action, what) in
        [("repositories", "the list of repositories of `team`"), ("tags", "the list of tags of `team/app`")]
    {
        wrong(|stage| stage.quay.faults().always(action, Fault::Forbidden), "team", TOKEN)
            .says(&format!("Quay refused {what}: 403"));
    }
    let stage = stage();
    stage.run(&stage.out("", "")).expect(2).says("name the organizations and users");
}

#[test]
fn repositories_are_made_private_and_organizations_where_that_is_wanted() {
    let stage = Stage::new();
    stage.quay.organization("team");
    stage.quay.repository("team", "there", true);
    for name in ["team/there", "team/new", "fresh/app", "alone"] {
        Graph::single(name, "1").push(&stage.outside.remote(), name);
    }
    stage
        .run(&stage.back(""))
        .expect(1)
        .says("Quay has no organization or user `fresh`: make it, or let it be made by `create-organizations: true`")
        .says("`alone` has no namespace, which Quay needs");
    let failed: Vec<String> = statuses(&stage.place).into_iter().filter(|it| it.ends_with("failed")).collect();
    assert_eq!(failed, ["alone:1 failed", "fresh/app:1 failed"]);
    assert_eq!((stage.quay.publicity("team", "there"), stage.quay.publicity("team", "new")), (Some(true), Some(false)));

    stage
        .run(&stage.back(", create-organizations: true"))
        .expect(1)
        .says("Email address is required")
        .says("set `email`");
    stage.quay.faults().plan("create-repository", 2, Fault::Throttled);
    stage.run(&stage.back(", create-organizations: true, email: \"registry+{namespace}@example.com\"")).expect(1);
    assert!(stage.quay.has_organization("fresh"));
    assert_eq!(stage.quay.publicity("fresh", "app"), Some(false));
    assert_eq!(stage.inside.remote().tags("fresh/app"), ["1"]);
}

#[test]
fn a_repository_stays_public_and_an_option_decides_otherwise() {
    for (options, web) in [("", true), (", public: false", false)] {
        let stage = stage();
        let target = Stage::new();
        target.quay.organization("team");
        let to = format!("to: {{registry: \"{}\"", stage.outside.address());
        let with = format!("{{url: \"{}\", token: {TOKEN}{options}}}", target.quay.url());
        let prepared = format!("{to}, prepare: {{plugin: quay, with: {with}}}");
        stage.run(&stage.out(", namespaces: [team]", "").replace(&to, &prepared)).expect(0);
        assert_eq!(target.quay.publicity("team", "sub/web"), Some(web));
        assert_eq!(target.quay.publicity("team", "app"), Some(false));
    }
}

#[test]
fn a_token_that_is_refused_fails_the_images_by_name() {
    let stage = Stage::new();
    Graph::single("app", "1").push(&stage.outside.remote(), "team/app");
    stage
        .run(&stage.back("").replace(TOKEN, "another-placeholder"))
        .expect(1)
        .says("team/app")
        .says("Quay refused the repository `team/app`: 401 (Invalid bearer token format); check `token`");
}
