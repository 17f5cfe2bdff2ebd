//! Which component, and what it may use.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A plugin as the workflow names it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name in the workflow.
    pub name: String,
    /// Where the component is.
    pub origin: Origin,
    /// Hosts it may reach: `host`, `host:port` or `*.domain`.
    pub hosts: Vec<String>,
    /// Cap on its memory, bytes.
    pub memory: u64,
    /// Wall clock for each call.
    pub timeout: Duration,
    /// CPU time for each call, waits for the host not counted.
    pub cpu: Duration,
}

/// Where a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Embedded in this program, by the name of the spec.
    Builtin,
    /// In a file.
    Path {
        /// The file.
        path: PathBuf,
        /// Its SHA-256 in hexadecimal, where the workflow pins it.
        sha256: Option<String>,
    },
    /// In memory, where it came from a registry.
    Artifact {
        /// Its bytes.
        component: Arc<[u8]>,
    },
}

impl Spec {
    /// Memory of an instance.
    pub const MEMORY: u64 = 64 << 20;
    /// Wall clock of a call: a page of a slow API, tried again a few times.
    pub const TIMEOUT: Duration = Duration::from_mins(5);
    /// CPU time of a call: a batch takes milliseconds.
    pub const CPU: Duration = Duration::from_secs(5);

    /// A plugin with the usual budgets and no grants.
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self {
            name: name.into(),
            origin,
            hosts: Vec::new(),
            memory: Self::MEMORY,
            timeout: Self::TIMEOUT,
            cpu: Self::CPU,
        }
    }
}

/// What a component exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub struct Capabilities {
    /// Which images.
    pub source: bool,
    /// Where to.
    pub mapper: bool,
    /// What must exist.
    pub provisioner: bool,
    /// How to log in.
    pub credentials: bool,
}

impl Capabilities {
    /// Whether it exports none.
    #[must_use]
    pub fn none(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.source, "source"),
            (self.mapper, "mapper"),
            (self.provisioner, "provisioner"),
            (self.credentials, "credentials"),
        ];
        let names: Vec<&str> = names.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
        f.write_str(&names.join(", "))
    }
}
