//! The nouns of the OCI image and distribution specifications: names, digests, descriptors, manifests.
//!
//! Nothing here does I/O. Everything that comes from outside passes these parsers before it reaches a URL, a path or a
//! terminal.

mod digest;
mod manifest;
mod media;
mod name;
mod platform;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod reference;
mod registry;
mod unambiguous;

pub use digest::Digest;
pub use digest::DigestError;
pub use digest::Hasher;
pub use manifest::Content;
pub use manifest::Descriptor;
pub use manifest::Manifest;
pub use manifest::ManifestError;
pub use media::MediaType;
pub use name::Repository;
pub use name::Tag;
pub use platform::Platform;
pub use platform::PlatformError;
pub use reference::Reference;
pub use reference::ReferenceError;
pub use reference::TagOrDigest;
pub use registry::RegistryName;
