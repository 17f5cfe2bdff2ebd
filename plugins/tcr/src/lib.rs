//! Tencent TCR, the enterprise registry: which images there are, namespaces for those that are pushed, and logins for an hour.
//!
//! Its API (`tcr`, version 2019-09-24) lists namespaces, repositories and tags by page number, a hundred at a time ([`listing`]).
//! Everything begins with the instance, which is found by name, id or domain in whatever region it is ([`instance`]). Namespaces are
//! made before a push ([`namespaces`]); repositories come into being with it.

mod config;
mod instance;
mod listing;
mod login;
mod namespaces;

use image_transfer_sdk::Credential;
use image_transfer_sdk::Credentials;
use image_transfer_sdk::Ensured;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Result;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::ensure::is_public;
use image_transfer_sdk::export_credentials;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::tencent;

pub use config::Config;
pub use instance::Finder;
pub use listing::Tcr;
pub use login::Login;
pub use namespaces::Namespaces;

impl Plugin for Tcr {
    const INFO: Info = Info {
        name: "tcr",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Tencent TCR (enterprise registry): lists it, makes namespaces, logs in",
        config_schema: include_str!("../config.schema.json"),
        hosts: tencent::HOSTS,
    };
}

/// The provisioner `tcr`.
#[derive(Debug)]
pub struct Preparation {
    namespaces: Ensure<Namespaces<Host>>,
    public: Option<bool>,
}

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        let public = config.public;
        Ok(Self { namespaces: Ensure::new(Namespaces::new(config.finder()?, Host)), public })
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let namespace = namespaces::namespace_of(&repository.name)?;
        let public = self.public.unwrap_or_else(|| is_public(repository, "namespace-public"));
        self.namespaces.ensure(namespace, public)
    }
}

/// The credentials `tcr`.
#[derive(Debug)]
pub struct Issuer(Login<Host>);

impl Credentials for Issuer {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self(Login::new(config.finder()?, Host)))
    }

    fn issue(&mut self, _registry: &str) -> Result<Credential> {
        self.0.issue()
    }
}

export_plugin!(Tcr);
export_source!(image_transfer_sdk::walk::Walk<Tcr, Host>);
export_provisioner!(Preparation);
export_credentials!(Issuer);
