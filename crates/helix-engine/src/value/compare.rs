//! Comparing values: numbers numerically across all widths, the rest within their class.

use std::cmp::Ordering;

use super::{Value, date};

/// Whether two values are equal; `None` where either is absent or they cannot be compared.
#[inline]
#[must_use]
pub fn equal(a: &Value<'_>, b: &Value<'_>) -> Option<bool> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::List(a), Value::List(b)) => {
            Some(a.len() == b.len() && a.iter().zip(*b).all(|(a, b)| equal(a, b) == Some(true)))
        }
        (Value::Object(a), Value::Object(b)) => {
            Some(a.len() == b.len() && a.iter().zip(*b).all(|((_, a), (_, b))| equal(a, b) == Some(true)))
        }
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        _ => compare(a, b).map(Ordering::is_eq),
    }
}

/// The order of two values; `None` where either is absent, or they are of classes that cannot be compared.
#[inline]
#[must_use]
pub fn compare(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Id(a), Value::Id(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Str(b)) => Some(a.cmp(&date::parse(b)?)),
        (Value::Str(a), Value::Date(b)) => Some(date::parse(a)?.cmp(b)),
        (Value::Big(a), Value::Big(b)) => Some(a.get().cmp(&b.get())),
        // A big integer is above every other one by construction.
        (Value::Big(_), Value::Int(_)) => Some(Ordering::Greater),
        (Value::Int(_), Value::Big(_)) => Some(Ordering::Less),
        _ => match (float(a), float(b)) {
            (Some(x), Some(y)) => compare_floats(a, x, b, y),
            _ => None,
        },
    }
}

/// The order of two sort keys, total: absent first, numbers together with NaN last, then class by class.
#[must_use]
pub fn sort(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    let (rank_a, rank_b) = (rank(a), rank(b));
    if rank_a != rank_b {
        return rank_a.cmp(&rank_b);
    }
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            let unequal = a.iter().zip(*b).map(|(a, b)| sort(a, b)).find(|order| order.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let unequal = a.iter().zip(*b).map(|((_, a), (_, b))| sort(a, b)).find(|order| order.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => compare(a, b).unwrap_or_else(|| {
            let is_nan = |value: &Value<'_>| float(value).is_some_and(f64::is_nan);
            is_nan(a).cmp(&is_nan(b))
        }),
    }
}

const fn rank(value: &Value<'_>) -> u8 {
    match value {
        Value::Null => 0,
        Value::Str(_) => 1,
        Value::F32(_) | Value::F64(_) | Value::Int(_) | Value::Big(_) => 2,
        Value::Date(_) => 3,
        Value::Bool(_) => 4,
        Value::Id(_) => 5,
        Value::List(_) | Value::Floats(_) => 6,
        Value::Object(_) => 7,
    }
}

/// A number as a float, rounded where it must be.
pub(crate) fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Big(value) => Some(value.get() as f64),
        Value::F32(value) => Some(f64::from(*value)),
        Value::F64(value) => Some(*value),
        _ => None,
    }
}

/// Exact where one side is an integer that a float cannot hold.
fn compare_floats(a: &Value<'_>, x: f64, b: &Value<'_>, y: f64) -> Option<Ordering> {
    let order = x.partial_cmp(&y)?;
    if order.is_ne() {
        return Some(order);
    }
    let exact = |value: &Value<'_>, float: f64| match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Big(value) => i128::try_from(value.get()).ok(),
        // Only whole numbers can tie with an integer.
        _ => (float.fract() == 0.0 && float.abs() < 1e38).then_some(float as i128),
    };
    match (exact(a, x), exact(b, y)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => Some(order),
    }
}
