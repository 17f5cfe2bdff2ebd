//! The plugin `gitlab` in a workflow: what it lists, what it makes, and how it fails.

use crate::fakes::gitlab::TOKEN;
use crate::fakes::gitlab::Tag;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::graph::Graph;
use crate::harness::store::Store;
use crate::providers::gitlab::stage::Stage;
use crate::providers::report::requests;
use crate::providers::report::statuses;

/// The groups `team` and `team/sub` with a public project each, and the group `other` with a private one.
fn stage() -> Stage {
    let stage = Stage::new();
    for group in ["team", "team/sub", "other"] {
        stage.gitlab.group(group);
    }
    let app = stage.gitlab.project("team/app", true);
    stage.push(app, "team/app", "", &["1", "2"]);
    stage.push(app, "team/app", "tools/lint", &["1"]);
    let web = stage.gitlab.project("team/sub/web", true);
    stage.push(web, "team/sub/web", "cache", &["1"]);
    let mine = stage.gitlab.project("other/mine", false);
    stage.push(mine, "other/mine", "", &["1"]);
    stage
}

/// A group in which a repository is behind a page of others, of which nothing is wanted, and has two pages of tags.
fn long() -> Stage {
    let stage = Stage::new();
    stage.gitlab.group("team");
    let app = stage.gitlab.project("team/app", false);
    for number in 0..100 {
        stage.gitlab.repository(app, &format!("empty{number}"));
    }
    let last = stage.push(app, "team/app", "last", &["1"]);
    stage.inside.multiply_tag("team/app/last", "1", 120);
    for number in 0..120 {
        stage.gitlab.tag(last, Tag { name: format!("t{number}"), ..Tag::default() });
    }
    stage
}

const LONG: &str = ", groups: [team], exclude: [\"team/app/empty*\"]";

#[test]
fn groups_and_projects_that_are_named_move_and_cost_no_request_for_others() {
    let stage = stage();
    stage.run(&stage.out(", groups: [team], exclude: [\"**/cache\"]", "")).expect(0);
    stage.arrived("team/app", &["1", "2"]);
    stage.arrived("team/app/tools/lint", &["1"]);
    assert_eq!(statuses(&stage.place).len(), 3);
    let count = |action| stage.gitlab.faults().count(action);
    assert_eq!((count("group-repositories"), count("tags"), stage.gitlab.faults().total()), (1, 2, 3));
    stage.run(&stage.out(", projects: [team/sub/web]", "")).expect(0);
    assert_eq!(statuses(&stage.place), ["team/sub/web/cache:1 copied"]);
    assert_eq!(count("projects"), 0);
}

#[test]
fn everything_that_the_user_is_a_member_of_moves_where_nothing_is_named() {
    let stage = stage();
    stage.gitlab.spurious_next_page();
    stage.gitlab.lead_elsewhere();
    stage.run(&stage.out("", "")).expect(0);
    assert_eq!(statuses(&stage.place).len(), 5);
    stage.arrived("other/mine", &["1"]);
    // No request for a tag.
    assert_eq!(stage.gitlab.faults().count("tag"), 0);
}

#[test]
fn the_newest_tags_are_found_by_the_images_own_dates() {
    let stage = Stage::new();
    stage.gitlab.group("team");
    let app = stage.gitlab.project("team/app", false);
    stage.push(app, "team/app", "", &["a", "b", "c"]);
    stage.run(&stage.out("", "tags: {newest: {count: 2, by: created}}")).expect(0);
    assert_eq!(statuses(&stage.place).len(), 2);
    assert_eq!(stage.gitlab.faults().count("tag"), 0);
    stage.run(&stage.out("", "")).expect(0);
    stage.run(&stage.out("", "")).expect(0);
    assert!(statuses(&stage.place).iter().all(|it| it.ends_with(" unchanged")));
    // Without digests, one request at either side for each image, and what the login takes.
    assert!(requests(&stage.place, &stage.inside.address().to_string()) <= 5, "{}", stage.place.read("report.json"));
    assert!(requests(&stage.place, &stage.outside.address().to_string()) <= 5, "{}", stage.place.read("report.json"));
}

#[test]
fn pages_that_are_lost_repeated_or_miscounted_lose_no_image() {
    let stage = long();
    for (action, nth, fault) in [
        ("group-repositories", 2, Fault::Lost),
        ("group-repositories", 1, Fault::Lost),
        ("group-repositories", 2, Fault::Repeated),
        ("group-repositories", 1, Fault::Total(-50)),
        ("group-repositories", 2, Fault::Total(5)),
        ("tags", 2, Fault::Lost),
        ("tags", 2, Fault::Repeated),
        ("tags", 1, Fault::Total(-21)),
        ("group-repositories", 2, Fault::Throttled),
        ("tags", 1, Fault::Internal),
    ] {
        let before = stage.gitlab.faults().count(action);
        stage.gitlab.faults().plan(action, before + nth, fault.clone());
        stage.run(&stage.out(LONG, "")).expect(0);
        assert_eq!(statuses(&stage.place).len(), 121, "{action} {nth} {fault:?}");
    }
    assert_eq!(stage.outside.remote().tags("team/app/last").len(), 121);
}

