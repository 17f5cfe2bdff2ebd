//! A new user's path, by the commands that docs/getting-started.md tells, in its order.

use std::fs;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::harness::tools;

/// The commands below `heading` and after it, without the program's name.
fn commands(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(tools::repository().join("docs/getting-started.md")).unwrap();
    let (_, rest) = page.split_once(heading).unwrap();
    let commands = rest.lines().filter_map(|line| line.strip_prefix("image-transfer "));
    commands.map(|command| command.split('#').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn init_check_plan_and_run_move_images_and_then_a_plan_says_that_there_is_nothing_to_do() {
    let (source, target, place) = (Registry::open(), Registry::open(), Workplace::new());
    for (repository, tags) in [("team/app", &["1.0.0", "1.1.0"][..]), ("team/web", &["7"]), ("other", &["1"])] {
        for tag in tags {
            Graph::usual(&format!("journey {repository} {tag}"), tag).push(&source.remote(), repository);
        }
    }
    // The first command asks: where from, where to, how many of the newest, and whether both speak http.
    let first = commands("## 1. A workflow file").remove(0);
    assert_eq!(first, "init");
    let answers = format!("{}/team/\n{}/mirror\n\ny\ny\n", source.address(), target.address());
    place.run_fed(&[&first], &answers).expect(0).says("workflow.yaml is written");
    place.run(&["plan", "workflow.yaml", "--exit-code"]).expect(4);

    let rest = commands("## 3. Check");
    assert_eq!(
        rest,
        [
            "check workflow.yaml",
            "plan workflow.yaml",
            "run workflow.yaml",
            "run workflow.yaml --resume",
            "plan workflow.yaml"
        ]
    );
    let said: Vec<String> =
        rest.iter().map(|command| place.run(&command.split(' ').collect::<Vec<_>>()).expect(0).stdout).collect();
    let last = |number: usize| said[number].lines().last().unwrap();
    assert_eq!(last(0), "workflow.yaml is fine: 1 transfers");
    assert!(last(1).starts_with("3 to copy; 15 blobs to move, "), "{}", said[1]);
    assert!(said[2].starts_with("3 copied; moved 15 blobs, "), "{}", said[2]);
    assert!(said[3].starts_with("3 unchanged; moved 0 blobs, 0 B"), "{}", said[3]);
    assert_eq!(last(4), "nothing to do: 3 unchanged");
    for (repository, tag) in [("team/app", "1.0.0"), ("team/app", "1.1.0"), ("team/web", "7")] {
        let copied = target.remote().content(&format!("mirror/{repository}"), tag);
        assert_eq!(copied, source.remote().content(repository, tag));
    }
    assert_eq!(target.remote().tags("mirror/other"), Vec::<String>::new());
    place.run(&["plan", "workflow.yaml", "--exit-code"]).expect(0);
    place.run(&["verify", "workflow.yaml"]).expect(0).says("3 verified");
}
