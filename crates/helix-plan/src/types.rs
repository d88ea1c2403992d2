//! The types that values and expressions have.

use serde::{Deserialize, Serialize};

use crate::{FieldId, TypeId};

/// A single value's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScalarType {
    /// UTF-8 text.
    String,
    /// `true` or `false`.
    Boolean,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// Unsigned, 128 bits.
    U128,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
    /// The 128-bit id of an item; text form UUID.
    Id,
    /// An instant in UTC with nanosecond precision.
    Date,
}

impl ScalarType {
    /// Every scalar type, in the order of the language reference.
    pub const ALL: [Self; 15] = [
        Self::String,
        Self::Boolean,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::F32,
        Self::F64,
        Self::Id,
        Self::Date,
    ];

    /// The spelling of the type in HelixQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Boolean => "Boolean",
            Self::I8 => "I8",
            Self::I16 => "I16",
            Self::I32 => "I32",
            Self::I64 => "I64",
            Self::U8 => "U8",
            Self::U16 => "U16",
            Self::U32 => "U32",
            Self::U64 => "U64",
            Self::U128 => "U128",
            Self::F32 => "F32",
            Self::F64 => "F64",
            Self::Id => "ID",
            Self::Date => "Date",
        }
    }

    /// The type that `name` spells, if any. Case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.name() == name)
    }

    /// Whether the type is one of the signed or unsigned integers.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.integer_range().is_some()
    }

    /// Whether the type is `F32` or `F64`.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether the type is an integer or a float.
    #[must_use]
    pub const fn is_number(self) -> bool {
        self.is_integer() || self.is_float()
    }

    /// The least and the greatest value of an integer type; `None` for the others.
    #[must_use]
    pub const fn integer_range(self) -> Option<(i128, u128)> {
        Some(match self {
            Self::I8 => (i8::MIN as i128, i8::MAX as u128),
            Self::I16 => (i16::MIN as i128, i16::MAX as u128),
            Self::I32 => (i32::MIN as i128, i32::MAX as u128),
            Self::I64 => (i64::MIN as i128, i64::MAX as u128),
            Self::U8 => (0, u8::MAX as u128),
            Self::U16 => (0, u16::MAX as u128),
            Self::U32 => (0, u32::MAX as u128),
            Self::U64 => (0, u64::MAX as u128),
            Self::U128 => (0, u128::MAX),
            Self::String | Self::Boolean | Self::F32 | Self::F64 | Self::Id | Self::Date => return None,
        })
    }
}

impl std::fmt::Display for ScalarType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a field, a parameter or an element: a scalar, or something made of scalars.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValueType {
    /// One value.
    Scalar(ScalarType),
    /// Values of one type, in order.
    List(Box<ValueType>),
    /// Named members, in declaration order; only parameters have such types.
    Object(Vec<(String, ValueType)>),
    /// A value that need not be given: the type of an optional parameter, or of a member of an object whose members all are.
    Optional(Box<ValueType>),
}

impl ValueType {
    /// The scalar type, if it is one.
    #[must_use]
    pub const fn as_scalar(&self) -> Option<ScalarType> {
        match self {
            Self::Scalar(scalar) => Some(*scalar),
            Self::List(_) | Self::Object(_) | Self::Optional(_) => None,
        }
    }

    /// The type of the value when it is given, and whether it must be.
    #[must_use]
    pub fn given(&self) -> (&Self, bool) {
        match self {
            Self::Optional(ty) => (ty, false),
            Self::Scalar(_) | Self::List(_) | Self::Object(_) => (self, true),
        }
    }
}

/// The text of the type as `/introspect` shows it: `U8`, `Array(F64)`, `{name: String, age?: U8}`. Of an optional value by
/// itself, it is the type of what may be given.
impl std::fmt::Display for ValueType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::List(element) => write!(f, "Array({element})"),
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, ty)) in members.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    let mark = if ty.given().1 { "" } else { "?" };
                    write!(f, "{separator}{name}{mark}: {ty}")?;
                }
                f.write_str("}")
            }
            Self::Optional(ty) => ty.fmt(f),
        }
    }
}

/// The three kinds of stored items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ItemKind {
    /// A node of the graph.
    Node,
    /// A directed edge between two items.
    Edge,
    /// A vector with its fields.
    Vector,
}

/// A declared node, edge or vector type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemType {
    /// Which list of the catalog `id` indexes.
    pub kind: ItemKind,
    /// The type within its kind.
    pub id: TypeId,
}

impl ItemType {
    /// The node type `id`.
    #[must_use]
    pub const fn node(id: TypeId) -> Self {
        Self { kind: ItemKind::Node, id }
    }

    /// The edge type `id`.
    #[must_use]
    pub const fn edge(id: TypeId) -> Self {
        Self { kind: ItemKind::Edge, id }
    }

    /// The vector type `id`.
    #[must_use]
    pub const fn vector(id: TypeId) -> Self {
        Self { kind: ItemKind::Vector, id }
    }
}

/// What one element of an expression's result is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing: `NONE`.
    Null,
    /// A value that is not an item.
    Value(ValueType),
    /// An item with all of its fields.
    Item(ItemType),
    /// An item that a projection gave another shape: written as the object, still the item for later steps.
    Shaped(ItemType),
    /// An object or array built in `RETURN`; only written, never computed with.
    Composite,
    /// The nodes and edges of a path, in walking order.
    Path,
}

/// An expression's type: what an element is, and whether there is one or a stream of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Type {
    /// The element.
    pub kind: Kind,
    /// `true` for a stream of any length ("Many"), `false` for exactly one element ("One").
    ///
    /// A value of type list is One: `many` speaks of streams, [`ValueType::List`] of arrays.
    pub many: bool,
}

impl Type {
    /// One element.
    #[must_use]
    pub const fn one(kind: Kind) -> Self {
        Self { kind, many: false }
    }

    /// A stream of elements.
    #[must_use]
    pub const fn many(kind: Kind) -> Self {
        Self { kind, many: true }
    }

    /// One scalar.
    #[must_use]
    pub const fn scalar(scalar: ScalarType) -> Self {
        Self::one(Kind::Value(ValueType::Scalar(scalar)))
    }

    /// The item type, for items and shaped items.
    #[must_use]
    pub const fn item(&self) -> Option<ItemType> {
        match self.kind {
            Kind::Item(item) | Kind::Shaped(item) => Some(item),
            Kind::Null | Kind::Value(_) | Kind::Composite | Kind::Path => None,
        }
    }
}

/// A field that can be read from an item: implicit, or declared in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FieldRef {
    /// `id`, on every item.
    Id,
    /// `label`: the name of the item's type.
    Label,
    /// `from_node`, on edges: the id of the source item.
    FromNode,
    /// `to_node`, on edges: the id of the target item.
    ToNode,
    /// `data`, on vectors: the components.
    Data,
    /// `score`, on vectors: what the last search or reranker gave; 2.0 otherwise.
    Score,
    /// A field of the schema.
    Declared(FieldId),
}

impl FieldRef {
    /// Whether the field is stored in the row of its item, or found through it.
    #[must_use]
    pub const fn is_in_row(self) -> bool {
        match self {
            Self::Declared(_) | Self::FromNode | Self::ToNode | Self::Data => true,
            Self::Id | Self::Label | Self::Score => false,
        }
    }
}
