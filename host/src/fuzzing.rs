//! The ways in for bytes from outside, one function for each, with what must hold whatever the bytes are: the targets of `tests/fuzz`
//! call them, and a test with what the targets found (`tests/fuzz/corpus`). Not part of the interface.
//!
//! Parsers stay as private as they are: their laws stand beside them, in `properties` modules, and come here when built for the
//! fuzzer (`--cfg fuzzing`) or for tests.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use crate::endpoint;
use crate::http::Gateway;
use crate::limit::Limiter;
use crate::limit::Rates;
use crate::oci;
use crate::plugin::CacheDir;
use crate::plugin::Calls;
use crate::plugin::Host;
use crate::plugin::HostOptions;
use crate::plugin::ListError;
use crate::plugin::Origin;
use crate::plugin::Pages;
use crate::plugin::Registries;
use crate::plugin::Spec;
use crate::plugin::Transports;
use crate::secret::Redactor;

/// Docker's config.json.
pub fn docker_config(bytes: &[u8]) {
    endpoint::properties::login_file(bytes);
}

/// A layout's index.json.
pub fn index(bytes: &[u8]) {
    endpoint::properties::index(bytes);
}

/// The `Link` header.
pub fn link(bytes: &[u8]) {
    endpoint::registry::properties::next_page(bytes);
}

/// A manifest or an index of any kind.
pub fn manifest(bytes: &[u8]) {
    oci::properties::manifest(bytes);
}

/// The name of an image, and what is in one: registry, digest, platform.
pub fn reference(bytes: &[u8]) {
    text(bytes, oci::properties::name);
}

/// A workflow file.
pub fn workflow(bytes: &[u8]) {
    text(bytes, crate::workflow::properties::workflow);
}

/// The `WWW-Authenticate` header.
pub fn www_authenticate(bytes: &[u8]) {
    endpoint::registry::properties::challenge(bytes);
}

/// A plugin's component: it is loaded or refused, within its budgets; what is loaded can do something and checks options.
///
/// # Panics
///
/// If that does not hold.
pub fn plugin(bytes: &[u8]) {
    let (host, runtime) = &*PLUGINS;
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("space");
    let mut spec = Spec::new("fuzz", Origin::Path { path: file.path().to_owned(), sha256: None });
    spec.memory = 8 << 20;
    spec.timeout = Duration::from_secs(2);
    spec.cpu = Duration::from_millis(200);
    match runtime.block_on(host.load(spec)) {
        Ok(plugin) => {
            assert!(!plugin.capabilities().none());
            let problems = plugin.check(&serde_json::json!({"registry": "a.example"}));
            assert!(problems.iter().all(|problem| !problem.message.is_empty()));
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.chars().any(|character| character.is_control() && character != '\n'), "{shown:?}");
        }
    }
}

/// Files and names that are not UTF-8 are refused before they are parsed.
fn text(bytes: &[u8], law: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        law(text);
    }
}

/// Lists nothing.
struct NoRegistries;

impl Registries for NoRegistries {
    fn repositories(&self, _: &str) -> Result<Box<dyn Pages>, ListError> {
        Err(ListError::NotFound(String::new()))
    }

    fn tags(&self, _: &str, _: &str) -> Result<Box<dyn Pages>, ListError> {
        Err(ListError::NotFound(String::new()))
    }
}

/// One engine for all inputs, and a runtime to drive it.
static PLUGINS: LazyLock<(Host, tokio::runtime::Runtime)> = LazyLock::new(|| {
    let options = HostOptions {
        gateway: Gateway::new(Arc::new(Limiter::new(&Rates::default()))),
        registries: Arc::new(NoRegistries),
        transports: Transports::default(),
        cache: CacheDir::Off,
        redactor: Redactor::default(),
        calls: Calls::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    (Host::new(options).expect("an engine"), runtime.expect("a runtime"))
});

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    type Target = fn(&[u8]);

    /// Each has a file in `tests/fuzz/targets` and a directory in `tests/fuzz/corpus`.
    const TARGETS: [(&str, Target); 8] = [
        ("docker_config", docker_config),
        ("index", index),
        ("link", link),
        ("manifest", manifest),
        ("plugin", plugin),
        ("reference", reference),
        ("workflow", workflow),
        ("www_authenticate", www_authenticate),
    ];

    fn fuzz() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz")
    }

    #[test]
    fn what_the_fuzzer_found_upholds_the_laws() {
        for (name, target) in TARGETS {
            let directory = std::fs::read_dir(fuzz().join("corpus").join(name)).expect(name);
            let inputs: Vec<PathBuf> = directory.map(|entry| entry.unwrap().path()).collect();
            assert!(inputs.len() > 1, "{name} has no corpus");
            for input in inputs {
                target(&std::fs::read(&input).unwrap());
            }
        }
    }

    #[test]
    fn each_way_in_is_a_target_of_the_fuzzer() {
        let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
        let built: Vec<&str> =
            manifest.split("[[bin]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(built, TARGETS.map(|(name, _)| name));
        for name in built {
            let source = std::fs::read_to_string(fuzz().join(format!("targets/{name}.rs"))).unwrap();
            assert!(source.contains(&format!("image_transfer::fuzzing::{name}(bytes)")), "{source}");
        }
    }
}
