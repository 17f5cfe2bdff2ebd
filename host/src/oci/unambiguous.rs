//! JSON that all readers read alike.

use std::collections::HashSet;
use std::fmt;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

/// Fields of manifests and descriptors that readers act on.
const FIELDS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "blobs",
    "manifests",
    "subject",
    "digest",
    "size",
    "platform",
    "annotations",
    "urls",
    "data",
];

/// Refuses a manifest that two readers may take for two different ones (the matter of CVE-2021-41190). RFC 8259 leaves open what a
/// key means that comes twice; Go's reader, which most registries and runtimes have, takes the last one, and takes `Layers` for `layers`.
pub(super) fn check(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Place::Manifest.deserialize(&mut reader)?;
    reader.end()
}

/// Where in a manifest.
#[derive(Clone, Copy)]
enum Place {
    Manifest,
    Descriptor,
    /// Where no reader looks for fields, such as annotations.
    Elsewhere,
}

impl Place {
    /// Where the value of `key` is.
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Manifest, "config" | "layers" | "blobs" | "manifests" | "subject") => Self::Descriptor,
            _ => Self::Elsewhere,
        }
    }

    /// The field that a reader may take `key` for, though it is spelled otherwise.
    fn mistaken(self, key: &str) -> Option<&'static str> {
        if matches!(self, Self::Elsewhere) {
            return None;
        }
        // As Go folds case: the long s is an s, and so is the Kelvin sign a k.
        let folded = key.to_lowercase().replace('\u{17f}', "s");
        FIELDS.iter().find(|field| field.to_lowercase() == folded && **field != key).copied()
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if let Some(field) = self.mistaken(&key) {
                return Err(A::Error::custom(format_args!("key {key:?} can be taken for {field:?}")));
            }
            map.next_value_seed(self.below(&key))?;
            if let Some(key) = seen.replace(key) {
                return Err(A::Error::custom(format_args!("key {key:?} comes twice")));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"layers":[],"l\u0061yers":[]}"#,
            r#"{"annotations":{"x":"1","x":"1"}}"#,
            r#"{"layers":[{"digest":"a","digest":"b"}]}"#,
            r#"[{"x":[[{"y":{"z":null,"z":true}}]]}]"#,
        ] {
            assert!(check(text.as_bytes()).unwrap_err().to_string().contains("comes twice"), "{text}");
        }
    }

    #[test]
    fn a_field_in_other_letters_is_refused_where_it_may_be_taken_for_one() {
        for text in [
            r#"{"Layers":[]}"#,
            r#"{"MANIFESTS":[]}"#,
            "{\"layer\u{17f}\":[]}",
            r#"{"config":{"Digest":""}}"#,
            r#"{"manifests":[{"sIze":1}]}"#,
        ] {
            assert!(check(text.as_bytes()).unwrap_err().to_string().contains("can be taken for"), "{text}");
        }
    }

    #[test]
    fn what_nobody_mistakes_passes() {
        for text in [
            r#"{"schemaVersion":2,"layers":[{"digest":"a","size":1}],"config":null,"x":-1.5e3}"#,
            r#"{"annotations":{"size":"1","Size":"2"}}"#,
            r#"{"extension":{"Config":true,"layers":{"Digest":1}}}"#,
            r#"{"config":{"platform":{"OS":"x","os":"y"}}}"#,
        ] {
            check(text.as_bytes()).unwrap();
        }
        let deep = "[".repeat(100_000);
        assert!(check(deep.as_bytes()).is_err(), "refused, and the stack holds");
    }
}
