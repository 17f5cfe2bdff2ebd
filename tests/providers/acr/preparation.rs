//! What the plugin `acr` makes before a push.

use std::sync::Arc;

use crate::fakes::acr::PERSONAL;
use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::fakes::tencent::Tag;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Fault;
use crate::harness::api::Server;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::providers::acr::stage::EDITIONS;
use crate::providers::acr::stage::INSTANCE;
use crate::providers::acr::stage::Stage;

/// What makes a repository in an edition.
fn creation(place: &str) -> &'static str {
    if place == PERSONAL { "CreateRepo" } else { "CreateRepository" }
}

/// The namespaces of an edition, sorted.
fn namespaces(stage: &Stage, place: &str) -> Vec<(String, bool, bool)> {
    let mut namespaces = stage.acr.namespaces(place);
    namespaces.sort();
    namespaces
}

fn named(name: &str, auto_create: bool, public: bool) -> (String, bool, bool) {
    (name.to_owned(), auto_create, public)
}

#[test]
fn namespaces_are_made_once_and_those_that_are_there_used() {
    for place in EDITIONS {
        let stage = Stage::new();
        stage.acr.namespace(place, "there", true, true);
        for repository in ["there/app", "new/app", "new/web"] {
            stage.outside(repository);
        }
        stage.run(&stage.back(place, "")).expect(0);
        for repository in ["there/app", "new/app", "new/web"] {
            assert_eq!(stage.registry(place).remote().tags(repository), ["1"], "{place} {repository}");
        }
        assert_eq!(stage.count("CreateNamespace"), 1);
        assert_eq!(namespaces(&stage, place), [named("new", true, false), named("there", true, true)]);
        // A push makes the repositories.
        assert_eq!(stage.count(creation(place)), 0);
    }
}

#[test]
fn a_repository_is_made_where_a_push_makes_none() {
    for place in EDITIONS {
        let stage = Stage::new();
        stage.acr.namespace(place, "strict", false, true);
        stage.acr.repository(place, "strict", "there", &[]);
        for repository in ["strict/there", "strict/new"] {
            stage.outside(repository);
        }
        stage.run(&stage.back(place, "")).expect(0);
        assert_eq!(stage.registry(place).remote().tags("strict/new"), ["1"]);
        assert_eq!(stage.registry(place).remote().tags("strict/there"), ["1"]);
        assert_eq!(stage.count(creation(place)), 1);
        assert!(stage.acr.repositories(place).contains(&("strict/new".to_owned(), false)));
        // Once more: all is there.
        stage.run(&stage.back(place, "")).expect(0).says("2 unchanged");
        assert_eq!(stage.count(creation(place)), 1);
    }
}

#[test]
fn what_is_private_in_a_public_namespace_stays_private() {
    for (from, to) in [(INSTANCE, PERSONAL), (PERSONAL, INSTANCE)] {
        let stage = Stage::new();
        stage.acr.namespace(from, "open", true, true);
        // Of the fake's repositories all are private.
        stage.push(from, "open/app", &["1"]);
        stage.push(from, "closed/app", &["1"]);
        let source = if from == PERSONAL { "edition: personal" } else { "instance: team" };
        let source = format!("{{plugin: acr, with: {{KEY, {source}}}}}");
        stage.run(&stage.inward(to, &source, "")).expect(0);
        for repository in ["open/app", "closed/app"] {
            let there = stage.registry(to).remote().content(repository, "1").unwrap();
            assert_eq!(there, stage.registry(from).remote().content(repository, "1").unwrap());
        }
        assert_eq!(namespaces(&stage, to), [named("closed", true, false), named("open", true, true)]);
        assert_eq!(stage.acr.repositories(to), [("open/app".to_owned(), false)]);
    }
}

