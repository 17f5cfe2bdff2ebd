//! The provisioner and the credentials of `ecr`: images that move into it.

use crate::fakes::ecr::Kind;
use crate::harness::api::Fault;
use crate::harness::graph::Graph;
use crate::harness::store::Store;
use crate::providers::ecr::stage::Stage;

/// An empty ECR, and images in the other registry.
fn stage(kind: Kind) -> Stage {
    let stage = Stage::new(kind);
    for repository in ["team/app", "team/web/ui"] {
        for tag in ["1", "2"] {
            Graph::single(&format!("{repository} {tag}"), tag).push(&stage.outside.remote(), repository);
        }
    }
    stage
}

#[track_caller]
fn came(stage: &Stage, from: &str, to: &str) {
    for tag in ["1", "2"] {
        let there = stage.inside.remote().content(to, tag).unwrap();
        assert_eq!(there, stage.outside.remote().content(from, tag).unwrap(), "{to}:{tag}");
    }
}

#[test]
fn each_repository_is_made_once_by_its_whole_name_and_left_as_it_is_if_there() {
    let stage = stage(Kind::Private);
    stage.ecr.repository(Kind::Private, "mirror/team/web/ui", &[]);
    stage.run(&stage.back("", ", namespace: mirror")).expect(0);
    came(&stage, "team/app", "mirror/team/app");
    came(&stage, "team/web/ui", "mirror/team/web/ui");
    assert_eq!(stage.ecr.repositories(Kind::Private), ["mirror/team/web/ui", "mirror/team/app"]);
    assert_eq!(stage.ecr.faults().count("CreateRepository"), 1);
    assert_eq!(stage.ecr.faults().count("GetAuthorizationToken"), 1);
}

#[test]
fn a_public_repository_is_made_by_its_name_behind_the_alias() {
    let stage = stage(Kind::Public);
    stage.run(&stage.back("", ", namespace: a1b2")).expect(0);
    came(&stage, "team/app", "a1b2/team/app");
    let mut made = stage.ecr.repositories(Kind::Public);
    made.sort();
    assert_eq!(made, ["team/app", "team/web/ui"]);
    assert!(stage.ecr.repositories(Kind::Private).is_empty());
    assert_eq!(stage.ecr.faults().count("DescribeRegistries"), 1);
    let refused = stage.run(&stage.back("", "")).expect(1);
    refused.says("names in ECR Public begin with an alias of it, which is a1b2; set `to.namespace`");
    // With the alias in the options, the API is not asked.
    stage.run(&stage.back(", alias: a1b2", ", namespace: a1b2")).expect(0);
    assert_eq!(stage.ecr.faults().count("DescribeRegistries"), 2);
}

#[test]
fn what_cannot_be_made_fails_its_images_by_name() {
    let stage = stage(Kind::Private);
    stage.ecr.repository(Kind::Private, "team/app", &[]);
    stage.ecr.quota(Kind::Private, 1);
    stage
        .run(&stage.back("", ""))
        .expect(1)
        .says("repository `team/web/ui` cannot be made: Amazon ECR refused CreateRepository: LimitExceededException")
        .says("raise it in Service Quotas");
    came(&stage, "team/app", "team/app");
    assert!(stage.inside.remote().tags("team/web/ui").is_empty());
    let failed = stage.place.report("report.json")["images"].to_string().matches("cannot be made").count();
    assert_eq!(failed, 2, "each image has it");
    assert_eq!(stage.ecr.faults().count("CreateRepository"), 1);

    let stage = self::stage(Kind::Private);
    stage.ecr.forbid("CreateRepository");
    stage.run(&stage.back("", "")).expect(1).says("refused CreateRepository: AccessDeniedException");
}

#[test]
fn an_api_that_is_busy_or_fails_is_asked_again() {
    for (action, fault) in [
        ("CreateRepository", Fault::Throttled),
        ("CreateRepository", Fault::Internal),
        ("DescribeRepositories", Fault::Throttled),
        ("GetAuthorizationToken", Fault::Internal),
    ] {
        let stage = stage(Kind::Private);
        stage.ecr.faults().plan(action, 1, fault.clone());
        stage.run(&stage.back("", "")).expect(0);
        came(&stage, "team/web/ui", "team/web/ui");
    }
}

#[test]
fn a_login_is_renewed_before_it_runs_out() {
    let stage = stage(Kind::Private);
    // So short that each request needs a new one.
    stage.ecr.credential(crate::harness::registry::PASSWORD, 1);
    stage.run(&stage.back("", "")).expect(0);
    came(&stage, "team/app", "team/app");
    assert!(stage.ecr.faults().count("GetAuthorizationToken") > 1);
}
