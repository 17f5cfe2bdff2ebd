//! The engine, and a component made ready to be opened.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use wasmtime::Config;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::HasSelf;
use wasmtime::component::InstancePre;
use wasmtime::component::Linker;

use crate::http::Gateway;
use crate::plugin::CacheDir;
use crate::plugin::Calls;
use crate::plugin::Capabilities;
use crate::plugin::ConfigProblem;
use crate::plugin::Issuer;
use crate::plugin::Mapper;
use crate::plugin::Origin;
use crate::plugin::PluginError;
use crate::plugin::Preparation;
use crate::plugin::Registries;
use crate::plugin::Source;
use crate::plugin::Spec;
use crate::plugin::Transports;
use crate::plugin::Trial;
use crate::plugin::bindings;
use crate::plugin::grants::Grants;
use crate::plugin::image::clean;
use crate::plugin::instance::Worlds;
use crate::plugin::schema::Mark;
use crate::plugin::schema::Schema;
use crate::plugin::state::State;
use crate::secret::Redactor;

/// How often the epoch advances: the grain of CPU budgets.
const TICK: Duration = Duration::from_millis(10);

/// Exports of a component that is none of ours that are shown.
const MAX_SHOWN: usize = 5;

/// The components that every binary carries.
const BUILTINS: &[(&str, &[u8])] = &[
    ("acr", include_bytes!("../../../plugins/dist/acr.wasm")),
    ("catalog", include_bytes!("../../../plugins/dist/catalog.wasm")),
    ("ccr", include_bytes!("../../../plugins/dist/ccr.wasm")),
    ("dockerhub", include_bytes!("../../../plugins/dist/dockerhub.wasm")),
    ("ecr", include_bytes!("../../../plugins/dist/ecr.wasm")),
    ("gitlab", include_bytes!("../../../plugins/dist/gitlab.wasm")),
    ("harbor", include_bytes!("../../../plugins/dist/harbor.wasm")),
    ("quay", include_bytes!("../../../plugins/dist/quay.wasm")),
    ("rewrite", include_bytes!("../../../plugins/dist/rewrite.wasm")),
    ("rules", include_bytes!("../../../plugins/dist/rules.wasm")),
    ("tcr", include_bytes!("../../../plugins/dist/tcr.wasm")),
];

const BUILTIN_NAMES: [&str; BUILTINS.len()] = {
    let mut names = [""; BUILTINS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = BUILTINS[index].0;
        index += 1;
    }
    names
};

/// What a plugin host is made of.
pub struct HostOptions {
    /// The way out, for the `http` import.
    pub gateway: Gateway,
    /// For the `registry` import.
    pub registries: Arc<dyn Registries>,
    /// How hosts are reached that need more than the public internet does.
    pub transports: Transports,
    /// Compiled components.
    pub cache: CacheDir,
    /// Secrets of the workflow, struck from plugins' log lines.
    pub redactor: Redactor,
    /// What counts the calls of its plugins.
    pub calls: Calls,
}

/// Loads and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    engine: Engine,
    linker: Linker<State>,
    pub(super) gateway: Gateway,
    pub(super) registries: Arc<dyn Registries>,
    pub(super) transports: Arc<Transports>,
    pub(super) redactor: Redactor,
    pub(super) calls: Calls,
    pub(super) trial: Option<Arc<Trial>>,
}

/// A component, compiled and described.
pub struct Plugin {
    pub(super) shared: Arc<Shared>,
    pub(super) spec: Spec,
    pub(super) worlds: Worlds,
    pub(super) grants: Grants,
    pub(super) schema: Schema,
    component: Component,
    info: Info,
}

/// What a component tells of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// Its own name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line.
    pub summary: String,
    /// JSON Schema of its options.
    pub schema: Value,
    /// Hosts it talks to whatever its options say.
    pub hosts: Vec<String>,
}

impl Host {
    /// Bytes of a component. Those that carry a Python or JavaScript engine have up to 20 MB.
    pub const MAX_COMPONENT: u64 = 128 << 20;

