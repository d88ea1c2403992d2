//! Parameters of a query as a user types them, turned into the JSON that the query takes.
//!
//! The types come as text, from `GET /introspect`: `U8`, `Array(F64)`, `{name: String, age: U8}`.

use helix_plan::{ScalarType, ValueType};
use serde_json::{Map, Number, Value};

use super::invoke::Json;

/// A value that does not fit its parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The text is no value of the type.
    #[error("parameter `{name}`: expected {expected}, got `{found}`")]
    Type {
        /// The parameter, with the place within it.
        name: String,
        /// What it must be.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A member of an object is not there.
    #[error("parameter `{name}`: `{member}` is missing")]
    Member {
        /// The parameter.
        name: String,
        /// The member.
        member: String,
    },
}

/// Reads a type text; `None` for one that this version does not know.
#[must_use]
pub fn parse_type(text: &str) -> Option<ValueType> {
    let (ty, rest) = type_prefix(text.trim())?;
    rest.trim().is_empty().then_some(ty)
}

/// A type and what follows it.
fn type_prefix(text: &str) -> Option<(ValueType, &str)> {
    if let Some(rest) = text.strip_prefix("Array(") {
        let (element, rest) = type_prefix(rest)?;
        return Some((ValueType::List(Box::new(element)), rest.strip_prefix(')')?));
    }
    if let Some(rest) = text.strip_prefix('{') {
        return members(rest);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    Some((ValueType::Scalar(ScalarType::from_name(name)?), rest))
}

fn members(mut text: &str) -> Option<(ValueType, &str)> {
    let mut members = Vec::new();
    loop {
        text = text.trim_start().trim_start_matches(',').trim_start();
        if let Some(rest) = text.strip_prefix('}') {
            return Some((ValueType::Object(members), rest));
        }
        let (name, rest) = text.split_once(':')?;
        let (ty, rest) = type_prefix(rest.trim_start())?;
        members.push(match name.trim().strip_suffix('?') {
            Some(name) => (name.to_owned(), ValueType::Optional(Box::new(ty))),
            None => (name.trim().to_owned(), ty),
        });
        text = rest;
    }
}

/// The JSON of a typed text: `31` is a number for `U8` and a string for `String`. A list is JSON, or scalars between commas.
///
/// # Errors
///
/// When the text is no value of the type.
pub fn from_text(name: &str, ty: &ValueType, text: &str) -> Result<Value, ParamError> {
    let wrong = || wrong(name, ty, text);
    match ty {
        ValueType::Scalar(scalar) => scalar_from_text(*scalar, text).ok_or_else(wrong),
        ValueType::List(element) if !text.trim_start().starts_with('[') && element.as_scalar().is_some() => {
            let parts = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
            parts.enumerate().map(|(index, part)| from_text(&format!("{name}[{index}]"), element, part)).collect()
        }
        ValueType::Optional(ty) => from_text(name, ty, text),
        ValueType::List(_) | ValueType::Object(_) => {
            let value = Json::read(text.as_bytes()).map_err(|_| wrong())?;
            check(name, ty, &value)
        }
    }
}

/// A JSON value of the type, as the query takes it.
///
/// # Errors
///
/// When it is no value of the type.
pub fn check(name: &str, ty: &ValueType, value: &Json) -> Result<Value, ParamError> {
    match (ty, value) {
        (ValueType::Optional(_), value) if value.is_null() => Ok(Value::Null),
        (ValueType::Optional(ty), value) => check(name, ty, value),
        (ValueType::Scalar(scalar), Json::Scalar(raw)) => {
            scalar_from_json(*scalar, value).ok_or_else(|| wrong(name, ty, raw.get()))
        }
        (ValueType::List(element), Json::Array(values)) => {
            let values = values.iter().enumerate();
            values.map(|(index, value)| check(&format!("{name}[{index}]"), element, value)).collect()
        }
        (ValueType::Object(members), Json::Object(given)) => {
            let checked = members.iter().filter_map(|(member, ty)| match given.get(member) {
                Some(value) => Some(check(&format!("{name}.{member}"), ty, value).map(|value| (member.clone(), value))),
                None if !ty.given().1 => None,
                None => Some(Err(ParamError::Member { name: name.to_owned(), member: member.clone() })),
            });
            checked.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        (ty, value) => Err(wrong(name, ty, &value.to_string())),
    }
}

fn scalar_from_json(scalar: ScalarType, value: &Json) -> Option<Value> {
    let takes_numbers = scalar.is_number() || scalar == ScalarType::Date;
    if let Some(number) = value.number() {
        return scalar_from_text(scalar, number).filter(|_| takes_numbers);
    }
    match (scalar, value.value()) {
        (ScalarType::String, text @ Value::String(_)) | (ScalarType::Boolean, text @ Value::Bool(_)) => Some(text),
        (ScalarType::Id | ScalarType::Date | ScalarType::U128, Value::String(text)) => scalar_from_text(scalar, &text),
        (_, _) => None,
    }
}

fn scalar_from_text(scalar: ScalarType, text: &str) -> Option<Value> {
    match scalar {
        ScalarType::String => Some(Value::from(text)),
        ScalarType::Boolean => text.parse().ok().map(Value::Bool),
        ScalarType::F32 | ScalarType::F64 => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        ScalarType::Id => uuid::Uuid::parse_str(text).ok().map(|_| Value::from(text)),
        ScalarType::Date => date(text),
        ScalarType::I8
        | ScalarType::I16
        | ScalarType::I32
        | ScalarType::I64
        | ScalarType::U8
        | ScalarType::U16
        | ScalarType::U32
        | ScalarType::U64
        | ScalarType::U128 => integer(scalar, text),
    }
}

fn integer(scalar: ScalarType, text: &str) -> Option<Value> {
    let (min, max) = scalar.integer_range()?;
    if let Ok(number) = text.parse::<u128>() {
        return (number <= max).then(|| match u64::try_from(number) {
            Ok(number) => Value::from(number),
            // Beyond what JSON libraries carry as a number; the server takes the digits.
            Err(_) => Value::from(number.to_string()),
        });
    }
    let number = text.parse::<i128>().ok().filter(|number| *number >= min)?;
    i64::try_from(number).ok().map(Value::from)
}

fn date(text: &str) -> Option<Value> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Value::from(seconds));
    }
    let valid =
        text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok_and(|_| text.len() == 10);
    valid.then(|| Value::from(text))
}

fn wrong(name: &str, ty: &ValueType, found: &str) -> ParamError {
    ParamError::Type { name: name.to_owned(), expected: ty.to_string(), found: found.to_owned() }
}

#[cfg(test)]
mod tests;
