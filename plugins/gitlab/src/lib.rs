//! GitLab: which images its container registry has, and projects for those that are pushed.
//!
//! Its API (`/api/v4`) lists the repositories of a group with all below it, or those of a project, and the tags of a repository, a
//! hundred at a time ([`listing`]); where the registry is, it tells with each repository. Projects are made before a push, in groups
//! that are there ([`projects`]); repositories come into being with it. A wrong token is sent once ([`session`]).

mod api;
mod config;
mod listing;
mod projects;
mod session;

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

pub use config::Config;
pub use listing::GitLab;
pub use projects::Projects;
pub use session::Session;

impl Plugin for GitLab {
    const INFO: Info = Info {
        name: "gitlab",
        version: env!("CARGO_PKG_VERSION"),
        summary: "GitLab: lists groups and projects, makes projects",
        config_schema: include_str!("../config.schema.json"),
        hosts: &["gitlab.com"],
    };
}

impl Configured for GitLab {
    type Config = Config;
    type Client = Session<Host>;

    fn open(config: Config) -> Result<(Self, Filter, Session<Host>)> {
        let (access, scope, filter) = config.listing()?;
        Ok((Self::new(access.api, scope), filter, Session::new(Host, access.token)))
    }
}

/// The provisioner `gitlab`.
pub struct Preparation {
    projects: Ensure<Projects<Session<Host>>>,
    public: Option<bool>,
}

impl Provisioner for Preparation {
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        let access = config.preparation()?;
        let projects = Projects::new(Session::new(Host, access.token), access.api);
        Ok(Self { projects: Ensure::new(projects), public: config.public })
    }

    fn ensure(&mut self, repository: &Wanted) -> Result<Ensured> {
        let project = self.projects.place().project_of(&repository.name)?;
        // One repository says nothing of others in the same project, unless it is all of it.
        let alone = project == repository.name && is_public(repository, "public");
        let public = self.public.unwrap_or_else(|| alone || is_public(repository, "namespace-public"));
        self.projects.ensure(&project, public)
    }
}

export_plugin!(GitLab);
export_source!(image_transfer_sdk::walk::Walk<GitLab, Session<Host>>);
export_provisioner!(Preparation);
