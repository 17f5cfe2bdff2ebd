//! What belongs to one instance: its budgets, its grants, its empty WASI world.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;

use crate::http::Gateway;
use crate::plugin::Registries;
use crate::plugin::grants::Grants;
use crate::secret::Redactor;

/// Elements of all tables of an instance together.
const MAX_TABLE: usize = 1 << 20;

/// Resources that a guest may hold at a time.
const MAX_RESOURCES: usize = 1024;

/// The data of an instance's store.
pub(super) struct State {
    /// The plugin's name, for its log lines.
    pub(super) plugin: String,
    pub(super) gateway: Gateway,
    pub(super) registries: Arc<dyn Registries>,
    pub(super) grants: Grants,
    pub(super) redactor: Redactor,
    pub(super) budget: Budget,
    pub(super) memory: Memory,
    /// Log lines of the call that is running.
    pub(super) lines: usize,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
}

/// CPU time of a call. An epoch deadline is wall clock, so what the host made the guest wait is taken off.
pub(super) struct Budget {
    cpu: Duration,
    began: Instant,
    waited: Duration,
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
    pub(super) grants: Grants,
    pub(super) redactor: Redactor,
    pub(super) cpu: Duration,
    pub(super) memory: u64,
}

impl State {
    pub(super) fn new(parts: Parts) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        Self {
            plugin: parts.plugin,
            gateway: parts.gateway,
            registries: parts.registries,
            grants: parts.grants,
            redactor: parts.redactor,
            budget: Budget { cpu: parts.cpu, began: Instant::now(), waited: Duration::ZERO },
            memory: Memory { cap: parts.memory, used: 0, table: 0, denied: false },
            lines: 0,
            table,
            // No files, no environment, no arguments, no sockets; standard streams lead nowhere.
            wasi: WasiCtx::builder().build(),
        }
    }

    /// A call begins.
    pub(super) fn begin(&mut self) {
        self.budget.began = Instant::now();
        self.budget.waited = Duration::ZERO;
        self.lines = 0;
        self.memory.denied = false;
    }

    /// Time that the guest spent in the host since `since` does not count as its own.
    pub(super) fn waited(&mut self, since: Instant) {
        self.budget.waited += since.elapsed();
    }
}

impl Budget {
    /// Whether the call has used up its CPU time.
    pub(super) fn spent(&self) -> bool {
        self.began.elapsed().saturating_sub(self.waited) > self.cpu
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used + desired.saturating_sub(current) as u64;
        if used > self.cap {
            self.denied = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let table = self.table + desired.saturating_sub(current);
        if table > MAX_TABLE {
            return Ok(false);
        }
        self.table = table;
        Ok(true)
    }
}
