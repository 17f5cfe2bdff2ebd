//! Harbor 2: which images there are, and projects for those that are pushed.
//!
//! Its API (`/api/v2.0`) lists projects, the repositories of each, and the artifacts of each repository with their tags, a hundred at a
//! time ([`listing`]). Projects are made before a push ([`projects`]); repositories come into being with it. Wrong credentials are not
//! refused where lists are asked for, so they are tried before anything else ([`api`]). Lists are all that is asked for: who signs in by
//! OIDC may ask for little else with a CLI secret, and robots need no right for the list of projects.

mod api;
mod config;
mod listing;
mod projects;

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

pub use api::Api;
pub use config::Config;
pub use listing::Harbor;
pub use projects::Projects;

impl Plugin for Harbor {
    const INFO: Info = Info {
        name: "harbor",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Harbor: lists it, makes projects",
        config_schema: include_str!("../config.schema.json"),
        hosts: &[],
    };
}

/// The provisioner `harbor`.
#[derive(Debug)]
pub struct Preparation {
    projects: Ensure<Projects<Host>>,
    public: Option<bool>,
}

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        let public = config.public;
        Ok(Self { projects: Ensure::new(Projects::new(config.login()?, Host)), public })
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let project = projects::project_of(&repository.name)?;
        let public = self.public.unwrap_or_else(|| is_public(repository, "namespace-public"));
        self.projects.ensure(project, public)
    }
}

export_plugin!(Harbor);
export_source!(image_transfer_sdk::walk::Walk<Harbor, Host>);
export_provisioner!(Preparation);
