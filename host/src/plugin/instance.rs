//! One instance of a component, its store, and how its calls are judged.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::error::Elapsed;
use wasmtime::Store;
use wasmtime::Trap;
use wasmtime::UpdateDeadline;
use wasmtime::component::InstancePre;

use crate::plugin::Call;
use crate::plugin::CallError;
use crate::plugin::Called;
use crate::plugin::Capabilities;
use crate::plugin::Failure;
use crate::plugin::Plugin;
use crate::plugin::PluginError;
use crate::plugin::Spec;
use crate::plugin::bindings::credentials::CredentialsPluginPre;
use crate::plugin::bindings::mapper::MapperPluginPre;
use crate::plugin::bindings::provisioner::ProvisionerPluginPre;
use crate::plugin::bindings::source::SourcePluginPre;
use crate::plugin::bindings::source::exports::image_transfer::plugin::plugin_info;
use crate::plugin::bindings::types;
use crate::plugin::calls::Counts;
use crate::plugin::grants::Grants;
use crate::plugin::host::Shared;
use crate::plugin::image::clean;
use crate::plugin::meter::Meter;
use crate::plugin::state::Parts;
use crate::plugin::state::State;
use crate::secret::Redactor;

/// Bytes that a guest may hand over at a time, strings and lists together: an answer, or what it gives to an import.
const ANSWER: usize = 32 << 20;

/// Resources that a component may hold at a time, its own included: the host keeps a table of them.
const MAX_HANDLES: usize = 16 << 10;

/// Bytes of a plugin's JSON Schema.
const MAX_SCHEMA: usize = 256 << 10;

/// Hosts that a plugin may describe.
const MAX_HOSTS: usize = 64;

/// Lines of standard error that are shown of an instance that broke.
const MAX_STDERR: usize = 40;

/// How wasmtime says that [`ANSWER`] was not enough; it gives the error no public type.
const FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// A component seen through each world that it fits.
pub(super) struct Worlds {
    pub(super) source: Option<SourcePluginPre<State>>,
    pub(super) mapper: Option<MapperPluginPre<State>>,
    pub(super) provisioner: Option<ProvisionerPluginPre<State>>,
    pub(super) credentials: Option<CredentialsPluginPre<State>>,
}

impl Worlds {
    /// Looks at what the component exports, with its types.
    pub(super) fn of(pre: &InstancePre<State>) -> Self {
        Self {
            source: SourcePluginPre::new(pre.clone()).ok(),
            mapper: MapperPluginPre::new(pre.clone()).ok(),
            provisioner: ProvisionerPluginPre::new(pre.clone()).ok(),
            credentials: CredentialsPluginPre::new(pre.clone()).ok(),
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            source: self.source.is_some(),
            mapper: self.mapper.is_some(),
            provisioner: self.provisioner.is_some(),
            credentials: self.credentials.is_some(),
        }
    }

    /// Asks a throw-away instance who it is, under the same budgets as any other call and with no host granted.
    pub(super) async fn describe(&self, shared: &Arc<Shared>, spec: &Spec) -> Result<plugin_info::Info, PluginError> {
        let mut runner = Runner::new(shared, spec, "?", Grants::default(), shared.redactor.clone());
        let function = "plugin-info.describe";
        let meter = runner.begin();
        let timeout = spec.timeout;
        let store = &mut runner.store;
        // The four worlds generate the same record four times.
        macro_rules! described {
            ($pre:expr) => {{
                let call = async {
                    let guest = $pre.instantiate_async(&mut *store).await?;
                    guest.image_transfer_plugin_plugin_info().call_describe(&mut *store).await
                };
                let info = tokio::time::timeout(timeout, meter.measure(call)).await;
                let info = runner.judge(function, info)?;
                runner.at_most(function, info.config_schema.len(), MAX_SCHEMA, "bytes of JSON Schema")?;
                runner.at_most(function, info.hosts.len(), MAX_HOSTS, "hosts")?;
                Ok(plugin_info::Info {
                    name: clean(&info.name),
                    version: clean(&info.version),
                    summary: clean(&info.summary),
                    config_schema: info.config_schema,
                    hosts: info.hosts.iter().map(|host| clean(host)).collect(),
                })
            }};
        }
        if let Some(pre) = &self.source {
            described!(pre)
        } else if let Some(pre) = &self.mapper {
            described!(pre)
        } else if let Some(pre) = &self.provisioner {
            described!(pre)
        } else if let Some(pre) = &self.credentials {
            described!(pre)
        } else {
            Err(PluginError::NoCapability { plugin: spec.name.clone(), exports: String::new() })
        }
    }
}

/// The store of one instance. When a call breaks, it is of no use any more: the component may not be entered again.
pub(super) struct Runner {
    pub(super) store: Store<State>,
    spec: Spec,
    version: String,
    counts: Arc<Counts>,
    /// When the call that is running began.
    began: Instant,
}

