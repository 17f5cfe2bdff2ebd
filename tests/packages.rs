//! What `packaging/` says about the command is true: the manifests' own arguments move images with the manifests' own workflow.

use std::fs;

use serde::Deserialize as _;
use serde_json::Value;

use crate::harness::command::Workplace;
use crate::harness::graph::Graph;
use crate::harness::registry::Registry;
use crate::harness::store::Store as _;
use crate::harness::store::text;
use crate::harness::tools::repository;

/// The objects of a manifest, in their order.
fn objects(name: &str) -> Vec<Value> {
    let file = fs::read_to_string(repository().join("packaging/kubernetes").join(name)).unwrap();
    serde_yaml::Deserializer::from_str(&file).map(|object| Value::deserialize(object).unwrap()).collect()
}

/// The one of `kind`.
fn object(objects: &[Value], kind: &str) -> Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}")).clone()
}

fn arguments(pod: &Value) -> Vec<String> {
    pod["containers"][0]["args"].as_array().unwrap().iter().map(text).collect()
}

/// A duration of the command line such as `120s`.
fn seconds(arguments: &[String], flag: &str) -> u64 {
    let value = arguments.iter().find_map(|argument| argument.strip_prefix(flag)).unwrap();
    value.strip_suffix('s').unwrap().parse().unwrap()
}

#[test]
fn the_job_moves_what_its_workflow_says_and_goes_on_when_its_pod_is_restarted() {
    let (source, target) = (Registry::open(), Registry::open());
    Graph::single("packages", "1.0.0").push(&source.remote(), "team-a/app");
    Graph::single("packages other", "1.0.0").push(&source.remote(), "team-b/app");
    let manifest = objects("job.yaml");
    let pod = &object(&manifest, "Job")["spec"]["template"]["spec"];
    let place = Workplace::new();
    // Registries of the example stand for those of the test, directories of the container for those of this machine.
    let workflow = text(&object(&manifest, "ConfigMap")["data"]["workflow.yaml"])
        .replace("harbor.example.com: {", &format!("\"{}\": {{plain-http: true, ", source.address()))
        .replace("registry.example.com: {", &format!("\"{}\": {{plain-http: true, ", target.address()))
        .replace("registry: harbor.example.com", &format!("registry: \"{}\"", source.address()))
        .replace("registry: registry.example.com", &format!("registry: \"{}\"", target.address()));
    place.file("etc/workflow.yaml", &workflow);
    fs::create_dir(place.path().join("state")).unwrap();
    let here = |path: &str| place.path().join(path).to_str().unwrap().to_owned();
    let arguments: Vec<String> = arguments(pod)
        .iter()
        .map(|argument| argument.replace("/etc/image-transfer", &here("etc")).replace("/state", &here("state")))
        .map(|argument| argument.replace("0.0.0.0:9464", "127.0.0.1:0"))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let secret = object(&manifest, "Secret")["stringData"].as_object().unwrap().clone();
    let secret: Vec<(&str, &str)> =
        secret.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    place.run_with(&arguments, &secret).expect(0);
    assert_eq!(target.remote().tags("team-a/app"), ["1.0.0"]);
    assert_eq!(target.remote().tags("team-b/app"), Vec::<String>::new());
    assert_eq!(place.report("state/report.json")["summary"]["copied"], 1);
    place.run_with(&arguments, &secret).expect(0);
    assert_eq!(place.report("state/report.json")["summary"]["unchanged"], 1);
    assert!(place.read("state/report.html").contains("<html"));
}

#[test]
fn both_manifests_run_the_same_pod_and_leave_it_time_to_end() {
    let job = object(&objects("job.yaml"), "Job")["spec"].clone();
    let cron = object(&objects("cronjob.yaml"), "CronJob")["spec"]["jobTemplate"]["spec"].clone();
    assert_eq!(job, cron);
    let pod = &job["template"]["spec"];
    let grace = seconds(&arguments(pod), "--grace=");
    assert_eq!(pod["terminationGracePeriodSeconds"], grace + 10);
    let mounted: Vec<String> = pod["volumes"].as_array().unwrap().iter().map(|volume| text(&volume["name"])).collect();
    let used: Vec<String> =
        pod["containers"][0]["volumeMounts"].as_array().unwrap().iter().map(|mount| text(&mount["name"])).collect();
    assert_eq!(mounted, used);
}
