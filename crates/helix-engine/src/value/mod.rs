//! Values while a query runs: small, copyable, borrowed from rows or the request's arena.

pub mod compare;
pub mod date;
pub mod json;
#[cfg(test)]
mod tests;

use uuid::Uuid;

/// A value. Two words and a tag; everything larger is borrowed for `'a`, which is the life of the request's arena (and, in a
/// read, of its snapshot).
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Absent.
    Null,
    /// A boolean.
    Bool(bool),
    /// Every integer that fits 64 signed bits, whatever its declared width.
    Int(i64),
    /// An integer above `i64::MAX`, never one that [`Value::Int`] can hold.
    Big(Big),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// Text.
    Str(&'a str),
    /// An instant.
    Date(Date),
    /// An id as the outside sees it.
    Id(Uuid),
    /// An array.
    List(&'a [Value<'a>]),
    /// An object parameter: its members with their names, in the order of its type.
    Object(&'a [(&'a str, Value<'a>)]),
    /// The components of a vector.
    Floats(&'a [f32]),
}

/// An unsigned integer of 128 bits, stored unaligned so that [`Value`] stays small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Big([u8; 16]);

impl Big {
    /// Wraps `value`.
    #[must_use]
    pub const fn new(value: u128) -> Self {
        Self(value.to_ne_bytes())
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u128 {
        u128::from_ne_bytes(self.0)
    }
}

/// An instant in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// 0 to 999 999 999.
    pub nanoseconds: u32,
}

macro_rules! values {
    ($($ty:ty: $name:ident => $value:expr;)*) => {$(
        impl<'a> From<$ty> for Value<'a> {
            #[inline]
            fn from($name: $ty) -> Self {
                $value
            }
        }
    )*};
}

values! {
    bool: value => Self::Bool(value);
    i8: value => Self::Int(value.into());
    i16: value => Self::Int(value.into());
    i32: value => Self::Int(value.into());
    i64: value => Self::Int(value);
    u8: value => Self::Int(value.into());
    u16: value => Self::Int(value.into());
    u32: value => Self::Int(value.into());
    u64: value => Self::unsigned(value.into());
    u128: value => Self::unsigned(value);
    f32: value => Self::F32(value);
    f64: value => Self::F64(value);
    &'a str: value => Self::Str(value);
    Date: value => Self::Date(value);
    Uuid: value => Self::Id(value);
    &'a [Value<'a>]: value => Self::List(value);
    &'a [(&'a str, Value<'a>)]: value => Self::Object(value);
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    #[inline]
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value<'_> {
    /// The canonical value of an unsigned integer.
    #[must_use]
    pub fn unsigned(value: u128) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Big(Big::new(value)), Self::Int)
    }

    /// A copy that borrows from an arena alone.
    #[must_use]
    pub fn copied_into<'b>(&self, arena: &'b bumpalo::Bump) -> Value<'b> {
        match *self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Big(value) => Value::Big(value),
            Self::F32(value) => Value::F32(value),
            Self::F64(value) => Value::F64(value),
            Self::Str(text) => Value::Str(arena.alloc_str(text)),
            Self::Date(value) => Value::Date(value),
            Self::Id(value) => Value::Id(value),
            Self::List(elements) => {
                Value::List(arena.alloc_slice_fill_iter(elements.iter().map(|element| element.copied_into(arena))))
            }
            Self::Object(members) => {
                let members = members.iter().map(|(name, member)| (&*arena.alloc_str(name), member.copied_into(arena)));
                Value::Object(arena.alloc_slice_fill_iter(members))
            }
            Self::Floats(components) => Value::Floats(arena.alloc_slice_copy(components)),
        }
    }

    /// Whether the value is absent.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}
