//! Amazon ECR, private and public: which images there are, repositories for those that are pushed, and logins for twelve hours.
//!
//! Both services speak the same JSON protocol with another prefix of their actions ([`api`]). Repositories and images are listed a
//! thousand at a time, by tokens and without totals, so that pages which look lost are asked for twice ([`pages`], [`listing`]). A push
//! needs its whole repository to be there ([`repositories`]).

mod api;
mod config;
mod listing;
mod login;
mod pages;
mod repositories;

use image_transfer_sdk::Credential;
use image_transfer_sdk::Credentials;
use image_transfer_sdk::Ensured;
use image_transfer_sdk::Image;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Result;
use image_transfer_sdk::Source;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::export_credentials;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::walk::Walk;

pub use api::Api;
pub use api::Edition;
pub use config::Config;
pub use listing::Ecr;
pub use login::Login;
pub use repositories::Repositories;

/// The source `ecr`.
#[derive(Debug)]
pub struct Listing(Walk<Ecr, Host>);

impl Plugin for Listing {
    const INFO: Info = Info {
        name: "ecr",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Amazon ECR, private and public: lists it, makes repositories, logs in",
        config_schema: include_str!("../config.schema.json"),
        hosts: api::HOSTS,
    };
}

impl Source for Listing {
    type Config = Config;

    fn open(config: Config, position: Option<String>) -> Result<Self> {
        let (ecr, filter) = Ecr::open(config)?;
        Ok(Self(Walk::new(ecr, filter, position, Host)))
    }

    fn next(&mut self) -> Result<Option<Vec<Image>>> {
        self.0.next_batch()
    }

    fn position(&self) -> Option<String> {
        self.0.position()
    }
}

/// The provisioner `ecr`.
#[derive(Debug)]
pub struct Preparation(Ensure<Repositories<Host>>);

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self(Ensure::new(Repositories::open(&config, Host)?)))
    }

    /// Whether a repository is public depends on the edition alone.
    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let name = self.0.place().name_of(&repository.name)?;
        self.0.ensure(&name, false)
    }
}

/// The credentials `ecr`.
#[derive(Debug)]
pub struct Issuer(Login<Host>);

impl Credentials for Issuer {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Ok(Self(Login::new(config.api()?, Host)))
    }

    fn issue(&mut self, _registry: &str) -> Result<Credential> {
        self.0.issue()
    }
}

export_plugin!(Listing);
export_source!(Listing);
export_provisioner!(Preparation);
export_credentials!(Issuer);
