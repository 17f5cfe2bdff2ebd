//! The plugin `dockerhub` in a workflow: what it lists, what it makes, and how it fails.

use crate::fakes::dockerhub::USER;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::graph::Graph;
use crate::harness::store::Store;
use crate::providers::dockerhub::stage::Stage;
use crate::providers::report::requests;
use crate::providers::report::statuses;

const ALL: &str = ", namespaces: [myusername, team]";

/// The namespaces of the user and of the organization `team`, and of `other`.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.hub.organization("team");
    stage.push("myusername", "app", true, &["1", "2"]);
    stage.push("team", "web", false, &["1"]);
    stage.push("team", "cache", true, &["1"]);
    stage.push("other", "app", false, &["1"]);
    stage
}

/// A repository behind a page of others, of which nothing is wanted, and one with two pages of tags.
fn long() -> Stage {
    let stage = stage();
    for number in 0..100 {
        stage.hub.repository("team", &format!("empty{number}"), false);
    }
    stage.push("team", "last", true, &["1"]);
    stage.multiply("team", "last", "1", 120);
    stage
}

const LONG: &str = ", namespaces: [team], exclude: [\"team/empty*\"]";

#[test]
fn the_namespaces_that_are_named_move_and_cost_no_request_for_others() {
    let stage = stage();
    stage.run(&stage.out(&format!("{ALL}, exclude: [\"*/cache\"]"), "")).expect(0);
    stage.arrived("myusername/app", &["1", "2"]);
    stage.arrived("team/web", &["1"]);
    assert_eq!(statuses(&stage.place).len(), 3);
    let count = |action| stage.hub.faults().count(action);
    assert_eq!((count("repositories"), count("tags"), count("token")), (2, 2, 1));
}

#[test]
fn what_is_public_is_listed_without_a_login() {
    let stage = stage();
    let login = format!("username: {}, token: {}, ", USER.0, USER.1);
    stage.run(&stage.out(", namespaces: [team, other]", "").replace(&login, "")).expect(0);
    stage.arrived("other/app", &["1"]);
    assert_eq!(statuses(&stage.place).len(), 2);
    assert_eq!(stage.hub.tokens(), 0);
}

#[test]
fn the_newest_tags_by_push_are_taken_and_an_unchanged_image_costs_one_request() {
    let stage = Stage::new();
    stage.push("myusername", "app", true, &["c", "a", "b"]);
    let text = stage.out(", namespaces: [myusername]", "tags: {newest: {count: 2, by: created}}");
    stage.run(&text).expect(0);
    stage.arrived("myusername/app", &["a", "b"]);
    stage.run(&text).expect(0);
    assert_eq!(statuses(&stage.place), ["myusername/app:a unchanged", "myusername/app:b unchanged"]);
    assert_eq!(requests(&stage.place, &stage.inside.address().to_string()), 0);
    // Two HEAD requests and the question whether there is a lock.
    assert!(requests(&stage.place, &stage.outside.address().to_string()) <= 3, "{}", stage.place.read("report.json"));
}

#[test]
fn a_token_that_runs_out_under_way_is_renewed() {
    let stage = stage();
    stage.hub.tokens_last(3);
    stage.run(&stage.out(ALL, "")).expect(0);
    assert_eq!(statuses(&stage.place).len(), 4);
    assert!(stage.hub.tokens() > 1 && stage.hub.refused() > 0, "{} tokens", stage.hub.tokens());
}

#[test]
fn pages_that_are_lost_repeated_or_miscounted_lose_no_image() {
    let stage = long();
    let mut calls = (0, 0, 0);
    for (action, nth, fault) in [
        ("repositories", 2, Fault::Lost),
        ("repositories", 1, Fault::Lost),
        ("repositories", 2, Fault::Repeated),
        ("repositories", 1, Fault::Total(-100)),
        ("repositories", 2, Fault::Total(5)),
        ("tags", 4, Fault::Lost),
        ("tags", 4, Fault::Repeated),
        ("tags", 3, Fault::Total(-21)),
        ("repositories", 2, Fault::Throttled),
        ("tags", 1, Fault::Internal),
        ("token", 1, Fault::Throttled),
    ] {
        let before = match action {
            "repositories" => calls.0,
            "tags" => calls.1,
            _ => calls.2,
        };
        stage.hub.faults().plan(action, before + nth, fault.clone());
        stage.run(&stage.out(LONG, "")).expect(0);
        assert_eq!(statuses(&stage.place).len(), 123, "{action} {nth} {fault:?}");
        let count = |action| stage.hub.faults().count(action);
        calls = (count("repositories"), count("tags"), count("token"));
    }
    assert_eq!(stage.outside.remote().tags("team/last").len(), 121);
}