impl Runner {
    /// A store for an instance of `plugin` opened with `config`, which may grant hosts and hold secrets.
    pub(super) fn open(plugin: &Plugin, config: &serde_json::Value) -> Self {
        let grants = plugin.grants.clone().with(plugin.schema.hosts(config), config);
        let redactor = plugin.shared.redactor.with(plugin.schema.secrets(config));
        Self::new(&plugin.shared, &plugin.spec, &plugin.info().version, grants, redactor)
    }

    fn new(shared: &Arc<Shared>, spec: &Spec, version: &str, grants: Grants, redactor: Redactor) -> Self {
        let state = State::new(Parts {
            plugin: spec.name.clone(),
            gateway: shared.gateway.clone(),
            registries: Arc::clone(&shared.registries),
            transports: Arc::clone(&shared.transports),
            grants,
            redactor,
            trial: shared.trial.clone(),
            cpu: spec.cpu,
            memory: spec.memory,
        });
        let mut store = Store::new(shared.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(ANSWER);
        store.set_max_component_handles(MAX_HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let spent = store.data().budget.spent();
            Ok(if spent { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
        });
        let counts = shared.calls.of(&spec.name);
        Self { store, spec: spec.clone(), version: version.to_owned(), counts, began: Instant::now() }
    }

    /// A call begins: its budgets are fresh. It must run in the meter, or its CPU time goes unseen.
    pub(super) fn begin(&mut self) -> Meter {
        self.began = Instant::now();
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin()
    }

    pub(super) fn timeout(&self) -> std::time::Duration {
        self.spec.timeout
    }

    /// What came of a call.
    pub(super) fn judge<T>(
        &self,
        function: &'static str,
        answer: Result<wasmtime::Result<T>, Elapsed>,
    ) -> Result<T, PluginError> {
        let broken = !matches!(answer, Ok(Ok(_)));
        self.counts.note(function, broken, self.began.elapsed(), self.store.data().budget.used());
        self.show(function);
        let failure = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Err(_) => Failure::Timeout(self.spec.timeout),
            Ok(Err(error)) => match error.downcast_ref::<Trap>() {
                Some(Trap::Interrupt) => Failure::Cpu(self.spec.cpu),
                _ if self.store.data().memory.denied => Failure::Memory(self.spec.memory),
                Some(trap) => Failure::Trap(trap.to_string()),
                None => match error.root_cause().to_string() {
                    cause if cause.contains(FUEL_EXHAUSTED) => {
                        Failure::TooMuch { what: "bytes in one answer", limit: ANSWER }
                    }
                    cause => Failure::Trap(clean(&cause)),
                },
            },
        };
        self.tell_stderr();
        Err(self.broke(function, failure))
    }

    /// Shows a call that is over to whoever looks on.
    fn show(&self, function: &'static str) {
        let state = self.store.data();
        if let Some(trial) = &state.way.trial {
            let called = Called { function, took: self.began.elapsed(), cpu: state.budget.used() };
            trial.called(called, state.memory.used());
        }
    }

    /// What the language's run-time library wrote before it ended, such as a traceback.
    fn tell_stderr(&self) {
        let state = self.store.data();
        let text = state.redactor.strike(&state.stderr.take());
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in &lines[lines.len().saturating_sub(MAX_STDERR)..] {
            tracing::warn!(target: "plugin", plugin = self.spec.name, "{}", clean(line));
        }
    }

    /// An answer that is not to be had.
    pub(super) fn broke(&self, function: &'static str, failure: Failure) -> PluginError {
        PluginError::Broken { call: self.call(function), failure }
    }

    /// What the guest itself says went wrong, without the secrets that it was given.
    pub(super) fn refused(&self, function: &'static str, error: types::Error) -> PluginError {
        PluginError::Call { call: self.call(function), error: self.told(error) }
    }

    /// The same for one entry of a batch.
    pub(super) fn told(&self, error: types::Error) -> CallError {
        CallError::read(error, &self.store.data().redactor)
    }

    /// Refuses an answer that has more of something than the host takes.
    pub(super) fn at_most(
        &self,
        function: &'static str,
        count: usize,
        limit: usize,
        what: &'static str,
    ) -> Result<(), PluginError> {
        if count > limit { Err(self.broke(function, Failure::TooMuch { what, limit })) } else { Ok(()) }
    }

    /// What the instance may reach.
    pub(super) fn grants(&self) -> &Grants {
        &self.store.data().grants
    }

    /// A function of this plugin, for errors.
    pub(super) fn call(&self, function: &'static str) -> Call {
        Call { plugin: self.spec.name.clone(), version: self.version.clone(), function }
    }
}
