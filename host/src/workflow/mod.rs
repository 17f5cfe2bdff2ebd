//! The workflow file: YAML with places → variables → schema → [`Plan`], with every error reported at once.

mod diagnostic;
mod document;
mod interpolate;
mod load;
mod node;
mod place;
mod plan;
mod reader;
mod rules;
mod schema;
mod secrecy;
mod units;

pub use diagnostic::Diagnostic;
pub use diagnostic::Report;
pub use diagnostic::Source;
pub use load::load;
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
