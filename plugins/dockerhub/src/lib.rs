//! Docker Hub: which images a namespace has, and repositories for those that are pushed.
//!
//! Its API (`/v2` of `hub.docker.com`) lists the repositories of a namespace and the tags of a repository, a hundred at a time
//! ([`listing`]); namespaces it does not list. Repositories are made before a push, since a push makes public ones ([`repositories`]).
//! A login is good for ten minutes, and is renewed under way ([`session`]).

mod answer;
mod config;
mod listing;
mod repositories;
mod session;

use image_transfer_sdk::Ensured;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Result;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::clock;
use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::ensure::is_public;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::walk::Configured;
use image_transfer_sdk::walk::Filter;

pub use config::Config;
pub use listing::Hub;
pub use repositories::Repositories;
pub use session::Session;

/// Requests a second. The documentation gives no number, only that there is one for each minute, and headers that tell it.
pub(crate) const PER_SECOND: u32 = 10;

impl Plugin for Hub {
    const INFO: Info = Info {
        name: "dockerhub",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Docker Hub: lists namespaces, makes repositories",
        config_schema: include_str!("../config.schema.json"),
        hosts: &["hub.docker.com"],
    };
}

impl Configured for Hub {
    type Config = Config;
    type Client = Session<Host>;

    fn open(config: Config) -> Result<(Self, Filter, Session<Host>)> {
        let (scope, login) = config.listing()?;
        let (filter, known) = (scope.filter.clone(), login.is_some());
        let session = Session::new(Host, scope.endpoint.clone(), login, clock::now);
        Ok((Self::new(scope, known), filter, session))
    }
}

/// The provisioner `dockerhub`.
pub struct Preparation {
    repositories: Ensure<Repositories<Session<Host>>>,
    private: Option<bool>,
}

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        let (endpoint, login) = config.preparation()?;
        let session = Session::new(Host, endpoint.clone(), Some(login), clock::now);
        Ok(Self { repositories: Ensure::new(Repositories::new(session, endpoint)), private: config.private })
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let public = self.private.map_or_else(|| is_public(repository, "public"), |private| !private);
        self.repositories.ensure(&repository.name, public)
    }
}

export_plugin!(Hub);
export_source!(image_transfer_sdk::walk::Walk<Hub, Session<Host>>);
export_provisioner!(Preparation);
