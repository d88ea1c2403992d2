//! What a query means, computed in the simplest way: lists are searched from end to end, nothing is indexed or planned.

mod expression;
mod item;
mod shown;
mod traversal;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::model::language::{
    Condition, Default, Expression, Index, Kind, Map, Name, Of, Operator, Part, Query, Return, Schema, Sets, Shape,
    Source, Statement, Step, Traversal,
};
use crate::model::math;
use crate::model::value::{NOBODY, Value};

/// A node, an edge or a vector.
#[derive(Clone, Debug)]
pub struct Item {
    pub kind: Name,
    pub ends: Option<(usize, usize)>,
    pub data: Vec<f32>,
    pub fields: HashMap<Name, Value>,
}

/// An item as it was when it was read.
#[derive(Clone, Debug)]
struct Element {
    id: usize,
    item: Item,
    score: Option<f64>,
}

/// Why a query gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The status and the message.
    Refused(u16, String),
    /// The language leaves the answer open, or the model does not know it.
    Undecided,
}

pub type Result<T> = std::result::Result<T, Failure>;

pub fn refused<T>(status: u16, text: &str) -> Result<T> {
    Err(Failure::Refused(status, text.to_owned()))
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Bound {
    /// An optional parameter that was not given.
    Missing,
    Value(Value),
    Elements {
        many: bool,
        kind: Name,
        list: Vec<Element>,
    },
}

/// A database: its items in the order of creation.
pub struct Model {
    pub schema: Schema,
    pub items: Vec<Option<Item>>,
    /// The instant of the next request, in milliseconds.
    pub now: i64,
}

impl Model {
    /// Answers a query; as it fails, nothing is changed.
    pub fn call(&mut self, query: &Query, arguments: &[Option<Value>]) -> Result<Value> {
        let before = self.items.clone();
        let bound = |value: &Option<Value>| value.clone().map_or(Bound::Missing, Bound::Value);
        let scope = query.parameters.iter().zip(arguments).map(|(p, value)| (p.name, bound(value))).collect();
        let answer = Run { model: self, scope }.query(query);
        if answer.is_err() {
            self.items = before;
        }
        answer
    }
}

struct Run<'m> {
    model: &'m mut Model,
    scope: Vec<(Name, Bound)>,
}

impl Run<'_> {
    fn query(mut self, query: &Query) -> Result<Value> {
        self.statements(&query.body)?;
        match &query.returned {
            Return::None => Ok(Value::Null),
            Return::Values(values) => {
                let mut members = Vec::new();
                for value in values {
                    let key = match value {
                        Expression::Variable(name) => name,
                        Expression::Traversal(traversal) => match traversal.source {
                            Source::Variable(name) => name,
                            _ => "data",
                        },
                        _ => "data",
                    };
                    members.push((key.to_owned(), self.shown(value, false)?));
                }
                Ok(Value::Object(members))
            }
            Return::Object(members) => {
                let members = members.iter().map(|(key, value)| Ok(((*key).to_owned(), self.shown(value, false)?)));
                Ok(Value::Object(members.collect::<Result<_>>()?))
            }
        }
    }

    fn statements(&mut self, statements: &[Statement]) -> Result<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Let(name, value) => {
                let bound = self.bound(value)?;
                self.scope.push((name, bound));
            }
            Statement::Create(value) => {
                self.bound(value)?;
            }
            Statement::Drop(traversal) => {
                let dropped = self.stream(traversal)?;
                dropped.iter().for_each(|element| self.drop(element.id));
            }
            Statement::For(name, over, body) => {
                let elements = match self.lookup(over) {
                    Bound::Missing => Vec::new(),
                    Bound::Value(Value::List(values)) => values.into_iter().map(Bound::Value).collect(),
                    Bound::Elements { kind, list, .. } => {
                        let one = |element| Bound::Elements { many: false, kind, list: vec![element] };
                        list.into_iter().map(one).collect()
                    }
                    Bound::Value(other) => unreachable!("{other:?} is no list"),
                };
                for element in elements {
                    self.within(vec![(*name, element)], |run| run.statements(body))?;
                }
            }
            Statement::ForMembers(names, over, body) => {
                let Bound::Value(Value::List(rows)) = self.lookup(over) else { return Ok(()) };
                for row in rows {
                    let Value::Object(members) = row else { unreachable!("rows are objects") };
                    let member = |name: &Name| members.iter().find(|(key, _)| key == name).expect("a member").1.clone();
                    let bound = names.iter().map(|name| (*name, Bound::Value(member(name)))).collect();
                    self.within(bound, |run| run.statements(body))?;
                }
            }
        }
        Ok(())
    }

    /// Does something with further names in scope.
    fn within<T>(&mut self, names: Vec<(Name, Bound)>, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.scope.len();
        self.scope.extend(names);
        let done = work(self);
        self.scope.truncate(before);
        done
    }

    fn with_item<T>(&mut self, element: &Element, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let bound = Bound::Elements { many: false, kind: element.item.kind, list: vec![element.clone()] };
        self.within(vec![("_", bound)], work)
    }

    fn lookup(&self, name: &str) -> Bound {
        let found = self.scope.iter().rev().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("`{name}` is not in scope")).1.clone()
    }
}

/// The fields that a projection shows under another name.
fn renamed(maps: &[(String, Map)]) -> Vec<Name> {
    let part = |(_, map): &(String, Map)| if let Map::Part(part) = map { Some(part.name()) } else { None };
    maps.iter().filter_map(part).collect()
}

fn one_or_all(many: bool, mut shown: Vec<Value>) -> Option<Value> {
    if many { Some(Value::List(shown)) } else { shown.drain(..).next() }
}

fn floats(value: &Value) -> Vec<f32> {
    let Value::List(values) = value else { unreachable!("not a vector") };
    values.iter().map(|value| value.number().expect("a number") as f32).collect()
}

/// The best so many of what a search found; `sign` is 1 where less is better.
fn best(mut candidates: Vec<Element>, k: &Value, sign: f64) -> Result<Vec<Element>> {
    let Value::Integer(k) = k else { unreachable!("no number of results") };
    let Ok(k) = usize::try_from(*k) else { return refused(400, "Graph error: k must be non-negative") };
    let score = |element: &Element| sign * element.score.expect("it was scored");
    candidates.sort_by(|a, b| score(a).total_cmp(&score(b)));
    let seen = &candidates[..candidates.len().min(k + 1)];
    let close = seen.windows(2).any(|pair| {
        let apart = (score(&pair[0]) - score(&pair[1])).abs();
        apart < 1e-5 && !(sign < 0.0 && apart == 0.0)
    });
    if close {
        return Err(Failure::Undecided);
    }
    candidates.truncate(k);
    Ok(candidates)
}
