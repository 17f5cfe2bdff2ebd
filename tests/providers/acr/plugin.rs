//! The plugin `acr` in a workflow: what it lists, how it logs in, and how both fail.

use std::time::Duration;

use crate::fakes::acr::KEY_ID;
use crate::fakes::acr::KEY_SECRET;
use crate::fakes::acr::PERSONAL;
use crate::fakes::acr::challenge;
use crate::harness::api::Door;
use crate::harness::api::Fault;
use crate::harness::command::Finished;
use crate::harness::proxy::Action;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::providers::acr::stage::EDITIONS;
use crate::providers::acr::stage::INSTANCE;
use crate::providers::acr::stage::Stage;

const REPOSITORIES: [&str; 4] = ["one/app", "one/cache", "two/app", "two/cache"];

/// An edition with the namespaces `one` and `two` of two repositories each, and small pages.
fn stage(place: &str) -> Stage {
    let stage = Stage::new();
    for repository in REPOSITORIES {
        stage.push(place, repository, &["1", "2"]);
    }
    stage.acr.page_cap(3);
    stage
}

/// What the actions are called in an edition.
fn actions(place: &str) -> [&'static str; 3] {
    if place == PERSONAL {
        ["GetNamespaceList", "GetRepoList", "GetRepoTags"]
    } else {
        ["ListNamespace", "ListRepository", "ListRepoTag"]
    }
}

#[test]
fn all_of_an_edition_arrives_with_each_of_its_tags() {
    for place in EDITIONS {
        let stage = stage(place);
        stage.push(place, "one/team.web", &["1", "2", "3", "4", "5", "6", "7"]);
        stage.run(&stage.out(place, "", "")).expect(0);
        for repository in REPOSITORIES {
            stage.arrived(place, repository, &["1", "2"]);
        }
        stage.arrived(place, "one/team.web", &["1", "2", "3", "4", "5", "6", "7"]);
    }
}

#[test]
fn pages_are_read_to_the_end() {
    let stage = stage(INSTANCE);
    for number in 0..210 {
        stage.acr.repository(INSTANCE, "one", &format!("empty{number:03}"), &[]);
        stage.acr.namespace(INSTANCE, &format!("none{number:03}"), true, false);
    }
    stage.push(INSTANCE, "zzz/last", &["1"]);
    stage.run(&stage.out(INSTANCE, ", namespaces: [one, zzz], exclude: [\"**/empty*\"]", "")).expect(0);
    stage.arrived(INSTANCE, "one/app", &["1", "2"]);
    stage.arrived(INSTANCE, "zzz/last", &["1"]);
    // 213 namespaces; 212 repositories in one namespace and one in the other.
    assert_eq!((stage.count("ListNamespace"), stage.count("ListRepository"), stage.count("ListRepoTag")), (3, 4, 3));
}

#[test]
fn a_namespace_is_asked_for_at_the_api_and_patterns_save_requests() {
    for (place, all, within) in
        [(INSTANCE, "ListRepository", "ListRepository"), (PERSONAL, "GetRepoList", "GetRepoListByNamespace")]
    {
        let stage = stage(place);
        stage.run(&stage.out(place, ", namespaces: [one], exclude: [\"**/cache\"]", "")).expect(0);
        stage.arrived(place, "one/app", &["1", "2"]);
        for repository in ["one/cache", "two/app"] {
            assert_eq!(stage.outside.remote().tags(repository), Vec::<String>::new());
        }
        assert_eq!((stage.count(within), stage.count(actions(place)[2])), (1, 1));
        assert!(all == within || stage.count(all) == 0);
    }
}

#[test]
fn the_newest_by_date_cost_no_request_and_unchanged_images_nothing_at_the_source() {
    for place in EDITIONS {
        let stage = stage(place);
        let text = stage.out(place, "", "tags: {newest: {count: 1, by: created}}");
        stage.run(&text).expect(0);
        for repository in REPOSITORIES {
            stage.arrived(place, repository, &["2"]);
        }
        stage.run(&text).expect(0).says("4 unchanged");
        assert_eq!(stage.requests(place), 0);
    }
}

