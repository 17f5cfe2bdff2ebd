use std::os::unix::fs::PermissionsExt;

use super::*;

fn files(texts: &[&str]) -> AuthFiles {
    let directory = tempfile::tempdir().expect("directory");
    let paths: Vec<_> = (0..texts.len()).map(|number| directory.path().join(number.to_string())).collect();
    for (path, text) in paths.iter().zip(texts) {
        std::fs::write(path, text).expect("file");
    }
    AuthFiles::read(&Places { files: paths, path: None }).expect("readable")
}

fn basic(username: &str, password: &str) -> Entry {
    Entry::Stored(Credential::Basic { username: username.to_owned(), password: Secret::new(password) })
}

fn helper(helper: &str, server: &str) -> Entry {
    Entry::Helper { helper: helper.to_owned(), server: server.to_owned() }
}

/// A directory with `docker-credential-test`, which runs `script`.
fn places_with(script: &str) -> (tempfile::TempDir, Places) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("docker-credential-test");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    let mut search = directory.path().as_os_str().to_owned();
    search.push(":/usr/bin:/bin");
    (directory, Places { files: Vec::new(), path: Some(search) })
}

#[test]
fn stored_logins_are_read_in_each_form() {
    let auth = STANDARD.encode("ann:pass:word");
    let files = files(&[&format!(
        r#"{{"auths": {{
            "a.example": {{"auth": "{auth}"}},
            "https://b.example:5000/v2/": {{"username": "bob", "password": "placeholder"}},
            "c.example": {{"auth": "", "identitytoken": "identity"}},
            "d.example": {{"registrytoken": "registry"}},
            "e.example": {{}}, "f.example": {{"auth": "%%%"}}
        }}, "HttpHeaders": {{}}, "currentContext": "x"}}"#
    )]);
    assert_eq!(files.find("a.example", None), [basic("ann", "pass:word")]);
    assert_eq!(files.find("b.example:5000", Some("x/y")), [basic("bob", "placeholder")]);
    assert_eq!(files.find("c.example", None), [Entry::Stored(Credential::IdentityToken(Secret::new("identity")))]);
    assert_eq!(files.find("d.example", None), [Entry::Stored(Credential::RegistryToken(Secret::new("registry")))]);
    for registry in ["b.example", "e.example", "f.example", "example", "aa.example"] {
        assert_eq!(files.find(registry, None), [], "{registry}");
    }
}

#[test]
fn docker_hub_has_its_own_key() {
    let files = files(&[
        r#"{"auths": {"https://index.docker.io/v1/": {"username": "ann", "password": "placeholder"}}, "credsStore": "all"}"#,
    ]);
    let expected = [helper("all", "https://index.docker.io/v1/"), basic("ann", "placeholder")];
    assert_eq!(files.find("docker.io", Some("library/alpine")), expected);
}

#[test]
fn helpers_come_before_the_store_and_the_store_before_what_is_stored() {
    let files = files(&[
        r#"{"credHelpers": {"a.example": "own"}, "credsStore": "all", "auths": {"a.example": {"username": "u", "password": "p"}}}"#,
        r#"{"auths": {"a.example": {"username": "second", "password": "p"}}}"#,
    ]);
    let expected = [helper("own", "a.example"), helper("all", "a.example"), basic("u", "p"), basic("second", "p")];
    assert_eq!(files.find("a.example", None), expected);
}

#[test]
fn the_longest_path_wins() {
    let files = files(&[r#"{"auths": {
        "a.example": {"username": "host", "password": "p"},
        "a.example/team": {"username": "team", "password": "p"},
        "a.example/team/app": {"username": "app", "password": "p"}}}"#]);
    let first = |repository| files.find("a.example", repository).into_iter().next();
    assert_eq!(first(None), Some(basic("host", "p")));
    assert_eq!(first(Some("other")), Some(basic("host", "p")));
    assert_eq!(first(Some("teams/app")), Some(basic("host", "p")));
    assert_eq!(first(Some("team/other")), Some(basic("team", "p")));
    assert_eq!(first(Some("team/app/sub")), Some(basic("app", "p")));
}

#[test]
fn a_broken_file_is_named_and_not_quoted() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("config.json");
    std::fs::write(&path, "{\n\"auths\": \"not-a-real-secret\"}").expect("file");
    let missing = directory.path().join("missing.json");
    let error = AuthFiles::read(&Places { files: vec![missing, path.clone()], path: None }).expect_err("broken");
    assert_eq!(error.to_string(), format!("credentials file {}: no valid JSON of its kind at line 2", path.display()));
}

#[tokio::test]
async fn a_helper_is_given_the_server_and_gives_the_login() {
    let (_keep, places) = places_with(
        r#"read server || true; [ "$1" = get ] && printf '{"ServerURL":"%s","Username":"%s","Secret":"placeholder"}' "$server" "$server""#,
    );
    let found = places.ask_helper("a.example", "test", "a.example").await.expect("answer");
    let expected = Credential::Basic { username: "a.example".to_owned(), password: Secret::new("placeholder") };
    assert_eq!(found, Some(expected));
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let places = Places { files: vec!["/dev/zero".into()], path: None };
    let error = AuthFiles::read(&places).expect_err("endless");
    assert_eq!(error.to_string(), "credentials file /dev/zero: larger than 4 MiB");
}

#[tokio::test]
async fn a_helper_that_never_ends_is_cut_off() {
    let (_keep, places) = places_with("exec cat /dev/zero");
    let error = places.ask_helper("a.example", "test", "a.example").await.expect_err("endless");
    assert!(error.to_string().contains("gave more than"), "{error}");
}

#[tokio::test]
async fn a_helper_can_give_an_identity_token_or_nothing() {
    let (_keep, places) = places_with(r#"printf '{"Username":"<token>","Secret":"identity"}'"#);
    let found = places.ask_helper("a.example", "test", "a.example").await.expect("answer");
    assert_eq!(found, Some(Credential::IdentityToken(Secret::new("identity"))));

    let (_keep, places) = places_with("echo credentials not found in native keychain; exit 1");
    assert_eq!(places.ask_helper("a.example", "test", "a.example").await.expect("answer"), None);
}

#[tokio::test]
async fn a_failing_helper_is_named_and_its_output_kept_quiet() {
    let (_keep, places) = places_with("echo not-a-real-secret; echo not-a-real-secret >&2; exit 3");
    let error = places.ask_helper("a.example", "test", "a.example").await.expect_err("failure");
    assert_eq!(error.to_string(), "a.example: credential helper docker-credential-test failed: exit status: 3");

    let error = places.ask_helper("a.example", "../test", "a.example").await.expect_err("no name");
    assert_eq!(error.to_string(), "a.example: credential helper docker-credential-../test is no helper's name");
}
