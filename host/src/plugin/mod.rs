//! WebAssembly components that decide: which images, where to, what must exist, how to log in.
//!
//! ```text
//! Spec -> Host::load -> Plugin (compiled, described, options checkable) -> source | mapper | provisioner | issuer (an instance each)
//! ```
//!
//! Types that the contract generates stop here: on the other side are this program's own. A plugin can touch nothing but what
//! `imports` offers, or `fetch` by the same way: no file, no environment, no socket; hosts only as granted; registries only through listings, without
//! their credentials. Every call has a budget of CPU time, wall-clock time, memory and answer size; an instance that breaks one is thrown away.

mod annotations;
mod bindings;
mod cache;
mod calls;
mod capabilities;
mod error;
mod fetch;
mod grants;
mod host;
mod image;
mod imports;
mod instance;
mod listing;
mod mentions;
mod meter;
mod recording;
mod schema;
mod spec;
mod state;
mod stderr;
#[cfg(test)]
mod tests;
mod trial;
mod way;

use std::collections::HashMap;

use futures_util::future::BoxFuture;

use crate::http::Profile;

pub use cache::CacheDir;
pub use calls::CallNumbers;
pub use calls::Calls;
pub use capabilities::Issuer;
pub use capabilities::Mapper;
pub use capabilities::Preparation;
pub use capabilities::Source;
pub use error::Call;
pub use error::CallError;
pub use error::CallError as ListError;
pub use error::Failure;
pub use error::PluginError;
pub use host::Host;
pub use host::HostOptions;
pub use host::Info;
pub use host::Plugin;
pub use image::Attributes;
pub use image::BadImage;
pub use image::BadName;
pub use image::Destination;
pub use image::Ensured;
pub use image::Image;
pub use image::Issued;
pub use mentions::Mentions;
pub use recording::Exchange;
pub use recording::Listed;
pub use recording::Recording;
pub use schema::ConfigProblem;
pub use spec::Capabilities;
pub use spec::Origin;
pub use spec::Spec;
pub use trial::Called;
pub use trial::Requested;
pub use trial::Seen;
pub use trial::Trial;
pub use trial::TrialRegistries;

/// What the `registry` import lists through: the layer above implements it with the host's credentials.
pub trait Registries: Send + Sync {
    /// The catalog of `registry`.
    fn repositories(&self, registry: &str) -> Result<Box<dyn Pages>, ListError>;

    /// The tags of a repository.
    fn tags(&self, registry: &str, repository: &str) -> Result<Box<dyn Pages>, ListError>;
}

/// How some hosts are reached, by the authority of their URLs (`host`, or `host:port` where it is not the scheme's own).
pub type Transports = HashMap<String, Profile>;

/// A listing that is read page by page.
pub trait Pages: Send {
    /// The next page; none when all is told.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<String>>, ListError>>;
}
