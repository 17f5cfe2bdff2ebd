//! Lists over an API that is written down.

use image_transfer_sdk::config::parse;

use super::*;

fn open(options: &str) -> (Ecr, Filter) {
    let key = r#""access-key-id": "id", "secret-access-key": "not-a-real-key", "region": "eu-west-1""#;
    let (mut ecr, filter) = Ecr::open(parse::<Config>(&format!("{{{key}{options}}}")).expect("options")).expect("open");
    ecr.api = ecr.api.with_clock(|| std::time::Duration::from_secs(1_700_000_000));
    (ecr, filter)
}

fn repositories(names: &[&str], more: &str) -> Response {
    let entry = |name: &&str| json!({"repositoryName": name, "repositoryUri": format!("a.example/{name}")});
    let entries: Vec<Value> = names.iter().map(entry).collect();
    Response::new(200, &[], format!("{{\"repositories\": {}{more}}}", json!(entries)))
}

#[test]
fn an_image_is_told_for_each_of_its_tags_with_what_is_known() {
    let (ecr, _) = open("");
    let digest = format!("sha256:{}", "a".repeat(64));
    let repository =
        Repository { name: "app".to_owned(), registry: "public.ecr.aws".to_owned(), path: "a1b2/app".to_owned() };
    let body = json!({"imageDetails": [
        {"imageDigest": digest, "imageTags": ["1", "latest"], "imagePushedAt": 1_572_839_125.25, "imageSizeInBytes": 7},
        {"imageDigest": "odd", "imageTags": ["2"]},
        {"imageDigest": "untagged"},
    ], "nextToken": "t"});
    let page =
        ecr.read_tags(&repository, &Place::default(), &Response::new(200, &[], body.to_string())).expect("a page");
    assert_eq!(page.next, Next::Token("t".to_owned()));
    let images: Vec<&Image> = page.items.iter().flat_map(|listed| &listed.images).collect();
    let names: Vec<String> = images.iter().map(|image| image.source.to_string()).collect();
    assert_eq!(names, ["public.ecr.aws/a1b2/app:1", "public.ecr.aws/a1b2/app:latest", "public.ecr.aws/a1b2/app:2"]);
    let attributes = |image: &Image| -> Vec<String> {
        image.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    let public = ["public=false".to_owned(), "namespace-public=false".to_owned()];
    let known = [format!("digest={digest}"), "pushed-at=2019-11-04T03:45:25Z".to_owned(), "size=7".to_owned()];
    assert_eq!(attributes(images[1]), [&known[..], &public].concat());
    assert_eq!(attributes(images[2]), public);
}

#[test]
fn a_repository_has_the_host_and_the_path_of_its_address() {
    let read = |options: &str, name: &str, uri: &str| {
        let entry = json!({"repositoryName": name, "repositoryUri": uri});
        let repository = open(options).0.repository(&repositories(&[], ""), &entry)?;
        Ok::<_, Error>(format!("{} {}", repository.registry, repository.path))
    };
    assert_eq!(read("", "team/app", "a.example/team/app"), Ok("a.example team/app".to_owned()));
    assert_eq!(read("", "team/app", "a.example/a1b2/team/app"), Ok("a.example a1b2/team/app".to_owned()));
    let other = r#", "registry": "b.example:5000""#;
    assert_eq!(read(other, "team/app", "a.example/team/app"), Ok("b.example:5000 team/app".to_owned()));
    for (name, uri) in [("app", "a.example/other"), ("app", "a.example/myapp"), ("", "a.example/"), ("app", "")] {
        assert!(read("", name, uri).is_err(), "{name} {uri}");
    }
}

#[test]
fn names_are_asked_for_by_name_and_patterns_are_not() {
    let lists = |options: &str| -> Vec<Option<Vec<String>>> {
        let lists = open(options).0.lists(&|_: Request| Err(Error::Fatal("nothing is to be sent".to_owned())));
        let names = lists.expect("lists").into_iter().map(|list| match list {
            List::All => None,
            List::Named(names) => Some(names),
        });
        names.collect()
    };
    let names = |names: &[&str]| vec![Some(names.iter().map(ToString::to_string).collect::<Vec<_>>())];
    assert_eq!(lists(r#", "repositories": ["b", "a", "a"]"#), names(&["a", "b"]));
    assert_eq!(lists(r#", "repositories": ["a/x", "b/x"], "namespaces": ["a"]"#), names(&["a/x"]));
    assert_eq!(lists(r#", "repositories": ["a", "b"], "exclude": ["b*"]"#), names(&["a"]));
    assert_eq!(lists(r#", "repositories": ["a", "b*"]"#), [None]);
    assert_eq!(lists(""), [None]);
    let many: Vec<String> = (0..101).map(|number| format!("r{number:03}")).collect();
    let counts: Vec<usize> =
        lists(&format!(r#", "repositories": {}"#, json!(many))).iter().flatten().map(Vec::len).collect();
    assert_eq!(counts, [100, 1]);
}

#[test]
fn a_namespace_without_repositories_is_an_error_at_the_end_of_the_list() {
    let (ecr, _) = open(r#", "namespaces": ["team", "team/web", "none"]"#);
    let read =
        |names: &[&str], more: &str| ecr.read_repositories(&List::All, &Place::default(), &repositories(names, more));
    assert!(read(&["team/app", "team/web/x", "app"], r#", "nextToken": "t""#).is_ok());
    let error = read(&["other/app", "nonesuch/app"], "").map(drop).expect_err("an end without `none`");
    let text = "this registry has no repository below `none/`, which is one of `namespaces`; there are some below nonesuch, other, team";
    assert_eq!(error, Error::NotFound(text.to_owned()));
}
