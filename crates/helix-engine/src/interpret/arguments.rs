//! Request bodies: JSON decoded by the parameters' types.

use std::cell::RefCell;
use std::fmt;

use helix_plan::{Param, ScalarType, ValueType};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::{EngineError, Result};
use crate::row::Arena;
use crate::value::{Date, Value, date};

/// A decoded value that owns what it holds, so that it can be sent to the thread that runs the query.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 signed bits.
    Int(i64),
    /// An integer above `i64::MAX`.
    Big(u128),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// Text.
    Str(String),
    /// An instant.
    Date(Date),
    /// An id.
    Id(Uuid),
    /// An array.
    List(Vec<Argument>),
    /// An object: its members in the order of its type.
    Object(Vec<Argument>),
    /// Not given.
    Missing,
}

/// The arguments of a request, in the order of the parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments(pub Vec<Argument>);

impl Argument {
    /// The value of an argument of this type, borrowing from both; what is made of parts takes room in the arena.
    pub fn value<'a>(&'a self, ty: &'a ValueType, arena: &'a Arena) -> Value<'a> {
        let (ty, _) = ty.given();
        match self {
            Self::Missing => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Big(value) => Value::unsigned(*value),
            Self::F32(value) => Value::F32(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Str(value) => Value::Str(value),
            Self::Date(value) => Value::Date(*value),
            Self::Id(value) => Value::Id(*value),
            Self::List(elements) => {
                let ValueType::List(ty) = ty else { return Value::Null };
                Value::List(arena.alloc_slice_fill_iter(elements.iter().map(|element| element.value(ty, arena))))
            }
            Self::Object(members) => {
                let ValueType::Object(types) = ty else { return Value::Null };
                let members = types.iter().zip(members).map(|((name, ty), one)| (name.as_str(), one.value(ty, arena)));
                let members: Vec<_> = members.collect();
                Value::Object(arena.alloc_slice_copy(&members))
            }
        }
    }
}

/// Decodes a body. A query without parameters does not look at it.
pub(super) fn decode(params: &[Param], body: &[u8]) -> Result<Arguments> {
    if params.is_empty() {
        return Ok(Arguments::default());
    }
    // Errors of serde carry positions in the JSON; ours name the field.
    let problem = RefCell::new(None);
    let body_seed = Body { params, problem: &problem };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let decoded = body_seed.deserialize(&mut deserializer).and_then(|arguments| deserializer.end().map(|()| arguments));
    decoded.map_err(|error| EngineError::Decode(problem.take().unwrap_or_else(|| error.to_string())))
}

/// Says what is wrong, in words that name the field, and stops the decoding.
fn fail<E: serde::de::Error>(problem: &RefCell<Option<String>>, message: String) -> E {
    let error = E::custom(&message);
    problem.borrow_mut().get_or_insert(message);
    error
}

struct Body<'p> {
    params: &'p [Param],
    problem: &'p RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Arguments;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Arguments, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Arguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object with the parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Arguments, A::Error> {
        let members = self.params.iter().map(|param| (param.name.as_str(), &param.ty));
        members_of(map, members.collect(), "", self.problem).map(Arguments)
    }
}

/// The declared members of an object, in their order; others are skipped, repeated ones replaced.
fn members_of<'de, A: MapAccess<'de>>(
    mut map: A,
    members: Vec<(&str, &ValueType)>,
    path: &str,
    problem: &RefCell<Option<String>>,
) -> std::result::Result<Vec<Argument>, A::Error> {
    let mut found: Vec<Option<Argument>> = vec![None; members.len()];
    while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
        match members.iter().position(|(name, _)| *name == key) {
            None => {
                map.next_value::<IgnoredAny>()?;
            }
            Some(index) => {
                let path = if path.is_empty() { key.into_owned() } else { format!("{path}.{key}") };
                found[index] = Some(map.next_value_seed(Typed { ty: members[index].1, path: &path, problem })?);
            }
        }
    }
    let named = found.into_iter().zip(members);
    named
        .map(|(value, (name, ty))| {
            let value = value.or_else(|| (!ty.given().1).then_some(Argument::Missing));
            value.ok_or_else(|| {
                let name = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                fail(problem, format!("missing field `{name}`"))
            })
        })
        .collect()
}

/// A value of a type; `path` names it in messages.
#[derive(Clone, Copy)]
struct Typed<'p> {
    ty: &'p ValueType,
    path: &'p str,
    problem: &'p RefCell<Option<String>>,
}

