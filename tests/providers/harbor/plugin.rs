//! The plugin `harbor` in a workflow: what it lists, what it makes, and how it fails.

use std::net::SocketAddr;

use crate::fakes::harbor::Artifact;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::graph::Graph;
use crate::harness::prism::Prism;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;
use crate::providers::harbor::stage::Stage;

/// The projects `one` and `two` of three repositories each.
fn stage() -> Stage {
    let stage = Stage::new();
    for project in ["one", "two"] {
        stage.project(project, false);
        for repository in ["app", "team/web/ui", "cache"] {
            stage.push(project, repository, &["1", "2"]);
        }
    }
    stage
}

const REPOSITORIES: [&str; 6] = ["one/app", "one/team/web/ui", "one/cache", "two/app", "two/team/web/ui", "two/cache"];

#[test]
fn all_that_harbor_shows_arrives_with_each_of_its_tags() {
    let stage = stage();
    stage.project("2024", true);
    let mut artifact = stage.artifact("2024/app", "1.2", 0);
    stage.inside.multiply_tag("2024/app", "1.2", 1);
    artifact.tags.push(("t0".to_owned(), artifact.pushed.clone()));
    stage.harbor.artifact("2024", "app", artifact);
    // More repositories than a page has, of which nothing is tagged.
    for number in 0..120 {
        stage.harbor.artifact("2024", &format!("empty{number}"), Artifact { tags: vec![], ..Artifact::default() });
    }
    stage.harbor.project("hidden", false);
    stage.harbor.artifact("hidden", "app", stage.artifact("hidden/app", "1", 0));
    stage.run(&stage.out("", "")).expect(0);
    for repository in REPOSITORIES {
        stage.arrived(repository, &["1", "2"]);
    }
    stage.arrived("2024/app", &["1.2", "t0"]);
    assert_eq!(stage.outside.remote().tags("hidden/app"), Vec::<String>::new());
    assert_eq!(stage.harbor.cookies(), 0);
    // 3 projects, one of them of two pages; each repository once.
    assert_eq!((stage.harbor.faults().count("repositories"), stage.harbor.faults().count("artifacts")), (4, 127));
    let report = stage.place.read("report.json");
    assert!(!report.contains("hidden"), "{report}");
}

#[test]
fn a_project_is_asked_for_at_the_api_and_patterns_save_requests() {
    let stage = stage();
    stage.run(&stage.out(", projects: [one], exclude: [\"**/cache\"]", "")).expect(0);
    stage.arrived("one/app", &["1", "2"]);
    stage.arrived("one/team/web/ui", &["1", "2"]);
    for repository in ["one/cache", "two/app"] {
        assert_eq!(stage.outside.remote().tags(repository), Vec::<String>::new());
    }
    assert_eq!((stage.harbor.faults().count("repositories"), stage.harbor.faults().count("artifacts")), (1, 2));
}

#[test]
fn the_newest_by_date_cost_no_request_and_unchanged_images_nothing_at_the_source() {
    let stage = stage();
    let inside = stage.inside.address();
    let text = stage.out(&format!(", registry: \"{inside}\""), "tags: {newest: {count: 1, by: created}}");
    stage.run(&text).expect(0);
    for repository in REPOSITORIES {
        stage.arrived(repository, &["2"]);
    }
    stage.run(&text).expect(0).says("6 unchanged");
    // The requests besides HEAD are those that find out how a registry wants to be logged in to.
    assert_eq!(stage.requests(inside), 0);
    assert!(stage.requests(stage.outside.address()) <= 7, "{}", stage.requests(stage.outside.address()));
}

