//! Rows: fixed offsets, read in place.
//!
//! A row is a header, a null bitmap, the fixed-width fields, the end offsets of the variable ones, and their bytes; see
//! `docs/storage-format.md`. For one type and layout version every offset is a constant, which [`FieldReader`] holds.

mod arena;
mod list;
mod migrate;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use arena::Arena;
pub use read::FieldReader;
pub use write::{coerce, encode};

use helix_plan::{ItemKind, ScalarType, ValueType};

use crate::error::{EngineError, Result};
use crate::ids::ItemId;

/// The first byte of every row.
const FORMAT: u8 = 1;

/// Bytes before the header of the kind: format, layout version, number of fields.
const PREFIX: usize = 4;

/// What a row of each kind says of its item, before the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Nothing.
    Node,
    /// The ends.
    Edge {
        /// Where it starts.
        from: ItemId,
        /// Where it ends.
        to: ItemId,
    },
    /// Where the components are.
    Vector {
        /// The slot in the vector index.
        slot: u32,
    },
}

const fn header_len(kind: ItemKind) -> usize {
    match kind {
        ItemKind::Node => 0,
        ItemKind::Edge => 16,
        ItemKind::Vector => 4,
    }
}

/// The layout of a type's rows at one version: where each field is.
#[derive(Clone, Debug)]
pub struct Layout {
    kind: ItemKind,
    version: u8,
    fields: Vec<ValueType>,
    places: Vec<Place>,
    /// Where the end offsets are.
    ends: usize,
    variable: usize,
}

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At this offset.
    Fixed(u32),
    /// The n-th of the variable fields.
    Variable(u32),
}

impl Layout {
    /// The layout of these fields, in this order.
    #[must_use]
    pub fn new(kind: ItemKind, version: u8, fields: Vec<ValueType>) -> Self {
        let mut offset = PREFIX + header_len(kind) + fields.len().div_ceil(8);
        let mut variable = 0;
        let mut places = Vec::with_capacity(fields.len());
        for field in &fields {
            if let Some(width) = width(field) {
                places.push(Place::Fixed(offset as u32));
                offset += width;
            } else {
                places.push(Place::Variable(variable));
                variable += 1;
            }
        }
        Self { kind, version, fields, places, ends: offset, variable: variable as usize }
    }

    /// The version that rows of this layout carry.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The types of the fields, in the order of the layout.
    #[must_use]
    pub fn fields(&self) -> &[ValueType] {
        &self.fields
    }
}

/// The bytes of a fixed-width field; `None` for a variable one.
const fn width(ty: &ValueType) -> Option<usize> {
    let ValueType::Scalar(scalar) = ty else { return None };
    Some(match scalar {
        ScalarType::String => return None,
        ScalarType::Boolean | ScalarType::I8 | ScalarType::U8 => 1,
        ScalarType::I16 | ScalarType::U16 => 2,
        ScalarType::I32 | ScalarType::U32 | ScalarType::F32 => 4,
        ScalarType::I64 | ScalarType::U64 | ScalarType::F64 => 8,
        ScalarType::Date => 12,
        ScalarType::U128 | ScalarType::Id => 16,
    })
}

/// The layout version of a row.
///
/// # Errors
///
/// [`EngineError::Damaged`] when the bytes are no row of this format.
#[inline]
pub fn version(row: &[u8]) -> Result<u8> {
    match row {
        [FORMAT, version, ..] => Ok(*version),
        _ => Err(damaged("a row does not start as rows do")),
    }
}

/// The ends of an edge's row: from, to.
///
/// # Errors
///
/// [`EngineError::Damaged`] when the row is too short.
#[inline]
pub fn edge_ends(row: &[u8]) -> Result<(ItemId, ItemId)> {
    let ends = row.get(PREFIX..PREFIX + 16).and_then(|bytes| bytes.split_first_chunk::<8>());
    let Some((from, to)) = ends else { return Err(damaged("an edge without ends")) };
    let to: [u8; 8] = to.try_into().map_err(|_| damaged("an edge without ends"))?;
    Ok((ItemId(u64::from_le_bytes(*from)), ItemId(u64::from_le_bytes(to))))
}

/// The slot of a vector's row.
///
/// # Errors
///
/// [`EngineError::Damaged`] when the row is too short.
pub fn vector_slot(row: &[u8]) -> Result<u32> {
    let bytes = row.get(PREFIX..PREFIX + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u32::from_le_bytes).ok_or_else(|| damaged("a vector without a slot"))
}

fn damaged(what: &str) -> EngineError {
    EngineError::Damaged(what.to_owned())
}
