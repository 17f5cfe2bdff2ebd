//! The example does what the guide says, natively.

use example_mapper::Teams;
use image_transfer_sdk::config::parse;
use image_transfer_sdk::{Error, Image, Mapper, Reference};

#[test]
fn an_image_lands_under_its_team() {
    let mapper = parse(r#"{"team": "web"}"#).and_then(Teams::open).expect("a configuration");
    let source = Reference {
        registry: "reg.example".to_owned(),
        repository: "app".to_owned(),
        tag: Some("1".to_owned()),
        digest: None,
    };
    let image = Image { source, targets: Vec::new(), attributes: Vec::new() };
    let destinations = mapper.map(&image).expect("mapped");
    assert_eq!(destinations[0].repository.as_deref(), Some("web/app"));
}

#[test]
fn an_empty_team_is_refused() {
    let opened = parse(r#"{"team": ""}"#).and_then(Teams::open);
    assert_eq!(opened.err(), Some(Error::InvalidConfig("team is empty".to_owned())));
}

#[test]
fn the_guide_shows_the_code_that_is_compiled() {
    let guide = include_str!("../../../docs/plugin-guide.md");
    for shown in [include_str!("../src/lib.rs"), include_str!("../config.schema.json")] {
        assert!(guide.contains(shown.trim_end()), "docs/plugin-guide.md does not show:\n{shown}");
    }
}