#[test]
fn what_is_public_at_another_provider_stays_public() {
    for place in EDITIONS {
        let (stage, api, ccr) = (Stage::new(), Arc::new(Tencent::new()), Registry::open());
        api.ccr_server(&ccr.address().to_string());
        for (repository, public) in [("open/app", true), ("mixed/app", true), ("mixed/own", false)] {
            Graph::single(repository, "1").push(&ccr.remote(), repository);
            let digest = ccr.remote().manifest(repository, "1").unwrap().digest;
            let pushed = "2024-01-01T00:00:00Z".to_owned();
            api.ccr_repository(repository, public, &[Tag { name: "1".to_owned(), digest, size: 1, pushed }]);
        }
        let server = Server::start(Arc::clone(&api) as Arc<dyn Api>);
        let source = format!(
            "{{plugin: ccr, with: {{secret-id: {SECRET_ID}, secret-key: {SECRET_KEY}, endpoint: \"{}\"}}}}",
            server.url()
        );
        let text = stage.inward(place, &source, "");
        let text =
            text.replacen("registries:\n", &format!("registries:\n  \"{}\": {{plain-http: true}}\n", ccr.address()), 1);
        stage.run(&text).expect(0);
        assert_eq!(namespaces(&stage, place), [named("mixed", true, false), named("open", true, true)]);
        // Made by itself, since the namespace's are private.
        assert_eq!(stage.acr.repositories(place), [("mixed/app".to_owned(), true)]);
        assert_eq!(stage.registry(place).remote().tags("open/app"), ["1"]);
    }
}

#[test]
fn an_option_decides_who_may_pull() {
    for place in EDITIONS {
        let stage = Stage::new();
        stage.outside("new/app");
        stage.run(&stage.back(place, ", public: true")).expect(0);
        assert_eq!(namespaces(&stage, place), [named("new", true, true)]);
    }
}

#[test]
fn a_namespace_that_cannot_be_made_fails_its_images_by_name() {
    for place in EDITIONS {
        for soft in [false, true] {
            let stage = Stage::new();
            if soft {
                stage.acr.soft_errors();
            }
            stage.acr.namespace(place, "there", true, false);
            stage.acr.quota(place, 1);
            for repository in ["there/app", "new/app", "new/web", "alone"] {
                stage.outside(repository);
            }
            let finished = stage.run(&stage.back(place, "")).expect(1);
            for text in [
                "new/app",
                "new/web",
                "namespace `new` cannot be made: Aliyun refused CreateNamespace: NAMESPACE_COUNT_EXCEEDED",
                "`alone` has no namespace, which ACR needs: set `to.namespace`",
            ] {
                assert!(finished.stderr.contains(text), "nothing says {text:?}\n{}", finished.stderr);
            }
            assert_eq!(stage.registry(place).remote().tags("there/app"), ["1"]);
            assert_eq!(stage.count("CreateNamespace"), 1);
        }
    }
}

#[test]
fn a_right_that_is_missing_and_a_wrong_instance_make_nothing() {
    for place in EDITIONS {
        let stage = Stage::new();
        stage.outside("new/app");
        stage.acr.forbid("CreateNamespace", "NoPermission");
        stage
            .run(&stage.back(place, ""))
            .expect(1)
            .says("namespace `new` cannot be made: Aliyun refused CreateNamespace: NoPermission")
            .says("give the key the right to this action");
    }
    let stage = Stage::new();
    stage.outside("new/app");
    let text = stage.back(INSTANCE, "");
    let (registries, transfers) = text.split_once("transfers:").unwrap();
    let text = format!("{registries}transfers:{}", transfers.replace("instance: team", "instance: nobody"));
    stage.run(&text).expect(1).says("there is no ACR instance `nobody`");
    assert_eq!(stage.count("CreateNamespace"), 0);
}

#[test]
fn what_passes_is_asked_again_and_half_of_a_namespace_is_used() {
    for (place, action, fault) in [
        (INSTANCE, "ListNamespace", Fault::Internal),
        (INSTANCE, "CreateNamespace", Fault::Throttled),
        (PERSONAL, "GetNamespace", Fault::Internal),
        (PERSONAL, "CreateNamespace", Fault::Throttled),
        // The namespace is there then, with what it is made with.
        (PERSONAL, "UpdateNamespace", Fault::Internal),
    ] {
        let stage = Stage::new();
        stage.outside("new/app");
        stage.acr.faults().plan(action, 1, fault.clone());
        stage.run(&stage.back(place, "")).expect(0);
        assert_eq!(stage.registry(place).remote().tags("new/app"), ["1"], "{action} {fault:?}");
        assert_eq!(namespaces(&stage, place), [named("new", true, false)], "{action} {fault:?}");
    }
}
