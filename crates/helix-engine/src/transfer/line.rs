//! An item as a line of JSON: `{"id":"…","from":"…","to":"…","data":[…],"fields":{…}}`, with what its kind has.
//!
//! Every value comes back as it was. JSON has no NaN and no infinities: those are the strings `NaN`, `inf` and `-inf`. An instant
//! that RFC 3339 cannot say is an object of its seconds and nanoseconds.

use std::collections::BTreeMap;

use helix_plan::{ScalarType, ValueType};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::catalog::LiveType;
use crate::error::Result;
use crate::ids::{IdCodec, ItemId};
use crate::row::{Arena, Header};
use crate::value::{Big, Date, Value, date, json};

/// Appends an item and the end of the line. `data` holds the components of a vector.
pub(super) fn write(
    (ty, id, row): (&LiveType, ItemId, &[u8]),
    (header, data): (Header, &[f32]),
    codec: IdCodec,
    arena: &Arena,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(b"{\"id\":");
    json::write(&Value::Id(codec.encode(id)), out);
    match header {
        Header::Node => {}
        Header::Edge { from, to } => {
            for (name, end) in [(&b",\"from\":"[..], from), (b",\"to\":", to)] {
                out.extend_from_slice(name);
                json::write(&Value::Id(codec.encode(end)), out);
            }
        }
        Header::Vector { .. } => {
            out.extend_from_slice(b",\"data\":");
            json::write(&Value::Floats(data), out);
        }
    }
    out.extend_from_slice(b",\"fields\":{");
    let mut written = 0;
    for field in &ty.fields {
        let value = field.reader.read(row, arena)?;
        if !value.is_null() {
            json::key(written, &field.name, out);
            write_value(&value, out);
            written += 1;
        }
    }
    out.extend_from_slice(b"}}\n");
    Ok(())
}

fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    match *value {
        Value::F32(value) if !value.is_finite() => json::string(&value.to_string(), out),
        Value::F64(value) if !value.is_finite() => json::string(&value.to_string(), out),
        Value::Date(instant) => {
            let start = out.len();
            json::write(value, out);
            let text = std::str::from_utf8(&out[start..]).unwrap_or_default().trim_matches('"');
            if date::parse(text) != Some(instant) {
                let Date { seconds, nanoseconds } = instant;
                out.truncate(start);
                out.extend_from_slice(format!("{{\"seconds\":{seconds},\"nanoseconds\":{nanoseconds}}}").as_bytes());
            }
        }
        Value::List(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(element, out);
            }
            out.push(b']');
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Big(_)
        | Value::F32(_)
        | Value::F64(_)
        | Value::Str(_)
        | Value::Id(_)
        | Value::Object(_)
        | Value::Floats(_) => json::write(value, out),
    }
}

/// A line as it stands, its values not understood yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'l> {
    id: Uuid,
    from: Option<Uuid>,
    to: Option<Uuid>,
    data: Option<Vec<f32>>,
    #[serde(borrow, default)]
    fields: BTreeMap<String, &'l RawValue>,
}

/// An item that a line describes.
pub(super) struct Item<'a> {
    pub id: ItemId,
    /// The ends; only of edges.
    pub ends: Option<(ItemId, ItemId)>,
    /// The components; only of vectors.
    pub data: Option<Vec<f32>>,
    /// A value for every field, in the plan's order.
    pub values: Vec<Value<'a>>,
}

