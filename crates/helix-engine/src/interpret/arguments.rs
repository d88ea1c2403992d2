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
    // What is wrong with a member does not matter where a later one of the same name replaces it, which is seldom: the second
    // attempt takes longer, and knows. The first knows the positions of what is no JSON.
    read(params, body, Duplicates::AsTheyCome).or_else(|(first, error)| {
        let last = |(last, _): (Option<String>, _)| last.or(first).unwrap_or_else(|| error.to_string());
        read(params, body, Duplicates::LastOnly).map_err(|failed| EngineError::Decode(last(failed)))
    })
}

/// Decodes a body; else says what is wrong, in words that name the field where they can.
fn read(
    params: &[Param],
    body: &[u8],
    duplicates: Duplicates,
) -> std::result::Result<Arguments, (Option<String>, serde_json::Error)> {
    let problem = Problem { message: RefCell::new(None), duplicates };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let decoded = Body { params, problem: &problem }.deserialize(&mut deserializer);
    let decoded = decoded.and_then(|arguments| deserializer.end().map(|()| arguments));
    decoded.map_err(|error| (problem.message.take(), error))
}

/// How many digits of a number out of range are shown: a few more than any type has.
const LONGEST_SHOWN: usize = 60;

/// Which members of an object are decoded, of those with the same name. The last one counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Duplicates {
    /// All of them, in one pass.
    AsTheyCome,
    /// The last one, once all are known.
    LastOnly,
}

/// What is wrong: errors of serde carry positions in the JSON, ours name the field.
struct Problem {
    message: RefCell<Option<String>>,
    duplicates: Duplicates,
}

impl Problem {
    /// Says what is wrong, in words that name the field, and stops the decoding.
    fn fail<E: serde::de::Error>(&self, message: String) -> E {
        let error = E::custom(&message);
        self.message.borrow_mut().get_or_insert(message);
        error
    }
}

struct Body<'p> {
    params: &'p [Param],
    problem: &'p Problem,
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
    problem: &Problem,
) -> std::result::Result<Vec<Argument>, A::Error> {
    let path_of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let mut found: Vec<Option<Argument>> = vec![None; members.len()];
    let mut later: Vec<Option<&RawValue>> = vec![None; members.len()];
    while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
        match (members.iter().position(|(name, _)| *name == key), problem.duplicates) {
            (None, _) => {
                map.next_value::<IgnoredAny>()?;
            }
            (Some(index), Duplicates::AsTheyCome) => {
                let path = path_of(&key);
                found[index] = Some(map.next_value_seed(Typed { ty: members[index].1, path: &path, problem })?);
            }
            (Some(index), Duplicates::LastOnly) => later[index] = Some(map.next_value()?),
        }
    }
    for ((json, (name, ty)), found) in later.into_iter().zip(&members).zip(&mut found) {
        if let Some(json) = json {
            let path = path_of(name);
            *found = Some(Typed { ty, path: &path, problem }.of_text(json.get())?);
        }
    }
    let named = found.into_iter().zip(&members);
    named
        .map(|(value, (name, ty))| {
            let value = value.or_else(|| (!ty.given().1).then_some(Argument::Missing));
            value.ok_or_else(|| problem.fail(format!("missing field `{}`", path_of(name))))
        })
        .collect()
}

/// A value of a type; `path` names it in messages.
#[derive(Clone, Copy)]
struct Typed<'p> {
    ty: &'p ValueType,
    path: &'p str,
    problem: &'p Problem,
}

impl Typed<'_> {
    fn mismatch<E: serde::de::Error>(&self, found: &str) -> E {
        let expected = match self.ty.given().0 {
            ValueType::Scalar(scalar) => scalar.name(),
            ValueType::List(_) => "array",
            ValueType::Object(_) | ValueType::Optional(_) => "object",
        };
        self.problem.fail(format!("field `{}`: expected {expected}, got {found}", self.path))
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

    /// A value that stands in a text of its own.
    fn of_text<E: serde::de::Error>(self, json: &str) -> std::result::Result<Argument, E> {
        self.deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(E::custom)
    }

    /// A whole number, or what else stands in its place. The JSON library's numbers would do for neither the digits of a `U128`
    /// nor `-0`, which it takes for a float.
    fn whole<E: serde::de::Error>(self, json: &str) -> std::result::Result<Argument, E> {
        let (is_negative, digits) = json.strip_prefix('-').map_or((false, json), |digits| (true, digits));
        if !digits.starts_with(|first: char| first.is_ascii_digit()) {
            return serde_json::Deserializer::from_str(json).deserialize_any(self).map_err(E::custom);
        }
        if !is_decimal(digits) {
            return Err(self.mismatch("a number that is no whole number, or out of range"));
        }
        match (is_negative, json.parse::<i128>(), digits.parse::<u128>()) {
            (_, Ok(value), _) => self.integer(value),
            (false, Err(_), Ok(value)) => self.large(value),
            (true, Err(_), _) | (false, Err(_), Err(_)) => Err(self.out_of_range(json)),
        }
    }

    fn out_of_range<E: serde::de::Error>(&self, digits: &str) -> E {
        match digits.len() {
            ..=LONGEST_SHOWN => self.mismatch(&format!("{digits}, which is out of range")),
            _ => self.mismatch("a number out of range"),
        }
    }

    /// A number above all but the largest type.
    fn large<E: serde::de::Error>(&self, value: u128) -> std::result::Result<Argument, E> {
        match self.ty {
            ValueType::Scalar(ScalarType::U128) => Ok(Argument::Big(value)),
            _ => Err(self.out_of_range(&value.to_string())),
        }
    }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = Argument;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Argument, D::Error> {
        let (ty, is_needed) = self.ty.given();
        // A `Date` may be a whole number too.
        if matches!(ty, ValueType::Scalar(scalar) if scalar.is_integer() || *scalar == ScalarType::Date) {
            let json: &RawValue = serde::Deserialize::deserialize(deserializer)?;
            let is_missing = !is_needed && json.get() == "null";
            return if is_missing { Ok(Argument::Missing) } else { self.given().whole(json.get().trim()) };
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
            _ => Err(self.mismatch("number")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> std::result::Result<Argument, E> {
        match self.ty {
            ValueType::Scalar(ScalarType::String) => Ok(Argument::Str(value.to_owned())),
            ValueType::Scalar(ScalarType::Id) => {
                Uuid::try_parse(value).map(Argument::Id).map_err(|_| self.mismatch("a string that is no UUID"))
            }
            ValueType::Scalar(ScalarType::U128) if is_decimal(value) => match value.parse() {
                Ok(value) => Ok(i64::try_from(value).map_or(Argument::Big(value), Argument::Int)),
                Err(_) => Err(self.out_of_range(value)),
            },
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