#[test]
fn pages_that_are_lost_repeated_or_miscounted_lose_no_image() {
    for place in EDITIONS {
        let [_, repositories, tags] = actions(place);
        for (action, nth, fault) in [
            (repositories, 1, Fault::Lost),
            (repositories, 1, Fault::Total(2)),
            (repositories, 1, Fault::Internal),
            (tags, 2, Fault::Lost),
            (tags, 3, Fault::Total(2)),
            (tags, 3, Fault::Total(-1)),
            (tags, 1, Fault::Throttled),
            ("GetAuthorizationToken", 1, Fault::Throttled),
        ] {
            let stage = stage(place);
            stage.acr.faults().plan(action, nth, fault.clone());
            stage.run(&stage.out(place, "", "")).expect(0);
            for repository in REPOSITORIES {
                assert_eq!(stage.outside.remote().tags(repository), ["1", "2"], "{action} {fault:?}");
            }
        }
    }
}

#[test]
fn what_is_asked_once_is_asked_again_if_it_fails() {
    for (place, action, fault) in [
        (INSTANCE, "ListInstance", Fault::Lost),
        (INSTANCE, "ListInstance", Fault::Throttled),
        (INSTANCE, "ListInstanceEndpoint", Fault::Internal),
        (INSTANCE, "ListNamespace", Fault::Lost),
        (INSTANCE, "ListNamespace", Fault::Total(1)),
        (PERSONAL, "GetNamespaceList", Fault::Throttled),
        // The second page of three repositories.
        (PERSONAL, "GetRepoList", Fault::Repeated),
    ] {
        let stage = stage(place);
        stage.acr.throttle_with(429);
        let nth = if matches!(fault, Fault::Repeated) { 2 } else { 1 };
        stage.acr.faults().plan(action, nth, fault.clone());
        stage.run(&stage.out(place, "", "")).expect(0);
        for repository in REPOSITORIES {
            assert_eq!(stage.outside.remote().tags(repository), ["1", "2"], "{action} {fault:?}");
        }
    }
}

#[test]
fn a_list_that_stays_short_ends_with_exit_code_3() {
    for place in EDITIONS {
        let stage = stage(place);
        stage.acr.faults().always(actions(place)[1], Fault::Total(3));
        let finished = stage.run(&stage.out(place, "", "")).expect(3);
        finished.says("the list of repositories is incomplete: 4 of 7 came");
        // What came is moved all the same.
        assert_eq!(stage.outside.remote().tags("one/app"), ["1", "2"]);
    }
}

#[test]
fn the_first_image_arrives_before_the_last_page_is_read() {
    for place in EDITIONS {
        let stage = stage(place);
        for number in 0..250 {
            stage.acr.repository(place, "zzz", &format!("empty{number:03}"), &[]);
        }
        stage.acr.page_cap(100);
        let door = Door::default();
        stage.acr.faults().plan(actions(place)[1], 3, Fault::Held(door.clone()));
        stage.place.file("workflow.yaml", &stage.out(place, ", exclude: [\"zzz/*\"]", ""));
        let running = stage.place.start(&["run", "workflow.yaml", "--log-level", "debug"], &[]);
        running.await_text("/one/app:1 (");
        assert_eq!(stage.outside.remote().tags("one/app")[0], "1");
        door.open();
        running.finish().expect(0);
        assert_eq!(stage.count(actions(place)[1]), 3);
    }
}

#[test]
fn each_action_is_called_no_more_than_fifteen_times_a_second() {
    let stage = Stage::new();
    for number in 0..40 {
        stage.acr.repository(INSTANCE, "one", &format!("empty{number}"), &[]);
    }
    stage.push(INSTANCE, "one/app", &["1"]);
    stage.acr.limit(15);
    stage.run(&stage.out(INSTANCE, "", "")).expect(0);
    stage.arrived(INSTANCE, "one/app", &["1"]);
    // None was refused, so none came twice.
    assert_eq!(stage.count("ListRepoTag"), 41);
}

