//! Aliyun ACR, enterprise and personal edition: which images there are, what a push needs, and logins for an hour.
//!
//! Both editions are at one address and take one signature ([`api`]), and differ in all else: the [`enterprise`] edition has instances
//! and is asked by parameters, the [`personal`] one is asked by paths. Which one is meant is found out once ([`edition`]). What they have in
//! common is the trait [`Edition`]; the listing, the preparation and the login are written against it.

mod api;
mod config;
mod edition;
mod enterprise;
mod listing;
mod login;
mod personal;
mod preparation;

use image_transfer_sdk::Credential;
use image_transfer_sdk::Credentials;
use image_transfer_sdk::Ensured;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Result;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::export_credentials;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http::Host;

pub use config::Config;
pub use edition::Edition;
pub use edition::Finder;
pub use listing::Acr;
pub use login::Login;
pub use preparation::Preparation;

impl Plugin for Acr {
    const INFO: Info = Info {
        name: "acr",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Aliyun ACR (enterprise and personal): lists it, makes namespaces and repositories, logs in",
        config_schema: include_str!("../config.schema.json"),
        hosts: &["*.aliyuncs.com"],
    };
}

/// The provisioner `acr`.
#[derive(Debug)]
pub struct Preparer(Preparation<Host>);

impl Provisioner for Preparer {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self(Preparation::new(config.finder()?, config.public, Host)))
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        self.0.ensure(repository)
    }
}

/// The credentials `acr`.
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

export_plugin!(Acr);
export_source!(image_transfer_sdk::walk::Walk<Acr, Host>);
export_provisioner!(Preparer);
export_credentials!(Issuer);