#[test]
fn a_list_that_stays_short_ends_with_exit_code_3() {
    for (action, options, what) in [
        ("tags", ", projects: [other/mine]", "tags of other/mine is incomplete: 1 of 4"),
        ("projects", "", "projects is incomplete: 3 of 6"),
        ("group-repositories", ", groups: [other]", "repositories is incomplete: 1 of 4"),
    ] {
        let stage = stage();
        stage.gitlab.faults().always(action, Fault::Total(3));
        stage.run(&stage.out(options, "")).expect(3).says(what);
    }
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    let stage = long();
    stage.gitlab.group("first");
    let first = stage.gitlab.project("first/app", false);
    stage.push(first, "first/app", "", &["1"]);
    let door = Door::default();
    stage.gitlab.faults().plan("group-repositories", 3, Fault::Held(door.clone()));
    stage.place.file("workflow.yaml", &stage.out(", groups: [first, team], exclude: [\"team/**\"]", ""));
    let running = stage.place.start(&["run", "workflow.yaml", "--report", "report.json", "--log-level", "debug"], &[]);
    running.await_text("/first/app:1 (");
    door.open();
    running.finish().expect(0);
    assert_eq!(stage.gitlab.faults().count("group-repositories"), 3);
}

/// What a run over the usual stage says, after something was made wrong.
#[track_caller]
fn wrong(make: impl Fn(&Stage), options: &str, token: &str) -> Finished {
    let stage = stage();
    make(&stage);
    let finished = stage.run(&stage.out(options, "").replace(TOKEN, token)).expect(3);
    assert!(stage.gitlab.refused() <= 1, "a wrong token was sent {} times", stage.gitlab.refused());
    finished
}

#[test]
fn what_is_wrong_is_told_by_what_to_do() {
    let nothing = |_: &Stage| {};
    for (options, action) in [
        ("", "the list of projects"),
        (", groups: [team]", "the list of repositories of the group `team`"),
        (", projects: [team/app, other/mine]", "the project `team/app`"),
    ] {
        let refused = format!("GitLab refused {action}: 401 (401 Unauthorized); check `token`");
        if options.contains("projects") {
            // They are asked for together.
            let stage = stage();
            stage.run(&stage.out(options, "").replace(TOKEN, "another-placeholder")).expect(3).says(&refused);
            assert_eq!(stage.gitlab.refused(), 2);
        } else {
            wrong(nothing, options, "another-placeholder").says(&refused);
        }
    }
    wrong(nothing, ", groups: [absent]", TOKEN).says("404 (404 Group Not Found); there is no group `absent`");
    wrong(nothing, ", projects: [team/no]", TOKEN).says("404 (404 Project Not Found); there is no project `team/no`");
    wrong(|stage| stage.gitlab.faults().always("tags", Fault::Forbidden), "", TOKEN)
        .says("GitLab refused the list of tags of `team/app`: 403 (403 Forbidden)");
    wrong(|stage| stage.gitlab.faults().always("tags", Fault::Html), "", TOKEN)
        .says("GitLab answered the list of tags of `team/app` with something that is not its API")
        .says("proxy or sign-in page");
}

#[test]
fn projects_are_made_in_groups_that_are_there() {
    let stage = Stage::new();
    stage.gitlab.group("team");
    stage.gitlab.group("team/sub");
    stage.gitlab.project("team/there", true);
    for name in ["team/there/a", "team/new", "team/new/b", "team/sub/deep/c/d", "absent/app", "alone"] {
        Graph::single(name, "1").push(&stage.outside.remote(), name);
    }
    stage.gitlab.faults().plan("create-project", 1, Fault::Throttled);
    stage
        .run(&stage.back(""))
        .expect(1)
        .says("GitLab has no group or user `absent`")
        .says("`alone` has no group, which GitLab needs");
    let failed: Vec<String> = statuses(&stage.place).into_iter().filter(|it| it.ends_with("failed")).collect();
    assert_eq!(failed, ["absent/app:1 failed", "alone:1 failed"]);
    let public = ["team/there", "team/new", "team/sub/deep"].map(|project| stage.gitlab.publicity(project));
    assert_eq!(public, [Some(true), Some(false), Some(false)]);
    assert_eq!(stage.inside.remote().tags("team/sub/deep/c/d"), ["1"]);
    assert_eq!(stage.gitlab.faults().count("create-project"), 3);
}

#[test]
fn a_project_that_is_one_repository_stays_public_and_an_option_decides_otherwise() {
    for (options, app) in [("", true), (", public: false", false)] {
        let stage = stage();
        let target = Stage::new();
        target.gitlab.group("team");
        target.gitlab.group("other");
        let to = format!("to: {{registry: \"{}\"", stage.outside.address());
        let with = format!("{{url: \"{}\", token: {TOKEN}{options}}}", target.gitlab.url());
        let prepared = format!("{to}, prepare: {{plugin: gitlab, with: {with}}}");
        let text = stage.out(", projects: [team/app, other/mine]", "").replace(&to, &prepared);
        // One after another: which image comes first decides.
        stage.run(&text.replace("version: 1\n", "version: 1\nlimits: {images: 1}\n")).expect(0);
        assert_eq!(target.gitlab.publicity("team/app"), Some(app));
        assert_eq!(target.gitlab.publicity("other/mine"), Some(false));
    }
}

#[test]
fn a_token_that_may_not_make_projects_fails_its_images_and_is_sent_once() {
    let stage = Stage::new();
    for name in ["team/a", "team/b", "team/c"] {
        Graph::single(name, "1").push(&stage.outside.remote(), name);
    }
    stage
        .run(&stage.back("").replace(TOKEN, "another-placeholder"))
        .expect(1)
        .says("GitLab refused the group `team`: 401");
    assert_eq!((statuses(&stage.place).len(), stage.gitlab.refused()), (3, 1));
}
