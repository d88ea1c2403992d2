//! What the checker knows of a value's type, and which types count as equal.

use helix_plan::{Catalog, ItemKind, ItemType, Kind, ScalarType, Type, ValueType};

use crate::compiler::diagnostics::words;

/// A type, or that there was a mistake.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ty {
    /// Follows a mistake that has been reported: accepted everywhere, so that one mistake gives one diagnostic.
    Unknown,
    /// The type.
    Known(Type),
    /// The same, of nodes that a text search gave: they have a score.
    Scored(Type),
}

impl Ty {
    /// One value.
    pub(super) const fn value(ty: ValueType) -> Self {
        Self::Known(Type::one(Kind::Value(ty)))
    }

    /// One value that a request or an object holds, and whether it must.
    pub(super) fn given(ty: &ValueType) -> (Self, bool) {
        let (ty, is_needed) = ty.given();
        (Self::value(ty.clone()), is_needed)
    }

    /// One scalar.
    pub(super) const fn scalar(scalar: ScalarType) -> Self {
        Self::Known(Type::scalar(scalar))
    }

    /// One or many items.
    pub(super) const fn items(item: ItemType, many: bool) -> Self {
        Self::Known(Type { kind: Kind::Item(item), many })
    }

    /// One or many items that have a score, whatever their kind.
    pub(super) const fn scored(item: ItemType, many: bool) -> Self {
        Self::Scored(Type { kind: Kind::Item(item), many })
    }

    /// `NONE`.
    pub(super) const fn null() -> Self {
        Self::Known(Type::one(Kind::Null))
    }

    /// The type as the plan has it. What is unknown never runs, so it may be anything.
    pub(super) fn plan(&self) -> Type {
        match self {
            Self::Unknown => Type::one(Kind::Null),
            Self::Known(ty) | Self::Scored(ty) => ty.clone(),
        }
    }

    /// What an element is; `None` when a mistake precedes.
    pub(super) const fn kind(&self) -> Option<&Kind> {
        match self {
            Self::Unknown => None,
            Self::Known(ty) | Self::Scored(ty) => Some(&ty.kind),
        }
    }

    /// Whether a mistake precedes.
    pub(super) const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether it is a stream.
    pub(super) const fn is_many(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Known(ty) | Self::Scored(ty) => ty.many,
        }
    }

    /// The item type of items.
    pub(super) const fn item(&self) -> Option<ItemType> {
        match self {
            Self::Unknown => None,
            Self::Known(ty) | Self::Scored(ty) => ty.item(),
        }
    }

    /// The type of values.
    pub(super) const fn as_value(&self) -> Option<&ValueType> {
        match self.kind() {
            Some(Kind::Value(value)) => Some(value),
            Some(Kind::Null | Kind::Item(_) | Kind::Shaped(_) | Kind::Composite | Kind::Path) | None => None,
        }
    }

    /// The type of one element.
    pub(super) fn element(&self) -> Self {
        self.with_many(false)
    }

    /// The same elements, one or many.
    pub(super) fn with_many(&self, many: bool) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Known(ty) => Self::Known(Type { kind: ty.kind.clone(), many }),
            Self::Scored(ty) => Self::Scored(Type { kind: ty.kind.clone(), many }),
        }
    }

    /// In words for a message: "a String", "many `User` nodes", "an array of U8".
    pub(super) fn describe(&self, catalog: &Catalog) -> String {
        match self {
            Self::Unknown => "something unknown".to_owned(),
            Self::Known(ty) | Self::Scored(ty) => match (&ty.kind, ty.many) {
                (Kind::Null, _) => "`NONE`".to_owned(),
                (Kind::Value(value), false) => describe_value(value),
                (Kind::Value(value), true) => format!("many values of type {}", words::ty(value)),
                (Kind::Item(item) | Kind::Shaped(item), false) => describe_item(catalog, *item),
                (Kind::Item(item) | Kind::Shaped(item), true) => {
                    format!("many `{}` {}s", catalog.name(*item), words::kind(item.kind))
                }
                (Kind::Composite, _) => "an object".to_owned(),
                (Kind::Path, false) => "a path".to_owned(),
                (Kind::Path, true) => "many paths".to_owned(),
            },
        }
    }
}

/// One item in words: "a `User` node", "an `Owns` edge".
pub(super) fn describe_item(catalog: &Catalog, item: ItemType) -> String {
    format!("{} {}", words::a_name(catalog.name(item)), words::kind(item.kind))
}

/// A value's type in words: "a String", "an I32", "an array of F64".
pub(super) fn describe_value(ty: &ValueType) -> String {
    match ty {
        ValueType::Scalar(scalar) => words::scalar(*scalar).to_owned(),
        ValueType::List(element) => format!("an array of {}", words::ty(element)),
        ValueType::Object(_) => "an object".to_owned(),
        ValueType::Optional(ty) => describe_value(ty),
    }
}

/// Whether values of the two types may be compared or stored for one another: all integer types are one class, and so are
/// the float types; arrays and objects are compared part by part.
pub(super) fn same_class(a: &ValueType, b: &ValueType) -> bool {
    match (a, b) {
        (ValueType::Scalar(a), ValueType::Scalar(b)) => same_scalar_class(*a, *b),
        (ValueType::List(a), ValueType::List(b)) => same_class(a, b),
        (ValueType::Object(a), ValueType::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, x), (b, y))| a == b && same_class(x, y))
        }
        (ValueType::Optional(a), ValueType::Optional(b)) => same_class(a, b),
        (ValueType::Scalar(_) | ValueType::List(_) | ValueType::Object(_) | ValueType::Optional(_), _) => false,
    }
}

/// [`same_class`] of scalars.
pub(super) fn same_scalar_class(a: ScalarType, b: ScalarType) -> bool {
    a == b || (a.is_integer() && b.is_integer()) || (a.is_float() && b.is_float())
}

/// Whether the type is an array of floats: what a vector is made of.
pub(super) fn is_vector_data(ty: &ValueType) -> bool {
    matches!(ty, ValueType::List(element) if element.as_scalar().is_some_and(ScalarType::is_float))
}

/// The kinds of items in the order in which a wrongly used name is looked for.
pub(super) const KINDS: [ItemKind; 3] = [ItemKind::Node, ItemKind::Edge, ItemKind::Vector];
