//! The raw form of items: what is stored, without what is absent, and without the components of vectors.

use std::fmt;

use bytes::Bytes;
use helix_plan::ItemKind;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use crate::engine::Engine;
use crate::error::{EngineError, Result};

/// The fields of an item in their order. Values stay text, so that no number loses digits.
struct Item(Vec<(String, Box<RawValue>)>);

#[derive(serde::Deserialize)]
struct Found<T> {
    found: T,
}

/// The only item of an answer, if there is one.
///
/// # Errors
///
/// [`EngineError::Damaged`] when the answer is none of a walk.
pub(super) fn first(answer: &[u8], kind: ItemKind, engine: &Engine) -> Result<Option<Bytes>> {
    let first = items(answer, kind, engine)?.into_iter().next();
    first.map(|item| written(&item)).transpose()
}

/// All items of an answer.
///
/// # Errors
///
/// As [`first`].
pub(super) fn all(answer: &[u8], kind: ItemKind, engine: &Engine) -> Result<Bytes> {
    written(&items(answer, kind, engine)?)
}

/// The groups of an answer.
///
/// # Errors
///
/// As [`first`].
pub(super) fn groups(answer: &[u8]) -> Result<Bytes> {
    let found: Found<Box<RawValue>> = read(answer)?;
    Ok(Bytes::from(found.found.get().to_owned()))
}

fn items(answer: &[u8], kind: ItemKind, engine: &Engine) -> Result<Vec<Item>> {
    let found: Found<Vec<Item>> = read(answer)?;
    let version = engine.program().map_or(1, |program| program.catalog.version);
    found.found.into_iter().map(|item| item.into_raw(version, kind)).collect()
}

impl Item {
    /// Without what is absent; with the version of the schema, and what vectors have beside.
    fn into_raw(self, version: u32, kind: ItemKind) -> Result<Self> {
        let is_vector = kind == ItemKind::Vector;
        let mut beside = vec![("version", version.to_string())];
        if is_vector {
            beside.extend([("deleted", "false".to_owned()), ("level", "0".to_owned())]);
        }
        let mut beside = beside.into_iter();
        let mut fields = Vec::with_capacity(self.0.len() + beside.len());
        for (name, value) in self.0 {
            // They stand behind the id and the label, which come first.
            if fields.len() == 2 {
                for (name, value) in beside.by_ref() {
                    fields.push((name.to_owned(), RawValue::from_string(value).map_err(damaged)?));
                }
            }
            if value.get() != "null" && !(is_vector && name == "data") {
                fields.push((name, value));
            }
        }
        for (name, value) in beside {
            fields.push((name.to_owned(), RawValue::from_string(value).map_err(damaged)?));
        }
        Ok(Self(fields))
    }
}

fn read<'a, T: serde::Deserialize<'a>>(answer: &'a [u8]) -> Result<T> {
    serde_json::from_slice(answer).map_err(damaged)
}

fn written(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(damaged)
}

fn damaged(error: serde_json::Error) -> EngineError {
    EngineError::Damaged(format!("the answer of a walk: {error}"))
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Item, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Item(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
