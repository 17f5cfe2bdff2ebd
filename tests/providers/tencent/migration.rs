//! From CCR to TCR in one step, by the classic flags.

use crate::fakes::tencent::Tag;
use crate::harness::api::Fault;
use crate::harness::store::Store;
use crate::providers::tencent::stage::INSTANCE;
use crate::providers::tencent::stage::Stage;

const TAGS: [&str; 5] = ["1", "2", "3", "4", "5"];

#[test]
fn three_namespaces_move_but_for_what_is_refused_and_what_is_missing() {
    let stage = Stage::new();
    std::thread::scope(|scope| {
        for namespace in ["one", "two", "three"] {
            let stage = &stage;
            let fill = move |number| stage.ccr(&format!("{namespace}/app{number:02}"), false, &TAGS);
            scope.spawn(move || (0..20).for_each(fill));
        }
    });
    // The API tells of a tag that the registry does not have.
    let missing = Tag { name: "gone".to_owned(), digest: format!("sha256:{}", "0".repeat(64)), ..Tag::default() };
    stage.api.ccr_repository("one/partly", false, &[missing]);
    stage.api.refuse_name("two", "FailedOperation.ErrorTcrUnauthorized");
    stage.api.limited();
    for nth in [2, 9, 10, 30] {
        stage.api.faults.plan("DescribeImagePersonal", nth, Fault::Throttled);
    }
    stage.api.faults.plan("CreateNamespace", 1, Fault::Throttled);

    let finished = stage.migrate(&["--ccrTagNums=0", "--retry=1", "--qps=2000", "--routines=20"]).expect(1);
    let last = "################# Finished, 101 transfer jobs failed, 0 jobs generate failed #################";
    assert_eq!(finished.last_line(), last);
    let (failed, copied): (Vec<_>, Vec<_>) = stage.statuses().into_iter().partition(|(_, status)| status == "failed");
    assert_eq!((copied.len(), failed.len()), (200, 101));
    assert!(copied.iter().all(|(name, status)| !name.starts_with("two/") && status == "copied"), "{copied:?}");
    assert_eq!(failed.iter().filter(|(name, _)| name.starts_with("two/")).count(), 100);
    assert!(failed.iter().any(|(name, _)| name == "one/partly:gone"), "{failed:?}");
    let refused =
        "namespace `two` cannot be made: Tencent Cloud refused CreateNamespace: FailedOperation.ErrorTcrUnauthorized";
    assert_eq!(
        stage.failures().iter().filter(|message| message.contains(refused)).count(),
        100,
        "{:?}",
        stage.failures()
    );
    finished.says("namespace `two` cannot be made");
    for number in 0..20 {
        for repository in [format!("one/app{number:02}"), format!("three/app{number:02}")] {
            let (from, to) = (stage.source.remote(), stage.target.remote());
            assert_eq!(to.tags(&repository), TAGS);
            assert!(TAGS.iter().all(|tag| to.manifest(&repository, tag) == from.manifest(&repository, tag)));
        }
    }
    stage.arrived("one/app07", &TAGS);
    // Which of the two is asked for first, and throttled, is chance.
    let mut namespaces = stage.api.namespaces(INSTANCE);
    namespaces.sort();
    assert_eq!(namespaces, [("one".to_owned(), false), ("three".to_owned(), false)]);
    // One login for all, vended by the API; a namespace that is refused is refused once and not for each image.
    assert_eq!(stage.api.issued(), [(INSTANCE.to_owned(), "temp".to_owned())]);
    assert_eq!(stage.api.faults.count("CreateNamespace"), 4);
    // The limits of the API are kept: but for what was planned, nothing had to be asked for twice.
    assert_eq!(stage.api.faults.count("DescribeImagePersonal"), 61 + 4);
}