/// Understands a line; what is wrong with it in words.
pub(super) fn read<'a>(text: &str, ty: &LiveType, codec: IdCodec, arena: &'a Arena) -> Result<Item<'a>, String> {
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| {
        // The line is known better than its number in the line.
        let message = error.to_string();
        message
            .rsplit_once(" at line ")
            .map_or(message.clone(), |(what, _)| format!("{what} (column {})", error.column()))
    })?;
    let known = |uuid: Uuid, what: &str| {
        codec.decode(uuid).ok_or_else(|| format!("`{what}` {uuid} is no id of the database that was exported"))
    };
    let end = |uuid: Option<Uuid>, what: &str| known(uuid.ok_or_else(|| format!("`{what}` is missing"))?, what);
    let ends = match ty.ends {
        Some(_) => Some((end(line.from, "from")?, end(line.to, "to")?)),
        None if line.from.is_some() || line.to.is_some() => {
            return Err(format!("`{}` is no edge, and has no ends", ty.name));
        }
        None => None,
    };
    let mut values = vec![Value::Null; ty.fields.len()];
    for (name, raw) in &line.fields {
        let Some(place) = ty.fields.iter().position(|field| field.name == *name) else {
            return Err(format!("`{}` has no field `{name}`", ty.name));
        };
        let misfit = || format!("field `{name}`: `{}` does not fit {}", shortened(raw.get()), ty.fields[place].ty);
        values[place] = value(raw.get(), &ty.fields[place].ty, arena).ok_or_else(misfit)?;
    }
    Ok(Item { id: known(line.id, "id")?, ends, data: line.data, values })
}

/// The start of a text that may be long.
fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// The value of a type that a JSON text says; `None` when it says none.
fn value<'a>(raw: &str, ty: &ValueType, arena: &'a Arena) -> Option<Value<'a>> {
    if raw == "null" {
        return Some(Value::Null);
    }
    match ty {
        ValueType::Scalar(scalar) => scalar_value(raw, *scalar, arena),
        ValueType::List(element) => {
            let raws: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            let mut elements = bumpalo::collections::Vec::with_capacity_in(raws.len(), arena);
            for raw in raws {
                elements.push(value(raw.get(), element, arena)?);
            }
            Some(Value::List(elements.into_bump_slice()))
        }
        ValueType::Object(_) | ValueType::Optional(_) => None,
    }
}

fn scalar_value<'a>(raw: &str, scalar: ScalarType, arena: &'a Arena) -> Option<Value<'a>> {
    Some(match scalar {
        ScalarType::String => Value::Str(arena.alloc_str(&serde_json::from_str::<String>(raw).ok()?)),
        ScalarType::Boolean => Value::Bool(serde_json::from_str(raw).ok()?),
        ScalarType::F32 => match special(raw) {
            Some(special) => Value::F32(special as f32),
            None => Value::F32(raw.parse().ok().filter(|float: &f32| float.is_finite())?),
        },
        ScalarType::F64 => match special(raw) {
            Some(special) => Value::F64(special),
            None => Value::F64(raw.parse().ok().filter(|float: &f64| float.is_finite())?),
        },
        ScalarType::Id => Value::Id(serde_json::from_str(raw).ok()?),
        ScalarType::Date => Value::Date(instant(raw)?),
        ScalarType::I8
        | ScalarType::I16
        | ScalarType::I32
        | ScalarType::I64
        | ScalarType::U8
        | ScalarType::U16
        | ScalarType::U32
        | ScalarType::U64
        | ScalarType::U128 => {
            let (min, max) = scalar.integer_range()?;
            match raw.parse::<i64>() {
                Ok(int) => (i128::from(int) >= min && (int < 0 || int as u128 <= max)).then_some(Value::Int(int))?,
                Err(_) => raw.parse().ok().filter(|big| *big <= max).map(Big::new).map(Value::Big)?,
            }
        }
    })
}

/// The floats that JSON has no numbers for.
fn special(raw: &str) -> Option<f64> {
    match raw {
        "\"NaN\"" => Some(f64::NAN),
        "\"inf\"" => Some(f64::INFINITY),
        "\"-inf\"" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn instant(raw: &str) -> Option<Date> {
    /// An instant that RFC 3339 cannot say.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts {
        seconds: i64,
        nanoseconds: u32,
    }
    if let Ok(text) = serde_json::from_str::<String>(raw) {
        return date::parse(&text);
    }
    let Parts { seconds, nanoseconds } = serde_json::from_str(raw).ok()?;
    (nanoseconds < 1_000_000_000).then_some(Date { seconds, nanoseconds })
}
