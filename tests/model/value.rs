//! Values of the model, and how they compare with what a database answers.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Value as Json, json};

/// An id that no item has.
pub const NOBODY: usize = usize::MAX;

/// A value as the language sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i128),
    Single(f32),
    Double(f64),
    /// A score, whose last digits are left open.
    About(f64),
    Text(String),
    /// Milliseconds since 1970.
    Date(i64),
    /// The place of an item in the order of creation.
    Id(usize),
    List(Vec<Value>),
    /// A path between two nodes, of which only the sum of its weights is known: there may be several.
    Path {
        from: usize,
        to: usize,
        weight: Option<&'static str>,
        sum: f64,
    },
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Compares two values that are both there; `None` where they do not compare.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            // The id of nobody is older than all others.
            (Self::Id(a), Self::Id(b)) => Some(a.wrapping_add(1).cmp(&b.wrapping_add(1))),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// How two keys are sorted: what is missing comes first.
    pub fn sort(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            _ => self.compare(other).expect("keys of one type"),
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Single(value) => Some(f64::from(*value)),
            Self::Double(value) | Self::About(value) => Some(*value),
            _ => None,
        }
    }

    /// The text of a value in the key of a group.
    pub fn key(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Single(value) => format!("{value:?}"),
            Self::Double(value) | Self::About(value) => format!("{value:?}"),
            Self::Text(text) => text.clone(),
            Self::Date(milliseconds) => date(*milliseconds),
            Self::Id(_) | Self::List(_) | Self::Object(_) | Self::Path { .. } => unreachable!("not a key of the model"),
        }
    }

    /// The value as an argument.
    pub fn argument(&self, ids: &Ids) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => json!(value),
            Self::Integer(value) => json!(value),
            // As text, so that it is the number that the shortest decimal names.
            Self::Single(value) => serde_json::from_str(&format!("{value:?}")).expect("a number"),
            Self::Double(value) | Self::About(value) => json!(value),
            Self::Text(text) => json!(text),
            Self::Date(milliseconds) => json!(date(*milliseconds)),
            Self::Path { .. } => unreachable!("not an argument"),
            Self::Id(id) => json!(ids.text(*id)),
            Self::List(values) => values.iter().map(|value| value.argument(ids)).collect(),
            Self::Object(members) => {
                Json::Object(members.iter().map(|(key, value)| (key.clone(), value.argument(ids))).collect())
            }
        }
    }
}

/// An instant as responses show it.
pub fn date(milliseconds: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(milliseconds).expect("an instant of the test");
    let digits = if milliseconds % 1000 == 0 { 0 } else { 3 };
    format!("{instant:.digits$}").replace('Z', "+00:00")
}

/// Which item has which id in the database: found out as answers come in.
#[derive(Default)]
pub struct Ids {
    texts: HashMap<usize, String>,
    items: HashMap<String, usize>,
}

impl Ids {
    pub fn text(&self, id: usize) -> &str {
        self.texts.get(&id).map_or("1f0e3e9c-5b1a-6c40-8f00-010203040506", String::as_str)
    }

    pub fn knows(&self, id: usize) -> bool {
        self.texts.contains_key(&id)
    }

    fn bind(&mut self, id: usize, text: &str) -> bool {
        match (self.texts.get(&id), self.items.get(text)) {
            (Some(known), _) => known == text,
            (None, Some(_)) => false,
            (None, None) => {
                self.texts.insert(id, text.to_owned());
                self.items.insert(text.to_owned(), id);
                true
            }
        }
    }
}

/// Says where an answer differs from what it must be.
///
/// # Errors
/// The place, what was expected there and what was found.
pub fn differs(expected: &Value, found: &Json, ids: &mut Ids, path: &str) -> Result<(), String> {
    let same = match (expected, found) {
        (Value::Null, Json::Null) => true,
        (Value::Boolean(a), Json::Bool(b)) => a == b,
        (Value::Integer(a), Json::Number(b)) => {
            a.to_string() == b.to_string() || (beyond(*a) && b.as_f64() == Some(*a as f64))
        }
        (Value::Single(a), Json::Number(b)) => b.as_f64().is_some_and(|b| b as f32 == *a) && !b.is_i64() && !b.is_u64(),
        (Value::Double(a), Json::Number(b)) => b.as_f64() == Some(*a) && !b.is_i64() && !b.is_u64(),
        (Value::Double(a), Json::Null) => !a.is_finite(),
        (Value::About(a), Json::Number(b)) => b.as_f64().is_some_and(|b| (a - b).abs() < 1e-4),
        (Value::Text(a), Json::String(b)) => a == b,
        (Value::Date(a), Json::String(b)) => date(*a) == *b,
        (Value::Id(a), Json::String(b)) => ids.bind(*a, b),
        (Value::Path { from, to, weight, sum }, found) => {
            ids.bind(*from, text(&found[0][0]["id"]))
                && found[0]
                    .as_array()
                    .and_then(|nodes| nodes.last())
                    .is_some_and(|last| ids.bind(*to, text(&last["id"])))
                && walk(found, *weight) == Some(*sum)
        }
        (Value::List(a), Json::Array(b)) => {
            if a.len() != b.len() {
                return Err(format!("{path}: {} elements expected, {} found", a.len(), b.len()));
            }
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differs(a, b, ids, &format!("{path}.{index}"))?;
            }
            true
        }
        (Value::Object(a), Json::Object(b)) => {
            for (key, value) in a {
                let Some(found) = b.get(key) else { return Err(format!("{path}: `{key}` is not there")) };
                differs(value, found, ids, &format!("{path}.{key}"))?;
            }
            a.len() == b.len()
        }
        _ => false,
    };
    if same { Ok(()) } else { Err(format!("{path}: expected {expected:?}, found {found}")) }
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// The sum of the weights of a path's edges, or their number; `None` where edges do not join its nodes.
fn walk(path: &Json, weight: Option<&str>) -> Option<f64> {
    let (nodes, edges) = (path[0].as_array()?, path[1].as_array()?);
    let joins = |(pair, edge): (&[Json], &Json)| pair[0]["id"] == edge["from_node"] && pair[1]["id"] == edge["to_node"];
    let is_walk = nodes.len() == edges.len() + 1 && nodes.windows(2).zip(edges).all(joins);
    let of = |edge: &Json| weight.map_or(Some(1.0), |field| edge[field].as_f64());
    edges.iter().filter(|_| is_walk).map(of).sum::<Option<f64>>().filter(|_| is_walk)
}

/// Whether a number is beyond what JSON numbers are read as without loss.
fn beyond(value: i128) -> bool {
    value > i128::from(u64::MAX) || value < i128::from(i64::MIN)
}
