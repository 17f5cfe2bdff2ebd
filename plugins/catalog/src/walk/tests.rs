use image_transfer_sdk::registry::Table;

use super::*;

fn table() -> Table {
    Table::new(2)
        .with("a.example", "app", &["1", "2", "3"])
        .with("a.example", "team/app", &["1"])
        .with("a.example", "team/cache", &["1"])
        .with("a.example", "team/deep/tool", &["1", "2"])
        .with("a.example", "untagged", &[])
}

fn config(include: &[&str], exclude: &[&str]) -> Config {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Config { registry: "a.example".to_owned(), repositories: texts(include), exclude: texts(exclude) }
}

fn names(config: &Config, position: Option<String>, table: Table) -> Vec<String> {
    let mut walk = Walk::open(config, position, table).expect("opened");
    let mut names = Vec::new();
    while let Some(batch) = walk.next_batch().expect("a batch") {
        assert!(batch.len() <= BATCH);
        names.extend(batch.iter().map(name));
    }
    names
}

fn name(image: &Image) -> String {
    format!("{}:{}", image.source.repository, image.source.tag.as_deref().unwrap_or_default())
}

#[test]
fn every_tag_of_every_repository_is_listed() {
    assert_eq!(
        names(&config(&["**"], &[]), None, table()),
        ["app:1", "app:2", "app:3", "team/app:1", "team/cache:1", "team/deep/tool:1", "team/deep/tool:2"],
    );
}

#[test]
fn repositories_are_included_and_excluded() {
    assert_eq!(names(&config(&["team/*"], &[]), None, table()), ["team/app:1", "team/cache:1"]);
    assert_eq!(
        names(&config(&["team/**"], &["**/cache"]), None, table()),
        ["team/app:1", "team/deep/tool:1", "team/deep/tool:2"],
    );
    assert_eq!(names(&config(&["/^team.app$/"], &[]), None, table()), ["team/app:1"]);
}

#[test]
fn plain_names_do_without_the_catalog() {
    struct WithoutCatalog(Table);
    impl Registries for WithoutCatalog {
        fn repositories(&self, _: &str) -> Result<Names> {
            Err(Error::Unauthorized("no catalog here".to_owned()))
        }
        fn tags(&self, registry: &str, repository: &str) -> Result<Names> {
            self.0.tags(registry, repository)
        }
    }
    let open = |include: &[&str]| Walk::open(&config(include, &[]), None, WithoutCatalog(table())).expect("opened");
    let mut batches = Vec::new();
    let mut walk = open(&["team/cache", "app", "app"]);
    while let Some(batch) = walk.next_batch().expect("a batch") {
        batches.extend(batch.iter().map(name));
    }
    assert_eq!(batches, ["team/cache:1", "app:1", "app:2", "app:3"]);
    assert_eq!(open(&["app", "team/*"]).next_batch(), Err(Error::Unauthorized("no catalog here".to_owned())));
}

#[test]
fn a_repository_that_vanished_is_left_out() {
    let table = table().with_error("a.example", "vanished", Error::NotFound("does not exist".to_owned()));
    assert_eq!(names(&config(&["vanished", "team/app"], &[]), None, table), ["team/app:1"]);
}

#[test]
fn what_cannot_be_listed_is_an_error() {
    let table = table().with_error("a.example", "secret", Error::Unauthorized("pull access denied".to_owned()));
    let mut walk = Walk::open(&config(&["team/app", "secret"], &[]), None, table).expect("opened");
    let mut given = Vec::new();
    let error = loop {
        match walk.next_batch() {
            Ok(Some(batch)) => given.extend(batch.iter().map(name)),
            Ok(None) => panic!("a short list"),
            Err(error) => break error,
        }
    };
    assert_eq!(given, ["team/app:1"]);
    assert_eq!(error, Error::Unauthorized("pull access denied".to_owned()));
    assert_eq!(walk.position(), Some("team/app".to_owned()));
}

#[test]
fn a_walk_goes_on_behind_the_last_finished_repository() {
    let config = config(&["**"], &[]);
    let whole = names(&config, None, table());
    let mut walk = Walk::open(&config, None, table()).expect("opened");
    let mut given = Vec::new();
    loop {
        let rest = names(&config, walk.position(), table());
        assert!(whole.ends_with(&rest) && given.len() + rest.len() >= whole.len(), "from {:?}", walk.position());
        match walk.next_batch().expect("a batch") {
            Some(batch) => given.extend(batch.iter().map(name)),
            None => break,
        }
    }
    assert_eq!(given, whole);
    assert_eq!(names(&config, Some("team/app".to_owned()), table()), whole[4..]);
    assert_eq!(names(&config, Some("gone".to_owned()), table()), whole);
}

#[test]
fn a_large_page_comes_in_bounded_batches() {
    let tags: Vec<String> = (0..1200).map(|n| n.to_string()).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let table = Table::new(1200).with("a.example", "app", &tags);
    assert_eq!(names(&config(&["app"], &[]), None, table).len(), 1200);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let config = Config {
        registry: "https://a.example".to_owned(),
        repositories: vec!["[a".to_owned(), "App".to_owned()],
        exclude: vec![String::new()],
    };
    let Err(Error::InvalidConfig(text)) = Walk::open(&config, None, table()) else { panic!("accepted") };
    let starts =
        ["registry: ", "repositories: `[a` is not a glob", "repositories: `App`", "exclude: a pattern is empty"];
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{text}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "expected {start}, got {line}");
    }
}
