//! Types as JSON Schema, draft 2020-12: what a request may hold.
//!
//! Source: <https://json-schema.org/draft/2020-12/json-schema-core>.

use serde_json::{Map, Value, json};

use crate::{Param, Query, ScalarType, ValueType};

impl ScalarType {
    /// The schema of a value in a request.
    #[must_use]
    pub fn json_schema(self) -> Value {
        match self {
            Self::String => json!({"type": "string"}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::F32 | Self::F64 => json!({"type": "number"}),
            Self::Id => json!({"type": "string", "format": "uuid"}),
            Self::Date => json!({
                "description": "an instant: RFC 3339, a day, or Unix seconds",
                "anyOf": [
                    {"type": "string", "format": "date-time"},
                    {"type": "string", "format": "date"},
                    {"type": "integer"},
                ],
            }),
            Self::U128 => json!({
                "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,39}$"}],
            }),
            Self::I8 | Self::I16 | Self::I32 | Self::I64 | Self::U8 | Self::U16 | Self::U32 | Self::U64 => {
                let (least, greatest) = self.integer_range().unwrap_or_default();
                let greatest = u64::try_from(greatest).unwrap_or(u64::MAX);
                json!({"type": "integer", "minimum": i64::try_from(least).unwrap_or(i64::MIN), "maximum": greatest})
            }
        }
    }
}

impl ValueType {
    /// The schema of a value in a request.
    #[must_use]
    pub fn json_schema(&self) -> Value {
        match self {
            Self::Scalar(scalar) => scalar.json_schema(),
            Self::List(element) => json!({"type": "array", "items": element.json_schema()}),
            Self::Object(members) => object(members.iter().map(|(name, ty)| (name.as_str(), ty))),
            Self::Optional(ty) => json!({"anyOf": [ty.json_schema(), {"type": "null"}]}),
        }
    }
}

impl Query {
    /// The schema of the body of a request: an object with the parameters.
    #[must_use]
    pub fn json_schema(&self) -> Value {
        object(self.params.iter().map(|Param { name, ty, slot: _ }| (name.as_str(), ty)))
    }
}

fn object<'t>(members: impl Iterator<Item = (&'t str, &'t ValueType)>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, ty) in members {
        properties.insert(name.to_owned(), ty.json_schema());
        if ty.given().1 {
            required.push(name);
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}