#[test]
fn pages_that_are_lost_repeated_or_miscounted_lose_no_image() {
    for (action, nth, fault) in [
        ("projects", 1, Fault::Lost),
        ("projects", 1, Fault::Total(2)),
        ("repositories", 1, Fault::Lost),
        ("repositories", 2, Fault::Total(1)),
        ("artifacts", 2, Fault::Lost),
        ("artifacts", 3, Fault::Total(2)),
        ("artifacts", 3, Fault::Total(-1)),
        ("version", 1, Fault::Internal),
        ("current-user", 1, Fault::Throttled),
        ("projects", 1, Fault::Throttled),
        ("repositories", 1, Fault::Internal),
        ("artifacts", 1, Fault::Throttled),
    ] {
        let stage = stage();
        stage.harbor.faults().plan(action, nth, fault.clone());
        stage.run(&stage.out("", "")).expect(0);
        for repository in REPOSITORIES {
            assert_eq!(stage.outside.remote().tags(repository), ["1", "2"], "{action} {fault:?}");
        }
    }
}

#[test]
fn a_page_that_comes_again_loses_no_image() {
    let stage = Stage::new();
    stage.project("one", false);
    for number in 0..101 {
        stage.harbor.artifact("one", &format!("empty{number:03}"), Artifact::default());
    }
    stage.push("one", "last", &["1"]);
    stage.harbor.faults().plan("repositories", 2, Fault::Repeated);
    stage.run(&stage.out("", "")).expect(0);
    stage.arrived("one/last", &["1"]);
}

#[test]
fn a_list_that_stays_short_ends_with_exit_code_3() {
    let stage = stage();
    stage.harbor.faults().always("repositories", Fault::Total(3));
    stage.run(&stage.out("", "")).expect(3).says("the list of repositories is incomplete: 3 of 6 came");
    // What came is moved all the same.
    assert_eq!(stage.outside.remote().tags("one/app"), ["1", "2"]);
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    let stage = Stage::new();
    stage.project("one", false);
    stage.push("one", "first", &["1"]);
    for number in 0..250 {
        stage.harbor.artifact("one", &format!("empty{number:03}"), Artifact::default());
    }
    let door = Door::default();
    stage.harbor.faults().plan("repositories", 3, Fault::Held(door.clone()));
    stage.place.file("workflow.yaml", &stage.out("", ""));
    let running = stage.place.start(&["run", "workflow.yaml", "--log-level", "debug"], &[]);
    running.await_text("/one/first:1 ->");
    stage.arrived("one/first", &["1"]);
    door.open();
    running.finish().expect(0);
}

#[test]
fn proxy_caches_are_listed_by_name_alone() {
    let stage = stage();
    stage.harbor.proxy_cache("hub");
    stage.harbor.member("hub", USER);
    stage.push("hub", "library/alpine", &["3"]);
    stage.run(&stage.out("", "")).expect(0).says("proxy caches are left out").says("other registries have: hub;");
    assert_eq!(stage.outside.remote().tags("hub/library/alpine"), Vec::<String>::new());
    stage.run(&stage.out(", projects: [hub]", "")).expect(0);
    stage.arrived("hub/library/alpine", &["3"]);
}

#[test]
fn a_robot_lists_its_projects_and_nobody_lists_what_is_public() {
    let stage = stage();
    stage.project("open", true);
    stage.push("open", "app", &["1"]);
    let robot = "robot$one+ci";
    stage.harbor.user(robot, PASSWORD);
    stage.harbor.member("one", robot);
    let given = format!("URL\", username: {USER}, password: {PASSWORD}").replace("URL", &stage.harbor.url());
    let instead = |login: &str| stage.out("", "").replace(&given, &format!("{}\"{login}", stage.harbor.url()));
    stage.run(&instead("")).expect(0);
    stage.arrived("open/app", &["1"]);
    assert_eq!(stage.outside.remote().tags("one/app"), Vec::<String>::new());
    stage.run(&instead(&format!(", username: \"{robot}\", password: {PASSWORD}"))).expect(0);
    stage.arrived("one/app", &["1", "2"]);
    assert_eq!(stage.outside.remote().tags("two/app"), Vec::<String>::new());
}

/// What a run over the usual stage says, after something was made wrong with Harbor or with the workflow.
#[track_caller]
fn wrong(make: impl Fn(&Stage), change: (&str, &str)) -> Finished {
    let stage = stage();
    make(&stage);
    let from = stage.text(change.0);
    let text = stage.out("", "");
    assert!(text.contains(&from), "{text}");
    stage.run(&text.replace(&from, &stage.text(change.1))).expect(3)
}

