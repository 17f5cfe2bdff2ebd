//! From nothing to moved images by the commands that a new user is told.

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::store::Store;

/// Two registries, the first with `team/app` and `team/web`.
fn registries() -> (Registry, Registry) {
    let (source, target) = (Registry::open(), Registry::open());
    for tag in ["1.0.0", "1.1.0", "2.0.0", "latest"] {
        Graph::single(&format!("init {tag}"), tag).push(&source.remote(), "team/app");
    }
    Graph::single("init web", "1.0.0").push(&source.remote(), "team/web");
    (source, target)
}

#[test]
fn answers_become_a_workflow_that_is_checked_planned_and_run() {
    let (source, target) = registries();
    let place = Workplace::new();
    // Where from, where to, how many of the newest, and whether each of the two speaks http.
    let answers = format!("{}\n{}/mirror\n2\n\ny\n", source.address(), target.address());
    let said = place.run_fed(&["init"], &answers).expect(0);
    assert_eq!(said.stdout, "workflow.yaml is written. What would move: image-transfer plan workflow.yaml\n");
    assert_eq!(said.stderr.matches("speak http, not https? [Y/n]").count(), 2, "{}", said.stderr);
    place.run(&["check", "workflow.yaml"]).expect(0).says("workflow.yaml is fine: 1 transfers");
    place.run(&["plan", "workflow.yaml", "--report", "plan.json"]).expect(0);
    assert_eq!(target.remote().tags("mirror/team/app"), Vec::<String>::new());
    place.run(&["run", "workflow.yaml"]).expect(0);
    assert_eq!(target.remote().tags("mirror/team/app"), ["1.1.0", "2.0.0"]);
    assert_eq!(target.remote().tags("mirror/team/web"), ["1.0.0"]);
    for tag in ["1.1.0", "2.0.0"] {
        assert_eq!(target.remote().content("mirror/team/app", tag), source.remote().content("team/app", tag));
    }
    place.run(&["plan", "workflow.yaml", "--report", "again.json"]).expect(0);
    let images = place.report("again.json")["images"].as_array().unwrap().clone();
    assert_eq!(images.len(), 3);
    assert!(images.iter().all(|image| image["targets"][0]["status"] == "unchanged"), "{images:?}");
}

#[test]
fn flags_ask_nothing() {
    let (source, target) = registries();
    let place = Workplace::new();
    let (from, to) = (format!("{}/team/w*", source.address()), target.address().to_string());
    let host = source.address().to_string();
    let flags =
        ["init", "w.yaml", "--from", &from, "--to", &to, "--tags", "1.*", "--plain-http", &host, "--plain-http", &to];
    let said = place.run(&flags).expect(0);
    assert_eq!(said.stderr, "");
    place.run(&["run", "w.yaml"]).expect(0);
    assert_eq!(target.remote().tags("team/web"), ["1.0.0"]);
    assert_eq!(target.remote().tags("team/app"), Vec::<String>::new());
}

#[test]
fn every_kind_of_place_gives_a_workflow_that_check_accepts() {
    for (number, (from, to)) in [
        ("harbor.example.com/team/", "oci:images"),
        ("oci:images", "registry.example.com"),
        ("docker.io/library", "registry.example.com/hub"),
        ("docker.io/library/nginx", "registry.example.com"),
        ("quay.io/team/**", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror"),
        ("registry.gitlab.com/group/project", "registry.example.com:5000"),
        ("registry.example.com//^a.*$/", "other.example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let place = Workplace::new();
        let file = format!("workflow-{number}.yaml");
        place.run(&["init", &file, "--from", from, "--to", to]).expect(0);
        place.run(&["check", &file]).expect(0);
        // And with the logins that it has behind a `#`.
        let text = place.read(&file);
        let with_logins = text.replace("# username:", "username:").replace("# password:", "password:");
        let names = with_logins.split("${").skip(1).filter_map(|rest| rest.split('}').next());
        let environment: Vec<(&str, &str)> = names.map(|name| (name, "a")).collect();
        assert!(!environment.is_empty() && environment.iter().all(|(name, _)| name.starts_with("REGISTRY_")), "{text}");
        place.file(&file, &with_logins);
        place.run_with(&["check", &file], &environment).expect(0);
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_and_nothing_is_written() {
    let place = Workplace::new();
    place.run(&["init"]).expect(2).says("--from is missing, and there is nobody to ask");
    place.run(&["init", "--from", "a b", "--to", "c.example.com"]).expect(2).says("--from: \"a b\" is not a registry");
    place
        .run(&["init", "--from", "docker.io", "--to", "c.example.com"])
        .expect(2)
        .says("name one, such as docker.io/library");
    place
        .run(&["init", "--from", "a.example.com", "--to", "c.example.com/UP"])
        .expect(2)
        .says("is not a repository name");
    let wrong = ["init", "--from", "a.example.com", "--to", "c.example.com", "--tags", "["];
    place.run(&wrong).expect(2).says("--tags: `[` is not a glob");
    assert!(!place.path().join("workflow.yaml").exists());
    place.file("workflow.yaml", "mine\n");
    place
        .run(&["init", "--from", "a.example.com", "--to", "c.example.com"])
        .expect(2)
        .says("workflow.yaml is there already");
    assert_eq!(place.read("workflow.yaml"), "mine\n");
    place.run(&["init", "--from", "a.example.com", "--to", "c.example.com", "--force"]).expect(0);
}
