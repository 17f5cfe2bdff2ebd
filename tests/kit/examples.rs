//! The examples of `plugins/examples`, built and tested by the commands of their READMEs.

use crate::harness::command::Workplace;
use crate::kit::project::Project;

/// Builds and tests an example, and returns how many commands its README tests it with.
fn shown(example: &str, name: &str) -> usize {
    let project = Project::example(example, name);
    let component = project.build();
    let place = Workplace::new();
    let tests = project.tests();
    for line in &tests {
        let line = line.replace(" test/", &format!(" {}/test/", project.directory.display()));
        let line = line.replace(&format!(" {name}.wasm "), &format!(" {} ", component.display()));
        let arguments: Vec<&str> = line.split(' ').skip(1).collect();
        place.run(&arguments).expect(0);
    }
    tests.len()
}

#[test]
fn the_example_in_rust_names_images() {
    assert_eq!(shown("naming-rust", "naming"), 1);
}

#[test]
fn the_example_in_javascript_lists_releases_and_goes_on_from_the_middle() {
    assert_eq!(shown("releases-javascript", "releases"), 2);
}

#[test]
fn the_example_in_python_maps_by_a_table_and_tells_what_is_wrong_with_it() {
    assert_eq!(shown("table-python", "table"), 2);
}
