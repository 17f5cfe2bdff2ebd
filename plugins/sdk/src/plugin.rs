//! The traits that a plugin implements, one for each interface of the contract.

use serde::de::DeserializeOwned;

use crate::Credential;
use crate::Destination;
use crate::Ensured;
use crate::Image;
use crate::Result;
use crate::Wanted;

/// Who a plugin is. Every plugin has one implementation, named in [`export_plugin!`](crate::export_plugin).
pub trait Plugin {
    /// What it says of itself. Must not call the host.
    const INFO: Info;
}

/// What a plugin says of itself, as constants.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Lowercase letters, digits and `-`.
    pub name: &'static str,
    /// Semantic version; usually `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// One line for `plugin list`.
    pub summary: &'static str,
    /// JSON Schema (draft 2020-12) of the configuration; usually an `include_str!`.
    pub config_schema: &'static str,
    /// Hosts it talks to whatever its configuration says, as `host` or `*.domain`.
    pub hosts: &'static [&'static str],
}

/// Which images to move: `source` of the contract.
pub trait Source: Sized + 'static {
    /// The `with:` of the workflow. Derive `Deserialize` with `deny_unknown_fields`.
    type Config: DeserializeOwned;

    /// Begins an enumeration, or goes on from a position that an earlier one gave.
    fn open(config: Self::Config, position: Option<String>) -> Result<Self>;

    /// The next batch; none when all is told. Keep batches within a page: some hundred images.
    fn next(&mut self) -> Result<Option<Vec<Image>>>;

    /// A mark after the last batch, where the source can go on from the middle.
    fn position(&self) -> Option<String> {
        None
    }
}

/// Where each image lands: `mapper` of the contract.
pub trait Mapper: Sized + 'static {
    /// The `with:` of the workflow. Derive `Deserialize` with `deny_unknown_fields`.
    type Config: DeserializeOwned;

    /// Checks the configuration.
    fn open(config: Self::Config) -> Result<Self>;

    /// Where one image lands; an empty list drops it.
    fn map(&self, image: &Image) -> Result<Vec<Destination>>;
}

/// What must exist before the first push: `provisioner` of the contract.
pub trait Provisioner: Sized + 'static {
    /// The `with:` of the workflow. Derive `Deserialize` with `deny_unknown_fields`.
    type Config: DeserializeOwned;

    /// Checks the configuration.
    fn open(config: Self::Config) -> Result<Self>;

    /// Sees to it that a repository can be pushed to.
    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured>;
}

/// How to log in: `credentials` of the contract.
pub trait Credentials: Sized + 'static {
    /// The `with:` of the workflow. Derive `Deserialize` with `deny_unknown_fields`.
    type Config: DeserializeOwned;

    /// Checks the configuration.
    fn open(config: Self::Config) -> Result<Self>;

    /// A credential for this registry.
    fn issue(&mut self, registry: &str) -> Result<Credential>;
}
