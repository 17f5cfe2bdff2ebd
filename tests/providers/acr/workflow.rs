//! The workflow file of this scenario, as it is but for hosts and keys.

use std::sync::Arc;
use std::time::Duration;

use crate::fakes::acr::KEY_ID;
use crate::fakes::acr::KEY_SECRET;
use crate::fakes::acr::PERSONAL;
use crate::fakes::tencent::SECRET_ID;
use crate::fakes::tencent::SECRET_KEY;
use crate::fakes::tencent::Tencent;
use crate::harness::api::Api;
use crate::harness::api::Server;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::harness::tools;
use crate::providers::acr::stage::INSTANCE;
use crate::providers::acr::stage::Stage;

const FILE: &str = "workflows/acr-to-tcr.yaml";

const KEYS: [(&str, &str); 4] = [
    ("ACCESS_KEY_ID", KEY_ID),
    ("ACCESS_KEY_SECRET", KEY_SECRET),
    ("SECRET_ID", SECRET_ID),
    ("SECRET_KEY", SECRET_KEY),
];

#[test]
fn acr_to_tcr_is_checked_as_it_is_and_moves_everything_of_either_edition() {
    let path = tools::repository().join(FILE);
    for place in [INSTANCE, PERSONAL] {
        let stage = Stage::new();
        stage.place.run_with(&["check", path.to_str().unwrap()], &KEYS).expect(0);
        stage.acr.namespace(place, "open", true, true);
        stage.push(place, "open/app", &["1", "2"]);
        stage.push(place, "team/web", &["1"]);
        stage.push(place, "team/cache", &["1"]);
        let (api, target) = (Arc::new(Tencent::new()), Registry::locked());
        api.instance("tcr-team", "team", &target.address().to_string(), "ap-shanghai");
        api.credential("tcr-team", USER, PASSWORD, Duration::from_hours(1));
        let server = Server::start(Arc::clone(&api) as Arc<dyn Api>);

        let text = std::fs::read_to_string(&path).unwrap();
        // The registries of the test speak plain http.
        let text = text.replace("    credentials: #", "    plain-http: true\n    credentials: #");
        // As its comment says.
        let personal = text.replace("        instance: \"${vars.acr-instance}\"\n", "");
        assert_ne!(personal, text);
        stage.place.file("acr-to-tcr.yaml", if place == PERSONAL { &personal } else { &text });
        let sets = [
            format!("acr={}", stage.registry(place).address()),
            format!("acr-endpoint={}", stage.acr.url()),
            format!("tcr={}", target.address()),
            format!("endpoint={}", server.url()),
        ];
        let mut arguments = vec!["run", "acr-to-tcr.yaml"];
        arguments.extend(sets.iter().flat_map(|set| ["--set", set.as_str()]));
        let finished = stage.place.run_with(&arguments, &KEYS).expect(0);
        for secret in [KEY_SECRET, SECRET_KEY, PASSWORD] {
            assert!(!finished.stdout.contains(secret) && !finished.stderr.contains(secret));
        }
        for (repository, tags) in [("open/app", vec!["1", "2"]), ("team/web", vec!["1"]), ("team/cache", vec![])] {
            assert_eq!(target.remote().tags(repository), tags, "{repository}");
        }
        let there = target.remote().content("team/web", "1").unwrap();
        assert_eq!(there, stage.registry(place).remote().content("team/web", "1").unwrap());
        let mut namespaces = api.namespaces("tcr-team");
        namespaces.sort();
        assert_eq!(namespaces, [("open".to_owned(), true), ("team".to_owned(), false)]);
    }
}
