//! Quay, quay.io or one's own: which images a namespace has, and repositories for those that are pushed.
//!
//! Its API (`/api/v1`) lists the repositories of a namespace by token and the tags of a repository by page number ([`listing`]), and
//! tells no totals: what is missing of a list is noticed otherwise ([`mark`]). Repositories are made before a push, and organizations
//! if that is wanted ([`repositories`]).

mod api;
mod config;
mod listing;
mod mark;
mod organizations;
mod repositories;

use image_transfer_sdk::Ensured;
use image_transfer_sdk::Info;
use image_transfer_sdk::Plugin;
use image_transfer_sdk::Provisioner;
use image_transfer_sdk::Result;
use image_transfer_sdk::Wanted;
use image_transfer_sdk::ensure::Ensure;
use image_transfer_sdk::ensure::is_public;
use image_transfer_sdk::export_plugin;
use image_transfer_sdk::export_provisioner;
use image_transfer_sdk::export_source;
use image_transfer_sdk::http::Host;
use image_transfer_sdk::walk::Configured;
use image_transfer_sdk::walk::Filter;

pub use api::Session;
pub use config::Config;
pub use listing::Quay;
pub use repositories::Repositories;

impl Plugin for Quay {
    const INFO: Info = Info {
        name: "quay",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Quay: lists namespaces, makes repositories and organizations",
        config_schema: include_str!("../config.schema.json"),
        hosts: &["quay.io"],
    };
}

impl Configured for Quay {
    type Config = Config;
    type Client = Session<Host>;

    fn open(config: Config) -> Result<(Self, Filter, Session<Host>)> {
        let (scope, token) = config.listing()?;
        let filter = scope.filter.clone();
        Ok((Self::new(scope, token.is_some()), filter, Session::new(Host, token)))
    }
}

/// The provisioner `quay`.
pub struct Preparation {
    repositories: Ensure<Repositories<Session<Host>>>,
    public: Option<bool>,
}

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        let (making, token) = config.preparation()?;
        let repositories = Repositories::new(Session::new(Host, token), making);
        Ok(Self { repositories: Ensure::new(repositories), public: config.public })
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let public = self.public.unwrap_or_else(|| is_public(repository, "public"));
        self.repositories.ensure(&repository.name, public)
    }
}

export_plugin!(Quay);
export_source!(image_transfer_sdk::walk::Walk<Quay, Session<Host>>);
export_provisioner!(Preparation);
