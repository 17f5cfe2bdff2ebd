//! Credentials that `docker login` and `podman login` left: config.json, auth.json, and credential helpers.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt;

use crate::endpoint::Credential;
use crate::endpoint::login::LoginError;
use crate::oci::RegistryName;
use crate::secret::Secret;

/// What docker calls Docker Hub in its files and to its helpers.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The user name by which a helper says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// How long a helper may take. It may ask a cloud, or a locked key ring.
const HELPER_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that a helper may print.
const HELPER_CAP: usize = 1 << 20;

/// The largest file that is read, in bytes: ten thousand logins.
const FILE_CAP: u64 = 4 << 20;

/// Where credentials may be kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The files, first that has the registry wins. Those that are missing are skipped.
    pub(super) files: Vec<PathBuf>,
    /// `PATH` for helpers; none: this process's own.
    pub(super) path: Option<OsString>,
}

impl Places {
    /// The places that docker and podman use. The only look at the environment.
    pub(super) fn from_environment() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME");
        let docker = path("DOCKER_CONFIG").or_else(|| Some(home.clone()?.join(".docker")));
        let config = path("XDG_CONFIG_HOME").or_else(|| Some(home?.join(".config")));
        let files = [
            docker.map(|directory| directory.join("config.json")),
            path("REGISTRY_AUTH_FILE"),
            path("XDG_RUNTIME_DIR").map(|directory| directory.join("containers/auth.json")),
            config.map(|directory| directory.join("containers/auth.json")),
        ];
        Self { files: files.into_iter().flatten().collect(), path: None }
    }

    /// Asks `docker-credential-HELPER` for the credential of `server` (docker-credential-helpers, "Development": the server's name
    /// on stdin, JSON on stdout). None: it has none. What it prints is never passed on, since it may be the secret.
    pub(super) async fn ask_helper(
        &self,
        registry: &str,
        helper: &str,
        server: &str,
    ) -> Result<Option<Credential>, LoginError> {
        let command = format!("docker-credential-{helper}");
        let fail =
            |problem: String| LoginError::Helper { registry: registry.to_owned(), helper: command.clone(), problem };
        if helper.is_empty() || !helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(fail("is no helper's name".to_owned()));
        }
        let mut process = tokio::process::Command::new(&command);
        process.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        if let Some(path) = &self.path {
            process.env("PATH", path);
        }
        let mut child = process.spawn().map_err(|error| fail(format!("cannot be started: {error}")))?;
        let input = child.stdin.take();
        let server = server.to_owned();
        let run = async move {
            if let Some(mut input) = input {
                // A helper that reads nothing is its own business: what it prints decides.
                let _ = input.write_all(server.as_bytes()).await;
            }
            let mut answer = Vec::new();
            if let Some(output) = child.stdout.take() {
                // One byte more tells that it is too long.
                output.take(HELPER_CAP as u64 + 1).read_to_end(&mut answer).await?;
            }
            // One that still writes is ended by its closed pipe.
            Ok::<_, std::io::Error>((child.wait().await?, answer))
        };
        let (status, answer) = tokio::time::timeout(HELPER_TIMEOUT, run)
            .await
            .map_err(|_| fail(format!("gave no answer within {} s", HELPER_TIMEOUT.as_secs())))?
            .map_err(|error| fail(format!("failed: {error}")))?;
        if answer.len() > HELPER_CAP {
            return Err(fail(format!("gave more than {HELPER_CAP} bytes")));
        }
        if !status.success() {
            let missing = String::from_utf8_lossy(&answer).to_ascii_lowercase().contains("credentials not found");
            return if missing { Ok(None) } else { Err(fail(format!("failed: {status}"))) };
        }
        let answer: HelperAnswer = Some(&answer)
            .and_then(|it| serde_json::from_slice(it).ok())
            .ok_or_else(|| fail("gave what is no answer of a credential helper".to_owned()))?;
        Ok(credential(answer.username, answer.secret))
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

fn credential(username: String, secret: String) -> Option<Credential> {
    match (username.as_str(), secret.as_str()) {
        (_, "") => None,
        (TOKEN_USER, _) => Some(Credential::IdentityToken(Secret::new(secret))),
        _ => Some(Credential::Basic { username, password: Secret::new(secret) }),
    }
}