#[test]
fn a_wrong_password_project_address_or_answer_is_told_by_what_to_do() {
    let nothing = |_: &Stage| {};
    let with = "with: {url: \"URL\", LOGIN}";
    // Harbor would show what is public, and the run would be short.
    wrong(|stage| stage.project("open", true), (with, &with.replace("LOGIN", "username: test, password: wrong")))
        .says("refused GET /users/current: UNAUTHORIZED")
        .says("check `username` and `password` of `test`: the secret of a robot may have expired");
    wrong(|stage| stage.harbor.project("hidden", false), (with, &with.replace('}', ", projects: [one, hidden]}")))
        .says("shows `test` no project `hidden`; it shows one, two: check `projects`");
    wrong(nothing, (with, &with.replace("LOGIN", "projects: [one]")))
        .says("shows nobody in particular no project `one`");
    wrong(nothing, (with, &with.replace("URL", "http://OUTSIDE"))).says("has no API of Harbor 2: check `url`");
    wrong(nothing, (with, &with.replace("URL", "http://127.0.0.1:1"))).says("cannot be reached");
    for action in ["projects", "repositories", "artifacts"] {
        wrong(|stage| stage.harbor.faults().always(action, Fault::Forbidden), ("", "")).says("FORBIDDEN (forbidden)");
    }
    for action in ["version", "current-user", "projects", "repositories", "artifacts"] {
        wrong(|stage| stage.harbor.faults().always(action, Fault::Html), ("", ""))
            .says("with something that is not its API")
            .says("proxy or sign-in page");
    }
}

#[test]
fn bad_options_are_told_at_their_lines() {
    let stage = Stage::new();
    let text = stage.out(", projects: [\"team/*\"], registry: \"a b\"", "");
    let finished = stage.run(&text.replace(&stage.harbor.url(), "harbor.corp")).expect(2);
    finished
        .says("`team/*` is not the name of a project; patterns go into `repositories`")
        .says("`a b` is not a registry");
    assert_eq!(stage.harbor.faults().total(), 0);
}

/// Puts `repository:1` into the other registry.
fn outside(stage: &Stage, repository: &str) {
    Graph::single(repository, "1").push(&stage.outside.remote(), repository);
}

#[test]
fn projects_are_made_once_and_those_that_are_there_used() {
    for older in [false, true] {
        let stage = Stage::new();
        if older {
            stage.harbor.older();
        }
        stage.project("there", true);
        for repository in ["there/app", "new/app", "new/team/web", "2024/app"] {
            outside(&stage, repository);
        }
        stage.run(&stage.back("")).expect(0);
        for repository in ["there/app", "new/app", "new/team/web", "2024/app"] {
            assert_eq!(stage.inside.remote().tags(repository), ["1"], "{repository}");
        }
        assert_eq!(stage.harbor.faults().count("create-project"), 2);
        let public = |name: &str| stage.harbor.publicity(name);
        assert_eq!([public("there"), public("new"), public("2024")], [Some(true), Some(false), Some(false)]);
        assert_eq!(stage.harbor.cookies(), 0);
    }
}

#[test]
fn an_option_decides_who_may_pull_and_a_project_of_others_may_be_pushed_to() {
    let stage = Stage::new();
    stage.harbor.project("others", false);
    outside(&stage, "others/app");
    outside(&stage, "new/app");
    stage.run(&stage.back(", public: true")).expect(0).says("is there and not shown to `test`");
    assert_eq!((stage.harbor.publicity("new"), stage.harbor.publicity("others")), (Some(true), Some(false)));
    assert_eq!(stage.inside.remote().tags("others/app"), ["1"]);
}

