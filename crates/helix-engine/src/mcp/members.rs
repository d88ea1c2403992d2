//! The JSON of a call, read member by member, so that what is wrong is said in the words of the caller. Values stay text until
//! they are asked for: no number loses digits, and of members with the same name the last counts.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{EngineError, Result};

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    members: BTreeMap<String, &'a RawValue>,
    path: String,
}

/// A value, and how the call names it: `data.filter.properties`.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    json: &'a RawValue,
    path: String,
}

impl<'a> Members<'a> {
    /// The members of a body.
    ///
    /// # Errors
    ///
    /// [`EngineError::Decode`] when it is no JSON object.
    pub fn of_body(body: &'a [u8]) -> Result<Self> {
        let json: &RawValue = serde_json::from_slice(body).map_err(|error| EngineError::Decode(error.to_string()))?;
        Member { json, path: String::new() }.object()
    }

    /// A member that is given, be it null.
    pub fn given(&self, name: &str) -> Option<Member<'a>> {
        self.members.get(name).map(|json| Member { json, path: self.path_of(name) })
    }

    /// A member that is given, and is not null.
    pub fn get(&self, name: &str) -> Option<Member<'a>> {
        self.given(name).filter(|member| member.kind() != JsonKind::Null)
    }

    /// A member that has to be given.
    ///
    /// # Errors
    ///
    /// [`EngineError::Decode`] when it is not.
    pub fn need(&self, name: &str) -> Result<Member<'a>> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// What is said of a member that is not given.
    pub fn missing(&self, name: &str) -> EngineError {
        EngineError::Decode(format!("missing field `{}`", self.path_of(name)))
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl<'a> Member<'a> {
    /// The JSON text.
    pub fn json(&self) -> &'a str {
        self.json.get()
    }

    /// What it is, in a word.
    pub fn kind(&self) -> JsonKind {
        match self.json().as_bytes().first() {
            Some(b'"') => JsonKind::String,
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b't' | b'f') => JsonKind::Boolean,
            Some(b'n') | None => JsonKind::Null,
            Some(_) => JsonKind::Number,
        }
    }

    /// The members of an object.
    pub fn object(&self) -> Result<Members<'a>> {
        match (self.kind(), serde_json::from_str(self.json())) {
            (JsonKind::Object, Ok(members)) => Ok(Members { members, path: self.path.clone() }),
            _ => Err(self.mismatch("object")),
        }
    }

    /// The elements of an array.
    pub fn list(&self) -> Result<Vec<Self>> {
        match (self.kind(), serde_json::from_str::<Vec<&'a RawValue>>(self.json())) {
            (JsonKind::Array, Ok(all)) => {
                Ok(all.into_iter().map(|json| Self { json, path: self.path.clone() }).collect())
            }
            _ => Err(self.mismatch("array")),
        }
    }

    /// A text.
    pub fn text(&self) -> Result<String> {
        self.read("string")
    }

    /// A truth value.
    pub fn boolean(&self) -> Result<bool> {
        self.read("boolean")
    }

    /// A number.
    pub fn number(&self) -> Result<f64> {
        self.read("number")
    }

    /// A whole number.
    pub fn integer(&self) -> Result<i64> {
        self.read("a whole number")
    }

    /// How many.
    pub fn count(&self) -> Result<usize> {
        self.read("a whole number from 0 on")
    }

    /// What one of a few words stands for.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        let expected = || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        let text = self.text().map_err(|_| self.mismatch(&expected()))?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| self.refuse(&expected(), &format!("`{text}`")))
    }

    fn read<T: DeserializeOwned>(&self, expected: &str) -> Result<T> {
        serde_json::from_str(self.json()).map_err(|_| self.mismatch(expected))
    }

    fn mismatch(&self, expected: &str) -> EngineError {
        match self.kind() {
            JsonKind::Number => self.refuse(expected, self.json()),
            kind => self.refuse(expected, kind.name()),
        }
    }

    fn refuse(&self, expected: &str, found: &str) -> EngineError {
        EngineError::Decode(match self.path.as_str() {
            "" => format!("expected {expected}, got {found}"),
            path => format!("field `{path}`: expected {expected}, got {found}"),
        })
    }
}

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A text.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}