/// What a file has for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The credential itself.
    Stored(Credential),
    /// Who to ask for it.
    Helper {
        /// The helper's name, without `docker-credential-`.
        helper: String,
        /// What to ask it for.
        server: String,
    },
}

/// The files' contents, in the order of their precedence.
#[derive(Debug, Default)]
pub(super) struct AuthFiles(Vec<Logins>);

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Logins {
    auths: HashMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: HashMap<String, String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Auth {
    #[serde(rename = "auth")]
    encoded: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl AuthFiles {
    /// Reads the files that are there. One that is no JSON is an error: to go on without it would end in a confusing 401.
    pub(super) fn read(places: &Places) -> Result<Self, LoginError> {
        let mut files = Vec::new();
        for path in &places.files {
            let fail = |problem: String| LoginError::File { path: path.clone(), problem };
            let mut bytes = Vec::new();
            let read = File::open(path).and_then(|file| file.take(FILE_CAP + 1).read_to_end(&mut bytes));
            match read {
                Ok(length) if length as u64 > FILE_CAP => {
                    return Err(fail(format!("larger than {} MiB", FILE_CAP >> 20)));
                }
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
                {
                    continue;
                }
                Err(error) => return Err(fail(error.to_string())),
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            // serde's message may quote the text, which may be a secret: only the place is told.
            let file = serde_json::from_slice(&bytes)
                .map_err(|error| fail(format!("no valid JSON of its kind at line {}", error.line())))?;
            files.push(file);
        }
        Ok(Self(files))
    }

    /// What the files have for `repository` of `registry`, best first: in each file the registry's own helper, then the file's
    /// helper for all, then what is stored; the longest matching path first (podman keeps logins for namespaces too).
    pub(super) fn find(&self, registry: &str, repository: Option<&str>) -> Vec<Entry> {
        let wanted = match repository {
            Some(repository) => format!("{registry}/{repository}"),
            None => registry.to_owned(),
        };
        let hub = registry == RegistryName::DOCKER_HUB;
        let server = if hub { DOCKER_HUB_KEY } else { registry };
        let mut found = Vec::new();
        for file in &self.0 {
            let own = best(&file.cred_helpers, &wanted).into_iter().map(|(_, helper)| helper);
            let helpers = own.chain(&file.creds_store).filter(|helper| !helper.is_empty());
            found.extend(helpers.map(|helper| Entry::Helper { helper: helper.clone(), server: server.to_owned() }));
            found.extend(
                best(&file.auths, &wanted).into_iter().filter_map(|(_, auth)| auth.credential()).map(Entry::Stored),
            );
        }
        found
    }
}

/// The entries whose keys are `wanted` or a path above it, longest first.
fn best<'a, T>(entries: &'a HashMap<String, T>, wanted: &str) -> Vec<(&'a String, &'a T)> {
    let mut found: Vec<_> = entries
        .iter()
        .filter_map(|(key, value)| {
            let plain = plain(key);
            let rest = wanted.strip_prefix(&plain)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((plain.len(), key, value))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    found.into_iter().map(|(_, key, value)| (key, value)).collect()
}

/// A key without what older clients wrote around it: scheme, `/v1/`, `/v2/`; Docker Hub by its usual name.
fn plain(key: &str) -> String {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    let (host, path) = key.split_once('/').map_or((key, None), |(host, path)| (host, Some(path)));
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => RegistryName::DOCKER_HUB.to_owned(),
        host => host.to_owned(),
    };
    path.map_or(host.clone(), |path| format!("{host}/{path}"))
}

impl Auth {
    fn credential(&self) -> Option<Credential> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Some(Credential::RegistryToken(Secret::new(token)));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Some(Credential::IdentityToken(Secret::new(token)));
        }
        if let Some(auth) = given(&self.encoded) {
            let decoded = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
            let (username, password) = decoded.split_once(':')?;
            return credential(username.to_owned(), password.trim_end_matches('\0').to_owned());
        }
        credential(given(&self.username)?, given(&self.password)?)
    }
}

#[cfg(any(test, fuzzing))]
pub(super) mod properties;
#[cfg(test)]
mod tests;
