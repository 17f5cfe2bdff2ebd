//! `plugin new` in each language: built and tested by the commands of its README, used in a workflow in all its roles.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use crate::harness::api::Api;
use crate::harness::api::Call;
use crate::harness::api::Recorder;
use crate::harness::api::Reply;
use crate::harness::api::Server;
use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::PASSWORD;
use crate::harness::registry::Registry;
use crate::harness::registry::USER;
use crate::harness::store::Store;
use crate::kit::project::Project;

/// What the plugins of the templates ask.
struct Services {
    images: Vec<String>,
}

impl Api for Services {
    fn answer(&self, call: &Call) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/images") => Reply::json(200, &json!(self.images)),
            ("POST", "/issue") => Reply::json(200, &json!({"username": USER, "password": PASSWORD})),
            ("PUT", path) if path.starts_with("/repositories/") => Reply::empty(201),
            _ => Reply::empty(404),
        }
    }
}

/// Tests the component as the README says.
fn test(project: &Project, component: &Path) {
    let place = Workplace::new();
    std::fs::copy(component, place.path().join("kit.wasm")).unwrap();
    let tests = project.tests();
    assert_eq!(tests.len(), 4, "one for each kind: {tests:?}");
    for line in tests {
        let line = line.replace("test/", &format!("{}/test/", project.directory.display()));
        let arguments: Vec<&str> = line.split(' ').skip(1).collect();
        place.run(&arguments).expect(0);
    }
}

/// Moves images with it: it lists them, says where they land, makes the repositories and logs in.
fn use_it(component: &Path) {
    let (source, target) = (Registry::open(), Registry::locked());
    let graph = Graph::single("kit", "1");
    for name in ["team/app", "team/cache"] {
        graph.push(&source.remote(), name);
    }
    let images = ["team/app:1", "team/cache:1"].map(|name| format!("{}/{name}", source.address())).to_vec();
    let services = Recorder::new(Arc::new(Services { images }));
    let api = Server::start(services.clone());
    let place = Workplace::new();
    let login = json!({"plugin": "kit", "with": {"tokens": format!("{}/issue", api.url())}});
    let text = json!({
        "version": 1,
        "registries": {
            source.address().to_string(): {"plain-http": true},
            target.address().to_string(): {"plain-http": true, "credentials": login},
        },
        "plugins": {"kit": {"path": component}},
        "retry": {"rounds": 0},
        "transfers": [{
            "from": {"plugin": "kit", "with": {"catalogue": format!("{}/images", api.url())}},
            "map": [{"plugin": "kit", "with": {"namespace": "mirror"}}],
            "to": {
                "registry": target.address().to_string(),
                "prepare": {"plugin": "kit", "with": {"api": api.url()}},
            },
        }],
    });
    place.workflow(&text.to_string()).expect(0);
    assert_eq!(target.remote().tags("mirror/team/app"), ["1"]);
    assert_eq!(target.remote().tags("mirror/team/cache"), Vec::<String>::new());
    let calls: Vec<String> = services.calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    for expected in ["GET /images", "PUT /repositories/mirror/team/app", "POST /issue"] {
        assert!(calls.iter().any(|call| call == expected), "{expected}: {calls:?}");
    }
}

fn whole_path(language: &str) -> (Project, PathBuf) {
    let project = Project::new(language, language);
    let component = project.build();
    test(&project, &component);
    use_it(&component);
    (project, component)
}

#[test]
fn a_new_plugin_in_rust_is_built_tested_and_used() {
    whole_path("rust");
}

#[test]
fn a_new_plugin_in_javascript_is_built_tested_and_used() {
    whole_path("js");
}

#[test]
fn a_new_plugin_in_python_is_built_tested_and_used() {
    let (project, component) = whole_path("python");
    // A mistake of the plugin's own: what the language says of it is in the log.
    let place = Workplace::new();
    let tokens = "https://tokens.example/issue";
    let answer = json!({"username": USER, "password": PASSWORD, "expires-at": "soon"});
    let asked = format!("{tokens}?registry=registry.example");
    let recorded = json!({"http": [{"method": "POST", "url": asked, "status": 200, "json": answer}]});
    place.file("recorded.json", &recorded.to_string());
    let (component, input) = (component.to_str().unwrap(), project.directory.join("test/registries.json"));
    let test = ["plugin", "test", component, "--as", "credentials", "--http", "recorded.json", "--with"];
    let more = [&format!("tokens={tokens}"), "--input", input.to_str().unwrap()];
    place.run(&[&test[..], &more].concat()).expect(1).says("trapped").says("TypeError");
}

#[test]
fn a_project_is_not_written_over_another() {
    let place = Workplace::new();
    let new = ["plugin", "new", "naming", "--lang", "rust"];
    place.run(&new).expect(0);
    place.run(&new).expect(2).says("naming is there already");
    place.run(&["plugin", "new", "Naming", "--lang", "js"]).expect(2).says("is no plugin name");
    place.run(&["plugin", "new", "other", "--lang", "go"]).expect(2).says("TinyGo");
    assert!(!place.path().join("other").exists());
}
