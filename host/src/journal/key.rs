//! Short names of texts.

use sha2::Digest;
use sha2::Sha256;

/// Eight bytes of a text's SHA-256: the same in every process, unlike a hasher's. A million of them meet by accident once in some
/// ten million runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub i64);

impl Key {
    /// The key of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Self(i64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_sha_256() {
        // The first bytes of the hash of nothing: e3b0c44298fc1c14.
        assert_eq!(Key::of(""), Key(i64::from_be_bytes([0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14])));
        assert_ne!(Key::of("a.io/n/app:1"), Key::of("a.io/n/app:2"));
    }
}
