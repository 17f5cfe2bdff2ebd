//! What a plugin of image-transfer is written with. See docs/plugin-guide.md for the guide and `plugins/example-mapper`
//! for the smallest whole plugin.
//!
//! A plugin is a crate of type `cdylib` that implements [`Plugin`] and any of [`Source`], [`Mapper`], [`Provisioner`] and
//! [`Credentials`], and names each implementation in an export macro: [`export_plugin!`] once, then [`export_source!`],
//! [`export_mapper!`], [`export_provisioner!`], [`export_credentials!`] as they apply. The macros do nothing outside
//! WebAssembly, so a plugin's logic is tested natively with `cargo test`.
//!
//! In reading order: [`plugin`] has the traits, [`config`] turns the JSON of the host into a plugin's own type, [`http`],
//! [`registry`], [`log`] and [`clock`] are the host's services, [`reference`], [`pattern`], [`template`] and [`date`] what the
//! official plugins share. Plugins of a provider's API build on [`api`] (errors), [`sign`] (signatures), [`walk`] and [`pager`]
//! (listing repositories and their tags) and [`ensure`] (making what is missing); [`tencent`] is what two of them have in common.
//! [`bindings`] is generated from `wit/`.

extern crate self as image_transfer_sdk;

pub mod api;
pub mod bindings;
pub mod clock;
pub mod config;
pub mod date;
pub mod ensure;
mod export;
pub mod http;
pub mod log;
pub mod pager;
pub mod pattern;
pub mod plugin;
pub mod reference;
pub mod registry;
pub mod sign;
pub mod template;
pub mod tencent;
pub mod walk;

pub use bindings::credentials::exports::image_transfer::plugin::credentials::Credential;
pub use bindings::host::image_transfer::plugin::types::Destination;
pub use bindings::host::image_transfer::plugin::types::Error;
pub use bindings::host::image_transfer::plugin::types::Image;
pub use bindings::host::image_transfer::plugin::types::Reference;
pub use bindings::provisioner::exports::image_transfer::plugin::provisioner::Ensured;
pub use bindings::provisioner::exports::image_transfer::plugin::provisioner::Repository as Wanted;
pub use plugin::Credentials;
pub use plugin::Info;
pub use plugin::Mapper;
pub use plugin::Plugin;
pub use plugin::Provisioner;
pub use plugin::Source;

/// What every call of a plugin comes to.
pub type Result<T> = std::result::Result<T, Error>;

#[doc(hidden)]
pub use export::Exported;
#[doc(hidden)]
pub use wit_bindgen;
