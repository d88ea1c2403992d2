//! JSON whose numbers keep every digit: a `U128` is longer than any number that `serde_json::Value` holds.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Json {
    /// A number, text, `true`, `false` or `null`, as it was written.
    Scalar(Box<RawValue>),
    /// An array.
    Array(Vec<Self>),
    /// An object. Of members of one name, the last one.
    Object(IndexMap<String, Self>),
}

impl Json {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// When it is no JSON, or nests deeper than `serde_json` goes.
    pub fn read(text: &[u8]) -> serde_json::Result<Self> {
        // It bounds the depth, which a raw value does not.
        serde_json::from_slice::<Value>(text)?;
        serde_json::from_slice(text)
    }

    /// The value as most code knows it, whose numbers beyond 64 bits are near ones.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Scalar(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
            Self::Array(elements) => elements.iter().map(Self::value).collect(),
            Self::Object(members) => members.iter().map(|(name, member)| (name.clone(), member.value())).collect(),
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(raw) if raw.get() == "null")
    }

    /// The members of an object.
    #[must_use]
    pub const fn members(&self) -> Option<&IndexMap<String, Self>> {
        match self {
            Self::Object(members) => Some(members),
            Self::Scalar(_) | Self::Array(_) => None,
        }
    }

    /// The digits of a number.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        match self {
            Self::Scalar(raw) => {
                Some(raw.get()).filter(|text| text.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
            }
            Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// Laid out over several lines.
    #[must_use]
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(name, member)| (name, Self::from(member))).collect())
            }
            scalar => Self::Scalar(serde_json::value::to_raw_value(&scalar).unwrap_or_default()),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'{') => serde_json::from_str(raw.get()).map(Self::Object).map_err(de::Error::custom),
            Some(b'[') => serde_json::from_str(raw.get()).map(Self::Array).map_err(de::Error::custom),
            _ => Ok(Self::Scalar(raw)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_kept() {
        let text =
            r#"{"a":[340282366920938463463374607431768211455,-1,1.50,1e400],"b":{"c":null,"d":"é\n"},"a b":true}"#;
        // 1e400 is no number of 64 bits, and so no JSON that is taken.
        assert!(Json::read(text.as_bytes()).is_err());
        let text = text.replace(",1e400", "");
        let json = Json::read(text.as_bytes()).unwrap();
        assert_eq!(json.to_string(), text);
        assert!(json.pretty().contains("    340282366920938463463374607431768211455,\n"), "{}", json.pretty());
        assert_eq!(json.value(), serde_json::from_str::<Value>(&text).unwrap());
        assert_eq!(Json::from(json.value()).value(), json.value());
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,]", "nan", &"[".repeat(100_000)] {
            assert!(Json::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
