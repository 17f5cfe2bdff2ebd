//! Each provider's live service, where somebody gives options for it. docs/providers/README.md says how.

#![expect(clippy::print_stdout, reason = "that a test was skipped, or what it listed, is for whoever runs it")]

use crate::harness::command::Workplace;

/// Lists with the options in the file that `IMAGE_TRANSFER_LIVE_<PLUGIN>` names, and plans a copy into a directory. Nothing is written.
fn live(plugin: &str) {
    let variable = format!("IMAGE_TRANSFER_LIVE_{}", plugin.to_uppercase());
    let Some(options) = std::env::var_os(&variable) else {
        println!("skipped: {variable} is not set");
        return;
    };
    let options = std::fs::read_to_string(options).unwrap();
    let place = Workplace::new();
    place.file("workflow.yaml", &format!(
        "version: 1\nlimits: {{qps: 20}}\ntransfers:\n  - from: {{plugin: {plugin}, with: {options}}}\n    to: {{registry: \"oci:out\"}}\n"
    ));
    let login = std::env::var(format!("{variable}_LOGIN")).unwrap_or_default();
    if let Some((username, password)) = login.split_once(':') {
        let registry = std::env::var(format!("{variable}_REGISTRY")).unwrap_or_default();
        let entry = format!("registries:\n  \"{registry}\": {{username: \"{username}\", password: \"{password}\"}}\n");
        let text = place.read("workflow.yaml");
        place.file("workflow.yaml", &text.replacen("transfers:", &format!("{entry}transfers:"), 1));
    }
    let docker =
        std::env::var("DOCKER_CONFIG").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.docker")));
    let environment = docker.map(|docker| ("DOCKER_CONFIG", docker));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let finished = place.run_with(&["plan", "workflow.yaml"], &environment).expect(0);
    println!("{}", finished.stdout);
    assert!(finished.stdout.lines().any(|line| line.starts_with("copy ")), "{plugin} lists nothing");
}

macro_rules! live {
    ($($plugin:ident)+) => { $(
        #[test]
        fn $plugin() {
            live(stringify!($plugin));
        }
    )+ };
}

live!(acr ccr dockerhub ecr gitlab harbor quay tcr);
