//! What flows through a query: values, items, and what projections make of them.

use helix_plan::ItemType;

use crate::ids::ItemId;
use crate::value::Value;

/// A node, edge or vector. Small and copyable: the row is borrowed, and read only when a field is needed.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Its type.
    pub ty: ItemType,
    /// Its id.
    pub id: ItemId,
    /// Its row, once it was read.
    pub row: Option<&'a [u8]>,
    /// The components of a vector, once they were read.
    pub data: Option<&'a [f32]>,
    /// What the last search gave a vector.
    pub score: f32,
    /// Whether the score is a distance, of which the least is best.
    pub is_distance: bool,
}

/// The score of a vector that does not come from a search.
const NO_SCORE: f32 = 2.0;

impl<'a> Item<'a> {
    /// An item whose row was not read yet.
    #[must_use]
    pub const fn new(ty: ItemType, id: ItemId) -> Self {
        Self { ty, id, row: None, data: None, score: NO_SCORE, is_distance: false }
    }

    /// An item with its row.
    #[must_use]
    pub const fn with_row(ty: ItemType, id: ItemId, row: &'a [u8]) -> Self {
        Self { ty, id, row: Some(row), data: None, score: NO_SCORE, is_distance: false }
    }
}

/// The members of an object with their keys, in the order of output.
pub type Members<'a> = &'a [(&'a str, Datum<'a>)];

/// An element of a stream, or the value of an expression.
#[derive(Clone, Copy, Debug)]
pub enum Datum<'a> {
    /// A value.
    Value(Value<'a>),
    /// An item with all of its fields.
    Item(Item<'a>),
    /// An item that a projection gave another shape.
    Shaped(&'a Item<'a>, Members<'a>),
    /// An object that is no item.
    Object(Members<'a>),
    /// Many elements.
    Stream(&'a [Datum<'a>]),
    /// The nodes and the edges of a path, in walking order.
    Path(&'a [Item<'a>], &'a [Item<'a>]),
}

impl<'a> Datum<'a> {
    /// Nothing.
    pub const NULL: Self = Self::Value(Value::Null);

    /// The item, for items of any shape.
    #[must_use]
    pub const fn item(&self) -> Option<Item<'a>> {
        match self {
            Self::Item(item) => Some(*item),
            Self::Shaped(item, _) => Some(**item),
            Self::Value(_) | Self::Object(_) | Self::Stream(_) | Self::Path(..) => None,
        }
    }

    /// The value; null for anything that is none.
    #[must_use]
    pub const fn value(&self) -> Value<'a> {
        match self {
            Self::Value(value) => *value,
            Self::Item(_) | Self::Shaped(..) | Self::Object(..) | Self::Stream(_) | Self::Path(..) => Value::Null,
        }
    }
}

impl<'a> From<Value<'a>> for Datum<'a> {
    fn from(value: Value<'a>) -> Self {
        Self::Value(value)
    }
}

impl<'a> From<Item<'a>> for Datum<'a> {
    fn from(item: Item<'a>) -> Self {
        Self::Item(item)
    }
}
