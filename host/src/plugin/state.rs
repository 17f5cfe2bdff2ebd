//! What belongs to one instance: its budgets, its grants, its empty WASI world.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;

use crate::http::Gateway;
use crate::oci::RegistryName;
use crate::plugin::Registries;
use crate::plugin::Transports;
use crate::plugin::Trial;
use crate::plugin::fetch::Fetch;
use crate::plugin::grants::Grants;
use crate::plugin::meter::Meter;
use crate::plugin::stderr::Tail;
use crate::plugin::way::Way;
use crate::secret::Redactor;

/// Elements of all tables of an instance together.
const MAX_TABLE: usize = 1 << 20;

/// Resources of the host that a guest may hold at a time.
const MAX_RESOURCES: usize = 1024;

/// Memories, tables and core instances of one component. Run-time libraries of other languages bring tens; each memory reserves
/// gigabytes of address space, so wasmtime's 10,000 are too many.
const MAX_MEMORIES: usize = 32;
const MAX_TABLES: usize = 256;
const MAX_INSTANCES: usize = 512;

/// Bytes of one answer of `wasi:random`; the guest's request is allocated here before it is copied.
const MAX_RANDOM: u64 = 1 << 20;

/// The data of an instance's store.
pub(super) struct State {
    /// The plugin's name, for its log lines.
    pub(super) plugin: String,
    pub(super) gateway: Gateway,
    pub(super) registries: Arc<dyn Registries>,
    pub(super) grants: Arc<Grants>,
    pub(super) redactor: Redactor,
    /// The way of its requests.
    pub(super) way: Arc<Way>,
    /// What it wrote to standard error.
    pub(super) stderr: Tail,
    pub(super) budget: Budget,
    pub(super) memory: Memory,
    /// The registry that was taken note of last.
    pub(super) noted: Option<RegistryName>,
    /// Log lines of the call that is running.
    pub(super) lines: usize,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    fetch: Fetch,
}

/// CPU time of a call.
pub(super) struct Budget {
    cpu: Duration,
    meter: Meter,
}

/// Memory of an instance, summed over its memories.
pub(super) struct Memory {
    cap: u64,
    used: u64,
    table: usize,
    /// Whether more was wanted than there is.
    pub(super) denied: bool,
}

/// What a state is made of.
pub(super) struct Parts {
    pub(super) plugin: String,
    pub(super) gateway: Gateway,
    pub(super) registries: Arc<dyn Registries>,
    pub(super) transports: Arc<Transports>,
    pub(super) grants: Grants,
    pub(super) redactor: Redactor,
    pub(super) trial: Option<Arc<Trial>>,
    pub(super) cpu: Duration,
    pub(super) memory: u64,
}

impl State {
    pub(super) fn new(parts: Parts) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let grants = Arc::new(parts.grants);
        let way = Arc::new(Way {
            plugin: parts.plugin.clone(),
            gateway: parts.gateway.clone(),
            transports: parts.transports,
            grants: Arc::clone(&grants),
            trial: parts.trial,
            redactor: parts.redactor.clone(),
        });
        let stderr = Tail::default();
        Self {
            plugin: parts.plugin,
            gateway: parts.gateway,
            registries: parts.registries,
            grants,
            redactor: parts.redactor,
            way: Arc::clone(&way),
            budget: Budget { cpu: parts.cpu, meter: Meter::default() },
            memory: Memory { cap: parts.memory, used: 0, table: 0, denied: false },
            noted: None,
            lines: 0,
            table,
            // No files, no environment, no arguments, no sockets; standard input and output lead nowhere.
            wasi: WasiCtx::builder().max_random_size(MAX_RANDOM).stderr(stderr.clone()).build(),
            stderr,
            http: WasiHttpCtx::new(),
            fetch: Fetch::new(way),
        }
    }

    /// A call begins; it must run in the meter.
    pub(super) fn begin(&mut self) -> Meter {
        self.budget.meter.reset();
        self.lines = 0;
        self.memory.denied = false;
        self.budget.meter.clone()
    }
}

impl State {
    /// Takes in that this guest named the registry of an image. What a part of this program names may be anywhere; what a component
    /// from elsewhere names need not be what the user meant, so that the endpoints ask [`crate::http::Named`].
    pub(super) fn note(&mut self, registry: &RegistryName) {
        if self.noted.as_ref() == Some(registry) {
            return;
        }
        self.noted = Some(registry.clone());
        if let RegistryName::Host(host) = registry
            && self.grants.vouches()
        {
            self.gateway.named().vouch(host);
        }
    }
}

impl Budget {
    /// CPU time of the call up to when it came back last.
    pub(super) fn used(&self) -> Duration {
        self.meter.told()
    }

    /// Whether the call has used up its CPU time.
    pub(super) fn spent(&self) -> bool {
        self.meter.used() > self.cpu
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.fetch }
    }
}

impl Memory {
    /// What the instance has. Memories of WebAssembly never shrink, so it is the most that it had.
    pub(super) fn used(&self) -> u64 {
        self.used
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current) as u64);
        if used > self.cap {
            self.denied = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let table = self.table.saturating_add(desired.saturating_sub(current));
        if table > MAX_TABLE {
            return Ok(false);
        }
        self.table = table;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}
