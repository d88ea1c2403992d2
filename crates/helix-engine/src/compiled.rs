//! What generated code is written against: the operations of [`Run`], and how compiled queries are handed to the engine.
//!
//! Generated modules import everything from here, so that this page is all that the emitter has to know of the engine.

use helix_plan::Program;

pub use helix_plan::{
    Comparison, Direction as Order, EdgeEnd, FieldId, FieldRef, Fold, GroupTag, ItemType, MathFunction, PathAlgorithm,
    TypeId,
};
pub use uuid::Uuid;

pub use crate::error::{EngineError, Result};
pub use crate::graph::Direction;
pub use crate::operators::datum::{Datum, Item};
pub use crate::operators::fold::{Folded, Intersection};
pub use crate::operators::group::Groups;
pub use crate::operators::keep::{First, Keyed, Slice};
pub use crate::operators::math::apply as math;
pub use crate::operators::paths::{PathSearch, Way};
pub use crate::operators::predicate::{any_holds, holds, is_true};
pub use crate::operators::streams::{End, each};
pub use crate::operators::{Column, Flow, Lookup, Run};
pub use crate::value::json::write as write_value;
pub use crate::value::{Big, Date, Value};

/// A query, compiled: runs it and appends the response.
pub type Body = for<'a, 'r> fn(&Run<'a, 'r>, &mut Vec<u8>) -> Result<()>;

/// The compiled queries of a program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queries {
    /// The digest of the program that they were compiled from, in hexadecimal digits.
    pub digest: &'static str,
    /// The queries by name.
    pub bodies: &'static [(&'static str, Body)],
}

impl Queries {
    /// What was compiled from a program: nothing, when these are of another one.
    pub(crate) fn of(&self, program: &Program) -> &'static [(&'static str, Body)] {
        if self.bodies.is_empty() || self.digest != program.digest().to_string() { &[] } else { self.bodies }
    }
}

/// A value that a parameter of some type can have.
pub trait Argument<'a>: Sized {
    /// The value as that type; `None` when it is of another one.
    fn from_value(value: Value<'a>) -> Option<Self>;
}

/// The argument at a position.
///
/// # Errors
///
/// [`EngineError::Damaged`] when it is of another type: the program is not the one that was compiled.
pub fn argument<'a, T: Argument<'a>>(run: &Run<'a, '_>, index: usize) -> Result<T> {
    let found = run.arguments.get(index).and_then(|value| T::from_value(*value));
    found.ok_or_else(|| EngineError::Damaged("an argument of another type than was compiled".to_owned()))
}

/// Appends what separates an element of an array from the one before it.
#[inline]
pub fn separate(is_next: &mut bool, out: &mut Vec<u8>) {
    if *is_next {
        out.push(b',');
    }
    *is_next = true;
}

macro_rules! arguments {
    ($($ty:ty: $pattern:pat => $value:expr;)*) => {$(
        impl<'a> Argument<'a> for $ty {
            fn from_value(value: Value<'a>) -> Option<Self> {
                match value {
                    $pattern => $value,
                    _ => None,
                }
            }
        }
    )*};
}

arguments! {
    bool: Value::Bool(value) => Some(value);
    i8: Value::Int(value) => value.try_into().ok();
    i16: Value::Int(value) => value.try_into().ok();
    i32: Value::Int(value) => value.try_into().ok();
    i64: Value::Int(value) => Some(value);
    u8: Value::Int(value) => value.try_into().ok();
    u16: Value::Int(value) => value.try_into().ok();
    u32: Value::Int(value) => value.try_into().ok();
    f32: Value::F32(value) => Some(value);
    f64: Value::F64(value) => Some(value);
    &'a str: Value::Str(value) => Some(value);
    Date: Value::Date(value) => Some(value);
    Uuid: Value::Id(value) => Some(value);
    &'a [Value<'a>]: Value::List(value) => Some(value);
    &'a [(&'a str, Value<'a>)]: Value::Object(value) => Some(value);
}

impl<'a, T: Argument<'a>> Argument<'a> for Option<T> {
    fn from_value(value: Value<'a>) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl<'a> Argument<'a> for u64 {
    fn from_value(value: Value<'a>) -> Option<Self> {
        u128::from_value(value)?.try_into().ok()
    }
}

impl<'a> Argument<'a> for u128 {
    fn from_value(value: Value<'a>) -> Option<Self> {
        match value {
            Value::Int(value) => value.try_into().ok(),
            Value::Big(value) => Some(value.get()),
            _ => None,
        }
    }
}
