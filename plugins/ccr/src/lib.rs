//! Tencent CCR, the personal registry: which images there are, and namespaces for those that are pushed.
//!
//! Its API (`tcr`, version 2019-09-24) lists repositories and tags by row offset, a hundred at a time ([`listing`]). Namespaces are
//! made before a push ([`namespaces`]); repositories come into being with it. It vends no passwords: the registry's own, set in the
//! console, is needed to pull and push.

mod config;
mod listing;
mod namespaces;

use image_transfer_sdk::Ensured;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Result;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::tencent;

pub use config::Config;
pub use listing::Ccr;
pub use namespaces::Namespaces;

impl Plugin for Ccr {
    const INFO: Info = Info {
        name: "ccr",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Tencent CCR (personal registry): lists it, makes namespaces",
        config_schema: include_str!("../config.schema.json"),
        hosts: tencent::HOSTS,
    };
}

/// The provisioner `ccr`.
#[derive(Debug)]
pub struct Preparation(Ensure<Namespaces<Host>>);

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self(Ensure::new(Namespaces::new(config.api()?, Host))))
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        self.0.ensure(namespaces::namespace_of(&repository.name)?, false)
    }
}

export_plugin!(Ccr);
export_source!(image_transfer_sdk::walk::Walk<Ccr, Host>);
export_provisioner!(Preparation);
