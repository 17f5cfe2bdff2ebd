//! What holds for docker's and podman's files, whoever wrote them. The laws are asked of generated inputs here, and of what the fuzzer
//! finds by the targets that go through `fuzzing`.

use crate::endpoint::docker_config::AuthFiles;
use crate::endpoint::docker_config::Entry;
use crate::endpoint::docker_config::Logins;
use crate::endpoint::docker_config::plain;

/// A stored login is found for its own host alone, and helpers are asked for the registry itself.
pub(crate) fn login_file(bytes: &[u8]) {
    let Ok(file) = serde_json::from_slice::<Logins>(bytes) else { return };
    let hosts: Vec<String> = file.auths.keys().map(|key| host(&plain(key)).to_owned()).collect();
    let helpers: Vec<String> = file.cred_helpers.values().chain(&file.creds_store).cloned().collect();
    let files = AuthFiles(vec![file]);
    let others = ["a.example", "a.example:5000", "docker.io", "localhost"].map(str::to_owned);
    for registry in hosts.iter().chain(&others).filter(|host| !host.is_empty()) {
        for repository in [None, Some("team/app")] {
            for entry in files.find(registry, repository) {
                match entry {
                    Entry::Stored(_) => assert!(hosts.contains(registry), "{registry}"),
                    Entry::Helper { helper, server } => {
                        assert!(helpers.contains(&helper), "{helper}");
                        assert!(server == *registry || registry == "docker.io", "{server}");
                    }
                }
            }
        }
    }
}

fn host(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::collection::vec;
    use proptest::prelude::ProptestConfig;
    use proptest::prelude::any;
    use proptest::proptest;
    use serde_json::json;

    use super::*;
    use crate::endpoint::Credential;
    use crate::secret::Secret;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_a_file_of_logins_or_an_error(bytes in vec(any::<u8>(), 0..64)) {
            login_file(&bytes);
        }

        #[test]
        fn a_login_is_found_under_any_spelling_of_its_host_and_no_other(
            host in "[a-z]{1,4}\\.[a-z]{2,3}(:[0-9]{2,4})?",
            other in "[a-z]{1,4}\\.[a-z]{2,3}(:[0-9]{2,4})?",
            scheme in "(https?://)?",
            end in "(/v[12])?/{0,2}",
            user in "[ -9;-~]{1,8}",
            password in "[!-~]{1,8}",
        ) {
            let encoded = STANDARD.encode(format!("{user}:{password}"));
            let text = json!({"auths": {format!("{scheme}{host}{end}"): {"auth": encoded}}}).to_string();
            login_file(text.as_bytes());
            let files = AuthFiles(vec![serde_json::from_str(&text).unwrap()]);
            let expected = [Entry::Stored(Credential::Basic { username: user, password: Secret::new(password) })];
            assert_eq!(files.find(&host, None), expected);
            assert_eq!(files.find(&host, Some("a/b")), expected);
            assert!(host == other || files.find(&other, Some("a/b")).is_empty());
            for longer in [format!("x{host}"), format!("{host}x")] {
                assert!(files.find(&longer, None).is_empty(), "{longer}");
            }
        }

        #[test]
        fn the_login_of_the_longest_path_comes_first(depth in 1_usize..5, host in "[a-z]{1,4}\\.[a-z]{2,3}") {
            let paths: Vec<String> = (0..depth).map(|at| format!("{host}{}", "/n".repeat(at))).collect();
            let auths: serde_json::Map<_, _> =
                paths.iter().map(|path| (path.clone(), json!({"identitytoken": path}))).collect();
            let files = AuthFiles(vec![serde_json::from_value(json!({"auths": auths})).unwrap()]);
            let expected: Vec<Entry> = paths
                .iter()
                .rev()
                .map(|path| Entry::Stored(Credential::IdentityToken(Secret::new(path.clone()))))
                .collect();
            assert_eq!(files.find(&host, Some("n/n/n/n/n")), expected);
            assert_eq!(files.find(&host, Some("nn")), expected[expected.len() - 1..]);
        }
    }
}
