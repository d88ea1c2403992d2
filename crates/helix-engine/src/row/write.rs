//! Writing rows.

use helix_plan::{ScalarType, ValueType};

use super::{FORMAT, Header, Layout, PREFIX, Place, header_len, list};
use crate::error::{EngineError, Result};
use crate::row::Arena;
use crate::value::{Big, Value};

/// The largest row, in bytes.
const MAX_ROW_BYTES: usize = 16 << 20;

/// Converts a value to a declared type: numbers to the field's width, floats to its precision.
///
/// # Errors
///
/// [`EngineError::BadValue`] when it does not fit.
pub fn coerce<'a>(value: Value<'a>, ty: &ValueType, field: &str, arena: &'a Arena) -> Result<Value<'a>> {
    let misfit = || EngineError::BadValue(format!("field `{field}`: {} does not fit {ty}", describe(&value)));
    match ty {
        ValueType::Scalar(scalar) => scalar_of(value, *scalar).ok_or_else(misfit),
        ValueType::List(element) => match value {
            Value::Null => Ok(Value::Null),
            Value::List(elements) => {
                let mut list = bumpalo::collections::Vec::with_capacity_in(elements.len(), arena);
                for value in elements {
                    list.push(coerce(*value, element, field, arena)?);
                }
                Ok(Value::List(list.into_bump_slice()))
            }
            Value::Floats(elements) => {
                let elements = elements.iter().map(|value| Value::F32(*value)).collect::<Vec<_>>();
                coerce(Value::List(arena.alloc_slice_copy(&elements)), ty, field, arena)
            }
            _ => Err(misfit()),
        },
        ValueType::Object(_) | ValueType::Optional(_) => Err(misfit()),
    }
}

fn scalar_of(value: Value<'_>, scalar: ScalarType) -> Option<Value<'_>> {
    if let Some((min, max)) = scalar.integer_range() {
        return match value {
            Value::Null => Some(value),
            Value::Int(int) => (i128::from(int) >= min && (int < 0 || int as u128 <= max)).then_some(value),
            Value::Big(big) => (big.get() <= max).then_some(value),
            _ => None,
        };
    }
    match (scalar, value) {
        (_, Value::Null)
        | (ScalarType::String, Value::Str(_))
        | (ScalarType::Boolean, Value::Bool(_))
        | (ScalarType::Id, Value::Id(_))
        | (ScalarType::Date, Value::Date(_))
        | (ScalarType::F32, Value::F32(_))
        | (ScalarType::F64, Value::F64(_)) => Some(value),
        (ScalarType::F64, Value::F32(float)) => Some(Value::F64(f64::from(float))),
        (ScalarType::F64, Value::Int(int)) => Some(Value::F64(int as f64)),
        (ScalarType::F64, Value::Big(big)) => Some(Value::F64(big.get() as f64)),
        (ScalarType::F32, Value::F64(float)) => {
            let narrowed = float as f32;
            (narrowed.is_finite() || !float.is_finite()).then_some(Value::F32(narrowed))
        }
        (ScalarType::F32, Value::Int(int)) => Some(Value::F32(int as f32)),
        (ScalarType::F32, Value::Big(big)) => Some(Value::F32(big.get() as f32)),
        _ => None,
    }
}

fn describe(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Big(value) => value.get().to_string(),
        Value::F32(value) => value.to_string(),
        Value::F64(value) => value.to_string(),
        Value::Str(_) => "a string".to_owned(),
        Value::Date(_) => "a date".to_owned(),
        Value::Id(_) => "an id".to_owned(),
        Value::List(_) | Value::Floats(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Writes a row: values in the order of the layout, each already of its field's type.
///
/// # Errors
///
/// [`EngineError::BadValue`] when the row is too large.
pub fn encode(layout: &Layout, header: Header, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<()> {
    debug_assert_eq!(values.len(), layout.fields.len());
    out.clear();
    out.push(FORMAT);
    out.push(layout.version);
    out.extend_from_slice(&(layout.fields.len() as u16).to_le_bytes());
    match header {
        Header::Node => {}
        Header::Edge { from, to } => {
            out.extend_from_slice(&from.0.to_le_bytes());
            out.extend_from_slice(&to.0.to_le_bytes());
        }
        Header::Vector { slot } => out.extend_from_slice(&slot.to_le_bytes()),
    }
    let nulls = PREFIX + header_len(layout.kind);
    debug_assert_eq!(out.len(), nulls);
    let heap = layout.ends + 4 * layout.variable;
    out.resize(heap, 0);
    for (index, value) in values.iter().enumerate() {
        if value.is_null() {
            out[nulls + index / 8] |= 1 << (index % 8);
        }
        match layout.places[index] {
            Place::Fixed(offset) => fixed(out, offset as usize, &layout.fields[index], value),
            Place::Variable(variable) => {
                match value {
                    Value::Str(text) => out.extend_from_slice(text.as_bytes()),
                    Value::List(elements) => list::encode(elements, out),
                    _ => {}
                }
                if out.len() > MAX_ROW_BYTES {
                    let size = MAX_ROW_BYTES >> 20;
                    return Err(EngineError::BadValue(format!("an item takes more than {size} MiB")));
                }
                let end = ((out.len() - heap) as u32).to_le_bytes();
                let at = layout.ends + 4 * variable as usize;
                out[at..at + 4].copy_from_slice(&end);
            }
        }
    }
    Ok(())
}

fn fixed(out: &mut [u8], at: usize, ty: &ValueType, value: &Value<'_>) {
    let mut put = |bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    match *value {
        Value::Bool(value) => put(&[u8::from(value)]),
        Value::Int(value) => {
            let width = super::width(ty).unwrap_or(8);
            put(&i128::from(value).to_le_bytes()[..width]);
        }
        Value::Big(value) => {
            let width = super::width(ty).unwrap_or(16);
            put(&Big::get(value).to_le_bytes()[..width]);
        }
        Value::F32(value) => put(&value.to_le_bytes()),
        Value::F64(value) => put(&value.to_le_bytes()),
        Value::Date(date) => {
            put(&date.seconds.to_le_bytes());
            out[at + 8..at + 12].copy_from_slice(&date.nanoseconds.to_le_bytes());
        }
        Value::Id(id) => put(id.as_bytes()),
        Value::Null | Value::Str(_) | Value::List(_) | Value::Object(_) | Value::Floats(_) => {}
    }
}
