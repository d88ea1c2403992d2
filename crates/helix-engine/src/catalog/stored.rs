//! Definitions as the store keeps them.

use helix_plan::{ItemKind, ValueType};
use serde::{Deserialize, Serialize};

use crate::error::{EngineError, Result};
use crate::storage::{Bounds, ReadTxn, Table, WriteTxn, keys};

/// The version of the definitions' encoding.
const FORMAT: u8 = 3;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredType {
    /// Its number in keys, unique within its kind, never changed.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// The layouts that rows may have; the last one is what new rows get.
    pub layouts: Vec<StoredLayout>,
    /// The indexed fields; only of nodes.
    pub indexes: Vec<StoredIndex>,
    /// The ends; only of edges.
    pub ends: Option<StoredEnds>,
}

/// The fields of a row, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLayout {
    /// What rows of it carry.
    pub version: u8,
    /// The version of the schema that its rows are written under.
    pub schema: u32,
    /// The fields.
    pub fields: Vec<StoredField>,
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredField {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ValueType,
}

/// An index on a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredIndex {
    /// Its number in keys.
    pub id: u16,
    /// The field's name.
    pub field: String,
    /// Whether a value is held at most once.
    pub unique: bool,
    /// Whether it lists items without a value as well. Indexes of earlier formats do not.
    pub lists_absent: bool,
}

/// What an edge joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEnds {
    /// The kind and number of the type that edges start at.
    pub from: (ItemKind, u16),
    /// The kind and number of the type that edges end at.
    pub to: (ItemKind, u16),
    /// Whether a pair is joined at most once.
    pub unique: bool,
}

impl StoredType {
    /// What new rows get.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`] when there is no layout.
    pub fn current(&self) -> Result<&StoredLayout> {
        self.layouts.last().ok_or_else(|| EngineError::Damaged(format!("type `{}` without a layout", self.name)))
    }
}

/// The byte that stands for a kind in keys.
#[must_use]
pub const fn kind_byte(kind: ItemKind) -> u8 {
    match kind {
        ItemKind::Node => 1,
        ItemKind::Edge => 2,
        ItemKind::Vector => 3,
    }
}

/// All types of a kind, by number.
///
/// # Errors
///
/// [`EngineError::Damaged`] when a definition cannot be read.
pub fn all<T: ReadTxn>(txn: &T, kind: ItemKind) -> Result<Vec<StoredType>> {
    let entries = txn.range(Table::Catalog, Bounds::Prefix(&[kind_byte(kind)]))?;
    entries
        .map(|entry| {
            let (_, value) = entry?;
            match value.split_first() {
                Some((1, body)) => postcard::from_bytes(body).map(StoredTypeOf1::into_type),
                Some((2, body)) => postcard::from_bytes(body).map(StoredTypeOf2::into_type),
                Some((&FORMAT, body)) => postcard::from_bytes(body),
                _ => return Err(EngineError::Damaged("a type's definition of an unknown format".to_owned())),
            }
            .map_err(|error| EngineError::Damaged(format!("a type's definition: {error}")))
        })
        .collect()
}

/// Writes a definition.
///
/// # Errors
///
/// When the store fails.
pub fn put<W: WriteTxn>(txn: &mut W, kind: ItemKind, ty: &StoredType) -> Result<()> {
    let value = postcard::to_extend(ty, vec![FORMAT]).map_err(|error| EngineError::Storage(error.to_string()))?;
    txn.put(Table::Catalog, &keys::kind_and_id(kind_byte(kind), ty.id), &value)?;
    txn.put(Table::Names, &name_key(kind, &ty.name), &ty.id.to_be_bytes())
}

/// Removes a definition.
///
/// # Errors
///
/// When the store fails.
pub fn remove<W: WriteTxn>(txn: &mut W, kind: ItemKind, ty: &StoredType) -> Result<()> {
    txn.del(Table::Catalog, &keys::kind_and_id(kind_byte(kind), ty.id))?;
    txn.del(Table::Names, &name_key(kind, &ty.name))?;
    Ok(())
}

/// A name's key; long names are hashed, since keys end at 511 bytes.
fn name_key(kind: ItemKind, name: &str) -> Vec<u8> {
    let mut key = vec![kind_byte(kind)];
    if name.len() <= 400 {
        key.extend_from_slice(name.as_bytes());
    } else {
        key.extend_from_slice(&name.as_bytes()[..384]);
        key.extend_from_slice(&xxhash_rust::xxh3::xxh3_128(name.as_bytes()).to_be_bytes());
    }
    key
}

/// A type of format 1, which knew one version of the schema.
#[derive(Deserialize)]
struct StoredTypeOf1 {
    id: u16,
    name: String,
    layouts: Vec<StoredLayoutOf1>,
    indexes: Vec<StoredIndexOf2>,
    ends: Option<StoredEnds>,
}

#[derive(Deserialize)]
struct StoredLayoutOf1 {
    version: u8,
    fields: Vec<StoredField>,
}

impl StoredTypeOf1 {
    fn into_type(self) -> StoredType {
        let Self { id, name, layouts, indexes, ends } = self;
        let layouts =
            layouts.into_iter().map(|StoredLayoutOf1 { version, fields }| StoredLayout { version, schema: 1, fields });
        StoredTypeOf2 { id, name, layouts: layouts.collect(), indexes, ends }.into_type()
    }
}

/// A type of format 2, whose indexes listed no absent values.
#[derive(Deserialize)]
struct StoredTypeOf2 {
    id: u16,
    name: String,
    layouts: Vec<StoredLayout>,
    indexes: Vec<StoredIndexOf2>,
    ends: Option<StoredEnds>,
}

#[derive(Deserialize)]
struct StoredIndexOf2 {
    id: u16,
    field: String,
    unique: bool,
}

impl StoredTypeOf2 {
    fn into_type(self) -> StoredType {
        let Self { id, name, layouts, indexes, ends } = self;
        let indexes = indexes.into_iter().map(|StoredIndexOf2 { id, field, unique }| StoredIndex {
            id,
            field,
            unique,
            lists_absent: false,
        });
        StoredType { id, name, layouts, indexes: indexes.collect(), ends }
    }
}