#[test]
fn a_list_that_stays_short_ends_with_exit_code_3() {
    let stage = stage();
    stage.hub.faults().always("tags", Fault::Total(3));
    stage
        .run(&stage.out(", namespaces: [team], repositories: [team/web]", ""))
        .expect(3)
        .says("the list of tags of team/web is incomplete: 1 of 4 came");
    stage.arrived("team/web", &["1"]);
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    let stage = long();
    let door = Door::default();
    stage.hub.faults().plan("repositories", 3, Fault::Held(door.clone()));
    stage.push("myusername", "first", true, &["1"]);
    stage.place.file("workflow.yaml", &stage.out(", namespaces: [myusername, team], exclude: [\"team/**\"]", ""));
    let running = stage.place.start(&["run", "workflow.yaml", "--report", "report.json", "--log-level", "debug"], &[]);
    running.await_text("/myusername/first:1 (");
    door.open();
    running.finish().expect(0);
    stage.arrived("myusername/first", &["1"]);
}

/// What a run over the usual stage says, after something was made wrong.
#[track_caller]
fn wrong(make: impl Fn(&Stage), change: (&str, &str)) -> Finished {
    let stage = stage();
    make(&stage);
    let text = stage.out(ALL, "");
    assert!(text.contains(change.0), "{text}");
    stage.run(&text.replace(change.0, change.1)).expect(3)
}

#[test]
fn what_is_wrong_is_told_by_what_to_do() {
    let nothing = |_: &Stage| {};
    wrong(nothing, (USER.1, "another-placeholder"))
        .says("Docker Hub refused the login: 401 (unauthorized); check `username` and `token`");
    wrong(nothing, ("[myusername, team]", "[absent]"))
        .says("Docker Hub refused the list of repositories of `absent`: 404")
        .says("there is no user or organization `absent`");
    wrong(|stage| stage.hub.faults().always("tags", Fault::Html), ("", ""))
        .says("Docker Hub answered the list of tags of `myusername/app` with something that is not its API")
        .says("proxy or sign-in page");
    for (action, what) in
        [("repositories", "list of repositories of `myusername`"), ("tags", "list of tags of `myusername/app`")]
    {
        wrong(|stage| stage.hub.faults().always(action, Fault::Forbidden), ("", ""))
            .says(&format!("Docker Hub refused the {what}: 403"));
    }
    wrong(|stage| stage.hub.faults().always("token", Fault::Html), ("", "")).says("Docker Hub answered the login");
}

#[test]
fn a_list_that_leads_to_another_host_is_not_followed() {
    let stage = long();
    stage.hub.lead_elsewhere();
    stage
        .run(&stage.out(LONG, ""))
        .expect(3)
        .says("leads on to another place, http://other.example/v2/namespaces/team/repositories, which is not followed");
}

#[test]
fn options_that_do_not_fit_are_found_before_anything_is_sent() {
    let stage = stage();
    stage.run(&stage.out("", "")).expect(2).says("name the users or organizations");
    stage.run(&stage.out(ALL, "").replace(&format!("token: {}, ", USER.1), "")).expect(2).says("needs `token` besides");
    assert_eq!(stage.hub.faults().total(), 0);
}

#[test]
fn repositories_are_made_private_and_what_is_there_is_left() {
    let stage = Stage::new();
    stage.hub.organization("team");
    stage.hub.repository("team", "there", false);
    for name in ["team/there", "team/new", "other/app", "team/too/deep"] {
        Graph::single(name, "1").push(&stage.outside.remote(), name);
    }
    stage
        .run(&stage.back(""))
        .expect(1)
        .says("Docker Hub refused to create the repository `other/app`: 403 (permission denied); give the token the right")
        .says("`team/too/deep` has more than two parts");
    let failed: Vec<String> = statuses(&stage.place).into_iter().filter(|it| it.ends_with("failed")).collect();
    assert_eq!(failed, ["other/app:1 failed", "team/too/deep:1 failed"]);
    assert_eq!(stage.inside.remote().tags("team/new"), ["1"]);
    assert_eq!((stage.hub.privacy("team", "there"), stage.hub.privacy("team", "new")), (Some(false), Some(true)));
    assert_eq!(stage.hub.faults().count("create-repository"), 2);
}

#[test]
fn a_repository_stays_public_and_an_option_decides_otherwise() {
    for (options, web) in [("", false), (", private: true", true)] {
        let stage = stage();
        // Another Docker Hub, of which only the API is needed.
        let target = Stage::new();
        target.hub.organization("team");
        let to = format!("to: {{registry: \"{}\"", stage.outside.address());
        let (user, token, url) = (USER.0, USER.1, target.hub.url());
        let with = format!("{{username: {user}, token: {token}, endpoint: \"{url}\"{options}}}");
        let prepared = format!("{to}, prepare: {{plugin: dockerhub, with: {with}}}");
        stage.run(&stage.out(", namespaces: [team]", "").replace(&to, &prepared)).expect(0);
        assert_eq!((target.hub.privacy("team", "web"), target.hub.privacy("team", "cache")), (Some(web), Some(true)));
    }
}