    /// An engine with its ticker. The ticker ends with the last clone and the last plugin.
    pub fn new(options: HostOptions) -> Result<Self, PluginError> {
        Self::made(options, None)
    }

    /// The same with somebody who looks on, and perhaps answers in place of the network.
    pub fn on_trial(options: HostOptions, trial: Arc<Trial>) -> Result<Self, PluginError> {
        Self::made(options, Some(trial))
    }

    fn made(options: HostOptions, trial: Option<Arc<Trial>>) -> Result<Self, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::Engine { reason: format!("{error:#}") };
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .max_wasm_stack(512 << 10)
            .async_stack_size(1 << 20)
            // The contract is synchronous; without this a guest could make tasks and streams that no budget counts.
            .concurrency_support(false)
            .cache(options.cache.open());
        let engine = Engine::new(&config).map_err(failed)?;
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("plugin-ticker".to_owned())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(TICK);
                }
            })
            .map_err(|error| PluginError::Engine { reason: error.to_string() })?;
        let linker = linker(&engine).map_err(failed)?;
        let HostOptions { gateway, registries, transports, redactor, calls, cache: _ } = options;
        let transports = Arc::new(transports);
        let shared = Shared { engine, linker, gateway, registries, transports, redactor, calls, trial };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The names of the embedded components.
    #[must_use]
    pub fn builtins() -> &'static [&'static str] {
        &BUILTIN_NAMES
    }

    /// The bytes of a component, its hash not looked at yet.
    pub fn bytes(spec: &Spec) -> Result<Vec<u8>, PluginError> {
        read(spec)
    }

    /// Reads, verifies, compiles and describes a component.
    pub async fn load(&self, spec: Spec) -> Result<Plugin, PluginError> {
        let plugin = spec.name.clone();
        let unusable = |reason: String| PluginError::Unusable { plugin: plugin.clone(), reason: clean(&reason) };
        let engine = self.shared.engine.clone();
        let wanted = spec.clone();
        // Reading may wait for a disk, and compiling takes up to seconds of CPU; nothing else may stand still for it.
        let component = tokio::task::spawn_blocking(move || {
            let bytes = read(&wanted)?;
            verify(&wanted, &bytes)?;
            Component::new(&engine, bytes).map_err(|error| PluginError::Unusable {
                plugin: wanted.name.clone(),
                reason: clean(&format!("{error:#}")),
            })
        })
        .await
        .map_err(|error| unusable(error.to_string()))??;
        let pre: InstancePre<State> =
            self.shared.linker.instantiate_pre(&component).map_err(|error| unusable(format!("{error:#}")))?;
        let worlds = Worlds::of(&pre);
        if worlds.capabilities().none() {
            let kind = component.component_type();
            let exports: Vec<&str> = kind.exports(component.engine()).map(|(name, _)| name).take(MAX_SHOWN).collect();
            return Err(PluginError::NoCapability { plugin, exports: clean(&exports.join(", ")) });
        }
        let info = worlds.describe(&self.shared, &spec).await?;
        let schema = Schema::read(&info.config_schema)
            .map_err(|reason| PluginError::Schema { plugin: spec.name.clone(), reason })?;
        let grants = match spec.origin {
            Origin::Builtin => Grants::embedded(spec.hosts.clone(), info.hosts.clone()),
            Origin::Path { .. } | Origin::Artifact { .. } => Grants::named(spec.hosts.clone()),
        };
        let info = Info {
            name: info.name,
            version: info.version,
            summary: info.summary,
            schema: schema.text.clone(),
            hosts: info.hosts,
        };
        Ok(Plugin { shared: Arc::clone(&self.shared), spec, worlds, grants, schema, component, info })
    }
}