#[test]
fn a_registry_says_which_edition_it_belongs_to() {
    for (place, service) in [(INSTANCE, format!("china:{INSTANCE}")), (PERSONAL, "26842".to_owned())] {
        let stage = stage(place);
        let proxy = stage.registry(place).proxy();
        let reply = challenge("https://dockerauth.cn-hangzhou.aliyuncs.com/auth", "cn-hangzhou", &service);
        let answer = Action::Answer { status: reply.status, headers: reply.headers, body: reply.body };
        proxy.fault("GET", "^/v2/$", 1, answer);
        let text = format!(
            "\
version: 1
registries:
  \"{proxy}\": {{LOGIN, plain-http: true}}
  \"OUTSIDE\": {{plain-http: true}}
transfers:
  - from: {{plugin: acr, with: {{KEY, registry: \"http://{proxy}\"}}}}
    to: {{registry: \"OUTSIDE\"}}
",
            proxy = proxy.address()
        );
        stage.run(&stage.text(&text)).expect(0);
        for repository in REPOSITORIES {
            stage.arrived(place, repository, &["1", "2"]);
        }
        assert_eq!(stage.count("ListInstance") + stage.count("ListInstanceEndpoint"), 0);
        // Now it says nothing of ACR.
        stage.run(&stage.text(&text)).expect(3).says("does not say which edition of ACR it belongs to");
    }
}

#[test]
fn a_login_is_renewed_before_it_runs_out() {
    for place in EDITIONS {
        let stage = stage(place);
        // So short that each request needs a new one.
        stage.acr.credential(place, USER, PASSWORD, Duration::from_secs(1));
        stage.run(&stage.out(place, "", "")).expect(0);
        assert!(stage.count("GetAuthorizationToken") > 1);
    }
}

#[test]
fn a_temporary_key_lists_until_it_expires() {
    let stage = stage(INSTANCE);
    let (secret, token) = ("not-a-real-temporary-secret", "not-a-real-security-token");
    stage.acr.temporary_key("STS.placeholder", secret, token);
    let text = stage.out(INSTANCE, "", "");
    let text =
        text.replace(KEY_ID, "STS.placeholder").replace(KEY_SECRET, &format!("{secret}, security-token: {token}"));
    stage.run(&text).expect(0);
    stage.arrived(INSTANCE, "one/app", &["1", "2"]);
    stage.acr.expire(token);
    let finished = stage.run(&text).expect(3).says("InvalidSecurityToken.Expired").says("make a new one");
    let wrong = stage.run(&text.replace(secret, "wrong-placeholder")).expect(3);
    for text in [finished.stderr, wrong.stderr] {
        assert!(!text.contains(token), "{text}");
    }
}

/// What a run says, after something was made wrong with an edition or with the workflow.
#[track_caller]
fn wrong(place: &str, make: impl Fn(&Stage), change: (&str, &str), code: i32) -> Finished {
    let stage = stage(place);
    make(&stage);
    let text = stage.out(place, "", "");
    assert!(text.contains(change.0), "{text}");
    stage.run(&text.replace(change.0, change.1)).expect(code)
}

#[test]
fn a_wrong_key_right_clock_address_or_answer_is_told_by_what_to_do() {
    let nothing = |_: &Stage| {};
    for place in EDITIONS {
        let [namespaces, _, tags] = actions(place);
        let first = if place == PERSONAL { namespaces } else { "ListInstance" };
        wrong(place, nothing, (KEY_ID, "someone-else"), 3)
            .says(&format!("Aliyun refused {first}: InvalidAccessKeyId.NotFound"))
            .says("check `access-key-id`");
        wrong(place, nothing, (KEY_SECRET, "another-placeholder"), 3)
            .says("SignatureDoesNotMatch")
            .says("check `access-key-secret`");
        wrong(place, |stage| stage.acr.set_ahead(3600), ("", ""), 3)
            .says("InvalidTimeStamp.Expired")
            .says("check the clock of this machine");
        for code in ["NoPermission", "Forbidden.RAM"] {
            wrong(place, |stage| stage.acr.forbid(tags, code), ("", ""), 3)
                .says(&format!("Aliyun refused {tags}: {code}"))
                .says("give the key the right to this action");
        }
        wrong(place, |stage| stage.acr.forbid("GetAuthorizationToken", "NoPermission"), ("", ""), 1)
            .says("Aliyun refused GetAuthorizationToken: NoPermission");
        wrong(place, |stage| stage.acr.faults().always(tags, Fault::Html), ("", ""), 3)
            .says(&format!("Aliyun answered {tags} with something that is not its API"))
            .says("proxy or sign-in page");
    }
    let stage = Stage::new();
    let text = stage.out(PERSONAL, "", "").replace(&stage.acr.url(), "http://127.0.0.1:1");
    stage.run(&text).expect(3).says("cannot be reached").says("check the region and the endpoint");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let nothing = |_: &Stage| {};
    let source = "instance: team}}\n    select";
    let with = |instance: &str| source.replace("team", instance);
    wrong(INSTANCE, nothing, (source, &with("nobody")), 3)
        .says("there is no ACR instance `nobody` in cn-hangzhou; this key sees other (cri-other), team (")
        .says(INSTANCE);
    wrong(INSTANCE, nothing, (source, &with("team, namespaces: [one, absent]")), 3)
        .says("the ACR instance `team` has no namespace `absent`; it has one, two");
    let personal = "edition: personal}}\n    select";
    wrong(PERSONAL, nothing, (personal, &personal.replace("}}", ", namespaces: [absent]}}")), 3)
        .says("the personal edition of ACR in cn-hangzhou has no namespace `absent`; it has one, two");
    wrong(PERSONAL, |stage| stage.acr.never_opened(), ("", ""), 3)
        .says("USER_NOT_EXIST")
        .says("open the console of Container Registry once as this user");
    wrong(INSTANCE, |stage| stage.acr.status(INSTANCE, "STOPPED"), ("", ""), 3).says("its status is STOPPED");
    wrong(INSTANCE, |stage| stage.acr.close(INSTANCE), ("", ""), 3)
        .says("the ACR instance `team` is not open to the Internet")
        .says("team-registry-vpc.cn-hangzhou.cr.aliyuncs.com");
}

#[test]
fn an_instance_is_found_by_its_id_without_the_right_to_list_instances() {
    let stage = stage(INSTANCE);
    stage.acr.forbid("ListInstance", "NoPermission");
    let text = stage.out(INSTANCE, "", "");
    stage.run(&text.replace("instance: team", &format!("instance: {INSTANCE}"))).expect(0);
    stage.arrived(INSTANCE, "one/app", &["1", "2"]);
    stage.run(&text).expect(3).says("Aliyun refused ListInstance: NoPermission");
    for soft in [false, true] {
        if soft {
            stage.acr.soft_errors();
        }
        stage
            .run(&text.replace("instance: team", "instance: cri-none"))
            .expect(3)
            .says("Aliyun refused ListNamespace: INSTANCE_NOT_EXIST")
            .says("check `instance`, and that it is in `cn-hangzhou`");
    }
}

#[test]
fn bad_options_are_told_at_their_lines() {
    let stage = Stage::new();
    let text = stage.out(INSTANCE, ", registry: \"a b\", edition: personal, exclude: [\"[\"]", "");
    stage
        .run(&text)
        .expect(2)
        .says("`a b` is not a registry")
        .says("the personal edition has no instances")
        .says("`[` is not a glob");
    assert_eq!(stage.acr.faults().total(), 0);
}