#[test]
fn the_newest_tags_by_push_are_taken_and_cost_no_request() {
    let stage = Stage::new();
    stage.ccr("team/app", false, &["c", "a", "b"]);
    stage.migrate(&["--ccrTagNums=2"]).expect(0);
    stage.arrived("team/app", &["a", "b"]);
    stage.migrate(&["--ccrTagNums=2"]).expect(0);
    assert_eq!(stage.requests(&stage.source.address().to_string()), 0, "dates were read from images");
    stage.migrate(&["--ccrTagNums=0"]).expect(0);
    stage.arrived("team/app", &["a", "b", "c"]);
    let statuses = stage.statuses().into_iter().map(|(_, status)| status);
    assert_eq!(statuses.collect::<Vec<_>>(), ["unchanged", "unchanged", "copied"]);
}

#[test]
fn an_image_that_is_there_already_costs_one_request() {
    let stage = Stage::new();
    stage.ccr("team/app", false, &["1", "2"]);
    stage.migrate(&[]).expect(0);
    stage.migrate(&[]).expect(0);
    assert!(stage.statuses().iter().all(|(_, status)| status == "unchanged"), "{:?}", stage.statuses());
    assert_eq!(stage.requests(&stage.source.address().to_string()), 0);
    // Two HEAD requests, and what the login takes besides.
    assert!(stage.requests(&stage.target.address().to_string()) <= 5, "{}", stage.place.read("report.json"));
}

#[test]
fn a_namespace_whose_repositories_are_all_public_stays_public() {
    let stage = Stage::new();
    stage.ccr("open/app", true, &["1"]);
    stage.ccr("open/web", true, &["1"]);
    stage.ccr("mixed/app", true, &["1"]);
    stage.ccr("mixed/web", false, &["1"]);
    stage.migrate(&[]).expect(0);
    let mut namespaces = stage.api.namespaces(INSTANCE);
    namespaces.sort();
    assert_eq!(namespaces, [("mixed".to_owned(), false), ("open".to_owned(), true)]);
}

#[test]
fn a_wrong_instance_is_answered_with_those_that_there_are() {
    let stage = Stage::new();
    stage.ccr("team/app", false, &["1"]);
    let finished = stage.migrate(&["--tcrName=tema"]).expect(1);
    finished.says("there is no TCR instance `tema`; this key sees other (ap-beijing), team (ap-shanghai)");
    assert_eq!(stage.target.remote().tags("team/app"), Vec::<String>::new());
}

#[test]
fn the_printed_workflow_has_no_secret_and_does_the_same() {
    let stage = Stage::new();
    stage.ccr("team/app", true, &["1", "2"]);
    let printed = stage.migrate(&["--print-workflow"]).expect(0);
    stage.place.file("workflow.yaml", &printed.stdout);
    let password = printed.stdout.lines().find_map(|line| line.trim().strip_prefix("#   REGISTRY_PASSWORD_")).unwrap();
    let password = format!("REGISTRY_PASSWORD_{password}");
    let environment = [
        ("CCR_SECRET_ID", crate::fakes::tencent::SECRET_ID),
        ("CCR_SECRET_KEY", crate::fakes::tencent::SECRET_KEY),
        ("TCR_SECRET_ID", crate::fakes::tencent::SECRET_ID),
        ("TCR_SECRET_KEY", crate::fakes::tencent::SECRET_KEY),
        (password.as_str(), crate::harness::registry::PASSWORD),
    ];
    stage.place.run_with(&["run", "workflow.yaml"], &environment).expect(0);
    stage.arrived("team/app", &["1", "2"]);
}

#[test]
fn what_the_flags_lack_is_said_before_anything_is_sent() {
    let stage = Stage::new();
    stage.place.file("secret.yaml", "ccr: {secretId: x}\n");
    let run = |flags: &[&str]| stage.place.run(&[&["--ccrToTcr"], flags].concat()).expect(2);
    run(&["--tcrName=team"]).says("--secretFile is missing");
    run(&["--secretFile=secret.yaml"]).says("--tcrName is missing");
    run(&["--secretFile=secret.yaml", "--tcrName=team"]).says("`secretKey` is missing or empty");
    run(&["--secretFile=secret.yaml", "--tcrName=team", "--ccrTagNums=-1"]).says("--ccrTagNums");
    assert_eq!(stage.api.faults.total(), 0);
}
