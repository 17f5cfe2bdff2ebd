//! The workflow file: YAML with places → variables → schema → [`Plan`], with every error reported at once.

mod classic;
mod copy;
mod diagnostic;
mod document;
mod interpolate;
mod load;
mod migration;
mod node;
mod place;
mod plan;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod reader;
mod rules;
mod schema;
mod secrecy;
mod units;
mod write;

pub use classic::Classic;
pub use classic::load_classic;
pub use copy::Copy;
pub use copy::copy;
pub use diagnostic::Diagnostic;
pub use diagnostic::Report;
pub use diagnostic::Source;
pub use load::load;
pub use migration::Migration;
pub use migration::load_migration;
pub use place::Place;
pub use place::Places;
pub use plan::Existing;
pub use plan::Limits;
pub use plan::LoginEntry;
pub use plan::Plan;
pub use plan::PluginEntry;
pub use plan::PluginUse;
pub use plan::RegistryEntry;
pub use plan::Retry;
pub use plan::To;
pub use plan::Transfer;
pub use schema::SECTIONS;
pub use units::UnitError;
pub use units::duration;
pub use write::fingerprint;
pub use write::print_workflow;
