//! The source `ecr`: what it lists, and that nothing of it is lost.

use crate::fakes::ecr::Image;
use crate::fakes::ecr::Kind;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::store::Store;
use crate::providers::ecr::stage::Stage;

/// Three repositories below each of `one` and `two`, in pages of at most two.
fn stage() -> Stage {
    let stage = Stage::new(Kind::Private);
    for namespace in ["one", "two"] {
        for repository in ["app", "team/web/ui", "cache"] {
            stage.push(&format!("{namespace}/{repository}"), &["1", "2", "3"]);
        }
    }
    stage.ecr.page_cap(2);
    stage
}

const REPOSITORIES: [&str; 6] = ["one/app", "one/team/web/ui", "one/cache", "two/app", "two/team/web/ui", "two/cache"];

#[test]
fn all_images_arrive_with_each_of_their_tags() {
    for kind in [Kind::Private, Kind::Public] {
        let stage = Stage::new(kind);
        let untagged = Image { digest: format!("sha256:{}", "0".repeat(64)), ..Image::default() };
        let images = [stage.image("app", &["1", "latest"], 0), untagged.clone(), stage.image("app", &["2"], 1)];
        stage.ecr.repository(kind, "app", &images);
        stage.ecr.repository(kind, "untagged", &[untagged]);
        stage.ecr.repository(kind, "empty", &[]);
        stage.push("team/web", &["1"]);
        stage.run(&stage.out("", "")).expect(0);
        stage.arrived("app", &["1", "2", "latest"]);
        stage.arrived("team/web", &["1"]);
        assert_eq!(stage.ecr.faults().count("DescribeRepositories"), 1);
        assert_eq!(stage.ecr.faults().count("DescribeImages"), 4);
        assert_eq!(stage.ecr.faults().count("GetAuthorizationToken"), 1);
    }
}

#[test]
fn archived_images_are_not_listed() {
    let stage = Stage::new(Kind::Private);
    let archived = Image { archived: true, ..stage.image("app", &["old"], 0) };
    stage.ecr.repository(Kind::Private, "app", &[archived, stage.image("app", &["new"], 1)]);
    stage.run(&stage.out("", "")).expect(0);
    stage.arrived("app", &["new"]);
}

#[test]
fn images_of_what_is_left_out_are_not_asked_for() {
    let stage = stage();
    stage.run(&stage.out(", namespaces: [one, two/team], exclude: [\"**/cache\"]", "")).expect(0);
    for repository in ["one/app", "one/team/web/ui", "two/team/web/ui"] {
        stage.arrived(repository, &["1", "2", "3"]);
    }
    assert_eq!(stage.outside.remote().tags("two/app"), Vec::<String>::new());
    // Three pages of repositories; two pages of images each.
    assert_eq!(stage.ecr.faults().count("DescribeRepositories"), 3);
    assert_eq!(stage.ecr.faults().count("DescribeImages"), 6);
}

#[test]
fn repositories_that_are_named_are_the_only_ones_that_are_asked_for() {
    let stage = stage();
    stage.run(&stage.out(", repositories: [two/app, one/cache]", "")).expect(0);
    stage.arrived("two/app", &["1", "2", "3"]);
    stage.arrived("one/cache", &["1", "2", "3"]);
    assert_eq!(stage.ecr.faults().count("DescribeRepositories"), 1);
    assert_eq!(stage.ecr.faults().count("DescribeImages"), 4);
    stage
        .run(&stage.out(", repositories: [two/app, two/none]", ""))
        .expect(3)
        .says("Amazon ECR refused DescribeRepositories: RepositoryNotFoundException")
        .says("two/none");
}

#[test]
fn the_newest_by_date_cost_no_request_and_unchanged_images_nothing_at_the_source() {
    let stage = stage();
    let (inside, outside) = (stage.inside.address(), stage.outside.address());
    let text = stage.out("", "tags: {newest: {count: 1, by: created}}");
    stage.run(&text).expect(0);
    for repository in REPOSITORIES {
        stage.arrived(repository, &["3"]);
    }
    stage.run(&text).expect(0).says("6 unchanged");
    assert_eq!(stage.requests(inside), 0);
    // One is to see how to log in.
    assert!(stage.requests(outside) <= 7, "{}", stage.requests(outside));
}

#[test]
fn pages_that_are_lost_or_repeated_lose_no_image() {
    for (action, nth, fault) in [
        ("DescribeRepositories", 2, Fault::Repeated),
        ("DescribeRepositories", 3, Fault::Repeated),
        ("DescribeRepositories", 2, Fault::Lost),
        ("DescribeRepositories", 3, Fault::Lost),
        ("DescribeRepositories", 1, Fault::Throttled),
        ("DescribeImages", 2, Fault::Throttled),
        ("DescribeRepositories", 2, Fault::Internal),
        ("DescribeImages", 1, Fault::Internal),
        ("GetAuthorizationToken", 1, Fault::Throttled),
        ("GetAuthorizationToken", 1, Fault::Internal),
    ] {
        let stage = stage();
        stage.ecr.faults().plan(action, nth, fault.clone());
        stage.run(&stage.out("", "")).expect(0);
        for repository in REPOSITORIES {
            assert_eq!(stage.outside.remote().tags(repository), ["1", "2", "3"], "{action} {nth} {fault:?}");
        }
    }
}

#[test]
fn the_second_page_of_a_repository_is_not_lost_either() {
    for fault in [Fault::Repeated, Fault::Lost, Fault::Internal] {
        let stage = stage();
        stage.ecr.faults().plan("DescribeImages", 2, fault.clone());
        stage.run(&stage.out(", repositories: [two/app]", "")).expect(0);
        stage.arrived("two/app", &["1", "2", "3"]);
        assert_eq!(stage.ecr.faults().count("DescribeImages"), 3, "{fault:?}");
    }
}

#[test]
fn a_list_that_repeats_itself_for_ever_ends_with_exit_code_3() {
    let stage = stage();
    for nth in 2..20 {
        stage.ecr.faults().plan("DescribeRepositories", nth, Fault::Repeated);
    }
    stage.run(&stage.out("", "")).expect(3).says("the list of repositories came to a page that is empty or repeats");
    // What came is moved all the same.
    stage.arrived("one/app", &["1", "2", "3"]);
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    let stage = stage();
    let door = Door::default();
    stage.ecr.faults().plan("DescribeRepositories", 3, Fault::Held(door.clone()));
    stage.place.file("workflow.yaml", &stage.out("", ""));
    let running = stage.place.start(&["run", "workflow.yaml", "--log-level", "debug"], &[]);
    running.await_text("/one/app:1 ->");
    door.open();
    running.finish().expect(0);
    stage.arrived("two/cache", &["1", "2", "3"]);
}

#[test]
fn requests_come_at_the_rate_that_the_page_of_documentation_says() {
    let stage = Stage::new(Kind::Private);
    for number in 0..50 {
        stage.ecr.repository(Kind::Private, &format!("empty{number}"), &[]);
    }
    stage.push("last", &["1"]);
    stage.ecr.limit(20);
    stage.run(&stage.out("", "")).expect(0);
    stage.arrived("last", &["1"]);
    // None was throttled.
    assert_eq!(stage.ecr.faults().count("DescribeImages"), 51);
}
