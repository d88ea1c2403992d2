//! Values of rows that were written under an earlier version of the schema.

use std::sync::atomic::{AtomicU64, Ordering};

use helix_plan::{DefaultValue, Literal, Origin, ScalarType};
use uuid::Uuid;

use super::Arena;
use super::read::Accessor;
use crate::error::Result;
use crate::value::{Date, Value, date};

/// Casts that failed since the start.
static FAILED: AtomicU64 = AtomicU64::new(0);

/// Where a field comes from in rows of an earlier layout.
#[derive(Clone, Debug)]
pub(super) enum Older {
    /// Nowhere: it is absent.
    Absent,
    /// A field of the row.
    Field(Accessor),
    /// A value as another type; absent when it cannot be.
    Cast(Box<Older>, ScalarType),
    /// A value that every row has.
    Value(DefaultValue),
    /// What is there, else a value.
    Or(Box<Older>, DefaultValue),
}

impl Older {
    /// What an origin says, where `field` finds the fields of the earlier layout.
    pub fn new(origin: &Origin, field: &dyn Fn(&str) -> Option<Accessor>) -> Self {
        match origin {
            Origin::Absent => Self::Absent,
            Origin::Stored(name) => field(name).map_or(Self::Absent, Self::Field),
            Origin::Cast(origin, to) => Self::Cast(Box::new(Self::new(origin, field)), *to),
            Origin::Value(value) => Self::Value(value.clone()),
            Origin::Or(origin, default) => Self::Or(Box::new(Self::new(origin, field)), default.clone()),
        }
    }

    /// The same without what depends on the time of the read: what is kept beside rows cannot follow that.
    pub fn timeless(&self) -> Self {
        match self {
            Self::Value(DefaultValue::Now) => Self::Absent,
            Self::Or(from, DefaultValue::Now) => from.timeless(),
            Self::Or(from, default) => Self::Or(Box::new(from.timeless()), default.clone()),
            Self::Cast(from, to) => Self::Cast(Box::new(from.timeless()), *to),
            Self::Absent | Self::Field(_) | Self::Value(DefaultValue::Literal(_)) => self.clone(),
        }
    }

    /// Whether it gives the same at any time.
    pub fn is_timeless(&self) -> bool {
        match self {
            Self::Absent | Self::Field(_) => true,
            Self::Cast(from, _) => from.is_timeless(),
            Self::Value(value) => *value != DefaultValue::Now,
            Self::Or(from, default) => *default != DefaultValue::Now && from.is_timeless(),
        }
    }

    pub fn read<'t>(&self, row: &'t [u8], arena: &'t Arena) -> Result<Value<'t>> {
        Ok(match self {
            Self::Absent => Value::Null,
            Self::Field(accessor) => accessor.read(row, arena)?,
            Self::Cast(from, to) => {
                let value = from.read(row, arena)?;
                let cast = cast(value, *to, arena);
                if cast.is_null() && !value.is_null() {
                    note_failure(&value, *to);
                }
                cast
            }
            Self::Value(value) => constant(value, arena),
            Self::Or(from, default) => match from.read(row, arena)? {
                Value::Null => constant(default, arena),
                value => value,
            },
        })
    }
}

/// Tells the log of failed casts now and then: a read never fails for one.
fn note_failure(value: &Value<'_>, to: ScalarType) {
    let failed = FAILED.fetch_add(1, Ordering::Relaxed) + 1;
    if failed.is_power_of_two() {
        let (mut text, to) = (Vec::new(), to.name());
        crate::value::json::write(value, &mut text);
        let value = String::from_utf8_lossy(&text);
        tracing::warn!(failed, %value, to, "a stored value could not be cast by a migration, and reads as absent");
    }
}

fn constant<'t>(value: &DefaultValue, arena: &'t Arena) -> Value<'t> {
    match value {
        DefaultValue::Now => Value::Date(arena.now()),
        DefaultValue::Literal(literal) => of_literal(literal, arena),
    }
}

