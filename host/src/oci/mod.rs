//! The nouns of the OCI image and distribution specifications: names, digests, descriptors, manifests.
//!
//! Nothing here does I/O. Everything that comes from outside passes these parsers before it reaches a URL, a path or a
//! terminal.

mod digest;
mod manifest;
mod media;
mod platform;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod reference;
mod unambiguous;

pub use digest::Digest;
pub use digest::DigestError;
pub use digest::Hasher;
pub use manifest::Content;
pub use manifest::Descriptor;
pub use manifest::Manifest;
pub use manifest::ManifestError;
pub use media::MediaType;
pub use platform::Platform;
pub use platform::PlatformError;
pub use reference::Reference;
pub use reference::ReferenceError;
pub use reference::RegistryName;
pub use reference::Repository;
pub use reference::Tag;
pub use reference::TagOrDigest;