impl Typed<'_> {
    fn mismatch<E: serde::de::Error>(&self, found: &str) -> E {
        let expected = match self.ty.given().0 {
            ValueType::Scalar(scalar) => scalar.name(),
            ValueType::List(_) => "array",
            ValueType::Object(_) | ValueType::Optional(_) => "object",
        };
        fail(self.problem, format!("field `{}`: expected {expected}, got {found}", self.path))
    }

    fn integer<E: serde::de::Error>(&self, value: i128) -> std::result::Result<Argument, E> {
        let ValueType::Scalar(scalar) = self.ty else { return Err(self.mismatch("number")) };
        match scalar {
            ScalarType::F64 => Ok(Argument::F64(value as f64)),
            ScalarType::F32 => Ok(Argument::F32(value as f32)),
            ScalarType::Date => i64::try_from(value)
                .ok()
                .and_then(Date::from_seconds)
                .map(Argument::Date)
                .ok_or_else(|| self.mismatch("a number out of range")),
            _ => {
                let Some((min, max)) = scalar.integer_range() else { return Err(self.mismatch("number")) };
                if value < min || u128::try_from(value).is_ok_and(|value| value > max) {
                    return Err(self.mismatch(&format!("{value}, which is out of range")));
                }
                Ok(i64::try_from(value).map_or(Argument::Big(value as u128), Argument::Int))
            }
        }
    }

    /// The same for a value that is given.
    fn given(self) -> Self {
        Self { ty: self.ty.given().0, ..self }
    }

    /// A `U128`, which may have more digits than the JSON library's numbers, or stand in a string.
    fn u128<E: serde::de::Error>(&self, json: &str) -> std::result::Result<Argument, E> {
        let text = json.trim();
        let is_text = text.starts_with('"');
        let digits = if is_text { text.trim_matches('"') } else { text };
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return match digits.parse::<u128>() {
                Ok(value) => Ok(i64::try_from(value).map_or(Argument::Big(value), Argument::Int)),
                Err(_) => Err(self.mismatch(&format!("{digits}, which is out of range"))),
            };
        }
        Err(self.mismatch(match text.as_bytes().first() {
            Some(b'"') => "string",
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b'n') => "null",
            Some(b't' | b'f') => "boolean",
            _ => "a number that is no whole number, or out of range",
        }))
    }
}

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = Argument;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Argument, D::Error> {
        let (ty, is_needed) = self.ty.given();
        if *ty == ValueType::Scalar(ScalarType::U128) {
            let json: &RawValue = serde::Deserialize::deserialize(deserializer)?;
            let is_missing = !is_needed && json.get() == "null";
            return if is_missing { Ok(Argument::Missing) } else { self.given().u128(json.get()) };
        }
        if is_needed {
            deserializer.deserialize_any(self)
        } else {
            deserializer.deserialize_option(Optional(self.given()))
        }
    }
}

/// A value that need not be given.
struct Optional<'p>(Typed<'p>);

impl<'de> Visitor<'de> for Optional<'_> {
    type Value = Argument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} or null", self.0.ty)
    }

    fn visit_none<E: serde::de::Error>(self) -> std::result::Result<Argument, E> {
        Ok(Argument::Missing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Argument, D::Error> {
        self.0.deserialize(deserializer)
    }
}

impl<'de> Visitor<'de> for Typed<'_> {
    type Value = Argument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ty)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<Argument, E> {
        match self.ty {
            ValueType::Scalar(ScalarType::Boolean) => Ok(Argument::Bool(value)),
            _ => Err(self.mismatch("boolean")),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Argument, E> {
        self.integer(i128::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Argument, E> {
        self.integer(i128::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Argument, E> {
        match self.ty {
            ValueType::Scalar(ScalarType::F64) => Ok(Argument::F64(value)),
            ValueType::Scalar(ScalarType::F32) => {
                let narrowed = value as f32;
                if narrowed.is_finite() {
                    Ok(Argument::F32(narrowed))
                } else {
                    Err(self.mismatch(&format!("{value:e}, which is out of range")))
                }
            }
            _ => Err(self.mismatch("a number that is no whole number, or out of range")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> std::result::Result<Argument, E> {
        match self.ty {
            ValueType::Scalar(ScalarType::String) => Ok(Argument::Str(value.to_owned())),
            ValueType::Scalar(ScalarType::Id) => {
                Uuid::try_parse(value).map(Argument::Id).map_err(|_| self.mismatch("a string that is no UUID"))
            }
            ValueType::Scalar(ScalarType::Date) => {
                let found = "a string that is no date (`2024-05-01` or `2024-05-01T12:00:00Z`)";
                date::parse(value).map(Argument::Date).ok_or_else(|| self.mismatch(found))
            }
            _ => Err(self.mismatch("string")),
        }
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> std::result::Result<Argument, E> {
        match self.ty {
            ValueType::Scalar(ScalarType::String) => Ok(Argument::Str(value)),
            _ => self.visit_str(&value),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Argument, E> {
        Err(self.mismatch("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<Argument, A::Error> {
        let ValueType::List(element) = self.ty else { return Err(self.mismatch("array")) };
        let mut list = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(4096));
        while let Some(value) = elements.next_element_seed(Typed { ty: element, ..self })? {
            list.push(value);
        }
        Ok(Argument::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Argument, A::Error> {
        let ValueType::Object(members) = self.ty else { return Err(self.mismatch("object")) };
        let members = members.iter().map(|(name, ty)| (name.as_str(), ty)).collect();
        members_of(map, members, self.path, self.problem).map(Argument::Object)
    }
}