fn of_literal<'t>(literal: &Literal, arena: &'t Arena) -> Value<'t> {
    match literal {
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::Integer(value) => integer(*value),
        Literal::Unsigned(value) => Value::unsigned(*value),
        Literal::F32(value) => Value::F32(*value),
        Literal::F64(value) => Value::F64(*value),
        Literal::String(text) => Value::Str(arena.alloc_str(text)),
        Literal::Date { seconds, nanoseconds } => Value::Date(Date { seconds: *seconds, nanoseconds: *nanoseconds }),
        Literal::Id(id) => Value::Id(Uuid::from_u128(*id)),
        Literal::List(elements) => {
            Value::List(arena.alloc_slice_fill_iter(elements.iter().map(|element| of_literal(element, arena))))
        }
    }
}

fn integer<'t>(value: i128) -> Value<'t> {
    i64::try_from(value).map_or_else(|_| u128::try_from(value).map_or(Value::Null, Value::unsigned), Value::Int)
}

/// A value as one of a type; null when it is none.
pub(super) fn cast<'t>(value: Value<'t>, to: ScalarType, arena: &'t Arena) -> Value<'t> {
    let whole = match value {
        Value::Int(value) => Some(i128::from(value)),
        Value::Big(value) => i128::try_from(value.get()).ok(),
        _ => None,
    };
    let float = match value {
        Value::F32(value) => Some(f64::from(value)),
        Value::F64(value) => Some(value),
        _ => whole.map(|value| value as f64),
    };
    match (to, value) {
        (ScalarType::String, Value::Str(_)) => value,
        (ScalarType::String, Value::Null | Value::List(_) | Value::Object(_) | Value::Floats(_)) => Value::Null,
        (ScalarType::String, value) => {
            let mut text = Vec::new();
            crate::value::json::write(&value, &mut text);
            let text = String::from_utf8_lossy(&text);
            Value::Str(arena.alloc_str(text.trim_matches('"')))
        }
        (ScalarType::Boolean, Value::Bool(_)) => value,
        (ScalarType::Boolean, Value::Str(text)) => text.trim().parse().map_or(Value::Null, Value::Bool),
        (ScalarType::Date, Value::Date(_)) => value,
        (ScalarType::Date, Value::Str(text)) => date::parse(text.trim()).map_or(Value::Null, Value::Date),
        (ScalarType::Id, Value::Id(_)) => value,
        (ScalarType::Id, Value::Str(text)) => Uuid::try_parse(text.trim()).map_or(Value::Null, Value::Id),
        (ScalarType::F64, Value::Str(text)) => number(text).map_or(Value::Null, Value::F64),
        (ScalarType::F64, _) => float.map_or(Value::Null, Value::F64),
        (ScalarType::F32, Value::Str(text)) => number(text).map_or(Value::Null, narrowed),
        (ScalarType::F32, _) => float.map_or(Value::Null, narrowed),
        (to, value) => {
            let whole = match value {
                Value::Str(text) => text.trim().parse().ok(),
                Value::F32(_) | Value::F64(_) => {
                    float.filter(|value| value.abs() < 1e38).map(|value| value.trunc() as i128)
                }
                Value::Big(value) if to == ScalarType::U128 => return Value::Big(value),
                _ => whole,
            };
            whole.map_or(Value::Null, |whole| within(whole, to))
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

fn narrowed<'t>(value: f64) -> Value<'t> {
    let value = value as f32;
    if value.is_finite() { Value::F32(value) } else { Value::Null }
}

fn within<'t>(value: i128, to: ScalarType) -> Value<'t> {
    let Some((least, greatest)) = to.integer_range() else { return Value::Null };
    let fits = value >= least && u128::try_from(value).map_or(true, |value| value <= greatest);
    if fits { integer(value) } else { Value::Null }
}