impl Plugin {
    /// What it tells of itself.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What it exports.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.worlds.capabilities()
    }

    /// That it is asked for `wanted`, which it does not do.
    pub(super) fn lacks(&self, wanted: &'static str) -> PluginError {
        PluginError::Lacks { plugin: self.spec.name.clone(), wanted, has: self.capabilities() }
    }

    /// The interfaces that it exports, by name.
    #[must_use]
    pub fn exports(&self) -> Vec<String> {
        let kind = self.component.component_type();
        let mut exports: Vec<String> = kind.exports(self.component.engine()).map(|(name, _)| name.to_owned()).collect();
        exports.sort_unstable();
        exports
    }

    /// The interfaces that it imports, by name.
    #[must_use]
    pub fn imports(&self) -> Vec<String> {
        let kind = self.component.component_type();
        let mut imports: Vec<String> = kind.imports(self.component.engine()).map(|(name, _)| name.to_owned()).collect();
        imports.sort_unstable();
        imports
    }

    /// Its options that grant a host, and those that hold a secret, each as a path of names.
    #[must_use]
    pub fn marked_options(&self) -> (Vec<String>, Vec<String>) {
        (self.schema.marked(Mark::Host), self.schema.marked(Mark::Secret))
    }

    /// All that its schema has against `config`.
    #[must_use]
    pub fn check(&self, config: &Value) -> Vec<ConfigProblem> {
        self.schema.check(config)
    }

    /// Begins to enumerate, from `position` where an earlier run left one.
    pub async fn source(self: &Arc<Self>, config: &Value, position: Option<&str>) -> Result<Source, PluginError> {
        Source::open(Arc::clone(self), config, position).await
    }

    /// Opens a mapping.
    pub async fn mapper(self: &Arc<Self>, config: &Value) -> Result<Mapper, PluginError> {
        Mapper::open(Arc::clone(self), config.clone()).await
    }

    /// Opens a preparation.
    pub async fn provisioner(self: &Arc<Self>, config: &Value) -> Result<Preparation, PluginError> {
        Preparation::open(Arc::clone(self), config.clone()).await
    }

    /// Opens an issuer of credentials.
    pub async fn issuer(self: &Arc<Self>, config: &Value) -> Result<Issuer, PluginError> {
        Issuer::open(Arc::clone(self), config.clone()).await
    }
}

impl Shared {
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// Everything a guest may import: the contract, and the whole of WASI with nothing behind it but clocks, random numbers and, for
/// `wasi:http`, what is behind `http`.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::types::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    bindings::log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    bindings::http::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    bindings::registry::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

fn read(spec: &Spec) -> Result<Vec<u8>, PluginError> {
    match &spec.origin {
        Origin::Builtin => BUILTINS
            .iter()
            .find(|(name, _)| *name == spec.name)
            .map(|(_, bytes)| bytes.to_vec())
            .ok_or_else(|| PluginError::Unknown { plugin: spec.name.clone() }),
        Origin::Artifact { component } => Ok(component.to_vec()),
        Origin::Path { path, .. } => read_file(path).map_err(|source| PluginError::Read {
            plugin: spec.name.clone(),
            path: Path::to_owned(path),
            source: Arc::new(source),
        }),
    }
}

/// Reads a regular file of bounded size: a device or a pipe would never end.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(Host::MAX_COMPONENT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > Host::MAX_COMPONENT {
        let problem = format!("larger than {} MiB", Host::MAX_COMPONENT >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// Checks the pinned hash, and that the bytes are a component (the preamble of the component model's binary format).
fn verify(spec: &Spec, bytes: &[u8]) -> Result<(), PluginError> {
    if let Origin::Path { sha256: Some(expected), .. } = &spec.origin {
        let actual = hex(&Sha256::digest(bytes));
        if !expected.eq_ignore_ascii_case(&actual) {
            let (plugin, expected) = (spec.name.clone(), expected.clone());
            return Err(PluginError::Checksum { plugin, expected, actual });
        }
    }
    let found = match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', ..] => "a core module",
        [] => "empty",
        _ if std::str::from_utf8(bytes).is_ok() => "text",
        _ => "something else",
    };
    Err(PluginError::NotComponent { plugin: spec.name.clone(), found })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
