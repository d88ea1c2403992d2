//! Conditions. What is absent fulfils none.

use std::cmp::Ordering;

use helix_plan::Comparison;

use super::datum::Datum;
use crate::value::Value;
use crate::value::compare::{compare, equal};

/// Whether a comparison holds.
#[inline]
#[must_use]
pub fn holds(comparison: Comparison, left: Value<'_>, right: Value<'_>) -> bool {
    if left.is_null() || right.is_null() {
        return false;
    }
    let (left, right) = (&left, &right);
    match comparison {
        Comparison::Equal => equal(left, right) == Some(true),
        Comparison::NotEqual => equal(left, right) != Some(true),
        Comparison::Greater => compare(left, right).is_some_and(Ordering::is_gt),
        Comparison::GreaterOrEqual => compare(left, right).is_some_and(Ordering::is_ge),
        Comparison::Less => compare(left, right).is_some_and(Ordering::is_lt),
        Comparison::LessOrEqual => compare(left, right).is_some_and(Ordering::is_le),
        Comparison::Contains => match (left, right) {
            (Value::Str(text), Value::Str(part)) => text.contains(part),
            (array, element) => is_in(element, array),
        },
        Comparison::IsIn => is_in(left, right),
    }
}

fn is_in(element: &Value<'_>, array: &Value<'_>) -> bool {
    let is_equal = |found: &Value<'_>| equal(found, element) == Some(true);
    match array {
        Value::List(elements) => elements.iter().any(is_equal),
        Value::Floats(components) => components.iter().any(|found| is_equal(&Value::F32(*found))),
        _ => false,
    }
}

/// Whether a comparison holds for any element of many.
#[must_use]
pub fn any_holds(comparison: Comparison, left: Datum<'_>, right: Value<'_>) -> bool {
    match left {
        Datum::Stream(elements) => elements.iter().any(|element| holds(comparison, element.value(), right)),
        one => holds(comparison, one.value(), right),
    }
}

/// Whether a value is true.
#[must_use]
pub const fn is_true(value: Value<'_>) -> bool {
    matches!(value, Value::Bool(true))
}