#[test]
fn a_project_that_cannot_be_made_fails_its_images_by_name() {
    let stage = Stage::new();
    stage.harbor.only_admins_create();
    stage.harbor.proxy_cache("hub");
    stage.harbor.member("hub", USER);
    stage.project("there", false);
    for repository in ["there/app", "new/app", "new/web", "hub/app", "alone"] {
        outside(&stage, repository);
    }
    let finished = stage.run(&stage.back("")).expect(1);
    for text in [
        "new/app",
        "new/web",
        "refused POST /projects (new): FORBIDDEN (Only system admin can create project)",
        "have an administrator make the project `new` and `test` a developer in it",
        "the project `hub` of Harbor at",
        "is a proxy cache, which takes no push",
        "`alone` is in no project, which Harbor needs: set `to.namespace`",
    ] {
        assert!(finished.stderr.contains(text), "nothing says {text:?}\n{}", finished.stderr);
    }
    assert_eq!(stage.inside.remote().tags("there/app"), ["1"]);
    assert_eq!(stage.harbor.faults().count("create-project"), 1);
}

#[test]
fn a_wrong_password_makes_no_project() {
    let stage = Stage::new();
    outside(&stage, "new/app");
    let text = stage.back("").replace(
        &format!("with: {{url: \"{}\", username: {USER}, password: {PASSWORD}", stage.harbor.url()),
        &format!("with: {{url: \"{}\", username: {USER}, password: wrong", stage.harbor.url()),
    );
    stage.run(&text).expect(1).says("refused GET /users/current: UNAUTHORIZED");
    assert_eq!(stage.harbor.faults().count("create-project"), 0);
}

#[test]
fn what_passes_is_asked_again_when_projects_are_made() {
    for (action, fault) in [("projects", Fault::Internal), ("create-project", Fault::Throttled)] {
        let stage = Stage::new();
        outside(&stage, "new/app");
        stage.harbor.faults().plan(action, 1, fault);
        stage.run(&stage.back("")).expect(0);
        assert_eq!(stage.inside.remote().tags("new/app"), ["1"]);
    }
}

#[test]
fn harbors_own_description_admits_all_that_the_plugin_asks() {
    let stage = stage();
    let Some(prism) = Prism::harbor(stage.harbor.address()) else { return };
    let through = |text: String, registry: SocketAddr| {
        let url = format!("url: \"{}\"", stage.harbor.url());
        text.replace(&url, &format!("url: \"{}\", registry: \"{registry}\"", prism.url()))
    };
    let inside = stage.inside.address();
    stage.run(&through(stage.out("", ""), inside)).expect(0);
    for repository in REPOSITORIES {
        stage.arrived(repository, &["1", "2"]);
    }
    stage.run(&through(stage.out(", projects: [one, two]", ""), inside)).expect(0).says("12 unchanged");
    outside(&stage, "new/app");
    stage.run(&through(stage.back(""), inside)).expect(0);
    assert_eq!(
        (stage.harbor.publicity("new"), stage.inside.remote().tags("new/app")),
        (Some(false), vec!["1".to_owned()])
    );
}

/// The host knows nothing of Harbor: the component is a file here, under a name that no built-in plugin has, and what is before it in
/// the workflow is the same text with another `from`.
#[test]
fn another_source_in_a_workflow_needs_no_other_host() {
    let stage = stage();
    outside(&stage, "catalog/app");
    let dist = tools::repository().join("plugins/dist");
    let text = |from: &str, to: &str| {
        stage.text(&format!(
            "\
{{REGISTRIES}}plugins:
  mine: {{path: \"{dist}/harbor.wasm\"}}
  plain: {{path: \"{dist}/catalog.wasm\"}}
transfers:
  - from: {from}
    to: {{registry: \"oci:{to}\"}}
",
            dist = dist.display()
        ))
    };
    stage.run(&text("{plugin: mine, with: {url: \"URL\", LOGIN}}", "from-harbor")).expect(0);
    stage.run(&text("{plugin: plain, with: {registry: \"OUTSIDE\"}}", "from-catalog")).expect(0);
    for directory in ["from-harbor/two/team/web/ui", "from-catalog/catalog/app"] {
        assert!(stage.place.path().join(directory).join("index.json").is_file(), "{directory}");
    }
}
